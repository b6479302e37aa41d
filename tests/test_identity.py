"""Identity, attacked: equal requests agree wherever they come from, different ones never do."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import httpx
import httpx2
import loopback
import pytest
import requests
from conftest import CERTIFICATES, Scope, fixtures_in
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import cachy
from cachy.config import Config
from cachy.fixture.identity.fingerprint import identify, identify_settled
from cachy.interaction import Request

OPENAI = "https://api.openai.com/v1/responses"
JSON_TYPE = (("content-type", "application/json"),)
WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(WORDS, JSON, min_size=1, max_size=5)
PAIRS = st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), WORDS), max_size=3)
few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def asking(body: Any, url: str = OPENAI, **headers: str) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request("POST", url, (*JSON_TYPE, *named), raw)


def fingerprint(request: Request) -> str:
    return identify_settled(request, Config()).fingerprint


def spellings(value: Any) -> Iterator[bytes]:
    """Write the same JSON in each way that clients write it."""
    for ascii_only in (True, False):
        for indent, separators in ((None, (",", ":")), (None, (", ", ": ")), (3, None)):
            for order in (False, True):
                text = json.dumps(
                    turned(value) if order else value,
                    ensure_ascii=ascii_only,
                    indent=indent,
                    separators=separators,
                )
                yield text.encode("utf-8")


def turned(value: Any) -> Any:
    """Give an equal value: keys in another order, whole floats for the integers they equal."""
    if isinstance(value, dict):
        return {key: turned(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return [turned(item) for item in value]
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return float(value) if is_whole else value


@few
@given(BODIES)
def test_every_spelling_of_a_body_is_the_same(body: Any) -> None:
    for look in (identify, identify_settled):
        assert len({look(asking(raw), Config()).name for raw in spellings(body)}) == 1


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of everything inside a JSON value."""
    if not isinstance(value, (dict, list)):
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], how: int) -> Any:
    """Give the value with the thing at a path changed: the smallest change there is."""
    value = copy.deepcopy(value)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    at = path[-1]
    if how == 0:
        del holder[at]
    elif how == 1 and isinstance(holder, list):
        holder.reverse()
    elif how == 1:
        holder[f"{at}x"] = holder.pop(at)
    else:
        holder[at] = nudged(holder[at], how)
    return value


def nudged(value: Any, how: int) -> Any:
    match value:
        case bool():
            return not value
        case None:
            return False
        case int() | float():
            return str(value) if how % 2 else value + 1
        case str():
            at = how % (len(value) + 1)
            return value[:at] + "q" + value[at:]
        case _:
            return [value]


@settings(max_examples=80, deadline=None)
@given(BODIES, st.integers(0, 40), st.data())
def test_the_smallest_change_of_a_body_is_a_change(body: Any, how: int, data: Any) -> None:
    other = changed(body, data.draw(st.sampled_from(list(places(body)))), how)
    assume(json.dumps(other) != json.dumps(body) and turned(other) != turned(body))
    assert fingerprint(asking(other)) != fingerprint(asking(body))


TURN = {"role": "user", "content": "What is the capital of France?"}
CHAT = {"model": "gpt-4.1", "input": [{"role": "system", "content": "Be brief."}, TURN]}


@given(st.integers(0, len(TURN["content"]) - 1), st.characters(codec="utf-8"))
def test_one_character_of_a_prompt_counts(at: int, letter: str) -> None:
    text = TURN["content"]
    assume(text[at] != letter)
    other = {**CHAT, "input": [CHAT["input"][0], {**TURN, "content": text[:at] + letter}]}
    assert fingerprint(asking(other)) != fingerprint(asking(CHAT))


def test_the_order_of_messages_and_the_headers_that_matter_count() -> None:
    other = {**CHAT, "input": CHAT["input"][::-1]}
    claude = "https://api.anthropic.com/v1/messages"
    asked = [
        asking(CHAT),
        asking(other),
        asking(CHAT, openai_beta="realtime=v1"),
        asking(CHAT, claude),
        asking(CHAT, claude, anthropic_version="2023-06-01"),
        asking(CHAT, claude, anthropic_version="2023-06-01", anthropic_beta="a"),
        asking(CHAT, claude, anthropic_version="2023-06-01", anthropic_beta="b"),
        asking(CHAT, "https://api.example.com/x"),
        asking(CHAT, "https://api.example.com/x", accept="text/event-stream"),
    ]
    assert len({fingerprint(request) for request in asked}) == len(asked)


