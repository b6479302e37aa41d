"""`cachy run` with programs that are not Python: here Python without cachy, and curl."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import Done, start_cachy
from conftest import fixtures_in
from scripted_server import ScriptedServer, SeenRequest, json_response, sse_response

from cachy.fixture.store.store import load_fixture

# What any program in another language does: it reads the variables, and knows nothing of cachy.
OTHER = """
import os, sys, urllib.error, urllib.request
body = sys.argv[1].encode()
url = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1") + "/chat/completions"
key = os.environ.get("OPENAI_API_KEY", "")
headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
try:
    print(urllib.request.urlopen(urllib.request.Request(url, body, headers)).read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
    sys.exit(1)
"""
APP = """
import os
from openai import OpenAI
print(os.environ.get("OPENAI_BASE_URL"))
asked = [{"role": "user", "content": "Hi"}]
print(OpenAI().chat.completions.create(model="m", messages=asked).choices[0].message.content)
"""
STARTER = """
import os, subprocess, sys
command = [sys.executable, "-I", "other.py", sys.argv[2]]
how = sys.argv[1]
if how == "subprocess":
    sys.exit(subprocess.run(command).returncode)
if how == "system":
    sys.exit(os.waitstatus_to_exitcode(os.system(" ".join([*command[:-1], repr(command[-1])]))))
if how == "spawn":
    sys.exit(os.spawnv(os.P_WAIT, sys.executable, command))
os.execv(sys.executable, command)
"""
ASKED = '{"messages": [{"role": "user", "content": "Hi"}], "model": "m"}'
CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    ],
}
ISOLATED = f"{shlex.quote(sys.executable)} -I other.py"
PYTHON = f"{shlex.quote(sys.executable)} app.py"
KEYED = {"OPENAI_API_KEY": "sk-proj-" + "Ab3" * 14}


@pytest.fixture
def programs(project: Path) -> Path:
    for name, code in (("other.py", OTHER), ("app.py", APP), ("start.py", STARTER)):
        (project / name).write_text(code)
    return project


@pytest.fixture
def provider(origin: ScriptedServer, programs: Path) -> dict[str, str]:
    """The variables that lead to a provider whose fixtures are those of OpenAI itself."""
    origin.on("/v1/chat/completions", json_response(CHAT))
    settings = f'[tool.cachy]\nalias = {{"{origin.host}" = "api.openai.com"}}\n'
    (programs / "pyproject.toml").write_text(settings)
    return {"OPENAI_BASE_URL": f"{origin.url}/v1", **KEYED}


def run(folder: Path, script: str, *options: str, **environ: str) -> Done:
    return start_cachy("run", *options, "--", "sh", "-c", script, folder=folder, **environ)


def other(asked: str = ASKED) -> str:
    return f"{ISOLATED} {shlex.quote(asked)}"


def test_a_program_without_cachy_records_and_replays_without_key_or_network(
    programs: Path, provider: dict[str, str], origin: ScriptedServer
) -> None:
    recorded = run(programs, other(), **provider)
    assert (recorded.returncode, json.loads(recorded.stdout)) == (0, CHAT), recorded.stderr
    assert recorded.stderr.splitlines()[-1] == "cachy: 0 replayed, 1 recorded, 0 refused, 0 missed"
    assert origin.requests[0].headers["authorization"] == f"Bearer {KEYED['OPENAI_API_KEY']}"
    replayed = run(programs, other(), CI="true")
    assert (replayed.returncode, json.loads(replayed.stdout)) == (0, CHAT), replayed.stderr
    assert replayed.stderr.startswith("cachy: 1 replayed")
    assert origin.count == 1


@pytest.mark.slow
def test_both_kinds_of_programs_share_one_fixture_and_python_is_not_sent_through_serve(
    programs: Path, provider: dict[str, str], origin: ScriptedServer
) -> None:
    recorded = run(programs, f"{PYTHON} && {other()}", **provider)
    first, second, _ = recorded.stdout.splitlines()
    assert (first, second) == (provider["OPENAI_BASE_URL"], "Hello"), recorded.stderr
    assert (recorded.returncode, origin.count) == (0, 1)
    (path,) = fixtures_in(programs)
    assert path.parts[-5:-1] == ("api.openai.com", "v1", "chat", "completions")
    assert load_fixture(path).document["recorded"]["sdk"].startswith("openai ")
    path.unlink()
    again = run(programs, f"{other()} && {PYTHON}", **provider)
    assert (again.returncode, origin.count, fixtures_in(programs)) == (0, 2, [path]), again.stderr
    replayed = run(programs, f"{PYTHON} && {other()}", CI="true")
    assert replayed.stdout.splitlines()[:2] == ["None", "Hello"], replayed.stderr
    assert (replayed.returncode, replayed.stderr[:17]) == (0, "cachy: 2 replayed")


@pytest.mark.slow
def test_one_changed_prompt_fails_the_run_and_is_named(
    programs: Path, provider: dict[str, str], origin: ScriptedServer
) -> None:
    run(programs, f"{PYTHON} && {other()}", **provider)
    script = f"{other(ASKED.replace('Hi', 'Bye'))} && {PYTHON}"
    done = run(programs, script, CI="true")
    assert done.returncode == 1
    assert done.stdout.startswith("501 ")
    said = done.stderr.splitlines()
    assert any(line.startswith("cachy: missed: No fixture answers POST https://") for line in said)
    assert '    messages[0].content changed: "Hi" -> "Bye"' in said
    shown = shlex.join(["sh", "-c", script])
    assert f"  Record it: cachy run --mode record -- {shown}" in said
    assert origin.count == 1


def test_a_miss_fails_the_run_even_if_the_program_does_not_mind(
    programs: Path, origin: ScriptedServer
) -> None:
    done = run(programs, f"{other()} || true", CI="true")
    assert (done.returncode, "1 missed" in done.stderr) == (1, True)
    assert "Nothing is recorded for this surface yet." in done.stderr


def test_a_program_that_sends_nothing_was_not_watched(programs: Path) -> None:
    done = run(programs, "true", CI="true")
    assert done.returncode == 3
    assert "nothing was sent to the base URLs that cachy set" in done.stderr
    assert run(programs, "exit 7", CI="true").returncode == 7


@pytest.mark.slow
@pytest.mark.parametrize("how", ["subprocess", "system", "spawn", "exec"])
def test_what_a_python_program_starts_is_served_too(
    how: str, programs: Path, provider: dict[str, str], origin: ScriptedServer
) -> None:
    if how == "exec" and sys.platform == "win32":
        return
    start = f"{shlex.quote(sys.executable)} start.py {how} {shlex.quote(ASKED)}"
    recorded = run(programs, start, **provider)
    assert (recorded.returncode, json.loads(recorded.stdout)) == (0, CHAT), recorded.stderr
    assert "not watched" not in recorded.stderr
    replayed = run(programs, start, CI="true")
    assert (replayed.returncode, origin.count) == (0, 1), replayed.stderr


def test_a_started_program_that_sends_nothing_to_serve_is_named(programs: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', 'print(1)'])"
    done = run(programs, f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}", CI="true")
    assert "not watched: python -I (1)" in done.stderr


def test_a_variable_that_the_program_sets_itself_stays(
    programs: Path, provider: dict[str, str], origin: ScriptedServer
) -> None:
    own = f"OPENAI_BASE_URL={origin.url}/own {other()} || true"
    origin.on("/own/chat/completions", json_response({"own": True}))
    done = run(programs, own, **provider)
    assert json.loads(done.stdout) == {"own": True}
    assert "was not watched" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "sent", "code"), [("record", 1, 0), ("refresh", 2, 0), ("replay", 0, 1), ("off", 2, 0)]
)
def test_every_mode_holds_for_other_programs(
    mode: str,
    sent: int,
    code: int,
    programs: Path,
    provider: dict[str, str],
    origin: ScriptedServer,
) -> None:
    for _ in range(2):
        done = run(programs, other(), "--mode", mode, **provider)
        assert done.returncode == code, done.stderr
    assert origin.count == sent
    assert len(fixtures_in(programs)) == (mode in ("record", "refresh"))


def test_a_key_that_is_not_set_is_never_sent_and_named(
    programs: Path, provider: dict[str, str], origin: ScriptedServer
) -> None:
    done = run(programs, other(), OPENAI_BASE_URL=provider["OPENAI_BASE_URL"])
    assert (done.returncode, origin.count) == (1, 0)
    assert "nothing recorded, and OPENAI_API_KEY isn't set" in done.stderr


def test_a_complete_run_prunes_what_no_program_used(
    programs: Path, provider: dict[str, str]
) -> None:
    (programs / "ask.sh").write_text(f"{other()} && {other(ASKED.replace('Hi', 'Bye'))}")
    run(programs, "sh ask.sh", **provider)
    assert len(fixtures_in(programs)) == 2
    (programs / "ask.sh").write_text(other())
    done = run(programs, "sh ask.sh", "--prune", CI="true")
    assert (done.returncode, len(fixtures_in(programs))) == (0, 1), done.stderr


@pytest.mark.slow
def test_curl_records_and_replays_what_the_python_sdk_sends(
    programs: Path, provider: dict[str, str], origin: ScriptedServer
) -> None:
    def answer(request: SeenRequest) -> Any:
        chunk = {**CHAT, "object": "chat.completion.chunk", "choices": []}
        is_streamed = request.json.get("stream")
        return sse_response(json.dumps(chunk), "[DONE]") if is_streamed else json_response(CHAT)

    origin.on("/v1/chat/completions", answer)
    streamed = ASKED.replace('"m"}', '"m", "stream": true}')
    ask = (
        "curl -sS --fail-with-body $OPENAI_BASE_URL/chat/completions "
        "-H \"authorization: Bearer $OPENAI_API_KEY\" -H 'content-type: application/json' -d "
    )
    elsewhere = f"curl -sS --fail-with-body $CACHY_SERVE_URL/{origin.host}/data?b=1"
    script = f"{ask}'{ASKED}' && {PYTHON} && {ask}'{streamed}' && {elsewhere}"
    recorded = run(programs, script, **provider)
    assert recorded.returncode == 0, recorded.stderr
    assert (origin.count, len(fixtures_in(programs))) == (3, 3)
    replayed = run(programs, script, CI="true")
    assert replayed.returncode == 0, replayed.stderr
    own = provider["OPENAI_BASE_URL"]
    assert replayed.stdout.replace("None", own) == recorded.stdout
    assert "4 replayed" in replayed.stderr
    assert origin.count == 3
    failed = run(programs, script.replace("Hi", "Bye"), CI="true")
    assert failed.returncode == 1
    assert 'messages[0].content changed: "Hi" -> "Bye"' in failed.stderr


def test_no_variable_of_an_sdk_leads_a_python_program_to_the_server(programs: Path) -> None:
    code = "import os; print([name for name in os.environ if name.endswith(('_URL', '_BASE'))])"
    done = run(programs, f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}", CI="true")
    assert done.stdout == "['CACHY_SERVE_URL']\n", done.stderr
