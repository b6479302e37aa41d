"""Recordings of vcrpy, pytest-recording and cassetter become fixtures that replay the same."""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cassetter
import pytest
import vcr
from conftest import CERTIFICATES, Scope, fixtures_in
from foreign import fetch
from forking import run_module
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    event,
    gzip_response,
    json_response,
    redirect,
    serving,
    sse_response,
)

from cachy.cli import run_program
from cachy.config import load_config
from cachy.verify import verify

TRICKY = {
    "words": ["no", "on", "~", "null", "12:30", "2026-11-25", "1e3", "0x1F", "010", "1_000", ".5"],
    "numbers": [0, -1, 1.0, 1.5e-7, 12345678901234567890, True, None],
    "text": "two\nlines\n\n  ünï 🎉\t# : - {x}",
    "empty": ["", {}, []],
}
ERROR = {"error": {"message": "no such model"}}
KEY = "sk-" + "proj-Zx81kQm3Lw7Vt0Rb5Nc2"


def script(origin: ScriptedServer) -> None:
    origin.on("/v1/chat", json_response({"reply": "Hello!"}, 200, ("x-request-id", "r1")))
    origin.on("/tricky", json_response(TRICKY))
    origin.on("/gzip", gzip_response(TRICKY))
    origin.on(
        "/deflate",
        ScriptedResponse(zlib.compress(b"d\xc3\xa9"), 200, (("Content-Encoding", "deflate"),)),
    )
    origin.on(
        "/binary", ScriptedResponse(b"\x89PNG\x00\xff", 200, (("Content-Type", "image/png"),))
    )
    events = (event({"delta": "Hé"}, "piece"), event("[DONE]"))
    origin.on("/stream", sse_response(*events))
    origin.on("/error", json_response(ERROR, 404))
    origin.on("/moved", redirect(302, "/here"))
    origin.on("/empty", ScriptedResponse(b"", 204))
    origin.on("/polled", *(json_response({"state": word}) for word in ("wait", "done")))


def ask(client: Any, url: str) -> list[tuple[int, dict[str, str], bytes]]:
    """Make the calls that are recorded, and again replayed; give what the caller sees."""
    answers = [
        client.post(f"{url}/v1/chat", json={"input": "Hé!", "n": 1.0}, headers={"x-api-key": KEY}),
        client.post(f"{url}/form", data={"a": "1 2", "b": "é"}),
        client.post(f"{url}/upload", files={"file": ("a.png", b"\x89P\x00", "image/png")}),
        *(client.get(f"{url}/{name}") for name in ("tricky", "gzip", "deflate", "binary")),
        *(client.get(f"{url}/{name}") for name in ("stream", "error", "moved", "empty")),
        client.get(f"{url}/search?q=a+b&page=2"),
        client.get(f"{url}/polled"),
        client.get(f"{url}/polled"),
    ]
    read = ("content-type", "x-request-id", "location")
    return [
        (
            answer.status_code,
            {n: answer.headers[n] for n in read if n in answer.headers},
            body(answer),
        )
        for answer in answers
    ]


def body(answer: Any) -> bytes:
    """Return a body in a form to compare: JSON is parsed."""
    if "json" in answer.headers.get("content-type", "") and answer.content:
        return json.dumps(answer.json(), sort_keys=True).encode()
    return bytes(answer.content)


RECORDERS: dict[str, Callable[[str], Any]] = {
    "vcrpy.yaml": lambda file: vcr.use_cassette(file),
    "cassetter.yaml": lambda file: cassetter.use_cassette(file),
    "cassetter.toml": lambda file: cassetter.use_cassette(file),
}


@pytest.mark.parametrize("name", RECORDERS)
def test_what_a_recorder_kept_replays_the_same_with_the_server_gone(
    name: str, library: ModuleType, project: Path, replaying: Scope
) -> None:
    with serving() as origin:
        script(origin)
        with RECORDERS[name](str(project / name)), library.Client(verify=CERTIFICATES) as client:
            recorded = ask(client, origin.url)
        assert origin.count == len(recorded)
    assert run_program(["import", name]) == 0
    with replaying(repeats="sequence"), library.Client(verify=CERTIFICATES) as client:
        assert ask(client, origin.url) == recorded
    assert len(fixtures_in(project)) == len(recorded)


SUITE = """\
import httpx, pytest

pytestmark = pytest.mark.vcr
URL = "{url}"

def reply(text):
    return httpx.post(f"{{URL}}/v1/chat", json={{"input": text}}).json()

@pytest.mark.parametrize("model", ["gpt-4.1", "a/b"])
def test_models(model):
    assert reply(model) == {{"reply": "Hello!"}}

class TestPolling:
    def test_twice(self):
        assert [httpx.get(f"{{URL}}/polled").json()["state"] for _ in "12"] == ["wait", "done"]
"""
TESTS = [
    "tests/test_chat.py::TestPolling::test_twice",
    "tests/test_chat.py::TestPolling::test_twice",
    "tests/test_chat.py::test_models[a-b]",
    "tests/test_chat.py::test_models[gpt-4.1]",
]


