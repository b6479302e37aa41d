"""The program as a user calls it: help, exit codes, and one line for what went wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from commands import environment, run_cachy, start_cachy, start_module
from places import FIXTURES_V1, ROOT
from scripted_server import json_response, serving

import cachy
from cachy.cli import COMMANDS

ASK = """\
import httpx, sys
answer = httpx.post(sys.argv[1], json={"q": "Hey!", "model": "m-1"})
print(answer.json()["answer"])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    (tmp_path / "ask.py").write_text(ASK)
    return tmp_path


@pytest.fixture
def recorded(project: Path) -> str:
    """Record one call; return its URL, where nobody listens any more."""
    with serving({"/v1/ask": [json_response({"answer": 1})]}) as server:
        url = f"{server.url}/v1/ask"
        with cachy.cachy(project / "cachy_fixtures", doms=["127.0.0.1"], mode="record"):
            httpx.post(url, json={"q": "Hey!", "model": "m-1"})
    return url


def run_on_a_terminal(
    columns: int, *arguments: str, folder: Path, colours: bool = False
) -> list[str]:
    """Run cachy where it speaks to a terminal; return the lines."""
    import pty
    import termios

    terminal, its_end = pty.openpty()
    termios.tcsetwinsize(its_end, (24, columns))
    command = [sys.executable, "-m", "cachy", *arguments]
    said = b""
    kept = environment({"NO_COLOR": "" if colours else "1"})
    with subprocess.Popen(command, cwd=folder, env=kept, stdout=its_end, stderr=its_end):
        os.close(its_end)
        with suppress(OSError):  # how a terminal says that the other end is closed
            while piece := os.read(terminal, 65536):
                said += piece
    os.close(terminal)
    return said.decode().splitlines()


@pytest.mark.skipif(os.name == "nt", reason="a terminal is something else on Windows")
@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("arguments", [("explain",), ("explain", "wrong-place"), ("show", "x y")])
def test_no_word_is_broken_at_the_end_of_a_terminals_line(
    columns: int, arguments: tuple[str, ...], project: Path
) -> None:
    lines = run_on_a_terminal(columns, *arguments, folder=project)
    piped = run_cachy(*arguments, folder=project)
    assert max(map(len, lines)) <= columns
    assert " ".join(lines).split() == (piped.stdout + piped.stderr).split()


@pytest.mark.skipif(os.name == "nt", reason="a terminal is something else on Windows")
def test_a_severity_has_its_colour_on_a_terminal_only(project: Path, recorded: str) -> None:
    next((project / "cachy_fixtures").rglob("*.json")).write_text("{")
    first, *_ = run_on_a_terminal(80, "verify", folder=project, colours=True)
    assert first.startswith("\x1b[31merror\x1b[0m: ")
    assert "\x1b" not in run_cachy("verify", folder=project).stdout
    assert "\x1b" not in "".join(run_on_a_terminal(80, "verify", folder=project))