HEX = st.text("0123456789abcdef", min_size=32, max_size=32)


def noisy(run: str, number: int) -> Request:
    """Give one request as a process sends it: all that varies from run to run is taken from it."""
    minted = f"pyd_ai_{run}"
    uuid = "-".join((run[:8], run[8:12], run[12:16], run[16:20], run[20:]))
    body = {
        "input": [
            {"type": "function_call", "call_id": uuid, "name": minted},
            {"type": "function_call_output", "call_id": uuid, "output": f"/tmp/tmp{run[:8]}/a.csv"},
            f"<Tool object at 0x7f{run[:10]}> in /tmp/ipykernel_{number}/{number}.py",
        ],
        "prompt_cache_key": run,
        "metadata": {"idempotency_key": run},
    }
    return asking(
        body,
        idempotency_key=run,
        x_stainless_retry_count=str(number % 3),
        x_request_id=uuid,
        traceparent=f"00-{run}-{run[:16]}-01",
        user_agent=f"OpenAI/Python {number}",
    )


@few
@given(HEX, HEX, st.integers(1, 10**6), st.integers(1, 10**6))
def test_no_noise_counts(one: str, two: str, first: int, second: int) -> None:
    assert fingerprint(noisy(one, first)) == fingerprint(noisy(two, second))


@few
@given(HEX, HEX, st.binary(max_size=60), st.binary(max_size=60))
def test_a_boundary_never_counts_and_a_byte_of_a_part_always(
    one: str, two: str, content: bytes, other: bytes
) -> None:
    def upload(boundary: str, content: bytes) -> Request:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        return Request("POST", OPENAI, (("content-type", kind),), body)

    assert fingerprint(upload(one, content)) == fingerprint(upload(two, content))
    is_same = fingerprint(upload(one, content)) == fingerprint(upload(one, other))
    assert is_same == (content == other)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("/a%FF", "/a%FE"),
        ("/a%2Fb", "/a/b"),
        ("/a%25b", "/ab"),
        ("/a?q=%FF", "/a?q=%FE"),
        ("/a?q=%2B", "/a?q=+"),
        ("/a?q=1&q=2", "/a?q=1"),
        ("/a?q=1%26r%3D2", "/a?q=1&r=2"),
        ("/a/", "/a"),
    ],
)
def test_urls_that_say_something_else_are_different(one: str, two: str) -> None:
    urls = [f"https://api.example.com{path}" for path in (one, two)]
    assert len({fingerprint(Request("GET", url)) for url in urls}) == 2


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_bytes_that_are_no_utf8_are_told_apart_in_forms(kind: str) -> None:
    def form(byte: bytes) -> Request:
        body = b"a=%" + byte
        if kind.startswith("multipart"):
            name = b'--x\r\nContent-Disposition: form-data; name="f"; filename="' + byte
            body = name + b'"\r\n\r\nA\r\n--x--\r\n'
        return Request("POST", OPENAI, (("content-type", f"{kind}; boundary=x"),), body)

    pairs = ((b"\xfe", b"\xff"), (b"FE", b"FF"))
    one, two = pairs[0] if kind.startswith("multipart") else pairs[1]
    assert fingerprint(form(one)) != fingerprint(form(two))


Ask = Callable[[str, Any, list[tuple[str, str]]], None]


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Ask]:
    """Send one request through every client, each writing URL, query and JSON in its own way."""
    clients = [library.Client(verify=CERTIFICATES) for library in (httpx, httpx2)]
    session = requests.Session()

    async def send_async(url: str, body: Any, query: list[tuple[str, str]]) -> None:
        for library in (httpx, httpx2):
            async with library.AsyncClient(verify=CERTIFICATES) as client:
                await client.post(url, json=body, params=query)
        async with (
            aiohttp.ClientSession() as client,
            client.post(url, json=body, params=query) as response,
        ):
            await response.read()

    def send(url: str, body: Any, query: list[tuple[str, str]]) -> None:
        for client in clients:
            client.post(url, json=body, params=query)
        session.post(url, json=body, params=query, timeout=5)
        asyncio.run(send_async(url, body, query))

    yield send
    for client in (*clients, session):
        client.close()


