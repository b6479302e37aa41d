"""Secrets are found wherever they stand and however they are spelled; nothing else is touched."""

from __future__ import annotations

import base64
import json
import random
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secret_shapes import SHAPES, SPELLINGS, SPLIT, is_hidden, readings, secrets

from cachy.redact import (
    NEVER_STORED,
    keep_request_headers,
    keep_response_headers,
    redact_bytes,
    redact_json,
    redact_pairs,
    redact_text,
    redact_url,
    redact_values,
    secret_values,
)
from cachy.redact.response import find_secrets

NEVER = ("(?!)",)  # a pattern of the user's that never matches: every string is looked at
KEY = "sk-proj-Zx81kQm3Lw7Vt0Rb5Nc2"
MINTED = "Zx91kQm3Lw7Vt0Rb5Nc2"  # of no known shape
FRAGMENTS = st.one_of(
    secrets(),
    st.tuples(st.sampled_from(list(SPELLINGS.values())), secrets()).map(lambda it: it[0](it[1])),
    st.text(max_size=8),
    st.sampled_from(
        (
            *(
                " ",
                "\n",
                "\\n",
                "\\\\",
                '"',
                '\\"',
                "'",
                "=",
                "&",
                "?",
                "%20",
                "%3D",
                "\\u0026",
                ".",
            ),
            *("[redacted:jwt]", "password", '"api_key": "', "://", "u:p@", "Bearer ", "Basic "),
            *("<password>", "</password>", "password2", "_confirmation", 'name="pwd" value="'),
            *("token=", "sk-", "AKIA", "eyJ", "-----BEGIN PRIVATE KEY-----", "c2stcHJvai1"),
        )
    ),
)
TEXTS = st.lists(FRAGMENTS, max_size=6).map("".join)
NAMES = st.sampled_from(
    (
        *("password", "apiKey", "max_tokens", "token", "name", "value", "cookie", "x", "key"),
        *("password_confirmation", "user[pwd]", "client_secret_2", "csrf_token", "reset_token"),
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", SHAPES)
@given(data=st.data())
@settings(max_examples=3)  # of each of some seventy shapes
def test_no_key_of_a_known_shape_survives(kind: str, data: Any) -> None:
    secret = data.draw(secrets(kind))
    # A private key's lines and spaces can't be split by escapes, only the signs of one word.
    for spell in (SPELLINGS if kind == "private-key" else SPELLINGS | SPLIT).values():
        text = spell(secret)
        clean = redact_text(text)
        assert find_secrets(text) != []
        assert is_hidden(secret, clean)
        assert find_secrets(clean) == []


@given(secrets(), st.sampled_from(list(SPELLINGS.values())))
def test_no_key_survives_in_json_at_any_depth(secret: str, spell: Any) -> None:
    value = {"a": [{"b": spell(secret), secret: 1}, [[spell(secret)]]], "n": 1}
    clean = redact_json(value)
    assert is_hidden(secret, json.dumps(clean, ensure_ascii=False))
    assert find_secrets(json.dumps(clean, ensure_ascii=False)) == []


@given(TEXTS)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    clean = redact_text(text)
    assert redact_text(clean) is clean
    assert find_secrets(clean) == []


@given(TEXTS, st.sampled_from([r"\w+", ".", "x*", "redacted", r"^.", r"(?m)$", "[^ ]+"]))
def test_patterns_of_the_users_are_safe_to_apply_twice(text: str, pattern: str) -> None:
    clean = redact_text(text, (pattern,))
    assert redact_text(clean, (pattern,)) == clean


@given(JSON)
def test_json_keeps_its_structure_and_is_settled_at_once(value: Any) -> None:
    clean = redact_json(value)
    assert outline(clean) == outline(value)
    assert redact_json(clean) is clean
    assert find_secrets(json.dumps(clean, ensure_ascii=False)) == []


@given(JSON)
def test_the_quick_look_never_misses_what_the_thorough_one_finds(value: Any) -> None:
    assert redact_json(value) == redact_json(value, NEVER)


def outline(value: Any) -> Any:
    if isinstance(value, dict):
        return [outline(item) for item in value.values()]
    if isinstance(value, list):
        return [outline(item) for item in value]
    return "text" if isinstance(value, str) else value


@given(TEXTS, TEXTS, TEXTS)
def test_a_url_is_settled_at_once(name: str, value: str, path: str) -> None:
    url = f"https://h.example/{quote(path)}?{quote(name)}={quote(value)}&{name}={value}#{path}"
    clean = redact_url(url)
    assert redact_url(clean) == clean
    pairs = redact_pairs([(name, value)])
    assert redact_pairs(pairs) == pairs


# These never change: fixtures are found by what comes out of here.
FROZEN = [
    (KEY, "[redacted:openai-key]"),
    (f"say {KEY}!", "say [redacted:openai-key]!"),
    ("Bearer aB3dE5fG7hI9jK1lM3", "Bearer [redacted:bearer-token]"),
    ("Basic bWU6aHVudGVyMg==", "Basic [redacted:basic-auth]"),
    ("postgres://me:hunter2@db/x", "postgres://redacted@db/x"),
    ("https:\\/\\/me:hunter2@db\\/x", "https:\\/\\/redacted@db\\/x"),
    ("https%3A%2F%2Fme%3Ahunter2%40db", "https:%2F%2Fredacted%40db"),
    (f"https%3A%2F%2Fme%3A{KEY}%40db", "https:%2F%2Fredacted%40db"),
    (f"https://{KEY}:hunter2@db", "https://redacted@db"),
    (f"password={KEY}", "password=[redacted:{{password}}]"),
    ('{"password": "a\\"b", "n": 1}', '{"password": "[redacted:{{password}}]", "n": 1}'),
    ("{'api_key': 'a'}", "{'api_key': '[redacted:api-key]'}"),
    ('"{\\"clientSecret\\": \\"a\\"}"', '"{\\"clientSecret\\": \\"[redacted:client-secret]\\"}"'),
    ('{"password": "cut of', '{"password": "[redacted:{{password}}]'),
    (f"GET /a?key={MINTED}&page=2", "GET /a?key=[redacted:key]&page=2"),
    ("GET /a?key=abc&page=2", "GET /a?key=abc&page=2"),
    (f"a?b=1\\u0026sig={MINTED}", "a?b=1\\u0026sig=[redacted:signature]"),
    ("AZURE_API_KEY=0f9e8d7c6b5a49382716", "AZURE_API_KEY=[redacted:api-key]"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY",
     "aws_secret_access_key = [redacted:secret-key]"),
    (quote('{"password": "x"}'), "%7B%22password%22:%20%22[redacted:{{password}}]%22%7D"),
    ("c2stcHJvai1aeDgxa1FtM0x3N1Z0MFJiNU5jMg==", "[redacted:openai-key]"),
    ("bWU6c2stcHJvai1aeDgxa1FtM0x3N1Z0MFJiNU5jMg==", "bWU6W3JlZGFjdGVkOm9wZW5haS1rZXld"),
    ("sk\\u002dproj\\u002dZx81kQm3Lw7Vt0Rb5Nc2", "[redacted:openai-key]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FROZEN, ids=[row[0][:24] for row in FROZEN])
def test_what_takes_a_secrets_place_is_frozen_with_the_format(text: str, expected: str) -> None:
    assert redact_text(text) == expected


FROZEN_JSON = [
    ({"password": "a"}, {"password": "[redacted:{{password}}]"}),
    ({"db_Password": "a"}, {"db_Password": "[redacted:{{password}}]"}),
    ({"openaiApiKey": "a"}, {"openaiApiKey": "[redacted:api-key]"}),
    ({"X-API-KEY": "a"}, {"X-API-KEY": "[redacted:api-key]"}),
    ({"Authorization": ["Basic a"]}, {"Authorization": ["[redacted:authorization]"]}),
    ({"Cookie": "a=b; c=d"}, {"Cookie": "a=[redacted:cookie]; c=[redacted:cookie]"}),
    ({"name": "password", "value": "a"}, {"name": "password", "value": "[redacted:{{password}}]"}),
    ({"name": "api_key", "text": "a"}, {"name": "api_key", "text": "[redacted:api-key]"}),
    ({"token": MINTED}, {"token": "[redacted:token]"}),
    (
        {"a": [{"key": "3f9a" * 8}], "code": MINTED},
        {"a": [{"key": "[redacted:key]"}], "code": "[redacted:code]"},
    ),
    ({"said": json.dumps({"token": MINTED})}, {"said": '{"token": "[redacted:token]"}'}),
    ({KEY: 1, f"{KEY}9": 2}, {"[redacted:openai-key]": 1, "[redacted:openai-key] 2": 2}),
]


@pytest.mark.parametrize(("value", "expected"), FROZEN_JSON)
def test_fields_are_redacted_by_their_name(value: Any, expected: Any) -> None:
    assert redact_json(value) == expected


HARMLESS = [
    {"max_tokens": 5, "token": "Hello", "tokens": ["a"], "next_page_token": "eyJhIjoxfQ"},
    {"key": "colour", "prompt_cache_key": "user-7", "logprobs": [{"token": "key="}]},
    {"properties": {"password": {"type": "string"}}, "required": ["password", "api_key"]},
    {"password": None, "secret": True, "api_key": 5, "access_token": ""},
    {"id": "chatcmpl-DZ9h2kQm3Lw7Vt0Rb5Nc2aX1yU4tS", "call": "call_I1rBFpMqj7coOwyMai3oPYuu"},
    {"encrypted_content": "gAAAAABo" + "kQ_3-Lw7Vt0Rb5Nc2aX1" * 20, "signature": "Eq8BCkYIBx" * 9},
    {"text": "The bearer responsibilities of basic authentication: risk-management, task-list."},
    {"text": "class sk-toggleable__content sk-estimator-doc-link fitted; uuid " + "0a1b-" * 9},
    {"text": "https://h.example/a?page=2&code=DE&b=%20%2F and user@h.example, pass: yes"},
    {"text": "Incorrect API key provided: sk-proj-********************3f9a. password: required"},
    {"text": "Set OPENAI_API_KEY=<your key>, or api_key=os.environ['KEY'], token=next(tokens)"},
    {"token": "USDT", "key": "alpha", "code": "def a(b):\n    return B1 + c, 'xyz'", "sig": "a(b)"},
    {"key": "0x52908400098527886E0F7030069857D2E4169EE7", "signature": MINTED, "token": "a" * 31},
    {"next_token": MINTED, "page_key": MINTED, "_token": MINTED, "cursor": MINTED, "keys": MINTED},
    {"text": f"see https://h.example/a?_token={MINTED}&page_token={MINTED}&token=DAI&key=beta"},
    {"bytes": b"\x00\xff", "long": "data:image/png;base64," + "iVBORw0KGgo" * 400},
]


@pytest.mark.parametrize("value", HARMLESS)
def test_a_value_without_a_secret_is_the_same_object(value: Any) -> None:
    assert redact_json(value) is value
    for item in value.values():
        if isinstance(item, str):
            assert redact_text(item) is item


URLS = [
    ("https://h.example/a?page=2#top", "https://h.example/a?page=2#top"),
    ("https://me:pw@h.example:8/a", "https://redacted@h.example:8/a"),
    ("https://h.example/?KEY=abc", "https://h.example/?KEY=abc"),
    (f"https://h.example/?KEY={MINTED}", "https://h.example/?KEY=[redacted:key]"),
    ("https://generativelanguage.googleapis.com/a?key=x",
     "https://generativelanguage.googleapis.com/a?key=[redacted:key]"),
    ("https://h.example/?api%2Dkey=a%20b&q=%C3%BC", "https://h.example/?api%2Dkey=[redacted:api-key]&q=%C3%BC"),
    ("https://h.example/?code=DE&token=&x", "https://h.example/?code=DE&token=&x"),
    ("https://h.example/?code=4f0AX4XfWh9dK2c7bQ1z", "https://h.example/?code=[redacted:code]"),
    (f"https://h.example/?sig={'3f9a' * 8}&token={MINTED}",
     "https://h.example/?sig=[redacted:signature]&token=[redacted:token]"),
    ("https://s3.example/o?X-Amz-Credential=AKIA/2&X-Amz-Signature=ab",
     "https://s3.example/o?X-Amz-Credential=[redacted:aws-key]&X-Amz-Signature=[redacted:signature]"),
    (f"https://h.example/{KEY}/x", "https://h.example/[redacted:openai-key]/x"),
    ("/done#access_token=abc", "/done#access_token=[redacted:access-token]"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_urls(url: str, expected: str) -> None:
    assert redact_url(url) == expected


def test_only_listed_headers_are_kept_and_never_credentials() -> None:
    given = [
        *((name.title(), "secret") for name in sorted(NEVER_STORED)),
        ("Content-Type", "application/json"),
        ("X-RateLimit-Limit-Requests", "500"),
        ("x-ratelimit-remaining-requests", "499"),
        ("anthropic-ratelimit-tokens-limit", "9"),
        ("anthropic-ratelimit-tokens-reset", "9"),
        ("X-Mine", f"is {KEY}"),
        ("CF-Ray", "8a1b"),
        ("Date", "today"),
        ("Set-Cookie", "sid=abc; Path=/; HttpOnly"),
        ("Location", f"https://me:pw@h.example/?token={MINTED}"),
    ]
    assert keep_response_headers(given, ["x-mine", "AUTHORIZATION"]) == [
        ("content-type", "application/json"),
        ("x-ratelimit-limit-requests", "500"),
        ("anthropic-ratelimit-tokens-limit", "9"),
        ("x-mine", "is [redacted:openai-key]"),
        ("set-cookie", "sid=[redacted:cookie]; Path=/; HttpOnly"),
        ("location", "https://redacted@h.example/?token=[redacted:token]"),
    ]
    assert keep_request_headers(given, ["Content-Type", "Cookie", "X-Api-Key"]) == [
        ("content-type", "application/json")
    ]


def test_values_of_the_environment_that_look_like_credentials() -> None:
    environ = {
        "MISTRAL_API_KEY": "pW8rTq2LmZx5Nv7Kc4Yd9Bf3Hg6Js1Aa",
        "MY_TOKEN": "my-super-secret-value-12",
        "DATABASE_URL": "postgres://me:aX9%2FkQ3mLw7Vt0Rb5@db/x",
        "SSH_KEY_FILE": "/home/me/.ssh/id_rsa_2024",
        "GIT_AUTHOR_EMAIL": "somebody.long@h.example",
        "TOKEN_URL": "https://h.example/oauth/token",
        "SHORT_KEY": "abc",
        "ZERO_KEY": "0" * 40,
        "HOME": "pW8rTq2LmZx5Nv7Kc4Yd9Bf3Hg6Js1Ab",
    }
    assert secret_values(environ) == (
        "pW8rTq2LmZx5Nv7Kc4Yd9Bf3Hg6Js1Aa",
        "my-super-secret-value-12",
        "aX9%2FkQ3mLw7Vt0Rb5",
        "aX9/kQ3mLw7Vt0Rb5",
    )


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=16, max_size=40)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(secret=st.from_regex(r"\A[A-Za-z0-9+/=:;,~!-]{24,40}\Z"))
def test_a_guarded_value_is_written_in_no_spelling(spelling: str, secret: str) -> None:
    clean = redact_values(SPELLINGS[spelling](secret), (secret,))
    assert any("[redacted:{{env}}]" in reading for reading in readings(clean))
    assert is_hidden(secret, clean)
    assert redact_values(clean, (secret,)) == clean


@given(VALUES, TEXTS)
def test_a_text_without_guarded_values_comes_back_the_same_object(value: str, text: str) -> None:
    if value[:4] not in text:
        assert redact_values("-" + text, (value,)) == "-" + text


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("size", [500_000, pytest.param(3_000_000, marks=pytest.mark.slow)])
def test_no_chance_in_a_mediums_base64_is_taken_for_a_secret(encode: Any, size: int) -> None:
    media = encode(random.Random(2).randbytes(size)).decode("ascii")
    whole = {"image": media, "pieces": [media[at : at + 3000] for at in range(0, len(media), 3000)]}
    assert redact_json(whole) is whole
    assert redact_text(f"data:image/png;base64,{media}")[-100:] == media[-100:]
    raw = base64.b64decode(media, altchars=b"-_" if "_" in media else None)
    assert redact_bytes(raw) == raw


CHANCE = "dmvG-sk-0vh1dLRMGdgd3zb7JpA6RPiL4PqUpjFGR"  # what such media may hold


def test_what_precedes_it_distinguishes_a_key_from_chance() -> None:
    noise = base64.urlsafe_b64encode(random.Random(1).randbytes(60)).decode("ascii")
    assert redact_text(noise + CHANCE) == noise + CHANCE
    for before in ("", "a/b/" * 40, "some-long-name-of-a-file-" * 4, f"{noise}."):
        assert "[redacted:openai-key]" in redact_text(before + CHANCE)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_in_a_mediums_base64_is_found(encode: Any) -> None:
    noise = random.Random(3).randbytes(5_000)
    for shift in range(3):
        raw = b"\xff" * shift + noise + f" key: {KEY} ".encode() + noise
        clean = redact_text(encode(raw).decode("ascii"))
        decoded = base64.b64decode(clean, altchars=b"-_" if "_" in clean else None)
        assert decoded == raw.replace(KEY.encode(), b"[redacted:openai-key]")


HOSTILE = (
    *("\\", '\\"', "%25", "%", "://", ":", "a:", "Bearer ", "basic ", "password=", "="),
    *('"password":"', "'password':'", '\\"password\\":\\"', "eyJ.", "eyJa.", "sk-", "A", "x@"),
    *("-----BEGIN PRIVATE KEY-----", "c2stcHJvai1", "\\u002d", "\\/", "%2D", "SG.a", "a.", " "),
    *(
        "eyJ-",
        "Bearer+",
        "basic+",
        "ghp_-",
        "\\n",
        "password: ",
        "sk-a",
        "sk_live_",
        "%3D=",
        "token ",
    ),
)


@pytest.mark.parametrize("sign", HOSTILE)
@pytest.mark.parametrize("start", ["", "-----BEGIN PRIVATE KEY-----", "://a:", "SG.", "key="])
def test_no_text_takes_long(start: str, sign: str) -> None:
    before = time.process_time()  # not of the clock: a busy machine takes longer
    redact_text(start + sign * (20_000 // len(sign)))
    assert time.process_time() - before < 2


def test_nesting_deeper_than_the_stack_is_redacted_all_the_same() -> None:
    deep: Any = {"password": "hunter2"}
    for _ in range(100_000):
        deep = [deep]
    clean = redact_json(deep)
    for _ in range(100_000):
        clean = clean[0]
    assert clean == {"password": "[redacted:{{password}}]"}
