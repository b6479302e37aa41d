"""What a fixture's text holds, and that it gives back what the client would have seen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachy.config import Config
from cachy.errors import CachyError
from cachy.fixture.document import compose, response_of
from cachy.fixture.format.body import parse_request_body, parse_response_body, render_body
from cachy.fixture.format.lossless_json import is_too_deep
from cachy.fixture.format.text import (
    body_fields,
    encode,
    parse_body,
    parse_fixture,
    plain,
    render_fixture,
)
from cachy.fixture.store.fast_read import read_response
from cachy.interaction import Request, Response

EXAMPLE = """\
{
  "cachy": 1,
  "recorded": {"at": "2026-11-24T09:15:00Z", "sdk": "openai 3.54.0"},
  "request": {
    "method": "POST",
    "url": "https://api.openai.com/v1/responses",
    "json": {
      "model": "gpt-4.1",
      "instructions": {"$lines": ["You are careful.", "Answer in one sentence.", ""]},
      "input": "Hey!",
      "logit_bias": {},
      "stop": ["a", "b"],
      "tools": [
        {"type": "function", "name": "add"}
      ]
    }
  },
  "response": {
    "status": 200,
    "headers": {"content-type": "text/event-stream"},
    "sse": [
      {"event": "response.created", "data": {"type":"response.created","sequence_number":0}},
      {"comment": "keepalive"},
      {"data": "[DONE]"}
    ]
  }
}
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def no_blob(name: str) -> bytes:
    raise AssertionError(name)


def test_the_text_form_is_read_and_written_byte_for_byte() -> None:
    assert render_fixture(parse_fixture(EXAMPLE)) == EXAMPLE


def test_an_interaction_becomes_the_documented_text() -> None:
    request = Request(
        "POST",
        "https://api.openai.com/v1/responses",
        (("content-type", "application/json"), ("authorization", "Bearer hidden")),
        json.dumps(
            {
                "model": "gpt-4.1",
                "instructions": "You are careful.\nAnswer in one sentence.\n",
                "input": "Hey!",
                "logit_bias": {},
                "stop": ["a", "b"],
                "tools": [{"type": "function", "name": "add"}],
            }
        ).encode(),
    )
    stream = (
        b'event: response.created\ndata: {"type":"response.created","sequence_number":0}\n\n'
        b": keepalive\n\ndata: [DONE]\n\n"
    )
    response = Response(200, (("content-type", "text/event-stream"),), stream)
    recorded = {"at": "2026-11-24T09:15:00Z", "sdk": "openai 3.54.0"}
    document, blobs = compose(request, response, recorded, Config())
    assert (render_fixture(document), blobs) == (EXAMPLE, {})


@pytest.mark.parametrize(
    ("content_type", "raw", "kind"),
    [
        ("application/json", b'{"a": 1, "b": [1.5, "x"]}', "json"),
        ("application/problem+json", b'{"a": 1}', "json"),
        ("application/json", b'{"a": 1, "a": 2}', "text"),
        ("application/json", b'{"a": NaN}', "text"),
        ("application/json", b'{"a": 0.12345678901234567890123}', "text"),
        ("application/json", b'{"a": 1e999}', "text"),
        ("application/json", b'{"a": -0}', "text"),
        ("application/json", b'{"a": "\\ud800"}', "text"),
        ("application/json", b"{" * 3000, "text"),
        ("application/json", b'{"a": 1}\n{"a": 2}\n', "ndjson"),
        ("application/x-ndjson", b'{"a":1}\n', "ndjson"),
        ("text/event-stream", b"data: {}\n\n", "sse"),
        ("text/event-stream; charset=utf-8", b"data: a\r\n\r\n", "sse"),
        ("text/event-stream", b"data: cut", "text"),
        ("text/plain", "grüß".encode(), "text"),
        ("text/plain", b"\xff\xfe", "base64"),
        ("image/png", b"\x89PNG\x00", "base64"),
        ("text/plain", b"", "none"),
    ],
)
def test_a_body_has_the_richest_kind_that_loses_nothing(
    content_type: str, raw: bytes, kind: str
) -> None:
    assert parse_response_body(content_type, raw).kind == kind


