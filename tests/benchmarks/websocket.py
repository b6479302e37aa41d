"""A WebSocket session of a thousand frames: replayed, beside a scripted peer on loopback.

    python tests/benchmarks/websocket.py [--rounds 5]

Prints, for each client, the CPU time and the wall time of a replay as multiples of those of the
same session with a server in a process of its own that answers at once: the best of some rounds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))

from websocket_server import (
    WEBSOCKET_ADAPTERS,
    Receive,
    Step,
    WebSocketAdapter,
    serving_websockets,
)

import cachy

TURNS = 500  # each a message sent and one received
DELTA = {"type": "response.output_text.delta", "event_id": "event_1", "delta": "word " * 10}


def steps() -> list[Step]:
    asked = [json.dumps({"type": "input", "n": number, **DELTA}) for number in range(TURNS)]
    return [step for one in asked for step in (one, Receive())]


def _serve(pipe: Any) -> None:
    with serving_websockets() as server:
        pipe.send(server.url)
        pipe.recv()


@contextmanager
def peer() -> Iterator[str]:
    """Serve an echo in a process of its own, whose CPU time is not the client's."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the CPU seconds and the seconds that some work takes."""
    start, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - start, time.perf_counter() - clock


def compare(client: WebSocketAdapter, rounds: int) -> list[float]:
    """Return the CPU time and the wall time of a replay, as multiples of those with a peer."""
    live, replayed = [], []
    with tempfile.TemporaryDirectory() as folder, peer() as url:
        chosen: Any = {"cache_dir": folder, "doms": ["127.0.0.1"]}
        talk = partial(client.talk, url, *steps())
        with cachy.cachy(**chosen, mode="record"):
            talk()
        for _ in range(rounds):
            live.append(timed(talk))
            with cachy.cachy(**chosen, mode="replay"):
                replayed.append(timed(talk))
    both = zip(zip(*replayed, strict=True), zip(*live, strict=True), strict=True)
    return [min(new) / min(old) for new, old in both]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for client in WEBSOCKET_ADAPTERS:
        cpu, wall = compare(client, rounds)
        print(f"{client.name:24} CPU {cpu:.2f}  wall {wall:.2f}")


if __name__ == "__main__":
    main()
