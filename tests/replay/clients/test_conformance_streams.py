"""What every client library is promised of streams, and of responses that fail.

`client_adapters.ADAPTERS` lists the clients, `cachy/replay/clients/__init__.py` says what the
module of a client must do.
"""

from __future__ import annotations

import gc
import gzip
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import freezegun
import pytest
from client_adapters import ADAPTERS, PARAMS, Adapter, Call
from conftest import Scope, fixtures_in, forgotten, refused
from scripted_server import (
    End,
    ScriptedResponse,
    ScriptedServer,
    event,
    sse_response,
)

EVENTS = [*(event({"n": number}) for number in range(3)), event("[DONE]")]
TICKS = [event({"n": number}) for number in range(4)]
COOKIES = (("Set-Cookie", "session=very-secret-value; Path=/"), ("Set-Cookie", "other=word"))


@pytest.fixture(params=PARAMS)
def client(request: pytest.FixtureRequest) -> Adapter:
    """Each client library."""
    adapter: Adapter = request.param
    return adapter


ASYNC = [param for param, one in zip(PARAMS, ADAPTERS, strict=True) if one.is_async]


def post(url: str, **given: Any) -> Call:
    return Call("POST", url, **given)


def only_response(project: Path) -> dict[str, Any]:
    (path,) = fixtures_in(project)
    return dict(json.loads(path.read_text(encoding="utf-8"))["response"])