def run_suite(project: Path, plugin: str, *arguments: str, path: str = "") -> str:
    """Run a project's own suite under one plugin in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = ("pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "-p", plugin, *arguments)
    done = run_module(*command, folder=project, environ=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def pytest_recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Install pytest-recording beside the environment: its options are cassetter's too."""
    folder = str(tmp_path_factory.mktemp("pytest_recording"))
    package = "pytest-recording==0.14.1"
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--system-certs", "--no-deps"]
    fetch([*install, "--target", folder, package], package)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "recorder", ["cassetter", pytest.param("pytest_recording", marks=pytest.mark.slow)]
)
def test_a_recorded_suite_replays_through_cachy(
    recorder: str, project: Path, request: pytest.FixtureRequest
) -> None:
    path = "" if recorder == "cassetter" else request.getfixturevalue(recorder)
    plugin = "pytest_recording.plugin" if path else "cassetter"
    project.joinpath("pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    project.joinpath("tests").mkdir()
    with serving() as origin:
        script(origin)
        project.joinpath("tests/test_chat.py").write_text(SUITE.format(url=origin.url))
        run_suite(project, plugin, "--record-mode=once", path=path)
        assert origin.count == 4
    assert run_program(["import", "tests"]) == 0
    assert "4 replayed" in run_suite(project, "cachy.pytest_plugin", "--cachy=replay")
    tests = [json.loads(file.read_text())["recorded"]["test"] for file in fixtures_in(project)]
    assert sorted(tests) == TESTS


STATEFUL = """\
import httpx, pytest

pytestmark = pytest.mark.vcr

def ask():
    return httpx.get("{url}/state").json()

def test_first():
    assert ask() == 1

@pytest.mark.parametrize("name", ["a/b", "c:d"])
def test_named(name):
    assert [ask(), ask()] == {{"a/b": [2, 3], "c:d": [4, 4]}}[name]

class TestIt:
    def test_last(self):
        assert ask() == 1
"""
STATES = [1, 2, 3, 4, 4, 1]


def stateful_suite(project: Path, origin: ScriptedServer) -> None:
    origin.on("/state", *(json_response(state) for state in STATES))
    project.joinpath("pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    project.joinpath("tests").mkdir()
    project.joinpath("tests/test_state.py").write_text(STATEFUL.format(url=origin.url))


@pytest.mark.slow
def test_what_two_tests_got_differently_becomes_their_own(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving() as origin:
        stateful_suite(project, origin)
        run_suite(project, "cassetter", "--record-mode=once")
    assert run_program(["import", "tests"]) == 0
    assert ", 0 skipped." in capsys.readouterr().out
    before = {path: path.read_bytes() for path in fixtures_in(project)}
    assert run_program(["import", "tests"]) == 0
    assert "0 interactions imported" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in fixtures_in(project)} == before
    for selection in ((), ("-k", "named"), ("-k", "last")):
        done = run_suite(project, "cachy.pytest_plugin", "--cachy=replay", *selection)
        assert "0 missed" in done
    assert verify(load_config(project)) == []


@pytest.mark.slow
def test_a_cassette_beside_the_module_belongs_to_the_test_that_is_named_so(
    project: Path,
) -> None:
    with serving() as origin:
        stateful_suite(project, origin)
        run_suite(project, "cassetter", "--record-mode=once")
    folder = project / "tests/cassettes/test_state"
    for file in folder.iterdir():
        file.rename(folder.parent / file.name)
    folder.rmdir()
    assert run_program(["import", "tests"]) == 0
    assert "0 missed" in run_suite(project, "cachy.pytest_plugin", "--cachy=replay")


def test_a_token_of_a_cassette_is_hidden_where_a_later_request_says_it(project: Path) -> None:
    token, password = "tok_Zx91kQm3Lw7Vt0Rb5Nc2", "hunter7hunter7Z"
    said = [
        ("/login", {"password": password, "note": f"it is {password}"}, {"access_token": token}),
        ("/ask", {"note": f"use {token}"}, {"heard": f"use {token}, {password}"}),
    ]
    interactions = [
        {
            "request": {
                "method": "POST",
                "uri": f"https://api.example.com{path}",
                "body": json.dumps(asked),
                "headers": {"Content-Type": ["application/json"]},
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"Content-Type": ["application/json"]},
                "body": {"string": json.dumps(answered)},
            },
        }
        for path, asked, answered in said
    ]
    cassette = project / "test_it.json"
    cassette.write_text(json.dumps({"version": 1, "interactions": interactions}))
    assert run_program(["import", str(cassette)]) == 0
    texts = [path.read_text() for path in fixtures_in(project)]
    assert len(texts) == 2
    assert not any(secret in text for text in texts for secret in (token, password))
    assert verify(load_config()) == []
