"""Rows of the catalogue through the command line: what is reported, the exit code, the files."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from drift_faults import CHAT, CHATS, OPENAI, faulty, rows
from scripted_server import ScriptedResponse, event, json_response

Row = tuple[str, str, str]
JSON = (("Content-Type", "application/json"),)
STREAM = (("Content-Type", "text/event-stream"),)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def chat(path: str = "", value: Any = None, **more: Any) -> ScriptedResponse:
    """Return the recorded chat with another value at a path, and with more fields."""
    body = copy.deepcopy(CHAT) | more
    *inside, last = path.split(".")
    spot: Any = body
    for name in inside:
        spot = spot[int(name) if name.isdigit() else name]
    if path:
        spot[last] = value
    return json_response(body)


DETAILS = {"cached_tokens": 0, "audio_tokens": 0}
CHOICE = "$.choices[*]"
# Live response, with the installed SDK: what is reported, exit code, number of changed files.
BODIES: list[tuple[str, ScriptedResponse, list[Row], int, int]] = [
    ("values only", chat("choices.0.message.content", "Hello"), [], 0, 0),
    ("a whole number as a float", chat("created", 1732449999.0), [], 0, 0),
    ("an empty list", chat("choices", []), [], 0, 0),
    ("another type", chat("created", "2026"), [("breaking", "type-changed", "$.created")], 1, 1),
    ("a fraction", chat("created", 1.5), [("breaking", "type-changed", "$.created")], 1, 1),
    ("a null", chat("id", None), [("breaking", "null-added", "$.id")], 1, 1),
    (
        "a null instead of a list",
        chat("choices", None),
        [("breaking", "null-added", "$.choices")],
        1,
        1,
    ),
    (
        "a value that the SDK does not know",
        chat("choices.0.finish_reason", "paused"),
        [("breaking", "enum-value-added", f"{CHOICE}.finish_reason")],
        1,
        1,
    ),
    ("a value that it knows", chat("choices.0.finish_reason", "length"), [], 0, 0),
    (
        "a field that it knows",
        chat("usage.prompt_tokens_details", DETAILS),
        [("compatible", "field-added", "$.usage.prompt_tokens_details")],
        0,
        1,
    ),
    (
        "another snapshot beside a change",
        chat("model", "gpt-4o-2024-11-20", tier=1),
        [
            ("compatible", "model-alias-moved", "$.model"),
            ("compatible", "field-added", "$.tier"),
        ],
        0,
        1,
    ),
    ("another snapshot alone", chat("model", "gpt-4o-2024-11-20"), [], 0, 0),
    ("a list", json_response([CHAT]), [("breaking", "type-changed", "$")], 1, 1),
    ("null", json_response(None), [("breaking", "null-added", "$")], 1, 0),
    (
        "another status",
        ScriptedResponse(json.dumps(CHAT).encode(), 201, JSON),
        [("risky", "status-changed", "status")],
        0,
        1,
    ),
    ("no body", ScriptedResponse(b"", 204), [("breaking", "status-changed", "status")], 1, 0),
    (
        "another media type of JSON",
        ScriptedResponse(
            json.dumps(CHAT).encode(), 200, (("Content-Type", "application/json; charset=utf-8"),)
        ),
        [],
        0,
        0,
    ),
]


@pytest.mark.parametrize(
    ("live", "expected", "code", "files"), [row[1:] for row in BODIES], ids=[r[0] for r in BODIES]
)
def test_what_a_body_shows(
    live: ScriptedResponse, expected: list[Row], code: int, files: int, project: Path
) -> None:
    with faulty(project, {CHATS: [live]}) as world:
        world.write()
        found, report, _ = world.drift()
    assert (sorted(rows(report)), found, len(report["files"])) == (sorted(expected), code, files)
    assert report["inconclusive"] == []


@pytest.mark.parametrize(
    "body", [{}, {"ok": True}, {"data": CHAT}, {"id": "x"}, {**CHAT, "choices": "none"}]
)
def test_a_body_that_is_no_longer_the_recorded_one_is_breaking(body: Any, project: Path) -> None:
    with faulty(project, {CHATS: [json_response(body)]}) as world:
        world.write()
        code, report, _ = world.drift()
    assert (code, report["inconclusive"]) == (1, [])
    assert {"breaking"} <= {severity for severity, _, _ in rows(report)}


def test_what_most_tries_lack_comes_and_goes(project: Path) -> None:
    without = json_response({key: CHAT[key] for key in CHAT if key != "usage"})
    with faulty(project, {CHATS: [without, without, chat()]}) as world:
        world.write()
        code, report, _ = world.drift("--no-sdk")
    ((row,),) = [surface["changes"] for surface in report["surfaces"]]
    assert (code, row["rule"], row["severity"], row["confirmed"]) == (
        *(0, "field-became-optional", "compatible"),
        "2/3",
    )


CHUNK: dict[str, Any] = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}],
}
LAST = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
WHOLE = event(CHUNK) + event(LAST) + event("[DONE]")
RECORDED = [{"data": CHUNK}, {"data": LAST}, {"data": "[DONE]"}]
ODD = {"id": "c", "object": "thought", "text": "x"}
TYPED = [
    {"event": "response.created", "data": {"type": "response.created", "n": 0}},
    {"event": "response.completed", "data": {"type": "response.completed", "n": 1}},
]
FAILED = {"error": {"message": "overloaded", "code": "server_error"}}


def stream(raw: bytes | tuple[bytes, ...], end: Any = "whole", headers: Any = STREAM) -> Any:
    return ScriptedResponse(raw, 200, headers, end=end)


# Live stream, recorded events, what is reported, exit code, number of changed files.
STREAMS: list[tuple[str, ScriptedResponse, list[Row], int, int]] = [
    ("the same", stream(WHOLE), [], 0, 0),
    ("other line ends", stream(WHOLE.replace(b"\n", b"\r\n")), [], 0, 0),
    ("comments between", stream(b": ping\n\n" + WHOLE), [], 0, 0),
    ("other pieces", stream(tuple(WHOLE[at : at + 7] for at in range(0, len(WHOLE), 7))), [], 0, 0),
    ("more events", stream(event(CHUNK) * 5 + event(LAST) + event("[DONE]")), [], 0, 0),
    (
        "an event that is new",
        stream(event(CHUNK) + event(ODD) + event(LAST) + event("[DONE]")),
        [("risky", "event-added", "event(thought)")],
        0,
        1,
    ),
    (
        "another end",
        stream(event(CHUNK) + event(LAST) + event(ODD)),
        [
            ("breaking", "terminator-changed", "stream"),
            ("risky", "event-added", "event(thought)"),
        ],
        1,
        1,
    ),
    (
        "JSON instead of a stream",
        json_response(CHAT),
        [("breaking", "content-type-changed", "headers.content-type")],
        1,
        0,
    ),
]


@pytest.mark.parametrize(
    ("live", "expected", "code", "files"), [row[1:] for row in STREAMS], ids=[r[0] for r in STREAMS]
)
def test_what_a_stream_shows(
    live: ScriptedResponse, expected: list[Row], code: int, files: int, project: Path
) -> None:
    with faulty(project, {CHATS: [live]}) as world:
        world.write({"model": "m", "messages": [], "stream": True}, sse=RECORDED)
        found, report, _ = world.drift("--no-sdk")
    assert (sorted(rows(report)), found, len(report["files"])) == (sorted(expected), code, files)
    assert report["inconclusive"] == []


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (stream(event(CHUNK), "cut"), "provider"),
        (stream((event(CHUNK),), "reset"), "provider"),
        (stream(event(CHUNK) + b'data: {"id": '), "provider"),
        (stream(event(CHUNK) + event(FAILED) + event("[DONE]")), "provider"),
        (stream(b""), "unparsed"),
        (stream(b": ping\n\n"), "unparsed"),
        (stream(WHOLE, headers=(("Content-Type", "text/html"),)), "provider"),
        (stream(b"\xff\xfe" + WHOLE), "provider"),
    ],
)
def test_a_stream_that_says_nothing_about_drift(
    live: ScriptedResponse, reason: str, project: Path
) -> None:
    with faulty(project, {CHATS: [live]}) as world:
        world.write({"model": "m", "messages": [], "stream": True}, sse=RECORDED)
        _, report, _ = world.drift("--no-sdk")
    assert (rows(report), report["files"]) == ([], [])
    assert [row["reason"] for row in report["inconclusive"]] == [reason]


def test_a_failed_response_is_an_outage(project: Path) -> None:
    failed = {"type": "response.failed", "response": {"error": {"code": "server_error"}}}
    live = event(TYPED[0]["data"], "response.created") + event(failed, "response.failed")
    with faulty(project, {"/v1/responses": [stream(live)]}) as world:
        world.write({"model": "m", "input": "Hi", "stream": True}, path="/v1/responses", sse=TYPED)
        _, report, _ = world.drift()
    assert (rows(report), report["inconclusive"][0]["reason"]) == ([], "provider")


ERROR = {"error": {"message": "No such model.", "type": "invalid_request_error", "code": "x"}}


@pytest.mark.parametrize(
    ("live", "expected", "code"),
    [
        (json_response({"error": {**ERROR["error"], "message": "Not here."}}, 404), [], 0),
        (
            json_response({"error": {**ERROR["error"], "param": None}}, 404),
            [("compatible", "field-added", "$.error.param")],
            0,
        ),
        (
            json_response({"detail": "No such model."}, 404),
            [
                ("breaking", "error-shape-changed", "$.error"),
                ("compatible", "field-added", "$.detail"),
            ],
            1,
        ),
    ],
)
def test_what_a_recorded_error_shows(
    live: ScriptedResponse, expected: list[Row], code: int, project: Path
) -> None:
    with faulty(project, {CHATS: [live]}) as world:
        world.write({"model": "gone", "messages": []}, ERROR, status=404)
        found, report, _ = world.drift("--no-sdk")
    assert (sorted(rows(report)), found) == (sorted(expected), code)


def test_a_recorded_error_that_did_not_occur_today_is_not_exercised(project: Path) -> None:
    with faulty(project, {CHATS: [chat()]}) as world:
        world.write({"model": "gone", "messages": []}, ERROR, status=404)
        _, report, _ = world.drift()
    assert (rows(report), report["summary"]["not_exercised"]) == ([], 1)


def test_another_version_of_the_api_is_reported(project: Path) -> None:
    kept = {"content-type": "application/json", "openai-version": "2020-10-01"}
    live = json_response(CHAT, 200, ("openai-version", "2026-01-01"))
    with faulty(project, {CHATS: [live]}) as world:
        world.write(headers=kept)
        code, report, _ = world.drift()
    assert (code, rows(report)) == (0, [("risky", "api-version-changed", "headers.openai-version")])


def test_a_name_that_leads_nowhere_is_inconclusive(project: Path) -> None:
    with faulty(project, {CHATS: [chat()]}) as world:
        world.write()
        world.server.port = 1  # nothing listens there
        code, report, _ = world.drift()
    assert (code, rows(report)) == (3, [])
    assert [row["reason"] for row in report["inconclusive"]] == ["provider"]


def test_a_certificate_that_nobody_signed_is_inconclusive(project: Path) -> None:
    with faulty(project, {CHATS: [chat()]}) as world:
        world.write()
        code, report, _ = world.drift(SSL_CERT_FILE="")
        assert world.server.count == 0
    assert (code, rows(report)) == (3, [])
    assert OPENAI not in str(report["files"])