def test_completion_works_as_documented(project: Path) -> None:
    asked = {"_CACHY_COMPLETE": "bash_complete", "COMP_WORDS": "cachy ver", "COMP_CWORD": "1"}
    command = [sys.executable, "-c", "from cachy.cli import main; main()"]
    done = subprocess.run(
        command, env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["plain,verify"]


def test_a_path_below_the_working_folder_is_shown_from_there(project: Path, recorded: str) -> None:
    (path,) = (project / "cachy_fixtures").rglob("*.json")
    path.write_text("{")
    (project / "elsewhere").mkdir()
    shown = path.relative_to(project).as_posix()
    for folder, expected in ((project, shown), (project / "elsewhere", path)):
        done = run_cachy("show", str(path), folder=folder)
        assert done.stderr.startswith(f"cachy: {expected} is not ")
        assert done.returncode == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, tmp_path: Path) -> None:
    done = run_cachy(name, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert COMMANDS[name].partition(".")[0].split()[0] in done.stdout


def test_a_recorded_call_replays_with_nobody_listening(project: Path, recorded: str) -> None:
    done = start_cachy("run", "--", "python", "ask.py", recorded, folder=project, CI="true")
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert done.stderr == "cachy: 1 replayed, 0 recorded, 0 refused, 0 missed\n"


@pytest.mark.slow
def test_a_miss_fails_the_run_and_says_how_to_record(project: Path, recorded: str) -> None:
    (project / "ask.py").write_text(ASK.replace("Hey!", "You!"))
    done = start_cachy("run", "--", "python", "ask.py", recorded, folder=project, CI="true")
    assert done.returncode == 1
    assert 'q changed: "Hey!" -> "You!"' in done.stderr
    assert "Record it: cachy run --mode record -- python ask.py" in done.stderr
    assert done.stderr.splitlines()[-1] == "cachy: 0 replayed, 0 recorded, 0 refused, 1 missed"


@pytest.mark.slow
def test_a_swallowed_miss_fails_the_run_too(project: Path) -> None:
    (project / "ask.py").write_text(
        "import httpx\ntry:\n    httpx.post('http://127.0.0.1:9/x')\nexcept BaseException: pass\n"
    )
    assert (
        start_cachy("run", "--mode", "replay", "--", "python", "ask.py", folder=project).returncode
        == 1
    )


def test_a_command_is_the_one_of_the_environment_that_has_cachy(project: Path) -> None:
    script = Path(sys.executable).with_name("httpx2")
    other = project / "bin"
    other.mkdir()
    (other / script.name).write_text("#!/bin/sh\nexit 9\n")
    (other / script.name).chmod(0o755)
    path = f"{other}{os.pathsep}{os.environ['PATH']}"
    assert script.exists()
    assert (
        start_cachy("run", "--", script.name, "--help", folder=project, PATH=path).returncode == 0
    )


def test_a_python_without_cachy_was_not_watched(project: Path) -> None:
    bare = project / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    python = str(bare / "bin" / "python")
    done = start_cachy("run", "--", python, "-c", "print(5)", folder=project)
    assert done.stdout == "5\n"
    assert done.stderr.splitlines()[1].startswith("cachy: bare/bin/python was not watched: ")
    assert done.returncode == 0


def test_a_commands_own_exit_code_is_kept(project: Path) -> None:
    done = start_cachy("run", "--", "python", "-c", "raise SystemExit(7)", folder=project)
    assert done.returncode == 7


def test_a_sitecustomize_of_the_users_own_still_runs(project: Path) -> None:
    (project / "own").mkdir()
    (project / "own" / "sitecustomize.py").write_text("import builtins\nbuiltins.mine = 5\n")
    code = "import sys; print(mine, 'httpx' in sys.modules)"
    done = start_cachy(
        "run", "--", "python", "-c", code, folder=project, PYTHONPATH=str(project / "own")
    )
    assert done.stdout == "5 False\n"


def test_ls_show_and_verify_read_what_was_recorded(project: Path, recorded: str) -> None:
    listed = json.loads(run_cachy("ls", "--format", "json", folder=project).stdout)["fixtures"]
    assert [(row["model"], row["age"]) for row in listed] == [("m-1", "today")]
    assert listed[0]["surface"].startswith("POST 127.0.0.1:")
    assert "m-1" in run_cachy("ls", folder=project).stdout
    shown = run_cachy("show", f"cachy_fixtures/{listed[0]['fixture']}", folder=project)
    assert shown.stdout.startswith(f"POST {recorded}\n")
    assert '"answer": 1' in shown.stdout
    assert run_cachy("verify", folder=project).stdout == "1 fixture: 0 errors, 0 warnings\n"


def test_show_takes_what_ls_shows(project: Path) -> None:
    shutil.copytree(FIXTURES_V1, project / "cachy_fixtures")
    paths = [path.stem for path in (project / "cachy_fixtures").rglob("*.json")]
    (hey,) = [name for name in paths if name.startswith("hey-91519069")]
    narrow = run_cachy("ls", folder=project, COLUMNS="80", FORCE_COLOR="1").stdout
    assert all(name[-16:] in narrow for name in paths)
    assert "Test" not in narrow.splitlines()[0]
    wanted = run_cachy("show", hey, folder=project)
    assert (wanted.returncode, wanted.stderr) == (0, "")
    for name in (f"{hey}.json", hey[-16:], f"responses/{hey[:8]}"):
        assert run_cachy("show", name, folder=project).stdout == wanted.stdout, name
    (turn,) = [name for name in paths if name.endswith("94b663144a759afa")]
    first = run_cachy("show", turn, folder=project)
    assert run_cachy("show", turn[-16:], folder=project).stdout == first.stdout != ""
    many = run_cachy("show", "json", folder=project)
    assert (many.returncode, many.stdout) == (2, "")
    assert many.stderr.startswith("cachy: json matches 16 fixtures: ")
    assert many.stderr.count("\n") == 1


def test_no_command_at_all_prints_the_help(tmp_path: Path) -> None:
    assert run_cachy(folder=tmp_path).stdout == run_cachy("--help", folder=tmp_path).stdout != ""


@pytest.mark.skipif(os.name == "nt", reason="a terminal is something else on Windows")
@pytest.mark.parametrize("columns", [72, 80, 120, 200])
def test_ls_is_a_row_a_line_at_the_width_of_a_terminal(columns: int, project: Path) -> None:
    shutil.copytree(FIXTURES_V1, project / "cachy_fixtures")
    lines = run_on_a_terminal(columns, "ls", folder=project)
    assert len(lines) == 17
    assert max(map(len, lines)) <= columns
    assert ("Test" in lines[0]) is (columns == 200)
    (weather,) = [line for line in lines if line.endswith("5f578fe03bdcc4eb")]
    assert weather.startswith("POST api.")
    assert ("what-is-the-weather-in-paris-5f578fe03bdcc4eb" in weather) is (columns == 200)
    piped = run_cachy("ls", folder=project).stdout
    assert "tests/test_chat.py::test_reply" in piped
    assert "…" not in piped
    assert run_cachy("show", lines[1].split()[-1], folder=project).returncode == 0


def test_ls_names_operations_of_aws_and_tools_of_mcp(project: Path) -> None:
    target = {"x-amz-target": "DynamoDB_20120810.PutItem"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add"}}
    with (
        serving(otherwise=json_response({"jsonrpc": "2.0", "id": 1, "result": {}})) as server,
        cachy.cachy(project / "cachy_fixtures", doms=["127.0.0.1"], mode="record"),
    ):
        httpx.post(server.url, json={"TableName": "users"}, headers=target)
        httpx.post(f"{server.url}/mcp", json=call)
    host = server.url.removeprefix("http://")
    whole = run_cachy("ls", "--sort", "surface", folder=project).stdout.splitlines()[1:]
    assert [line.split("  ")[0] for line in whole] == [
        f"POST {host}/ put-item",
        f"POST {host}/mcp tools/call add",
    ]
    assert run_cachy("ls", "--only", "*tools/call*", folder=project).stdout.count("\n") == 2


@pytest.mark.skipif(os.name == "nt", reason="a terminal is something else on Windows")
def test_a_recorded_fixture_is_named_in_the_width_of_a_terminal(project: Path) -> None:
    with serving(otherwise=json_response({"answer": 1})) as server:
        url = f"{server.url}/v1/projects/of/somebody/with/a/long/path"
        command = ("run", "--mode", "record", "--", "python", "ask.py", url)
        *_, named, counts = run_on_a_terminal(80, *command, folder=project)
    assert counts == "cachy: 0 replayed, 1 recorded, 0 refused, 0 missed"
    assert re.fullmatch(r"cachy: recorded m-1-[0-9a-f]{16}", named)
    assert run_cachy("show", named.split()[-1], folder=project).returncode == 0


@pytest.mark.parametrize(
    ("only", "said"),
    [
        ("chat", "'*chat*' matches 3 fixtures."),
        ("api.openai.com", "'*api.openai.com*' matches 9 fixtures."),
        ("CHAT", "'*chat*' matches 3 fixtures."),
        ("nope", "'api.anthropic.com/*' matches 1 fixture."),
        ("*chat*", ""),
        ("api.openai.com/*", ""),
        ("cachy_fixtures/api.openai.com/*", ""),
    ],
)
def test_a_glob_that_matches_nothing_is_explained_by_one_that_does(
    only: str, said: str, project: Path
) -> None:
    shutil.copytree(FIXTURES_V1, project / "cachy_fixtures")
    talk = run_cachy("run", "--only", only, "--", "python", "-c", "1", folder=project).stderr
    assert ("A glob is matched against the whole path of a fixture, such as " in talk) is bool(said)
    assert said in talk.splitlines()[0]


def listed(*arguments: str, folder: Path) -> list[str]:
    done = run_cachy("ls", "--format", "json", *arguments, folder=folder)
    return [Path(row["fixture"]).stem[:12] for row in json.loads(done.stdout)["fixtures"]]


def test_ls_sorts_and_filters(project: Path) -> None:
    shutil.copytree(FIXTURES_V1, project / "cachy_fixtures")
    assert listed("--only", "claude-*", folder=project) == ["hello-0abde7"]
    assert listed("--only", "*/v1/responses*", folder=project) == ["count-to-ten", "hey-91519069"]
    assert listed("--sort", "size", folder=project)[0] == "what-is-the-"
    path = next((project / "cachy_fixtures" / "localhost_11434").rglob("*.json"))
    path.write_text(path.read_text().replace("2026-11-24", "2025-11-24"))
    assert listed("--sort", "age", folder=project)[0] == "why-is-the-s"
    none = run_cachy("ls", "--only", "nothing", folder=project)
    assert (none.returncode, none.stderr) == (
        3,
        "cachy: --only nothing matches none of 16 fixtures. A glob is matched against the whole "
        "surface, model, test or path of a fixture, such as "
        "api.openai.com/v1/embeddings/b-976512c538575881.json: 'api.anthropic.com/*' matches "
        "1 fixture.\n",
    )


def test_verify_fails_on_a_broken_fixture(project: Path, recorded: str) -> None:
    path = next((project / "cachy_fixtures").rglob("*.json"))
    path.write_text("{")
    done = run_cachy("verify", "--format", "json", folder=project)
    report = json.loads(done.stdout)
    assert (done.returncode, report["summary"]["errors"]) == (1, 1)
    assert report["findings"][0]["rule"] == "unreadable"


INIT = [
    "wrote tests/test_cachy_example.py",
    "wrote cachy_fixtures/api.github.com/zen/get-zen-0d94c735c47ae49d.json",
    "wrote .github/workflows/cachy-verify.yml",
    "wrote .github/workflows/cachy-drift.yml",
]


def test_init_writes_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'")
    first = run_cachy("init", folder=tmp_path)
    assert first.stdout.splitlines() == [*INIT, "added to pyproject.toml", "wrote .gitattributes"]
    assert "into conftest.py" in first.stderr
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "conftest.py").write_text("from cachy import enable_cachy; enable_cachy()\n")
    second = run_cachy("init", folder=tmp_path)
    assert all(line.startswith("left as it is:") for line in second.stdout.splitlines())
    assert all(path.read_text() == text for path, text in before.items())
    assert second.stderr == "Next: run pytest with your keys, and commit cachy_fixtures.\n"


def test_what_init_writes_is_green_in_ci_at_once(tmp_path: Path) -> None:
    first = run_cachy("init", folder=tmp_path)
    assert first.stdout.splitlines() == [*INIT, "wrote pyproject.toml", "wrote .gitattributes"]
    plugins = ("-p", "cachy.pytest_plugin", "-p", "no:cacheprovider")
    done = start_module("pytest", "-q", *plugins, folder=tmp_path, CI="true")
    assert "1 replayed, 0 recorded, 0 missed" in done.stdout
    assert (done.returncode, run_cachy("verify", folder=tmp_path).returncode) == (0, 0)


@pytest.mark.parametrize("text", [b"[project\n", b"[tool.cachy\n", b"\xff"])
def test_init_writes_nothing_beside_a_broken_pyproject(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(text)
    done = run_cachy("init", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("cachy: pyproject.toml ")
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


@pytest.mark.slow
def test_git_folds_fixtures_and_shows_contracts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    run_cachy("init", folder=tmp_path)
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    folder = "cachy_fixtures/api.openai.com/v1/responses"
    files = [f"{folder}/hey.json", f"{folder}/_contract.POST.json", "cachy_fixtures/blobs/a.txt"]
    asked = [*git, "check-attr", "linguist-generated", "text", "diff", "eol", "--", *files]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.partition("linguist-generated: ")[2] for line in told[::4]] == [
        *("set", "false", "set")
    ]
    assert [line.rpartition(": ")[2] for line in told[1:]] == [
        *("set", "cachy", "lf", "false", "set", "unspecified", "lf"),
        *("set", "unset", "unset", "unspecified"),
    ]


STREAM = """{
  "cachy": 1,
  "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions"},
  "response": {
    "status": 200,
    "headers": {"content-type": "text/event-stream"},
    "sse": [
      {"data": {"id":"chatcmpl-%(id)s","choices":[{"index":0,"delta":{"content":"It is "}}]}},
      {"data": {"id":"chatcmpl-%(id)s","choices":[{"index":0,"delta":{"content":"%(said)s."}}]}},
      {"data": "[DONE]"}
    ]
  }
}
"""


@pytest.mark.slow
def test_git_shows_what_changed_in_a_stream_as_the_docs_say(project: Path) -> None:
    git = ["git", "-C", str(project)]
    page = (ROOT / "docs" / "fixtures.md").read_text()
    (line,) = re.findall(r"^git config diff\.cachy\.textconv '(.*)'$", page, re.MULTILINE)
    run_cachy("init", folder=project)
    textconv = line.replace("cachy show", f"{sys.executable} -m cachy show")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "config", "diff.cachy.textconv", textconv], check=True)
    fixture = project / "cachy_fixtures/api.openai.com/v1/chat/completions/a-0123456789abcdef.json"
    broken = fixture.with_name("b-0123456789abcdef.json")
    fixture.parent.mkdir(parents=True)
    fixture.write_text(STREAM % {"id": "1", "said": "sunny"})
    broken.write_text("{")
    subprocess.run([*git, "add", "."], check=True)
    fixture.write_text(STREAM % {"id": "2", "said": "cold"})
    broken.write_text("[")
    done = subprocess.run([*git, "diff", "-U0"], capture_output=True, text=True, check=True)
    changed = [line for line in done.stdout.splitlines() if re.match("[-+](?![-+])", line)]
    assert changed == ["-It is sunny.", "+It is cold.", "-{", "+["]


