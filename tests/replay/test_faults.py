"""Faults that a test asks for, through each client as that client's own exceptions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import openai
import pytest
import requests
import urllib3
from client_adapters import ADAPTERS, PARAMS, Adapter, Call
from conftest import Scope, fixtures_in
from scripted_server import ScriptedServer, event, json_response, sse_response

import cachy
from cachy.providers.documented_errors import documented_error
from cachy.replay.scope import open_sessions

CLAUDE = event({"type": "delta", "text": 'a "data: {}" of it'}, "delta")
EVENTS = [*(event({"n": number}) for number in range(4)), event("[DONE]")]


@pytest.fixture(params=PARAMS)
def client(request: pytest.FixtureRequest) -> Adapter:
    adapter: Adapter = request.param
    return adapter


def errors_of(client: Adapter, kind: str) -> tuple[type[BaseException], ...]:
    """Return what a client raises: by its own documentation, not by its base class alone."""
    name = client.name.split()[0]
    if name.startswith("httpx"):
        library = client.library  # type: ignore[attr-defined]
        names = {"timeout": "ReadTimeout", "reset": "ReadError", "cut": "RemoteProtocolError"}
        return (getattr(library, names[kind]),)
    rows: dict[str, dict[str, type[BaseException]]] = {
        "requests": {
            "timeout": requests.ReadTimeout,
            "reset": requests.ConnectionError,
            "cut": requests.exceptions.ChunkedEncodingError,
        },
        "urllib3": {
            "timeout": urllib3.exceptions.HTTPError,
            "reset": urllib3.exceptions.HTTPError,
            "cut": urllib3.exceptions.ProtocolError,
        },
        "aiohttp": {
            "timeout": aiohttp.ServerTimeoutError,
            "reset": aiohttp.ClientOSError,
            "cut": aiohttp.ClientPayloadError,
        },
    }
    return (rows[name][kind],)


@pytest.fixture
def stream(origin: ScriptedServer, recording: Scope) -> Call:
    """A recorded stream of five events."""
    call = Call("POST", origin.on("/v1/chat/completions", sse_response(*EVENTS)), json={"q": 1})
    with recording():
        ADAPTERS[0].stream(call, lambda piece: None)
    return call


@pytest.mark.parametrize("kind", ["timeout", "reset"])
def test_a_request_fails_as_the_clients_own_exception_and_then_is_answered(
    client: Adapter, kind: str, stream: Call, replaying: Scope
) -> None:
    with replaying(fault=f"{kind} x2"):
        for _ in range(2):
            with pytest.raises(errors_of(client, kind)):
                client.send(stream)
        assert client.send(stream).body == b"".join(EVENTS)


def test_a_status_comes_as_often_as_it_says(
    client: Adapter, stream: Call, replaying: Scope
) -> None:
    with replaying(fault="429 x2"):
        answers = [client.send(stream) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert json.loads(answers[0].body)["error"]["code"] == "rate_limit_exceeded"
    assert answers[0].header("retry-after") == ["0"]


def test_a_stream_is_cut_after_some_events(client: Adapter, stream: Call, replaying: Scope) -> None:
    pieces: list[bytes] = []
    with replaying(fault="cut after 2 events"):
        with pytest.raises(errors_of(client, "cut")):
            client.stream(stream, pieces.append)
        assert b"".join(pieces) == b"".join(EVENTS[:2])
        assert client.send(stream).body == b"".join(EVENTS)


def test_an_event_is_malformed(client: Adapter, stream: Call, replaying: Scope) -> None:
    with replaying(fault="malformed after 1 event"):
        lines = client.send(stream).body.split(b"\n\n")
        assert client.send(stream).body == b"".join(EVENTS)
    assert lines[0] + b"\n\n" == EVENTS[0]
    assert [lines[2] + b"\n\n", lines[3] + b"\n\n"] == EVENTS[2:4]
    with pytest.raises(ValueError, match=r"JSON|Expecting|Unterminated|property"):
        json.loads(lines[1].removeprefix(b"data: "))


def test_only_the_data_of_an_event_is_malformed(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/v1/messages", sse_response(CLAUDE, event({}, "message_stop")))
    with recording():
        httpx.post(url, json={"q": 1})
    with replaying(fault="malformed after 0 events"):
        head, broken = httpx.post(url, json={"q": 1}).text.split("\n\n")[0].split("\n")
    assert head == "event: delta"
    assert broken == 'data: {"type": "delta", "text"'


def test_the_first_token_comes_late(client: Adapter, stream: Call, replaying: Scope) -> None:
    with replaying(fault="first token after 0.3s"):
        began = time.monotonic()
        assert client.send(stream).body == b"".join(EVENTS)
        late = time.monotonic()
        assert client.send(stream).body == b"".join(EVENTS)
    assert late - began >= 0.3


def test_a_client_does_not_wait_longer_than_its_timeout(
    client: Adapter, stream: Call, replaying: Scope
) -> None:
    impatient = Call("POST", stream.url, json={"q": 1}, timeout=0.1)
    with replaying(fault="first token after 30s"), pytest.raises(client.errors):
        client.send(impatient)


def test_a_recorded_error_of_the_surface_is_taken(
    origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    url = origin.on("/v1/items", json_response({"code": "busy-42"}, 503), json_response({}))
    with recording(record_status=[503]):
        httpx.post(url, json={"q": "other"})
        httpx.post(url, json={"q": 1})
    with replaying(fault="503"):
        session = open_sessions()[-1]
        assert httpx.post(url, json={"q": 1}).json() == {"code": "busy-42"}
        (busy,) = [path for path in fixtures_in(project) if "busy-42" in path.read_text()]
        (used,) = session.journal.tally.used
        assert busy.name.endswith(used)
        assert httpx.post(url, json={"q": 1}).status_code == 200


def test_a_faulty_request_is_not_sent_and_not_recorded(
    origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    url = origin.on("/v1/items", json_response({"id": 1}))
    with recording(fault="500 x2"):
        statuses = [httpx.post(url, json={"q": 1}).status_code for _ in range(3)]
    assert (statuses, origin.count, len(fixtures_in(project))) == ([500, 500, 200], 1, 1)


COMPLETION = {
    **{"id": "c_1", "object": "chat.completion", "created": 1, "model": "gpt-4.1"},
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "sunny"},
        }
    ],
}


@pytest.fixture
def ask(origin: ScriptedServer, recording: Scope) -> Callable[..., Any]:
    """Ask by the openai SDK, which retries by itself; the answer is recorded."""
    base = origin.on("/v1/chat/completions", json_response(COMPLETION))

    def ask(**options: Any) -> Any:
        with openai.OpenAI(
            base_url=base.removesuffix("/chat/completions"), api_key="unused", **options
        ) as sdk:
            turns: Any = [{"role": "user", "content": "Weather?"}]
            return sdk.chat.completions.create(model="gpt-4.1", messages=turns)

    with recording():
        ask()
    return ask


@pytest.mark.parametrize("fault", ["429 x2", "500 x2", "timeout", "reset"])
def test_the_sdk_retries_by_itself(
    ask: Callable[..., Any], fault: str, replaying: Scope, capsys: pytest.CaptureFixture[str]
) -> None:
    with replaying(fault=fault, debug=True):
        assert ask(max_retries=2).choices[0].message.content == "sunny"
    assert capsys.readouterr().err.count("cachy: fault: ") == (2 if "x2" in fault else 1)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("429 x9", openai.RateLimitError),
        ("401 x9", openai.AuthenticationError),
        ("500 x9", openai.InternalServerError),
        ("timeout x9", openai.APITimeoutError),
        ("reset x9", openai.APIConnectionError),
    ],
)
def test_the_sdk_gives_up_with_its_own_exception(
    ask: Callable[..., Any], fault: str, raised: type[Exception], replaying: Scope
) -> None:
    with replaying(fault=fault), pytest.raises(raised):
        ask(max_retries=1)


@pytest.mark.slow  # its SDK takes seconds to load
@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [("/v1/messages", 529, "overloaded_error"), ("/v1/messages", 429, "rate_limit_error")],
)
def test_the_documented_error_is_what_the_sdk_expects(
    origin: ScriptedServer, replaying: Scope, path: str, status: int, kind: str
) -> None:
    import anthropic

    with (
        replaying(fault=f"{status} x3"),
        anthropic.Anthropic(base_url=origin.url, api_key="unused", max_retries=0) as sdk,
        pytest.raises(anthropic.APIStatusError) as raised,
    ):
        sdk.messages.create(
            model="claude", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )
    assert raised.value.status_code == status
    assert raised.value.body == json.loads(documented_error("", "POST", path, status))
    assert raised.value.body["error"]["type"] == kind  # type: ignore[index]


@pytest.mark.parametrize(
    "fault",
    ["429x", "429 x0", "200", "999", "timeout 2", "cut", "cut after two events", "slow", " ", "x2"],
)
def test_a_wrong_fault_is_one_clear_error(replaying: Scope, fault: str) -> None:
    with pytest.raises(cachy.CachyError) as raised, replaying(fault=fault):
        pass
    assert str(raised.value).startswith(f"fault={fault!r} is not a fault that cachy knows. Write ")


@pytest.mark.parametrize("fault", ["429", "429 x2", "429x2", " Timeout X3 ", "cut after 1 event"])
def test_a_fault_may_be_written_so(replaying: Scope, fault: str) -> None:
    with replaying(fault=fault):
        pass
