"""While recording a stream comes as it is sent; however it ends, no fixture says what was not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2
import openai
import pytest
import requests
import trio
from conftest import Scope, fixtures_in, forgotten
from scripted_server import ScriptedResponse, ScriptedServer, event, sse_response

import cachy

CHUNKS = [
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    }
    for text in ("one", "two", "three")
]
EVENTS = [event(chunk) for chunk in CHUNKS] + [event("[DONE]")]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Hold back all but the first event until it is opened."""
    gate = threading.Event()
    yield gate
    gate.set()


def gated(gate: threading.Event, end: Any = "whole") -> ScriptedResponse:
    kind = (("Content-Type", "text/event-stream"),)
    return ScriptedResponse((EVENTS[0], b"".join(EVENTS[1:])), 200, kind, end=end, gate=gate)


def with_httpx(library: Any) -> Callable[[str], Any]:
    @contextmanager
    def opened(url: str) -> Iterator[Iterator[bytes]]:
        with library.Client() as client, client.stream("POST", url) as response:
            yield response.iter_bytes()

    return opened


@contextmanager
def with_requests(url: str) -> Iterator[Iterator[bytes]]:
    with requests.post(url, stream=True, timeout=9) as response:
        yield response.iter_content(None)


@contextmanager
def with_openai(url: str) -> Iterator[Iterator[Any]]:
    client = openai.OpenAI(base_url=url.removesuffix("/chat/completions"), api_key="k")
    with client, client.chat.completions.create(model="m", messages=[], stream=True) as stream:
        yield iter(stream)


def with_async_httpx(library: Any) -> Callable[[str], Any]:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with (
            library.AsyncClient() as client,
            client.stream("POST", url) as response,
            aclosing(response.aiter_bytes()) as pieces,
        ):
            yield pieces

    return opened


@asynccontextmanager
async def with_aiohttp(url: str) -> AsyncIterator[AsyncIterator[bytes]]:
    async with aiohttp.ClientSession() as session, session.post(url) as response:
        yield response.content.iter_any()


@asynccontextmanager
async def with_async_openai(url: str) -> AsyncIterator[AsyncIterator[Any]]:
    client = openai.AsyncOpenAI(base_url=url.removesuffix("/chat/completions"), api_key="k")
    async with client:
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
        async with stream:
            yield aiter(stream)


SYNC = {
    "httpx": with_httpx(httpx),
    "httpx2": with_httpx(httpx2),
    "requests": with_requests,
    "openai": with_openai,
}
ASYNC = {
    "httpx": with_async_httpx(httpx),
    "httpx2": with_async_httpx(httpx2),
    "aiohttp": with_aiohttp,
    "openai": with_async_openai,
}
PATH = "/v1/chat/completions"


def text_of(piece: Any) -> str:
    return piece.decode() if isinstance(piece, bytes) else piece.choices[0].delta.content


@pytest.mark.parametrize("name", SYNC)
def test_the_first_token_is_there_before_the_second_is_sent(
    name: str, origin: ScriptedServer, gate: threading.Event, recording: Scope, project: Path
) -> None:
    url = origin.on(PATH, gated(gate))
    with recording(), SYNC[name](url) as pieces:
        first = text_of(next(pieces))
        assert not gate.is_set()
        gate.set()
        rest = [text_of(piece) for piece in pieces]
    assert "one" in first
    assert "three" in "".join(rest)
    assert_whole(project)


@pytest.mark.parametrize("name", ASYNC)
def test_the_first_token_is_awaited_no_longer_than_it_takes(
    name: str, origin: ScriptedServer, gate: threading.Event, recording: Scope, project: Path
) -> None:
    url = origin.on(PATH, gated(gate))

    async def read() -> list[str]:
        async with ASYNC[name](url) as pieces:
            first = text_of(await anext(pieces))
            assert not gate.is_set()
            gate.set()
            return [first, *[text_of(piece) async for piece in pieces]]

    with recording():
        found = asyncio.run(read())
    assert "one" in found[0]
    assert "three" in "".join(found[1:])
    assert_whole(project)


def only_response(project: Path) -> dict[str, Any]:
    (path,) = fixtures_in(project)
    return dict(json.loads(path.read_text(encoding="utf-8"))["response"])


def assert_whole(project: Path) -> None:
    response = only_response(project)
    assert "truncated" not in response
    assert [one["data"] for one in response["sse"]] == [*CHUNKS, "[DONE]"]


