"""`--check`, `--report`, `--patch` and `--from`: what a second job takes, and what it refuses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drift_faults import CHAT, CHATS, faulty
from scripted_server import json_response

TESTS = """
import os, pathlib, socket, subprocess, sys
import pytest
from cachy import enable_cachy
import httpx

KEYS = [name for name in os.environ if name.endswith(("_KEY", "_TOKEN"))]  # placeholders come later
enable_cachy()


def ask():
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hey!"}]}
    return httpx.post("https://api.openai.com/v1/chat/completions", json=asked).json()


def test_total():
    assert ask()["usage"]["total_tokens"] == 2


class TestReply:
    @pytest.mark.parametrize("index", [0])
    def test_text(self, index):
        assert ask()["choices"][index]["message"]["content"] == "Hi"


def test_fails_today_too():
    assert False


def test_that_tries_to_write():
    pathlib.Path("written.txt").write_text("x")
    pathlib.Path(__file__).with_name("beside.txt").write_text("x")
    pathlib.Path(os.environ["PWD"], "absolute.txt").write_text("x")
    for path in pathlib.Path("cachy_fixtures").rglob("*.json"):
        path.touch()


def test_that_looks_for_keys_and_hosts():
    assert KEYS == []
    for host in ("198.51.100.7", "127.evil.test", "localhost.evil.test"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, 443), timeout=1)
        with pytest.raises(ConnectionRefusedError):
            socket.gethostbyname(host)
        with pytest.raises(ConnectionRefusedError):
            socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", (host, 53))


def test_that_tries_to_commit_and_to_leave_a_program_behind():
    assert "GIT_DIR" not in os.environ
    assert not pathlib.Path("env").exists()
    late = "import os, time; time.sleep(20); open(os.environ['PROJECT'] + '/late', 'w')"
    subprocess.Popen([sys.executable, "-c", late])
