"""What a full run asked for is on record; what it did not ask for can be removed."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from commands import run_cachy, start_cachy, start_module
from conftest import Scope, fixtures_in
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, json_response

pytestmark = pytest.mark.slow  # dozens of processes

PYTEST = ("python", "-m", "pytest", "-q", "-p", "cachy.pytest_plugin")
PROMPT = "You are a careful assistant. Answer in one sentence. Never invent prices. "


def completion(asked: SeenRequest) -> ScriptedResponse:
    """Answer as a chat API does: much that stays, and some words that don't."""
    text = f"You said: {asked.json['messages'][-1]['content']}"
    choice = {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}}
    usage = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
    details = {"cached_tokens": 0, "audio_tokens": 0, "reasoning_tokens": 0}
    whole: dict[str, Any] = {
        "id": f"chatcmpl-{len(text):09}",
        "object": "chat.completion",
        "model": "gpt-4.1",
    }
    whole |= {"choices": [choice | {"logprobs": None, "finish_reason": "stop"}]}
    return json_response(whole | {"usage": usage | {"prompt_tokens_details": details}})


@pytest.fixture
def url(origin: ScriptedServer) -> str:
    return origin.on("/v1/chat/completions", completion)


@pytest.fixture
def folder(project: Path, url: str, recording: Scope, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose program asks for its arguments; pears and apples were recorded long ago."""
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    (project / "ask.py").write_text(
        f"import httpx, sys\n"
        f"def ask(text):\n"
        f"    system = {{'role': 'system', 'content': {PROMPT!r}}}\n"
        f"    body = {{'model': 'gpt-4.1', 'temperature': 0, 'max_tokens': 200, 'messages': "
        f"[system, {{'role': 'user', 'content': text}}]}}\n"
        f"    answer = httpx.post({url!r}, json=body)\n"
        f"    return answer.json()['choices'][0]['message']['content']\n"
        f"if __name__ == '__main__':\n"
        f"    for text in sys.argv[1:] or open('fruits').read().split(): ask(text)\n"
    )
    spec = importlib.util.spec_from_file_location("ask", project / "ask.py")
    assert spec is not None
    assert spec.loader is not None
    asking = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(asking)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    with recording():
        asking.ask("pears")
        asking.ask("apples")
    for path in fixtures_in(project):
        path.write_text(re.sub('"at": "[^"]*"', '"at": "2026-01-01T09:00:00Z"', path.read_text()))
    return project


def names(folder: Path) -> list[str]:
    """The fixtures, by their slugs."""
    return sorted(path.stem[:-17] for path in fixtures_in(folder))


def test_prune_refuses_without_a_full_run(folder: Path) -> None:
    done = run_cachy("prune", "--yes", folder=folder)
    assert done.returncode == 3
    assert "no complete run is on record here" in done.stderr


def test_what_a_program_no_longer_asks_for_is_named_then_removed(folder: Path) -> None:
    contract = fixtures_in(folder)[0].with_name("_contract.POST.json")
    contract.write_text("{}")
    for fruits in ("apples pears", "apples"):
        (folder / "fruits").write_text(fruits)
        assert start_cachy("run", "--", "python", "ask.py", folder=folder).returncode == 0
    listed = run_cachy("prune", folder=folder)
    assert listed.returncode == 1
    assert listed.stdout.count("\n") == 1
    assert "pears" in listed.stdout
    assert "compared with the run of python ask.py" in listed.stderr
    assert names(folder) == ["", "apples", "pears"]
    removed = run_cachy("prune", "--yes", folder=folder)
    assert (removed.returncode, removed.stdout) == (0, f"pruned {listed.stdout}")
    assert names(folder) == ["", "apples"]
    assert run_cachy("prune", folder=folder).stderr.endswith("cachy: nothing is unused\n")


def test_a_program_of_its_own_makes_no_other_ones_fixtures_unused(folder: Path) -> None:
    start_cachy("run", "--", "python", "ask.py", "apples", folder=folder)
    start_cachy("run", "--", "python", "ask.py", "pears", folder=folder)
    assert run_cachy("prune", folder=folder).returncode == 0


@pytest.mark.parametrize("command", [PYTEST, ("python", "ask.py", "apples")])
def test_what_other_programs_recorded_is_kept(command: tuple[str, ...], folder: Path) -> None:
    """Those of plain scripts and notebooks leave no record of what they need."""
    if command is PYTEST:
        (folder / "test_fruit.py").write_text(
            "from ask import ask\ndef test_it(cachy):\n    ask('apples')\n"
        )
    done = start_cachy("run", "--prune", "--", *command, folder=folder)
    assert done.returncode == 0, done.stderr
    assert "pruned" not in done.stderr
    assert names(folder) == ["apples", "pears"]
    report = json.loads(run_cachy("verify", "--format", "json", folder=folder).stdout)
    assert report["findings"] == []
    listed = run_cachy("prune", folder=folder)
    assert listed.returncode == 0
    assert "cachy: 1 fixture was used by no command on record; kept" in listed.stderr


def test_a_command_that_others_use_too_prunes_its_own_only(folder: Path) -> None:
    """It prunes what it used itself before, and no other command uses."""
    for fruits in ("apples pears", "apples"):
        (folder / "fruits").write_text(fruits)
        start_cachy("run", "--", "python", "ask.py", folder=folder)
        if "pears" in fruits:
            start_cachy("run", "--", "python", "ask.py", "pears", folder=folder)
    assert run_cachy("prune", folder=folder).returncode == 0
    assert names(folder) == ["apples", "pears"]


def test_a_command_is_on_record_without_its_arguments(folder: Path) -> None:
    """They may be passwords; the same command is recognised all the same."""
    said = "curl -u bob:BasicFAKEpw77 -d token=PlainTokFAKE --password plainwordfake"
    code = f"import ask; [ask.ask(text) for text in open('fruits').read().split()]  # {said}"
    for fruits in ("apples pears", "apples"):
        (folder / "fruits").write_text(fruits)
        done = start_cachy("run", "--", "python", "-c", code, folder=folder)
        assert done.returncode == 0, done.stderr
    written = [path.read_text() for path in (folder / "cachy_fixtures/.cachy").glob("*.run")]
    assert any('"command"' in text for text in written)
    assert not re.search("FAKE|plainwordfake|bob", "".join(written))
    listed = run_cachy("prune", folder=folder)
    assert "pears" in listed.stdout
    assert "cachy: compared with the run of python …, " in listed.stderr


def test_a_read_only_checkout_is_not_mentioned(folder: Path) -> None:
    """Root may write anywhere, so the refusal of the system stands in here."""
    command = ("run", "--", "python", "ask.py", "apples")
    with mock.patch("cachy.fixture.store.run_log.open_aside", side_effect=PermissionError(13, "")):
        done = run_cachy(*command, folder=folder)
    assert done.returncode == 0
    assert re.fullmatch("cachy: 1 replayed.*, 0 recorded, 0 refused, 0 missed\n", done.stderr)


def test_prune_and_ls_take_the_project_of_a_path(folder: Path, tmp_path_factory: Any) -> None:
    (folder / "fruits").write_text("apples pears")
    start_cachy("run", "--", "python", "ask.py", folder=folder)
    (folder / "fruits").write_text("apples")
    start_cachy("run", "--", "python", "ask.py", folder=folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for path in (folder, folder / "cachy_fixtures"):
        assert "pears" in run_cachy("prune", str(path), folder=elsewhere).stdout
        assert "pears" in run_cachy("ls", str(path), folder=elsewhere).stdout
    (pears,) = (path for path in fixtures_in(folder) if "pears" in path.name)
    assert "pears" in run_cachy("show", str(pears), folder=elsewhere).stdout
    assert run_cachy("prune", str(folder / "cachy_fixtures/blobs"), folder=elsewhere).stdout == ""
    assert run_cachy("prune", "--yes", str(folder), folder=elsewhere).returncode == 0
    assert names(folder) == ["apples"]
    assert [*elsewhere.iterdir()] == []


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_an_edited_prompt_is_a_rename_to_git(folder: Path) -> None:
    command = ("python", "ask.py", "pears", "apples")
    assert start_cachy("run", "--", *command, folder=folder).returncode == 0
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Record")
    script = folder / "ask.py"
    script.write_text(script.read_text().replace("Never invent", "Do not make up"))
    done = start_cachy("run", "--prune", "--", *command, folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("superseded by") == 2
    assert done.stderr.endswith("0 replayed, 2 recorded, 0 refused, 0 missed, 2 pruned\n")
    git(folder, "add", ".")
    moves = git(folder, "diff", "--cached", "-M", "--name-status", "cachy_fixtures").splitlines()
    assert [line[0] for line in moves] == ["R", "R"]
    for line in moves:
        _, old, new = line.split("\t")
        assert Path(old).stem[:-17] == Path(new).stem[:-17]  # pears to pears, apples to apples
    assert "=>" in git(folder, "diff", "--cached", "-M", "--stat", "cachy_fixtures")
    changed = git(folder, "diff", "--cached", "-M", "-U0", "cachy_fixtures").splitlines()
    removed = [line for line in changed if line.startswith("-") and not line.startswith("---")]
    assert all("Never invent prices" in line or '"at"' in line for line in removed)
    assert len(removed) == 4


def write_tests(folder: Path, fruits: str = "apples pears") -> None:
    """Write the project's tests, as whose the fixtures that are there pass from now on."""
    for path in fixtures_in(folder):
        test = f'"2026-01-01T09:00:00Z", "test": "test_fruit.py::test_{path.stem[:-17]}"'
        if '"test"' not in path.read_text():
            path.write_text(path.read_text().replace('"2026-01-01T09:00:00Z"', test))
    tests = [f"def test_{fruit}(cachy):\n    ask({fruit!r})\n" for fruit in fruits.split()]
    (folder / "test_fruit.py").write_text("from ask import ask\n" + "\n".join(tests))
    (folder / "test_more.py").write_text(
        "import subprocess, sys, pytest\n"
        "def test_a_run_with_cachy():\n"
        "    code = 'import cachy; cachy.enable_cachy(); import ask; ask.ask(\"plums\")'\n"
        "    subprocess.run([sys.executable, '-c', code], check=True)\n"
        "@pytest.mark.skipif('SKIPS' in __import__('os').environ, reason='asked for')\n"
        "def test_grapes(cachy):\n"
        "    from ask import ask\n"
        "    ask('grapes')\n"
    )


FORKED = """\
import os, ask
ask.ask('pears')
if not os.fork():
    ask.ask('apples')
    os._exit(0)
os.wait()
"""
PARTIAL = {
    "failed": (["python", "-c", "import ask; ask.ask('pears'); exit(4)"], "exit code 4"),
    "a test left out by name": ([*PYTEST, "-k", "apples"], "tests were deselected"),
    "a test named": ([*PYTEST, "test_fruit.py::test_apples"], "the tests beside"),
    "a file left out": ([*PYTEST, "test_fruit.py"], "test_more.py was left out"),
    "only collected": ([*PYTEST, "--collect-only"], "--collectonly"),
    "killed": (["python", "-c", "import ask, os; ask.ask('pears'); os._exit(0)"], "was ended"),
    "a child killed": (["python", "-c", FORKED], "was ended before"),
}


@pytest.mark.parametrize("name", PARTIAL)
def test_nothing_is_pruned_after_a_run_that_failed_or_left_something_out(
    name: str, folder: Path
) -> None:
    command, why = PARTIAL[name]
    write_tests(folder)
    done = start_cachy("run", "--prune", "--", *command, folder=folder)
    assert done.returncode == (4 if name == "failed" else 3), done.stderr
    assert done.stderr.splitlines()[-1].startswith("cachy: nothing was pruned: ")
    assert why in done.stderr.splitlines()[-1]
    assert {"apples", "pears"} <= {*names(folder)}


POOLED = """\
import multiprocessing, ask
if __name__ == "__main__":
    context = multiprocessing.get_context({way!r})
    child = context.Process(target=ask.ask, args=(open("fruits").read(),))
    child.start()
    child.join()
"""


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_what_a_process_of_multiprocessing_asks_for_counts(way: str, folder: Path) -> None:
    (folder / "pooled.py").write_text(POOLED.format(way=way))
    (folder / "fruits").write_text("pears")
    start_cachy("run", "--", "python", "pooled.py", folder=folder)
    (folder / "fruits").write_text("apples")
    done = start_cachy("run", "--prune", "--", "python", "pooled.py", folder=folder)
    counts = "cachy: 1 replayed.*, 0 recorded, 0 refused, 0 missed, 1 pruned"
    assert re.fullmatch(counts, done.stderr.splitlines()[-1])
    assert names(folder) == ["apples"]


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n2"]], ids=["alone", "workers"])
def test_a_full_run_of_the_tests_finds_what_no_test_asks_for(
    options: list[str], folder: Path
) -> None:
    write_tests(folder)
    assert start_module(*PYTEST[2:], *options, folder=folder).returncode == 0
    assert names(folder) == ["apples", "grapes", "pears", "plums"]
    write_tests(folder, "apples")
    assert start_module(*PYTEST[2:], *options, SKIPS="1", folder=folder).returncode == 0
    report = json.loads(run_cachy("verify", "--format", "json", folder=folder).stdout)
    (finding,) = report["findings"]
    assert finding["rule"] == "unused"
    assert "pears" in finding["fixture"]
    assert run_cachy("prune", "--yes", folder=folder).returncode == 0
    assert names(folder) == ["apples", "grapes", "plums"]


def test_an_edited_test_supersedes_its_fixture(folder: Path) -> None:
    write_tests(folder)
    edited = (folder / "test_fruit.py").read_text().replace("ask('pears')", "ask('ripe pears')")
    (folder / "test_fruit.py").write_text(edited)
    assert start_module(*PYTEST[2:], folder=folder).returncode == 0
    report = json.loads(run_cachy("verify", "--format", "json", folder=folder).stdout)
    (finding,) = report["findings"]
    assert finding["rule"] == "superseded"
    assert Path(finding["fixture"]).name.startswith("pears-")
    assert "ripe-pears-" in finding["detail"]


def test_prune_refuses_while_a_fixture_is_newer_than_the_full_run(folder: Path) -> None:
    write_tests(folder)
    assert start_module(*PYTEST[2:], folder=folder).returncode == 0
    write_tests(folder, "apples cherries")
    assert start_module(*PYTEST[2:], "-k", "cherries", folder=folder).returncode == 0
    done = run_cachy("prune", "--yes", folder=folder)
    assert done.returncode == 3
    assert "newer than the last complete run" in done.stderr
    assert "cherries" in done.stderr
    assert names(folder) == ["apples", "cherries", "grapes", "pears", "plums"]
