"""While recording a stream comes as it is sent; however it ends, no fixture says what was not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from conftest import Scope, fixtures_in
from scripted_server import ScriptedResponse, ScriptedServer, event, sse_response

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


@contextmanager
def with_openai(url: str) -> Iterator[Iterator[Any]]:
    client = openai.OpenAI(base_url=url.removesuffix("/chat/completions"), api_key="k")
    with client, client.chat.completions.create(model="m", messages=[], stream=True) as stream:
        yield iter(stream)


@asynccontextmanager
async def with_async_openai(url: str) -> AsyncIterator[AsyncIterator[Any]]:
    client = openai.AsyncOpenAI(base_url=url.removesuffix("/chat/completions"), api_key="k")
    async with client:
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
        async with stream:
            yield aiter(stream)


SYNC = {"openai": with_openai}
ASYNC = {"openai": with_async_openai}
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
def test_closing_at_the_last_event_leaves_a_whole_fixture(
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
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=120)
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
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert_whole(project)