"""
WITHOUT = {**CHAT, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
def test_check_names_the_tests_that_break_and_touches_nothing(project: Path) -> None:
    with faulty(project, {CHATS: [json_response(WITHOUT)]}) as world:
        name = world.write()
        rename_to_its_fingerprint(project / name)
        (project / "test_chat.py").write_text(TESTS)
        (project / "env").mkdir()
        (project / "env" / "pyvenv.cfg").touch()
        (project / "dangling").symlink_to("nowhere")
        if hasattr(os, "mkfifo"):
            os.mkfifo(project / "pipe")
        before = contents(project)
        code, report, _ = world.drift(
            *("--no-sdk", "--check", "python -m pytest -q -p cachy.pytest_plugin"),
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            GITHUB_TOKEN="ghs_0123456789",
            GIT_DIR=str(project / ".git"),
            PROJECT=str(project),
        )
    assert report["tests"] == {
        "command": "python -m pytest -q -p cachy.pytest_plugin",
        "passed": 4,
        "failed": ["test_chat.py::test_total"],
    }
    assert code == 0
    assert contents(project) == before


def rename_to_its_fingerprint(path: Path) -> None:
    """Rename a handwritten fixture to the name by which replay finds it."""
    from cachy.config import load_config
    from cachy.fixture.document import request_of
    from cachy.fixture.format.text import parse_fixture
    from cachy.fixture.identity.fingerprint import identify_settled

    def no_blob(name: str) -> bytes:
        raise AssertionError(name)

    request = request_of(parse_fixture(path.read_text()), no_blob)
    path.rename(
        path.with_name(
            Path(identify_settled(request, load_config(path.parents[5])).name).name + ".json"
        )
    )


@pytest.fixture
def saved(project: Path) -> tuple[Path, Path, Path, str]:
    """A run that found one new field, on disk: the project, the report, the patch, the fixture."""
    report, patch = project.parent / "report.json", project.parent / "patch"
    with faulty(project, {CHATS: [json_response({**CHAT, "tier": 1})]}) as world:
        name = world.write()
        code, _, _ = world.drift("--report", str(report), "--patch", str(patch))
    assert code == 0
    return project, report, patch, name


def take(project: Path, report: Path, patch: Path) -> tuple[int, dict[str, Any], str]:
    with faulty(project, {}) as world:
        found = world.drift("--from", str(report), "--patch", str(patch), OPENAI_API_KEY="")
        assert world.server.count == 0
    return found


def test_a_second_job_takes_what_the_first_one_saved(saved: tuple[Path, Path, Path, str]) -> None:
    project, report, patch, name = saved
    code, found, _ = take(project, report, patch)
    assert (code, found) == (0, json.loads(report.read_text()))
    assert [path for path in contents(patch)] == [name]


@pytest.mark.slow
def test_a_job_between_them_adds_what_the_tests_say(saved: tuple[Path, Path, Path, str]) -> None:
    project, report, patch, _ = saved
    (project / "test_it.py").write_text("def test_it():\n    pass\n")
    check = ("--check", "python -m pytest -q -p cachy.pytest_plugin")
    taken = ("--from", str(report), "--patch", str(patch), *check, "--report", str(report))
    before = json.loads(report.read_text())
    with faulty(project, {}) as world:
        code, _, _ = world.drift(*taken, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        assert world.server.count == 0
    after = json.loads(report.read_text())
    assert (code, after.pop("tests")["passed"]) == (0, 1)
    assert after == {name: value for name, value in before.items() if name != "tests"}
    assert take(project, report, patch)[1]["tests"]["failed"] == []


Change = Callable[[Path, Path, str], object]


def named(path: str) -> Change:
    def change(report: Path, patch: Path, name: str) -> None:
        document = json.loads(report.read_text())
        document["files"][0]["path"] = path
        report.write_text(json.dumps(document))

    return change


def text_changed(old: str, new: str) -> Change:
    def change(report: Path, patch: Path, name: str) -> None:
        text = (patch / name).read_text()
        assert old in text
        (patch / name).write_text(text.replace(old, new))

    return change


def removed(report: Path, patch: Path, name: str) -> None:
    document = json.loads(report.read_text())
    document["files"][0]["action"] = "remove"
    report.write_text(json.dumps(document))


def linked(report: Path, patch: Path, name: str) -> None:
    (patch / name).unlink()
    (patch / name).symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (named("../evil.json"), "is not a plain path"),
        (named("/etc/passwd"), "is not a plain path"),
        (named("cachy_fixtures/../x.json"), "is not a plain path"),
        (named("cachy_fixtures\\x.json"), "is not a plain path"),
        (named("src/app.py"), "is not in cachy_fixtures"),
        (named("cachy_fixtures/.git/x.json"), "is not in cachy_fixtures"),
        (named("cachy_fixtures/conftest.py"), "is not a file that cachy writes"),
        (named("cachy_fixtures/blobs/evil.sh"), "is not a file that cachy writes"),
        (named("cachy_fixtures/new.json"), "is not a file in"),
        (removed, "would be removed, and only blobs are"),
        (linked, "is not a file in"),
        (text_changed('"gpt-4o"', '"gpt-5"'), "changes more than the response"),
        (
            text_changed('"tier": 1', '"tier": "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD"'),
            "secret",
        ),
        (text_changed('  "request"', '   "request"'), "is not written as cachy writes"),
        (text_changed('"status": 200', '"status": 404'), "is not a valid fixture of the same kind"),
        (text_changed('"recorded"', '"whatever"'), "is not a valid fixture"),
        (lambda report, patch, name: report.write_text("{"), "is not valid JSON"),
        (lambda report, patch, name: report.write_text("{}"), "is not a report of cachy drift"),
        (lambda report, patch, name: (patch / "more.txt").write_text("x"), "the report names"),
    ],
)
def test_what_drift_would_not_write_is_refused_in_one_line(
    change: Change, words: str, saved: tuple[Path, Path, Path, str]
) -> None:
    project, report, patch, name = saved
    change(report, patch, name)
    code, found, talk = take(project, report, patch)
    assert (code, found, talk.count("\n")) == (2, {}, 1)
    assert words in talk


@pytest.mark.parametrize("option", ["--patch", "--check"])
def test_fixtures_outside_the_project_are_not_overwritten(option: str, project: Path) -> None:
    with faulty(project, {CHATS: [json_response({**CHAT, "tier": 1})]}) as world:
        world.write()
        elsewhere = project.parent / "elsewhere"
        (project / "cachy_fixtures").rename(elsewhere)
        (project / "pyproject.toml").write_text(f'[tool.cachy]\nfixtures = "{elsewhere}"\n')
        before = contents(elsewhere)
        code, _, talk = world.drift(option, "here")
        assert (code, world.server.count, contents(elsewhere)) == (2, 0, before)
    assert "does not lie below" in talk


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "r.json", "--all"], "--from sends nothing, so --all cannot be used with it."),
        (["--check", ""], "--check needs a command"),
        (["--patch", "cachy_fixtures"], "is not an empty folder"),
        (["--time-limit", "soon"], "write 90s, 20m or 1h"),
    ],
)
def test_options_that_contradict_are_refused_before_anything_is_sent(
    arguments: list[str], words: str, project: Path
) -> None:
    with faulty(project, {CHATS: [json_response(CHAT)]}) as world:
        world.write()
        code, _, talk = world.drift(*arguments)
        assert world.server.count == 0
    assert (code, talk.count("\n")) == (2, 1)
    assert words in talk
