"""Which requests are the same, and which are not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachy.config import Config, Match
from cachy.fixture.identity.fingerprint import identify, identify_settled
from cachy.fixture.identity.fixture_path import path_template
from cachy.interaction import Request

URL = "https://api.openai.com/v1/chat/completions"
JSON_TYPE = (("content-type", "application/json"),)
ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hey!"}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def asking(body: Any = ASK, **fields: Any) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", URL, JSON_TYPE, raw)._replace(**fields)


def fingerprint(request: Request, config: Config | None = None) -> str:
    return identify_settled(request, config or Config()).fingerprint


# The first row of each format version never changes: committed fixtures are found by it.
GOLDEN = [
    (asking(), "api.openai.com/v1/chat/completions/hey-"),
    (
        Request("GET", "https://api.openai.com/v1/models/gpt-4.1"),
        "api.openai.com/v1/models/{model}/request-",
    ),
    (
        Request("GET", "https://api.example.com:8443/users/42?b=2&a=1&a=0"),
        "api.example.com_8443/users/{id}/0-1-2-",
    ),
    (
        Request(
            "POST",
            "https://api.anthropic.com/v1/messages",
            (*JSON_TYPE, ("anthropic-version", "2023-06-01")),
            b'{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}',
        ),
        "api.anthropic.com/v1/messages/hi-",
    ),
    (
        Request(
            "POST",
            "https://api.example.com/form",
            (("content-type", "application/x-www-form-urlencoded"),),
            b"b=2&a=1",
        ),
        "api.example.com/form/request-",
    ),
    (
        Request("PUT", "https://api.example.com/raw", (), b"\xff\x00"),
        "api.example.com/raw/request-",
    ),
    (
        Request("GET", "https://api.example.com/a%7eb/c|d?q=%FF&q=1+2%203&e"),
        "api.example.com/a-b/c-d/1-2-3-",
    ),
    (
        Request(
            "POST",
            "https://api.openai.com/v1/files",
            (("content-type", "multipart/form-data; boundary=x"),),
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n'
            b"Content-Type: text/plain\r\n\r\none\r\n"
            b'--x\r\nContent-Disposition: form-data; name="b"\r\n\r\n\xff\r\n--x--\r\n',
        ),
        "api.openai.com/v1/files/request-",
    ),
    (
        asking({"input": "<f at 0x7f00aa11bb22> in /tmp/tmpab12cd34/x", "prompt_cache_key": "k"}),
        "api.openai.com/v1/chat/completions/f-at-0xmem-in-tmp-tmpx-x-",
    ),
    (
        asking(
            {"model": "m", "n": [1.0, 0.5, 1e300, 9007199254740993], "id": f"pyd_ai_{'a' * 32}"}
        ),
        "api.openai.com/v1/chat/completions/m-",
    ),
    (asking(b'{"a": 1, "a": 2, "n": NaN}'), "api.openai.com/v1/chat/completions/request-"),
    (
        asking(
            {"messages": [{"role": "user", "content": "Grüße, 日本!"}], "password": "a b"},
            headers=(*JSON_TYPE, ("OpenAI-Beta", "assistants=v2")),
        ),
        "api.openai.com/v1/chat/completions/gr-e-",
    ),
    (
        Request("POST", "https://api.example.com/t", (("accept", "text/html"),), "Grüße".encode()),
        "api.example.com/t/request-",
    ),
]
GOLDEN_FINGERPRINTS = [
    "7d2baf1ed46d8953",
    "e7e6654d372cfc67",
    "966b93c1e4299270",
    "f9ef72d525894b96",
    "d616b55336501ea6",
    "f0e74a2a63936cf3",
    "26b7db77762f0902",
    "124ef22c3cccaa8e",
    "47268dd8277a6aaa",
    "13e6c76642a384a3",
    "2a9432c4b6e4799c",
    "171159471e2f443c",
    "388eed5267a82b07",
]


@pytest.mark.parametrize(
    ("request_", "place", "expected"),
    [(*row, value) for row, value in zip(GOLDEN, GOLDEN_FINGERPRINTS, strict=True)],
)
def test_identity_is_frozen_with_the_format(request_: Request, place: str, expected: str) -> None:
    assert identify_settled(request_, Config()).name == place + expected


SAME = [
    ("key order", asking(dict(reversed(ASK.items())))),
    ("white space", asking(json.dumps(ASK, indent=4).encode())),
    ("escapes", asking(json.dumps(ASK).replace("H", "\\u0048").encode())),
    ("host case", asking(url=URL.replace("api.openai", "API.OpenAI"))),
    ("default port", asking(url=URL.replace(".com/", ".com:443/"))),
    ("a key", asking(headers=(*JSON_TYPE, ("authorization", "Bearer sk-x")))),
    ("sdk headers", asking(headers=(*JSON_TYPE, ("x-stainless-async", "true")))),
    ("no content type", asking(headers=())),
    ("method case", asking(method="post")),
]


@pytest.mark.parametrize("other", [row[1] for row in SAME], ids=[row[0] for row in SAME])
def test_what_says_the_same_is_the_same(other: Request) -> None:
    assert fingerprint(other) == fingerprint(asking())


DIFFERENT = [
    ("method", asking(method="PUT")),
    ("scheme", asking(url=URL.replace("https", "http"))),
    ("host", asking(url=URL.replace("api.", "eu.api."))),
    ("port", asking(url=URL.replace(".com/", ".com:8443/"))),
    ("path", asking(url=URL + "/x")),
    ("path case", asking(url=URL.replace("chat", "Chat"))),
    ("query", asking(url=URL + "?a=1")),
    ("a value", asking({**ASK, "model": "gpt-5"})),
    ("a further field", asking({**ASK, "n": 1})),
    ("null is not absent", asking({**ASK, "n": None})),
    ("text is not a number", asking({**ASK, "n": "1"})),
    ("true is not one", asking({**ASK, "n": True})),
    ("beta header", asking(headers=(*JSON_TYPE, ("openai-beta", "assistants=v2")))),
]


def test_what_says_something_else_is_different() -> None:
    seen = [fingerprint(asking()), *(fingerprint(row[1]) for row in DIFFERENT)]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("one", "two", "are_same"),
    [
        (b'{"n": 1.0}', b'{"n": 1}', True),
        (b'{"n": 1e2}', b'{"n": 100}', True),
        (b'{"n": 0.10}', b'{"n": 0.1}', True),
        (b'{"n": 9007199254740993.0}', b'{"n": 9007199254740992}', False),
        (b'{"n": -0.0}', b'{"n": 0}', True),
        (b'{"a": 1, "a": 2}', b'{"a": 2}', False),
        (b'{"\\u0061": 1, "a": 2}', b'{"a": 2}', False),
        (b'{"a": "\\u0022:", "b": 1, "b": 2}', b'{"a": "\\":", "b": 2}', False),
        (b'{"a" : 1}', b'{"a":1}', True),
        (b'{"n": NaN}', b'{"n": null}', False),
        (b'{"s": "\\ud800"}', b'{"s": "\\ud801"}', False),
    ],
)
def test_numbers_and_odd_json(one: bytes, two: bytes, are_same: bool) -> None:
    assert (fingerprint(asking(one)) == fingerprint(asking(two))) is are_same


def multipart(boundary: str, content: bytes = b"data") -> Request:
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\n'
    ).encode()
    kind = (("content-type", f"multipart/form-data; boundary={boundary}"),)
    return asking(body + content + f"\r\n--{boundary}--\r\n".encode(), headers=kind)


def test_a_multipart_boundary_does_not_count_but_its_parts_do() -> None:
    assert fingerprint(multipart("one")) == fingerprint(multipart("two"))
    assert fingerprint(multipart("one")) != fingerprint(multipart("one", b"other"))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("File /tmp/tmpabc123/x.py", "File /tmp/tmpzzz999/x.py"),
        ("<f at 0x7f00aa11bb22>", "<f at 0x7f99cc33dd44>"),
        ("/ipykernel_12/34.py", "/ipykernel_56/78.py"),
        ("<ipython-input-1-abc>", "<ipython-input-2-def>"),
        ("/pytest-of-ann/pytest-3/x", "/pytest-of-bob/pytest-12/x"),
    ],
)
def test_run_to_run_noise_does_not_count(one: str, two: str) -> None:
    assert fingerprint(asking({"t": one})) == fingerprint(asking({"t": two}))


def test_minted_ids_keep_their_order() -> None:
    first, second, third = (f"pyd_ai_{letter * 32}" for letter in "abc")
    pair = fingerprint(asking({"x": [first, second, first]}))
    assert pair == fingerprint(asking({"x": [third, first, third]}))
    assert pair != fingerprint(asking({"x": [first, second, second]}))


def test_a_cache_key_does_not_count() -> None:
    one, two = ({**ASK, "prompt_cache_key": key} for key in ("a", "b"))
    assert fingerprint(asking(one)) == fingerprint(asking(two))


def test_configured_fields_patterns_and_headers_count_as_configured() -> None:
    config = Config(match=Match(ignore=("metadata.run", "messages[*].id"), headers=("x-mode",)))
    one = {"metadata": {"run": 1, "k": 1}, "messages": [{"id": 1, "c": 2}]}
    two = {"metadata": {"run": 2, "k": 1}, "messages": [{"id": 5, "c": 2}]}
    assert fingerprint(asking(one), config) == fingerprint(asking(two), config)
    assert fingerprint(asking(one)) != fingerprint(asking(two))
    mode = asking(headers=(*JSON_TYPE, ("X-Mode", "b")))
    assert fingerprint(mode, config) != fingerprint(asking(), config)
    pattern = Config(match=Match(normalize=(r"run-\d+",)))
    numbered = [asking({"t": f"run-{number}"}) for number in (1, 2)]
    assert len({fingerprint(request, pattern) for request in numbered}) == 1


@given(JSON)
def test_the_first_look_agrees_with_the_settled_one_where_nothing_is_to_settle(
    body: Any,
) -> None:
    settled = identify_settled(asking(body), Config())
    again = identify(asking(body), Config())
    if again.fingerprint != settled.fingerprint:  # then something was settled: and once is enough
        assert identify_settled(asking(body), Config()) == settled


@pytest.mark.parametrize(
    ("host", "path", "template"),
    [
        ("api.openai.com", "/v1/models/gpt-4.1", "/v1/models/{model}"),
        ("api.openai.com", "/v1/files/file-abc/content", "/v1/files/{file_id}/content"),
        (
            "generativelanguage.googleapis.com",
            "/v1beta/models/gemini-2.5:generateContent",
            "/v1beta/models/{model}:generateContent",
        ),
        ("api.example.com", "/users/42/posts", "/users/{id}/posts"),
        ("api.example.com", "/o/0b0e7b4e-3f4a-4a61-9c3c-2c5d1f3b9f00", "/o/{id}"),
        ("api.example.com", "/x/deadbeefdeadbeef", "/x/{id}"),
        ("api.example.com", "/x/batch_67f3a1b2c3d4e5f6", "/x/{id}"),
        ("api.example.com", "/v1/chat-completions", "/v1/chat-completions"),
    ],
)
def test_ids_in_a_path_become_its_template(host: str, path: str, template: str) -> None:
    assert path_template(host, path) == template


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/../../etc/passwd",
        "https://api.example.com/a/%2e%2e/%2E%2E/b",
        "https://api.example.com/a/%2Fetc%2Fpasswd",
        "https://api.example.com/con/aux.txt/nul",
        "https://api.example.com/" + "x" * 5000,
        "https://api.example.com/" + "a/" * 300,
        "https://api.example.com/ümläut/日本語/a:b/c*d?e|f",
        "https://[::1]:8000/a",
        "https://api.example.com/a./b /..",
    ],
)
def test_no_url_leads_out_of_the_folder_or_breaks_a_file_system(url: str) -> None:
    name = identify_settled(Request("GET", url), Config()).name
    segments = name.split("/")
    assert len(name) <= 700
    assert all(0 < len(segment) <= 80 for segment in segments)
    assert all(segment.strip(". ") == segment for segment in segments)
    assert not {"..", "con", "nul", "aux.txt"} & set(segments)
    assert not set(name) & set('\\:*?"<>|\x00')