BAD = [
    (["verify"], 3, "no fixtures in cachy_fixtures"),
    (["verify", "nowhere.json"], 2, "nowhere.json does not exist"),
    (["ls"], 3, "has no fixtures"),
    (["show", "nowhere.json"], 2, "No fixture matches nowhere.json"),
    (["show", "."], 2, ". is a folder"),
    (["show", "broken.json"], 2, "broken.json is not valid JSON"),
    (["explain", "field-remove"], 2, "Unknown rule 'field-remove'. Did you mean: field-removed"),
    (["run", "--", "no-such-program"], 2, "Cannot run no-such-program"),
    (["drift"], 3, ""),
    (["drift", "nowhere"], 2, "nowhere"),
    (["diff", "broken.json", "broken.json"], 2, "broken.json"),
    (["diff", "nowhere.json", "broken.json"], 2, "nowhere.json"),
    (["frobnicate"], 2, "Unknown command 'frobnicate'. See: cachy --help"),
    (["verify", "--frob"], 2, "See: cachy verify --help"),
    (["run"], 2, "See: cachy run --help"),
    (["drift", "--max-requests", "0"], 2, "--max-requests"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), BAD)
def test_bad_input_ends_in_one_clear_line(
    arguments: list[str], code: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "broken.json").write_text("{")
    done = run_cachy(*arguments, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("cachy: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[tool.cachy]\nmood = 1", "Did you mean 'mode'?"),
        ("[tool.cachy]\nmode = 'sometimes'", "'sometimes' is not one of record, replay"),
        ("[tool.cachy]\ndoms = ['https://api.x.org/v1']", "use 'api.x.org'"),
        ("[tool.cachy]\nmax_age = 'old'", "expected a whole number"),
        ("[tool.cachy.match]\nignore = 'x'", "expected a list of strings"),
        ("[tool.cachy\n", "is not valid TOML"),
        (
            "[tool.cachy]\nredact = ['ok', '(']",
            "pyproject.toml has a wrong [tool.cachy] redact: entry 2, '(', is not a regular",
        ),
        ("[tool.cachy]\nredact = ['(']", r"For the text itself write '\('."),
        ("[tool.cachy]\nredact = ['x*']", "entry 1, 'x*', also matches the empty text"),
        ("[tool.cachy.match]\nnormalize = ['(']", "normalize: entry 1, '(', is not a regular"),
        ("[tool.cachy.match]\nignore = ['$.mod[']", "ignore: entry 1, '$.mod[', is not a path"),
        ("[tool.cachy.match]\nignore = ['a..b']", "Write it as 'metadata.run_id'"),
        ("[tool.cachy.match]\nignore = [{ a = 1 }]", "expected a list of strings"),
        ("[tool.cachy.match]\nheaders = ['a b']", "entry 1, 'a b', is not the name of a header"),
        ("[tool.cachy]\nhdrs = ['x-a:']", "Write it as 'x-request-id'"),
        ("[tool.cachy]\nmax_age = -1", "expected a number of days from 0, found -1"),
        ("[tool.cachy]\nrecord_status = [429, 999]", "999 is not a status code"),
        ("[tool.cachy]\npaths = ['users']", "Write it as '/users/{user}'"),
        ("[tool.cachy]\npolling = ['https://a.x/jobs']", "is not a host with a path"),
        ("[tool.cachy]\ntransports = ['Class']", "Write it as 'pkg.Class'"),
        ("[tool.cachy]\nshare = {'https://a.x' = 'test'}", "is not a host name; use 'a.x'"),
        ("[tool.cachy]\nhooks = 'tests/hooks.py'", "write it as 'tests.cachy_hooks'"),
        ("[tool.cachy]\nvcr_marker = 1", "expected true or false"),
        ("[tool.cachy.drift.hosts]\n'a.x/v1' = ''", "is not a host name; use 'a.x'"),
    ],
)
def test_a_bad_setting_is_named(settings: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(settings)
    done = run_cachy("verify", folder=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_good_path_or_pattern_is_taken(tmp_path: Path) -> None:
    paths = ["$.a", "messages[*].id", "*.x", "meta-data.run id", "a[*][*].b"]
    settings = f"[tool.cachy.match]\nignore = {paths}\nnormalize = ['run-[0-9]+']\n"
    (tmp_path / "pyproject.toml").write_text(settings)
    assert run_cachy("verify", folder=tmp_path).returncode == 3


def test_a_reader_that_goes_away_is_not_an_error(project: Path, recorded: str) -> None:
    command = f"{sys.executable} -m cachy ls --format json | head -n 1"
    done = subprocess.run(
        command, shell=True, cwd=project, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_help_loads_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys, cachy.cli\ncachy.cli.run_program(['--help'])\n"
        "print([n for n in ('deepdiff', 'jsonschema', 'rich', 'httpx') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
