"""One contender of `replay.py` in a process of its own: record, then time a round a line read.

    python replay_worker.py CONTENDER FOLDER URL COUNT

The floor, httpx2's own MockTransport giving the same bytes in the same chunks, is timed before and
after each contender's slice. Nothing here imports cachy but its own contender, as a peer has our
import name.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx2

CALLS = 100
ANSWER = json.dumps(
    {"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "word " * 300}}]}
).encode()
EVENTS = [b'data: {"choices":[{"index":0,"delta":{"content":"%d"}}]}\n\n' % n for n in range(60)]
BODY = {"model": "gpt-4.1", "messages": [{"role": "system", "content": "Be brief. " * 30}]}
MATCH = ["method", "scheme", "host", "port", "path", "query", "body"]


def body(number: int, *, stream: bool) -> dict[str, object]:
    turn = {"role": "user", "content": f"Question {number}"}
    return {**BODY, "messages": [*BODY["messages"], turn], "stream": stream}


class Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """The floor's stream."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(EVENTS)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in EVENTS:
            yield chunk


def floor(request: httpx2.Request) -> httpx2.Response:
    if b'"stream":true' in request.content:
        kind = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=kind, stream=Chunks())
    return httpx2.Response(200, headers={"content-type": "application/json"}, content=ANSWER)


def ask(client: httpx2.Client, url: str, numbers: Sequence[int], *, stream: bool) -> float:
    """Give the CPU seconds of these calls, each answer read as its user would."""
    started = time.process_time()
    for number in numbers:
        asked = body(number, stream=stream)
        if not stream:
            client.post(url, json=asked).json()
            continue
        with client.stream("POST", url, json=asked) as response:
            for _ in response.iter_lines():
                pass
    return time.process_time() - started


async def ask_async(
    client: httpx2.AsyncClient, url: str, numbers: Sequence[int], *, stream: bool
) -> float:
    started = time.process_time()
    for number in numbers:
        asked = body(number, stream=stream)
        if not stream:
            (await client.post(url, json=asked)).json()
            continue
        async with client.stream("POST", url, json=asked) as response:
            async for _ in response.aiter_lines():
                pass
    return time.process_time() - started


def cost(url: str, numbers: Sequence[int], transport: Any = None, *, kind: str) -> float:
    stream = "stream" in kind
    if "async" not in kind:
        with httpx2.Client(transport=transport) as client:
            return ask(client, url, numbers, stream=stream)

    async def run() -> float:
        async with httpx2.AsyncClient(transport=transport) as client:
            return await ask_async(client, url, numbers, stream=stream)

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

    match: Any = ["method", "uri", "json_body"]
    play = "none" if mode == "replay" else "once"
    with use_cassette(folder / "c.yaml", record_mode=play, match_on=match):
        yield


Contender = Callable[[Path, str], AbstractContextManager[None]]
CONTENDERS: dict[str, Contender] = {
    "cachy": cachy,
    "cachy, first touch": cachy,
    "pycachy": pycachy,
    "vcrpy": vcrpy,
    "cassetter": cassetter,
}
KINDS = ("json", "stream", "async json", "async stream")


def record(url: str, count: int) -> None:
    """Ask everything once, live."""
    for stream in (False, True):
        with httpx2.Client() as client:
            ask(client, url, range(count), stream=stream)


def main(name: str, folder: Path, url: str, count: int) -> None:
    make = CONTENDERS[name]
    if not any(folder.rglob("*.*")):
        with make(folder, "record"):
            record(url, count)
    is_first = name.endswith("first touch")
    numbers = [number % count for number in range(min(CALLS, count) if is_first else CALLS)]
    print("ready", flush=True)
    for line in sys.stdin:
        kind = line.strip()
        before = floor_cost(numbers, kind)
        with make(folder, "replay"):
            if not is_first:
                cost(url, numbers, kind=kind)
            measured = cost(url, numbers, kind=kind)
        print(2 * measured / (before + floor_cost(numbers, kind)), flush=True)


def floor_cost(numbers: Sequence[int], kind: str) -> float:
    """Ask the floor at a host that no contender covers, with a URL as dear to parse as theirs."""
    url = "http://127.0.0.2:49152/v1/chat/completions"
    return cost(url, numbers, httpx2.MockTransport(floor), kind=kind)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
