"""What a replayed request costs, as ratios to a floor and beside the peers, measured in one run.

    pip install vcrpy cassetter
    python tests/benchmarks/replay.py [--pycachy PYTHON] [--many 100000]

`PYTHON` is an interpreter that has pycachy 0.0.22 and httpx2: it has our import name. Each
contender runs in a process of its own; their rounds are interleaved; CPU time, medians.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from replay_worker import ANSWER, EVENTS, KINDS, body

from cachy.config import Config
from cachy.fixture.compose import compose
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response

ROUNDS = 7
WORKER = Path(__file__).with_name("replay_worker.py")


class Provider(BaseHTTPRequestHandler):
    """What is recorded."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        is_stream = b'"stream":true' in asked
        content = b"".join(EVENTS) if is_stream else ANSWER
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    server.shutdown()


class Worker:
    """One contender's process."""

    def __init__(self, python: str, name: str, folder: Path, url: str, count: int) -> None:
        self.name = name
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [python, str(WORKER), name, str(folder), url, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            text=True,
        )

    def __enter__(self) -> Worker:
        while self._line() != "ready":
            pass
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} died")
        return line.strip()

    def round(self, kind: str) -> float:
        assert self.process.stdin
        self.process.stdin.write(kind + "\n")
        self.process.stdin.flush()
        return float(self._line())


def fill(folder: Path, url: str, count: int) -> None:
    """Write as many fixtures, without HTTP."""
    config = Config(root=folder, fixtures=folder)
    store = Store(folder)
    for number in range(count):
        for stream in (False, True):
            raw = json.dumps(body(number, stream=stream)).encode()
            request = Request("POST", url, (("content-type", "application/json"),), raw)
            kind = "text/event-stream" if stream else "application/json"
            answer = b"".join(EVENTS) if stream else ANSWER
            response = Response(200, (("content-type", kind),), answer)
            document, blobs = compose(request, response, {"at": "2026-01-01T00:00:00Z"}, config)
            store.save(identify_settled(request, config), document, blobs)


def contest(pythons: dict[str, str], folder: Path, url: str, count: int) -> None:
    """Print each contender's ratios at one number of recordings."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(python, name, folder / name.split(",")[0], url, count))
            for name, python in pythons.items()
        ]
        for kind in KINDS:
            for worker in workers:
                worker.round(kind)
            rounds = [[worker.round(kind) for worker in workers] for _ in range(ROUNDS)]
            ratios = map(statistics.median, zip(*rounds, strict=True))
            shown = [f"{w.name} {r:.2f}" for w, r in zip(workers, ratios, strict=True)]
            print(f"{kind}, {count} recorded: {' | '.join(shown)}", flush=True)


def imported(code: str) -> float:
    """Give the CPU milliseconds of a fresh process up to the end of some code."""
    timed = f"import time; s=time.process_time(); {code}; print(time.process_time()-s)"
    # As an installed package is: compiled.
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run = partial(subprocess.check_output, [sys.executable, "-c", timed], env=environ)
    runs = [run() for _ in range(9)]
    return 1000 * statistics.median(map(float, runs))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pycachy", metavar="PYTHON")
    parser.add_argument("--many", type=int, default=2000)
    options = parser.parse_args()
    ours = {name: sys.executable for name in ("cachy", "cachy, first touch")}
    peers = {n: sys.executable for n in ("cassetter",) if importlib.util.find_spec(n)}
    peers |= {"vcrpy": sys.executable} if importlib.util.find_spec("vcr") else {}
    peers |= {"pycachy": options.pycachy} if options.pycachy else {}
    folder = Path(tempfile.mkdtemp())
    print("x floor, CPU time")
    with provider() as url:
        contest({"cachy": sys.executable} | peers, folder, url, 1)
        shutil.rmtree(folder)
        folder.mkdir()
        contest(ours | peers, folder, url, 100)
        fill(folder / "cachy", url, options.many)
        contest(ours, folder, url, options.many)
    shutil.rmtree(folder)
    bare = imported("import httpx2")
    both = imported("import httpx2; from cachy import enable_cachy; enable_cachy()")
    print(f"import cachy and enable_cachy(): {both - bare:.0f} ms over httpx2 ({bare:.0f} ms)")


if __name__ == "__main__":
    main()
