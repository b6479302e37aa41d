"""One contender of `replay.py` in a process of its own: it records, then times a part for a line.

    python replay_worker.py CONTENDER FOLDER URL

A line is `SHAPE sync|async PART`; the response is two ratios to the floor, which is httpx2's own
MockTransport returning the same bytes in the same chunks: the first pass over a part's requests,
and the second. The floor is timed before, between and after. Only cachy's own contender imports
cachy, since a peer has our import name.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from replay_shapes import SHAPES, Shape

CALLS = 40
MATCH = ["method", "scheme", "host", "port", "path", "query", "body"]
FLOOR = "http://127.0.0.2:49152"  # no contender covers it, and it is as long as theirs


class Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """The floor's stream."""

    def __init__(self, chunks: tuple[bytes, ...]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    async def __aiter__(self) -> Any:
        for chunk in self.chunks:
            yield chunk


class Floor(httpx2.MockTransport):
    """The library's own, even where a contender replaces its methods."""

    handle_request = httpx2.MockTransport.handle_request
    handle_async_request = httpx2.MockTransport.handle_async_request


def floor(shape: Shape) -> Floor:
    """Return the transport that does nothing but return ready bytes."""
    headers = {"content-type": shape.content_type}

    def respond(_: httpx2.Request) -> httpx2.Response:
        if shape.is_stream:
            return httpx2.Response(200, headers=headers, stream=Chunks(shape.chunks))
        return httpx2.Response(200, headers=headers, content=shape.chunks[0])

    return Floor(respond)


def ask(client: httpx2.Client, url: str, shape: Shape, numbers: range) -> float:
    """Return the CPU seconds of these calls, each response read as a user would read it."""
    started = time.process_time()
    for number in numbers:
        target, body = url + shape.path(number), shape.body(number)
        if not shape.is_stream:
            client.request(shape.method, target, json=body).json()
            continue
        with client.stream(shape.method, target, json=body) as response:
            for _ in response.iter_lines():
                pass
    return time.process_time() - started


async def ask_async(client: httpx2.AsyncClient, url: str, shape: Shape, numbers: range) -> float:
    started = time.process_time()
    for number in numbers:
        target, body = url + shape.path(number), shape.body(number)
        if not shape.is_stream:
            (await client.request(shape.method, target, json=body)).json()
            continue
        async with client.stream(shape.method, target, json=body) as response:
            async for _ in response.aiter_lines():
                pass
    return time.process_time() - started


def cost(url: str, shape: Shape, way: str, numbers: range, transport: Any = None) -> float:
    if way == "sync":
        with httpx2.Client(transport=transport) as client:
            return ask(client, url, shape, numbers)

    async def run() -> float:
        async with httpx2.AsyncClient(transport=transport) as client:
            return await ask_async(client, url, shape, numbers)

    return asyncio.run(run())


def cachy(folder: Path, mode: str) -> AbstractContextManager[None]:
    from cachy import cachy

    return cachy(folder, doms=["127.0.0.1"], mode=mode)


def pycachy(folder: Path, _: str) -> AbstractContextManager[None]:
    from cachy import enable_cachy

    enable_cachy(cache_dir=folder, doms=["127.0.0.1"])
    return nullcontext()


@contextmanager
def vcrpy(folder: Path, mode: str) -> Iterator[None]:
    import vcr

    recorder = vcr.VCR(record_mode="none" if mode == "replay" else "once", match_on=MATCH)
    with recorder.use_cassette(str(folder / "c.yaml"), allow_playback_repeats=True):
        yield


@contextmanager
def cassetter(folder: Path, mode: str) -> Iterator[None]:
    from cassetter import use_cassette

    play: Literal["none", "once"] = "none" if mode == "replay" else "once"
    cassette = str(folder / "c.yaml")
    floor_host = [urlsplit(FLOOR).hostname or ""]  # it would answer the floor's requests too
    with use_cassette(
        cassette, record_mode=play, match_on=["method", "uri", "json_body"], ignore_hosts=floor_host
    ):
        yield


Contender = Callable[[Path, str], AbstractContextManager[None]]
CONTENDERS: dict[str, Contender] = {
    "cachy": cachy,
    "pycachy": pycachy,
    "vcrpy": vcrpy,
    "cassetter": cassetter,
}


def measure(make: Contender, folder: Path, url: str, shape: Shape, way: str, part: int) -> str:
    """Return the two ratios of a part, which is recorded first where it is not on disk yet."""
    numbers = range(part * CALLS, (part + 1) * CALLS)
    if not any(folder.rglob("*.*")):
        folder.mkdir(parents=True, exist_ok=True)
        with make(folder, "record"):
            cost(url, shape, "sync", numbers)
    floors = [cost(FLOOR, shape, way, numbers, floor(shape))]
    passes = []
    with make(folder, "replay"):
        for _ in range(2):
            passes.append(cost(url, shape, way, numbers))
            floors.append(cost(FLOOR, shape, way, numbers, floor(shape)))
    first, again = (
        2 * spent / (before + after)
        for spent, before, after in zip(passes, floors[:-1], floors[1:], strict=True)
    )
    return f"{first} {again}"


def main(name: str, folder: Path, url: str) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        shape, way, part = line.split()
        whole = folder if shape.startswith("many-") else folder / f"{shape}-{part}"
        shape = SHAPES[shape.removeprefix("many-")]
        print(measure(CONTENDERS[name], whole, url, shape, way, int(part)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