@pytest.mark.parametrize(
    ("raw", "replayed"),
    [
        (b'event: a\nid: 7\nretry: 10\ndata: {"x": 1}\n\n', None),
        (b"data: one\ndata: two\n\n", None),
        (b": ping\n: pong\n\n", None),
        (b'data: {"x":\ndata: 1}\n\n', b'data: {"x": 1}\n\n'),
        (b'data:{"x":1}\r\n\r\n', b'data: {"x":1}\n\n'),
        (b'\xef\xbb\xbfdata: "text"\n\n\n\n', b'data: "text"\n\n'),
        (b'data: {"$x": {"$lines": []}}\n\n', b'data: {"$x":{"$lines":[]}}\n\n'),
        (b"data\n\n", b"data: \n\n"),
        (b"event: only\n\n", None),
    ],
)
def test_events_survive_the_file(raw: bytes, replayed: bytes | None) -> None:
    body = parse_response_body("text/event-stream", raw)
    document = {"cachy": 1, "response": {"status": 200, **body_fields(body)}}
    text = render_fixture(document)
    assert render_fixture(parse_fixture(text)) == text
    response = read_response(text, no_blob, "here")
    assert b"".join(response.chunks) == (replayed or raw)
    assert response_of(parse_fixture(text), no_blob) == response


def test_one_event_is_one_chunk() -> None:
    body = parse_response_body("text/event-stream", b"data: a\n\ndata: {}\n\n")
    text = render_fixture({"cachy": 1, "response": {"status": 200, **body_fields(body)}})
    assert read_response(text, no_blob, "here").chunks == (b"data: a\n\n", b"data: {}\n\n")


@given(JSON)
def test_encoding_is_undone_by_plain(value: object) -> None:
    assert plain(encode(value)) == value


@given(JSON.filter(lambda value: value is not None))
def test_a_json_answer_comes_back_equal(value: object) -> None:
    raw = json.dumps(value).encode()
    body = parse_response_body("application/json", raw)
    text = render_fixture({"cachy": 1, "response": {"status": 200, **body_fields(body)}})
    assert render_fixture(parse_fixture(text)) == text
    response = read_response(text, no_blob, "here")
    assert json.loads(b"".join(response.chunks) or response.body) == value
    assert response_of(parse_fixture(text), no_blob) == response


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=30), max_size=5))
def test_any_event_data_comes_back_equal(texts: list[str]) -> None:
    lines = [text.replace("\r", "").replace("\n", "") for text in texts]
    raw = "".join(f"data: {line}\n\n" for line in lines).encode()
    body = parse_response_body("text/event-stream", raw)
    text = render_fixture({"cachy": 1, "response": {"status": 200, **body_fields(body)}})
    response = read_response(text, no_blob, "here")
    assert b"".join(response.chunks) == raw


def test_a_multipart_body_is_told_by_its_parts() -> None:
    raw = (
        b'--x1\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--x1\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\x00\x01\r\n--x1--\r\n"
    )
    body = parse_request_body("multipart/form-data; boundary=x1", raw)
    assert body_fields(body) == {
        "multipart": [
            {"name": "purpose", "text": "batch"},
            {
                "name": "file",
                "filename": "a.bin",
                "content-type": "application/octet-stream",
                "base64": "AAE=",
            },
        ]
    }
    assert parse_body(body_fields(body)) == body
    again = render_body(body)
    assert parse_request_body("multipart/form-data; boundary=cachy-boundary", again) == body


def test_a_recorded_wait_is_not_waited_again() -> None:
    text = render_fixture(
        {"cachy": 1, "response": {"status": 429, "headers": {"retry-after": "30"}, "json": {}}}
    )
    assert read_response(text, no_blob, "here").headers == (("retry-after", "0"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "f.json is no valid JSON (Expecting property name enclosed in double quotes"),
        ("[]", 'f.json is no fixture: it lacks "cachy": 1. Move it elsewhere.'),
        ('{"cachy": 2}', "f.json has format 2, this cachy reads up to 1. Upgrade it:"),
    ],
)
def test_a_file_that_is_no_fixture_is_named(text: str, message: str) -> None:
    with pytest.raises(CachyError) as caught:
        parse_fixture(text, "f.json")
    assert str(caught.value).startswith(message)


SIGNS = st.text('"\\[]{}a,:\u00e9', max_size=6)
NESTED = st.recursive(
    SIGNS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SIGNS, inner, max_size=3)
)


def height(value: object) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(height, inner), default=0)


@given(NESTED, st.integers(1, 5), st.sampled_from([None, 2]), st.booleans())
def test_how_deep_json_nests_is_counted_past_the_brackets_in_its_strings(
    value: object, levels: int, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert is_too_deep(text, levels=levels) is (height(value) > levels)
