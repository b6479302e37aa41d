"""What a replayed request costs, as ratios against floors measured in the same run.

    python tests/benchmarks/replay.py

The floor is httpx2's own MockTransport giving the same bytes; CPU time, medians of interleaved
rounds. "first" reads each fixture from disk, "again" has read it before.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from cachy.config import Config
from cachy.fixtures.document import compose
from cachy.fixtures.fingerprint import identify_settled
from cachy.fixtures.store import Store
from cachy.interaction import Request, Response
from cachy.replay.scope import cachy

URL = "https://api.openai.com/v1/chat/completions"
ROUNDS, CALLS = 9, 200
ANSWER = json.dumps(
    {"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "word " * 500}}]}
).encode()
EVENTS = [b'data: {"choices":[{"index":0,"delta":{"content":"%d"}}]}\n\n' % n for n in range(60)]
STREAM = b"".join(EVENTS)
BODY = {"model": "gpt-4.1", "messages": [{"role": "system", "content": "Be brief. " * 30}]}


def body(number: int, *, stream: bool) -> dict[str, object]:
    turn = {"role": "user", "content": f"Question {number}"}
    return {**BODY, "messages": [*BODY["messages"], turn], "stream": stream}


def fill(folder: Path, count: int) -> None:
    """Record `count` answers of each kind, without HTTP."""
    config = Config(root=folder, fixtures=folder)
    store = Store(folder)
    for number in range(count):
        for stream in (False, True):
            raw = json.dumps(body(number, stream=stream)).encode()
            request = Request("POST", URL, (("content-type", "application/json"),), raw)
            kind = "text/event-stream" if stream else "application/json"
            response = Response(200, (("content-type", kind),), STREAM if stream else ANSWER)
            document, blobs = compose(request, response, {"at": "2026-01-01T00:00:00Z"}, config)
            store.save(identify_settled(request, config), document, blobs)


def floor_client() -> httpx2.Client:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if b'"stream":true' in request.read():
            return httpx2.Response(
                200, headers={"content-type": "text/event-stream"}, stream=Chunks()
            )
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=ANSWER)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


class Chunks(httpx2.SyncByteStream):
    """A stream in the same chunks as replay gives."""

    def __iter__(self):
        return iter(EVENTS)


def cost(client: httpx2.Client, *, stream: bool, count: int) -> float:
    """Give the CPU seconds of one call."""
    started = time.process_time()
    for number in range(CALLS):
        asked = body(number % count, stream=stream)
        if not stream:
            client.post(URL, json=asked).json()
            continue
        with client.stream("POST", URL, json=asked) as response:
            for _ in response.iter_lines():
                pass
    return (time.process_time() - started) / CALLS


def ratio(one: Callable[[], float], floor: Callable[[], float]) -> float:
    """Give the median ratio of interleaved rounds."""
    return statistics.median(one() / floor() for _ in range(ROUNDS))


def measure(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), count)
        floor = floor_client()
        for stream in (False, True):
            title = "stream" if stream else "json"

            def floored(stream: bool = stream) -> float:
                return cost(floor, stream=stream, count=count)

            def first(stream: bool = stream) -> float:
                with cachy(name, mode="replay"), httpx2.Client() as client:
                    return cost(client, stream=stream, count=max(count, CALLS))

            with cachy(name, mode="replay"), httpx2.Client() as client:

                def again(stream: bool = stream, client: httpx2.Client = client) -> float:
                    return cost(client, stream=stream, count=count)

                cost(client, stream=stream, count=count)
                print(f"{title}, {count} fixtures, again: {ratio(again, floored):.2f} x floor")
            if count >= CALLS:
                print(f"{title}, {count} fixtures, first: {ratio(first, floored):.2f} x floor")


def imported(module: str) -> float:
    """Give the milliseconds that a fresh process takes to import a module."""
    code = f"import time; s=time.perf_counter(); import {module}; print(time.perf_counter()-s)"
    runs = [subprocess.check_output([sys.executable, "-c", code]) for _ in range(7)]
    return 1000 * statistics.median(map(float, runs))


if __name__ == "__main__":
    for fixtures in (1, 200, 2000):
        measure(fixtures)
    alone, both = imported("httpx2"), imported("httpx2, cachy")
    print(f"import cachy: {both - alone:.0f} ms over httpx2 ({alone:.0f} ms)")