@pytest.mark.parametrize("name", [*SYNC, *(f"async {name}" for name in ASYNC)])
def test_whoever_leaves_at_the_last_event_leaves_a_whole_fixture(
    name: str, origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    """The provider keeps the connection open after [DONE], and nobody waits for it."""
    url = origin.on(PATH, sse_response(*EVENTS, end="open"))

    def read() -> str:
        found = ""
        with SYNC[name](url) as pieces:
            for piece in pieces:
                found += text_of(piece)
                if "[DONE]" in found:
                    break
        return found

    async def read_async() -> str:
        found = ""
        async with ASYNC[name.removeprefix("async ")](url) as pieces:
            async for piece in pieces:
                found += text_of(piece)
                if "[DONE]" in found:
                    break
        return found

    def once() -> str:
        return asyncio.run(read_async()) if name.startswith("async") else read()

    with recording():
        live = once()
    assert_whole(project)
    with replaying():
        assert once() == live


@pytest.mark.parametrize("name", SYNC)
def test_whoever_breaks_off_leaves_a_whole_fixture_where_the_rest_comes_soon(
    name: str, origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    url = origin.on(PATH, sse_response(*EVENTS, pause=0.05))
    with recording(), SYNC[name](url) as pieces:
        next(pieces)
    assert_whole(project)


@pytest.mark.parametrize("name", SYNC)
def test_whoever_breaks_off_leaves_a_fixture_that_says_so(
    name: str,
    origin: ScriptedServer,
    gate: threading.Event,
    recording: Scope,
    replaying: Scope,
    project: Path,
) -> None:
    url = origin.on(PATH, gated(gate))
    with recording(), SYNC[name](url) as pieces:
        first = text_of(next(pieces))
    assert only_response(project)["truncated"] is True
    with replaying(), SYNC[name](url) as pieces:
        assert text_of(next(pieces)) == first
        with pytest.raises(cachy.UnrecordedRequest, match="The recorded stream ends here"):
            next(pieces)
    assert len(forgotten()) == 1


async def cancel(url: str, opened: Any) -> None:
    task = asyncio.ensure_future(read_two(url, opened))
    await asyncio.sleep(0)
    await got_one.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def time_out(url: str, opened: Any) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await read_two(url, opened)


async def read_two(url: str, opened: Any) -> None:
    async with opened(url) as pieces:
        await anext(pieces)
        got_one.set()
        await anext(pieces)


got_one = asyncio.Event()


@pytest.mark.parametrize("ending", [cancel, time_out])
@pytest.mark.parametrize("name", ASYNC)
def test_whoever_is_cancelled_leaves_none(
    name: str,
    ending: Any,
    origin: ScriptedServer,
    gate: threading.Event,
    recording: Scope,
    project: Path,
) -> None:
    global got_one
    got_one = asyncio.Event()
    url = origin.on(PATH, gated(gate))
    with recording():
        asyncio.run(ending(url, ASYNC[name]))
    assert fixtures_in(project) == []


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_whoever_is_cancelled_under_trio_leaves_none(
    library: Any, origin: ScriptedServer, gate: threading.Event, recording: Scope, project: Path
) -> None:
    url = origin.on(PATH, gated(gate))

    async def read() -> None:
        with trio.move_on_after(0.3) as scope:
            async with with_async_httpx(library)(url) as pieces:
                await anext(pieces)
                await anext(pieces)
        assert scope.cancelled_caught

    with recording():
        trio.run(read)
    assert fixtures_in(project) == []


@pytest.mark.parametrize("kind", ["time-out", "cut"])
@pytest.mark.parametrize("name", ["httpx", "httpx2", "requests"])
def test_a_stream_that_fails_leaves_none(
    name: str,
    kind: str,
    origin: ScriptedServer,
    gate: threading.Event,
    recording: Scope,
    project: Path,
) -> None:
    answer = gated(gate) if kind == "time-out" else sse_response(*EVENTS[:2], end="cut")
    url = origin.on(PATH, answer)
    errors = (httpx.TransportError, httpx2.TransportError, requests.RequestException)
    with recording(), pytest.raises(errors):
        {"httpx": httpx, "httpx2": httpx2, "requests": requests}[name].post(url, timeout=0.3)
    assert fixtures_in(project) == []


def test_a_stream_that_fails_leaves_none_under_aiohttp(
    origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    url = origin.on(PATH, sse_response(*EVENTS[:2], end="cut"))

    async def read() -> None:
        async with aiohttp.ClientSession() as session, session.post(url) as response:
            await response.read()

    with recording(), pytest.raises(aiohttp.ClientError):
        asyncio.run(read())
    assert fixtures_in(project) == []


LEFT_OPEN = """
import sys
import httpx
import cachy
cachy.enable_cachy("cachy_fixtures", doms=["127.0.0.1"], mode="record")
client = httpx.Client()

def left(path):
    response = client.send(client.build_request("POST", sys.argv[1] + path), stream=True)
    def pieces():
        try:
            yield from response.iter_bytes()
        finally:
            response.close()
    stream = pieces()
    next(stream)
    return stream

stream = left("/one")
circle = [left("/two")]
circle.append(circle)
"""


@pytest.mark.slow  # CPython 3.13.0 crashes at such a program's end, with cachy or without
def test_a_program_that_leaves_streams_open_ends_and_leaves_fixtures_that_say_so(
    origin: ScriptedServer, gate: threading.Event, project: Path
) -> None:
    for path in ("/one", "/two"):
        origin.on(path, gated(gate, "open"))
    program = [sys.executable, "-c", LEFT_OPEN, origin.url]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in fixtures_in(project)]
    assert [document["response"]["truncated"] for document in documents] == [True, True]


FORKED = """
import os, sys, time
import httpx
import cachy
cachy.enable_cachy("cachy_fixtures", doms=["127.0.0.1"], mode="record")
with httpx.Client() as client, client.stream("POST", sys.argv[1]) as response:
    pieces = response.iter_bytes()
    next(pieces)
    if not os.fork():
        sys.exit()
    os.wait()
    for _ in pieces:
        pass
"""


@pytest.mark.slow
def test_a_forked_process_leaves_an_open_stream_to_the_one_that_reads_it(
    origin: ScriptedServer, project: Path
) -> None:
    url = origin.on(PATH, sse_response(*EVENTS, pause=0.5))
    program = [sys.executable, "-c", FORKED, url]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert_whole(project)