@settings(few, max_examples=20)
@given(
    path=st.text(st.characters(codec="utf-8", exclude_characters="/.?#"), max_size=8),
    safe=st.sampled_from(["", ":@!$&'()*+,;=", "|[]^", "~"]),
    body=BODIES,
    query=PAIRS,
)
@example(path="a|b[c]^d~e%f g+h\\i:j", safe="|[]^~", body={"q": "Grüße"}, query=[("a", "1 2+3|ü")])
def test_one_request_through_every_client_is_recorded_once(
    everywhere: Ask,
    origin: loopback.Origin,
    project: Path,
    path: str,
    safe: str,
    body: Any,
    query: list[tuple[str, str]],
) -> None:
    with cachy.cachy(doms=["127.0.0.1"], mode="refresh"):
        everywhere(f"{origin.url}/v1/{quote(path, safe=safe)}", body, query)
    files = fixtures_in(project)
    assert len(files) == 1
    files[0].unlink()


def test_a_form_and_an_upload_are_the_same_from_each_client(
    origin: loopback.Origin, recording: Scope, project: Path
) -> None:
    fields, upload = {"b": "2 3", "a": "ü&="}, ("a.txt", b"\x00one", "text/plain")
    with recording():
        for library in (httpx, httpx2):
            library.post(f"{origin.url}/form", data=fields)
            library.post(f"{origin.url}/file", data={"p": "x"}, files={"f": upload})
        requests.post(f"{origin.url}/form", data=fields, timeout=5)
        requests.post(f"{origin.url}/file", data={"p": "x"}, files={"f": upload}, timeout=5)
    assert (origin.count, len(fixtures_in(project))) == (2, 2)


BATCH = """
import base64, json, sys
from cachy.config import load_config
from cachy.fixture.identity.fingerprint import identify, identify_settled
from cachy.interaction import Request
names = []
for method, url, headers, body in json.load(sys.stdin):
    pairs = tuple(tuple(pair) for pair in headers)
    request = Request(method, url, pairs, base64.b64decode(body))
    names.append([look(request, load_config()).name for look in (identify, identify_settled)])
json.dump([list(sys.version_info[:2]), names], sys.stdout)
"""
SECRET = "sk-proj-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
VALUE = "hunter2-hunter2-hunter2-XyZ987"


@st.composite
def batches(draw: Any) -> list[Request]:
    bodies = draw(st.lists(BODIES, min_size=30, max_size=30))
    asked = [asking({**body, "n": number}) for number, body in enumerate(bodies)]
    said = [{"input": SECRET}, {"input": VALUE}, {"password": VALUE}, CHAT, {"n": 10**400}]
    asked += [asking(body) for body in said]
    asked += [noisy("0123456789abcdef" * 2, 7)]
    asked += [Request("PUT", f"{OPENAI}/{n}?k={VALUE}", (), bytes([n, 255])) for n in range(5)]
    return asked


def pythons() -> list[str]:
    """Give this Python, and the newer ones that are installed."""
    paths = [sys.executable, *map(shutil.which, ("python3.12", "python3.13"))]
    paths += map(str, Path.home().glob(".pyenv/versions/3.1[23].*/bin/python"))
    return [path for path in paths if path and runs(path)]


def runs(python: str) -> bool:
    """Whether a program by that name is a Python, not a stand-in for one that could be."""
    return not subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode


ENVIRONMENTS = [
    {"PYTHONHASHSEED": "0"},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Asia/Tokyo", "CI": "true"},
    {"OPENAI_API_KEY": SECRET, "MY_SERVICE_PASSWORD": VALUE, "THE_TOKEN": "gpt-4.1", "KEY": "n"},
]


@settings(few, max_examples=2)  # the first is the simplest there is
@given(batch=batches())
def test_every_process_python_and_environment_agrees(batch: list[Request], tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    rows = [
        [asked.method, asked.url, asked.headers, base64.b64encode(asked.body).decode()]
        for asked in batch
    ]
    runs = [(python, ENVIRONMENTS[1]) for python in pythons()]
    runs += [(sys.executable, environment) for environment in ENVIRONMENTS]
    answers = [run_batch(python, environment, rows, tmp_path) for python, environment in runs]
    here = [
        [look(asked, Config()).name for look in (identify, identify_settled)] for asked in batch
    ]
    assert answers == [here] * len(runs)
    assert len({settled for _, settled in here}) == len(here)


def run_batch(python: str, environment: dict[str, str], rows: Any, folder: Path) -> Any:
    base = {key: os.environ[key] for key in ("PATH", "HOME", "SYSTEMROOT") if key in os.environ}
    root = str(Path(cachy.__file__).parent.parent)
    done = subprocess.run(
        [python, "-c", BATCH],
        input=json.dumps(rows),
        env={**base, **environment, "PYTHONPATH": root},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[1]
