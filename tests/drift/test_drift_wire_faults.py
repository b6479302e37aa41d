"""Faults on the wire: what arrives is cut, packed wrongly, late, or for somebody else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from drift_faults import ASK, CHAT, CHATS, faulty, rows
from scripted_server import Script, ScriptedResponse, json_response, redirect, sse_response

SAME = json.dumps({**CHAT, "id": "chatcmpl-2"}).encode()
JSON_KIND, HTML_KIND = "application/json", "text/html; charset=shift_jis"
PORTAL = "<html><body>ログインしてください</body></html>".encode("shift_jis")
CHUNK: dict[str, Any] = {
    **{"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"},
    "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}],
}


def wire(text: bytes, kind: str = JSON_KIND, *headers: str, line: str = "1.1 200 OK") -> Script:
    """Return a response exactly as it is sent, and the end of the connection after it."""
    named = [f"Content-Type: {kind}", "Connection: close", *headers]
    head = "\r\n".join((f"HTTP/{line}", *named, "", "")).encode()
    return ScriptedResponse((head + text,), None, end="cut")


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


CHUNKED = "Transfer-Encoding: chunked"
PACKED = gzip.compress(SAME)


@pytest.mark.parametrize(
    "script",
    [
        wire(SAME, line="1.0 200 OK"),
        wire(chunked(SAME[:40], SAME[40:]), JSON_KIND, CHUNKED),
        wire(
            chunked(SAME, end=b"0\r\nX-Checksum: 1\r\n\r\n"),
            JSON_KIND,
            CHUNKED,
            "Trailer: X-Checksum",
        ),
        wire(PACKED, JSON_KIND, "Content-Encoding: gzip", f"Content-Length: {len(PACKED)}"),
        ScriptedResponse(
            (
                b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
                SAME,
            ),
            None,
            end="cut",
        ),
        ScriptedResponse(tuple(SAME[at : at + 20] for at in range(0, len(SAME), 20)), pause=0.001),
    ],
    ids=["HTTP/1.0", "chunked", "trailers", "gzip", "early hints", "slow pieces"],
)
def test_a_whole_response_is_clean_however_it_is_sent(script: Script, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with faulty(project, {CHATS: [script]}) as world:
        world.write()
        found, report, _ = world.drift()
    assert (found, rows(report), report["inconclusive"]) == (0, [], [])
    assert report["summary"]["clean"] == 1


@pytest.mark.parametrize(
    "script",
    [
        wire(chunked(SAME[:60], end=b""), JSON_KIND, CHUNKED),
        wire(b"zz\r\n" + SAME, JSON_KIND, CHUNKED),
        wire(SAME, JSON_KIND, f"Content-Length: {len(SAME) + 9}"),
        wire(SAME, JSON_KIND, f"Content-Length: {len(SAME) - 9}"),
        wire(PACKED[:-30], JSON_KIND, "Content-Encoding: gzip"),
        wire(SAME, JSON_KIND, "Content-Encoding: gzip"),
        wire(SAME, JSON_KIND, "Content-Encoding: br"),
        redirect(302, f"https://api.openai.com{CHATS}"),
        wire(PORTAL, HTML_KIND),
        wire(PORTAL, JSON_KIND),
        wire(PORTAL, HTML_KIND, line="1.1 429 Too Many Requests"),
        wire(PORTAL, HTML_KIND, line="1.1 511 Network Authentication Required"),
        wire(b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        wire(b"\xef\xbb\xbf" + SAME),
        wire(
            SAME[:50], JSON_KIND, f"Content-Range: bytes 0-49/{len(SAME)}", line="1.1 206 Partial"
        ),
        wire(b"garbage", line="9.9 what"),
        wire(SAME, "text/event-stream"),
    ],
    ids=[
        *("cut in a chunk", "no chunk", "too short", "too long", "cut gzip", "not gzip", "brotli"),
        *("redirects to itself", "portal", "portal as JSON", "429 portal", "511 portal"),
        *("image", "byte order mark", "206", "no HTTP", "JSON as events"),
    ],
)
def test_a_broken_response_is_neither_drift_nor_clean(script: Script, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with faulty(project, {CHATS: [script]}) as world:
        world.write_clean()
        name = world.write()
        _, report, _ = world.drift()
    assert rows(report) == []
    assert [row["fixture"] for row in report["inconclusive"]] == [name]
    assert report["files"] == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (ScriptedResponse(b"", 204), ("breaking", "status-changed", "status")),
        (
            sse_response(CHUNK, "[DONE]"),
            ("breaking", "content-type-changed", "headers.content-type"),
        ),
    ],
    ids=["204", "events for JSON"],
)
def test_a_success_of_another_kind_is_drift_and_never_replaces_the_fixture(
    script: Script, expected: tuple[str, str, str], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with faulty(project, {CHATS: [script]}) as world:
        world.write()
        _, report, _ = world.drift()
    assert (rows(report), report["files"]) == ([expected], [])


def test_another_status_of_success_does_not_hide_what_its_body_lost(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with faulty(
        project, {CHATS: [json_response({"id": "job_1", "state": "queued"}, 202)]}
    ) as world:
        world.write()
        found, report, _ = world.drift()
    assert found == 1
    assert ("risky", "status-changed", "status") in rows(report)
    assert ("breaking", "field-removed", "$.choices") in rows(report)


LINE = {"model": "m", "response": "Hi", "done": False}
LAST = {**LINE, "done": True}
ENDED = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
EVENTS = [{"data": CHUNK}, {"data": ENDED}, {"data": "[DONE]"}]


@pytest.mark.parametrize(
    "script",
    [
        sse_response(b": keep-alive\n\n", b": keep-alive\n\n"),
        sse_response("[DONE]"),
        sse_response(b"event: ping\ndata: {}\n\n"),
        sse_response(CHUNK, b'event: error\ndata: {"error": {"message": "overloaded"}}\n\n'),
        sse_response(CHUNK, {"error": {"message": "overloaded", "code": 502}}, "[DONE]"),
        sse_response(CHUNK, b'data: {"id": "chat'),
        sse_response(CHUNK, b"data: {broken}\n\n", ENDED, "[DONE]"),
        sse_response(CHUNK, ENDED, end="cut"),
        sse_response(),
    ],
    ids=[
        "comments",
        "only its end",
        "pings",
        "error event",
        "error data",
        "cut",
        "broken",
        "no end",
        "empty",
    ],
)
def test_a_broken_stream_is_neither_drift_nor_clean(script: Script, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with faulty(project, {CHATS: [script]}) as world:
        name = world.write({**ASK, "stream": True}, sse=EVENTS)
        _, report, _ = world.drift()
    assert rows(report) == []
    assert [row["fixture"] for row in report["inconclusive"]] == [name]
    assert report["files"] == []


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(LINE).encode() + b"\n{broken}\n" + json.dumps(LAST).encode() + b"\n",
        json.dumps(LINE).encode() + b"\n" + json.dumps(LAST).encode()[:20],
        json.dumps(LINE).encode() + b'\n{"error": "model runner has stopped"}\n',
        b"",
    ],
    ids=["broken", "cut", "error line", "empty"],
)
def test_broken_lines_are_neither_drift_nor_clean(text: bytes, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    kind = "application/x-ndjson"
    with faulty(project, {"/api/chat": [wire(text, kind)]}) as world:
        (project / "pyproject.toml").write_text(
            '[tool.cachy.drift]\nallow = ["POST api.example.com/*"]\n'
            'hosts = {"api.example.com" = ""}\n'
        )
        name = world.write(host="api.example.com", path="/api/chat", sse=[])
        file = project / name
        document = json.loads(file.read_text())
        document["response"] = {
            **{"status": 200, "headers": {"content-type": kind}, "ndjson": [LINE, LAST]}
        }
        file.write_text(json.dumps(document))
        _, report, _ = world.drift()
    assert rows(report) == []
    assert [row["fixture"] for row in report["inconclusive"]] == [name]
    assert report["files"] == []
