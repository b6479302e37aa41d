"""A recorded answer comes back as it was, and nothing goes live in replay mode."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import freezegun
import httpx
from conftest import Scope, fixtures_in, refused
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    event,
    gzip_response,
    json_response,
    sse_response,
    text_response,
)

import cachy

Send = Callable[..., Any]

BIG = '{"id": 12345678901234567890123, "pi": 3.141592653589793, "e": 1e400, "s": "\\ud83d\\ude00"}'
ANSWERS = {
    "json": json_response({"text": "Grüße", "n": [1, 2.5, None, True], "deep": {"a": {"b": []}}}),
    "json with duplicate keys": text_response('{"a": 1, "a": 2}', kind="application/json"),
    "json with big numbers": text_response(BIG, kind="application/json"),
    "json, pretty": text_response(json.dumps({"a": [1, {"b": 2}]}, indent=2)),
    "json that is none": text_response("{oops", kind="application/json"),
    "gzip": gzip_response({"zipped": "text" * 100}),
    "text": text_response("first\nsecond\r\nthird"),
    "latin-1": text_response("Grüße".encode("latin-1"), kind="text/plain; charset=iso-8859-1"),
    "binary": text_response(bytes(range(256)), kind="audio/mpeg"),
    "empty": ScriptedResponse(b"", 200, ()),
    "no content": ScriptedResponse(b"", 204, ()),
    "created": json_response({"id": "x"}, 201, ("Location", "/things/x")),
    "bad request": json_response({"error": {"message": "no"}}, 400),
    "not found": json_response({"error": {"message": "no"}}, 404),
    "unprocessable": json_response({"error": {"message": "no"}}, 422),
    "chunked": ScriptedResponse((b'{"a"', b": 1}")),
    "events": sse_response(event({"n": 1}), event({"n": 2}, "named"), event("[DONE]")),
    "events, split": sse_response(b'data: {"n"', b': 1}\n\ndata: {"n": 2}\n', b"\n"),
    "events with ids": sse_response(b': hello\n\nid: 7\nretry: 5\nevent: x\ndata: {"a": 1}\n\n'),
    "events of many lines": sse_response(b"data: one\ndata: two\n\n"),
    "lines": text_response('{"a": 1}\n{"b": 2}\n', kind="application/x-ndjson"),
    "form": text_response("a=1&b=%20x", kind="application/x-www-form-urlencoded"),
}


def seen(response: Any) -> tuple[Any, ...]:
    """What a consumer sees of a response, each value of it."""
    kept = ("content-type", "location", "retry-after")
    headers = {name: response.headers.get(name) for name in kept}
    facts = (response.status_code, response.is_success, headers)
    return (*facts, str(response.url), response.http_version, value_of(response))


def value_of(response: Any) -> Any:
    """The body: JSON by value, all else byte for byte."""
    try:
        return json.loads(response.content) if is_json(response) else response.content
    except ValueError:
        return response.content


def is_json(response: Any) -> bool:
    return "json" in response.headers.get("content-type", "") and b"\n{" not in response.content


def test_what_was_seen_while_recording_is_seen_again(
    send: Send, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    def ask_all() -> dict[str, tuple[Any, ...]]:
        return {name: seen(send("POST", url, json={"q": "Hey!"})) for name, url in urls.items()}

    urls = {name: origin.on(f"/v1/any/{at}", ANSWERS[name]) for at, name in enumerate(ANSWERS)}
    with recording():
        live = ask_all()
    with replaying():
        assert ask_all() == live
    assert origin.count == len(ANSWERS)


def test_an_unrecorded_request_is_refused_and_nothing_is_sent(
    send: Send, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    with recording():
        send("POST", f"{origin.url}/v1/chat", json={"messages": ["a", "b"]})
    with replaying(), refused(r"messages\[1\] changed: \"b\" -> \"c\""):
        send("POST", f"{origin.url}/v1/chat", json={"messages": ["a", "c"]})
    assert origin.count == 1


def test_a_miss_names_the_header_that_differs_and_no_payload_that_is_equal(
    origin: ScriptedServer, project: Path
) -> None:
    (project / "pyproject.toml").write_text('[tool.cachy.match]\nheaders = ["x-shape"]\n')
    image = base64.b64encode(b"\x89PNG" + bytes(range(256)) * 20).decode()
    asked = {"image": image, "said": "What is this?"}
    with cachy.cachy(doms=["127.0.0.1"], mode="record"):
        httpx.post(f"{origin.url}/v1", json=asked, headers={"x-shape": "one"})
    with cachy.cachy(doms=["127.0.0.1"], mode="replay"), refused("x-shape") as caught:
        httpx.post(f"{origin.url}/v1", json=asked, headers={"x-shape": "two"})
    assert isinstance(caught.value, cachy.UnrecordedRequest)
    assert caught.value.differences == ('(header) x-shape changed: "one" -> "two"',)


def test_mode_off_records_and_replays_nothing(
    send: Send, origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    with recording():
        send("GET", f"{origin.url}/x")
    with recording(mode="off"):
        assert send("GET", f"{origin.url}/x").json()["number"] == 2
    assert len(fixtures_in(project)) == 1


def test_elapsed_and_extensions_are_there_on_replay(
    send: Send, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    for scope in (recording, replaying):
        with scope():
            response = send("GET", f"{origin.url}/x")
        assert response.elapsed.total_seconds() >= 0
        assert response.http_version == "HTTP/1.1"
        assert response.num_bytes_downloaded == len(response.content)
        assert response.is_closed
        assert response.request.method == "GET"


def test_a_recorded_wait_is_not_waited_again(
    send: Send, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/busy", json_response({"error": "slow down"}, 429, ("Retry-After", "30")))
    with recording(record_status=[429]):
        assert send("GET", url).headers["retry-after"] == "30"
    with replaying():
        assert send("GET", url).headers["retry-after"] == "0"


def test_a_recording_bears_the_real_time_where_a_test_froze_the_clock(
    origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    with freezegun.freeze_time("2001-01-01"), recording():
        httpx.get(f"{origin.url}/v1/now")
        assert datetime.now(UTC).year == 2001
    recorded = json.loads(fixtures_in(project)[0].read_text())["recorded"]
    assert began <= datetime.fromisoformat(recorded["at"]) <= datetime.now(UTC)
