"""Equal requests in turn: what is refused or cut leaves no hole in what is replayed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import CERTIFICATES, Scope, fixtures_in, refused
from forking import run_script
from scripted_server import ScriptedResponse, ScriptedServer, json_response

from cachy.fixture.format.text import parse_fixture
from cachy.replay.scope import current_session
from cachy.replay.sequence import Sequences


def cut_answer() -> ScriptedResponse:
    return ScriptedResponse((b'{"answer": ', b"2}"), end="cut")


@pytest.fixture
def url(origin: ScriptedServer) -> str:
    """A provider whose second answer of three breaks off."""
    return origin.on("/v1", json_response(1), cut_answer(), json_response(3))


def ask_three_at_once(client: httpx.Client, url: str) -> None:
    """The second is still under way when the third has its answer, and then breaks off."""
    client.post(url)
    with client.stream("POST", url) as second:
        client.post(url)
        with pytest.raises(httpx.RemoteProtocolError):
            second.read()


def recorded(project: Path) -> list[Any]:
    """The answers in turn, by their files' numbers."""
    paths = sorted(fixtures_in(project), key=lambda path: (len(path.name), path.name))
    ends = [path.stem.rpartition("-")[2] for path in paths]
    assert [int(end) for end in ends[1:]] == [*range(2, len(ends) + 1)]
    return [parse_fixture(path.read_text())["response"]["json"] for path in paths]


def replayed(url: str, count: int, replaying: Scope) -> list[Any]:
    with replaying(repeats="sequence"), httpx.Client(verify=CERTIFICATES) as client:
        return [json.loads(client.post(url).content) for _ in range(count)]


@pytest.mark.parametrize("fails", [False, True], ids=["passes", "fails in the middle"])
def test_a_hole_in_a_sequence_is_closed_when_the_scope_ends(
    fails: bool, url: str, project: Path, recording: Scope, replaying: Scope
) -> None:
    with contextlib.suppress(ZeroDivisionError), recording(repeats="sequence"):
        with httpx.Client(verify=CERTIFICATES) as client:
            ask_three_at_once(client, url)
        if fails:
            raise ZeroDivisionError
    assert recorded(project) == [1, 3]
    assert replayed(url, 2, replaying) == [1, 3]


def test_a_hole_that_opens_after_the_scope_has_ended_is_closed_too(
    url: str, project: Path, recording: Scope, replaying: Scope
) -> None:
    with httpx.Client(verify=CERTIFICATES) as client:
        with recording(repeats="sequence"):
            client.post(url)
            second = client.send(client.build_request("POST", url), stream=True)
            client.post(url)
        assert len(fixtures_in(project)) == 2
        with pytest.raises(httpx.RemoteProtocolError):
            second.read()
    assert recorded(project) == [1, 3]
    assert replayed(url, 2, replaying) == [1, 3]


def test_an_answer_that_comes_after_the_scope_has_ended_keeps_its_place(
    origin: ScriptedServer, project: Path, recording: Scope
) -> None:
    slow = ScriptedResponse((b"2", b""), pause=0.01)
    url = origin.on("/v1", json_response(1), slow, json_response(3))
    with httpx.Client(verify=CERTIFICATES) as client:
        with recording(repeats="sequence"):
            client.post(url)
            second = client.send(client.build_request("POST", url), stream=True)
            client.post(url)
        second.read()
    assert recorded(project) == [1, 2, 3]


def test_a_program_that_ends_closes_its_holes(url: str, project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.cachy]\ndoms = ["127.0.0.1"]\nrepeats = "sequence"\n'
    )
    code = (
        "import cachy, httpx\n"
        "cachy.enable_cachy()\n"
        "client = httpx.Client()\n"
        f"url = {url!r}\n"
        "client.post(url)\n"
        "with client.stream('POST', url) as second:\n"
        "    client.post(url)\n"
        "    try: second.read()\n"
        "    except httpx.RemoteProtocolError: pass\n"
    )
    (project / "program.py").write_text(code)
    done = run_script(project / "program.py", folder=project, environ=os.environ)
    assert (done.returncode, recorded(project)) == (0, [1, 3]), done.stderr