def whole(client: Adapter, call: Call) -> list[bytes]:
    pieces: list[bytes] = []
    client.stream(call, pieces.append)
    return pieces


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Hold back all but the first event until it is opened."""
    gate = threading.Event()
    yield gate
    gate.set()


def gated(gate: threading.Event, end: End = "whole") -> ScriptedResponse:
    kind = (("Content-Type", "text/event-stream"),)
    return ScriptedResponse((EVENTS[0], b"".join(EVENTS[1:])), 200, kind, end=end, gate=gate)


def test_a_stream_replays_one_event_a_piece(
    client: Adapter, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    raw = b"".join(EVENTS)
    url = origin.on("/v1/chat", sse_response(raw[:30], raw[30:]))
    with recording():
        assert b"".join(whole(client, post(url))) == raw
    with replaying():
        assert whole(client, post(url)) == EVENTS
    assert origin.count == 1


def test_the_first_event_is_there_before_the_second_is_sent(
    client: Adapter, origin: ScriptedServer, gate: threading.Event, recording: Scope, project: Path
) -> None:
    pieces: list[bytes] = []

    def read(piece: bytes) -> None:
        assert pieces or not gate.is_set()
        pieces.append(piece)
        gate.set()

    with recording():
        client.stream(post(origin.on("/v1/chat", gated(gate))), read)
    assert pieces[0] == EVENTS[0]
    assert b"".join(pieces) == b"".join(EVENTS)
    assert len(only_response(project)["sse"]) == 4


def test_leaving_at_the_last_event_leaves_a_whole_fixture(
    client: Adapter, origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    """The provider keeps the connection open after [DONE], and nobody waits for it."""
    url = origin.on("/v1/chat", sse_response(*EVENTS, end="open"))
    started = time.monotonic()
    with recording():
        client.stream(post(url), lambda piece: b"[DONE]" in piece)
    assert time.monotonic() - started < 60
    assert "truncated" not in only_response(project)
    with replaying():
        assert whole(client, post(url)) == EVENTS


def test_leaving_early_leaves_a_whole_fixture_where_the_rest_comes_soon(
    client: Adapter, origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    url = origin.on("/v1/chat", sse_response(*EVENTS, pause=0.05))
    with recording():
        client.stream(post(url), lambda piece: True)
    response = only_response(project)
    assert (len(response["sse"]), response.get("truncated")) == (4, None)


def test_a_long_stream_that_is_left_is_cut_and_replays_up_to_there(
    client: Adapter, origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    url = origin.on("/v1/chat", sse_response(*TICKS, end="open"))
    with recording():
        client.stream(post(url), lambda piece: True)
    assert only_response(project)["truncated"] is True
    with replaying():
        client.stream(post(url), lambda piece: True)
        assert forgotten() == []
        pieces: list[bytes] = []
        with refused("The recorded stream ends here"):
            client.stream(post(url), pieces.append)
    assert pieces == TICKS
    assert origin.count == 1


def test_under_a_frozen_clock_a_stream_that_is_left_ends_too(
    client: Adapter, origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    url = origin.on("/v1/chat", sse_response(*TICKS, end="open"))
    with freezegun.freeze_time("2001-01-01"), recording():
        client.stream(post(url), lambda piece: True)
    assert only_response(project)["truncated"] is True


@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")  # aiohttp's own
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "dropped"])
def test_a_program_that_reads_the_headers_alone_is_recorded(
    *,
    is_closed: bool,
    client: Adapter,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    project: Path,
) -> None:
    url = origin.on("/v1/chat", sse_response(*TICKS, end="open"))
    for scope in (recording, replaying):
        with scope():
            assert client.stream(post(url), None, close=is_closed) == 200
        gc.collect()  # what is dropped and lies in a cycle
    assert only_response(project)["truncated"] is True
    assert (origin.count, forgotten()) == (1, [])


@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")  # aiohttp's own
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "dropped"])
def test_headers_alone_of_a_short_response_are_recorded_whole_or_cut(
    *, is_closed: bool, client: Adapter, origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    with recording():
        assert client.stream(Call("GET", f"{origin.url}/v1/items"), None, close=is_closed) == 200
    gc.collect()
    response = only_response(project)
    assert response.get("json") == {"number": 1, "path": "/v1/items"} or response["truncated"]


@pytest.mark.parametrize("kind", ["time-out", "cut", "reset"])
def test_a_response_that_fails_is_not_recorded_and_is_counted(
    client: Adapter,
    kind: str,
    origin: ScriptedServer,
    gate: threading.Event,
    recording: Scope,
    project: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ends: dict[str, End] = {"cut": "cut", "reset": "reset"}
    cut = sse_response(*EVENTS[:2], end=ends.get(kind, "whole"))
    url = origin.on("/v1/chat", gated(gate) if kind == "time-out" else cut)
    with recording(debug=True), pytest.raises(client.errors):
        client.send(post(url, timeout=0.3))
    assert fixtures_in(project) == []
    assert f"not recorded: POST {url}: " in capfd.readouterr().err


def test_a_body_shorter_than_its_length_is_not_recorded(
    client: Adapter, origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    url = origin.on("/v1/items", ScriptedResponse(b'{"a": 1}', end="cut"))
    with recording(), pytest.raises(client.errors):
        client.send(Call("GET", url))
    assert fixtures_in(project) == []


def test_a_provider_that_is_not_there_leaves_no_fixture(
    client: Adapter, project: Path, recording: Scope
) -> None:
    with recording(), pytest.raises((*client.errors, OSError)):
        client.send(Call("GET", "http://127.0.0.1:9/v1/items"))
    assert fixtures_in(project) == []


@pytest.mark.parametrize("client", ASYNC)
def test_a_cancelled_task_leaves_no_fixture(
    client: Adapter, origin: ScriptedServer, gate: threading.Event, recording: Scope, project: Path
) -> None:
    started = time.monotonic()
    with recording():
        client.cancelled(post(origin.on("/v1/chat", gated(gate))), lambda piece: False, 0.3)
    assert time.monotonic() - started < 60
    assert fixtures_in(project) == []


def test_a_broken_coding_is_an_error_and_not_a_fixture(
    client: Adapter, origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    broken = gzip.compress(b'{"a": 1}')[:-12] + b"no such thing"
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    url = origin.on("/v1/items", ScriptedResponse(broken, 200, headers))
    with recording(), pytest.raises(Exception, match=r"."):
        client.send(Call("GET", url))
    assert fixtures_in(project) == []