def test_a_refused_answer_keeps_the_old_one_in_its_place(
    origin: ScriptedServer, project: Path, recording: Scope
) -> None:
    url = origin.on("/v1", json_response(1), json_response(2), json_response(3))
    with httpx.Client(verify=CERTIFICATES) as client:
        with recording(repeats="sequence"):
            for _ in range(3):
                client.post(url)
        origin.on("/v1", json_response(10), json_response({}, 500), json_response(30))
        with recording(repeats="sequence", mode="refresh"):
            client.post(url)
            with client.stream("POST", url) as second:
                client.post(url)
                second.read()
    assert recorded(project) == [10, 2, 30]


class Meddling(str):
    """A fingerprint that does something in the middle of `take`, where it is looked up."""

    meddle: Callable[[], object] = staticmethod(lambda: None)

    def __hash__(self) -> int:
        meddle, self.meddle = self.meddle, lambda: None
        meddle()
        return super().__hash__()


@pytest.mark.timeout(60)
def test_an_answer_that_garbage_collection_ends_while_an_index_is_taken_waits_for_nobody() -> None:
    sequences = Sequences()
    assert sequences.take("f") == 1
    meddling = Meddling("f")
    meddling.meddle = lambda: sequences.free("f", 1)
    assert sequences.take(meddling) == 2
    assert sequences.take("f") == 1


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_no_thread_that_it_has_not_got(replaying: Scope) -> None:
    held, over = threading.Event(), threading.Event()
    with replaying():
        session = current_session()
        assert session
        meddling = Meddling("f")
        meddling.meddle = lambda: [held.set(), over.wait(60)]  # type: ignore[func-returns-value]
        thread = threading.Thread(target=session.sequences.take, args=(meddling,))
        thread.start()
        assert held.wait(60)
        pid = os.fork()
        if not pid:
            signal.alarm(5)
            os._exit(session.sequences.take("other") - 1)
        over.set()
        thread.join()
        assert os.waitpid(pid, 0) == (pid, 0)


BATCH = "/v1/batches/batch_1"


def poll(url: str, most: int) -> list[str]:
    """Ask for a job's state until it has ended, or often enough."""
    states: list[str] = []
    while len(states) < most and states[-1:] != ["completed"]:
        states.append(httpx.get(f"{url}{BATCH}").json()["status"])
    return states


@pytest.fixture
def jobs(origin: ScriptedServer, project: Path) -> ScriptedServer:
    """A server that is known as a provider, with a job that takes three requests."""
    (project / "pyproject.toml").write_text(
        f'[tool.cachy]\nalias = {{"{origin.host}" = "api.openai.com"}}\n'
    )
    states = ("validating", "in_progress", "completed")
    origin.on(BATCH, *(json_response({"status": state}) for state in states))
    return origin


def test_a_polling_loop_ends_in_a_script_too(
    jobs: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    with recording():
        states = poll(jobs.url, 9)
    with replaying():
        assert poll(jobs.url, 9) == states
        assert poll(jobs.url, 2) == ["completed"]
    assert jobs.count == len(states) == 3


def test_a_state_that_is_not_final_is_not_repeated(
    jobs: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    with recording():
        poll(jobs.url, 2)
    with replaying():
        assert poll(jobs.url, 2) == ["validating", "in_progress"]
        with refused("recorded twice, and asked for 3 times"):
            poll(jobs.url, 1)


def test_twenty_equal_requests_while_recording_bring_one_line_of_advice(
    origin: ScriptedServer, recording: Scope, replaying: Scope, capsys: pytest.CaptureFixture[str]
) -> None:
    url = origin.on("/jobs/7", json_response({"status": "running"}))
    with recording():
        for number in range(45):
            httpx.get(url)
            said = capsys.readouterr().err
            assert (f'polling = ["{origin.host}/jobs/{{id}}"]' in said) == (number == 19)
    with replaying():
        for _ in range(25):
            httpx.get(url)
    with recording(repeats="sequence"):
        for _ in range(25):
            httpx.get(url)
    assert capsys.readouterr().err == ""
