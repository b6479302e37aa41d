"""What a replayed request costs, as ratios to a floor and beside the peers, measured in one run.

    pip install vcrpy cassetter
    python tests/benchmarks/replay.py [--pycachy PYTHON] [--many 100000] [--plot FILE.svg]

`PYTHON` is an interpreter that has pycachy 0.0.22 and httpx2: it has our import name. Each
contender runs in a process of its own; their rounds are interleaved; CPU time, medians. What a
contender reads as it opens is not counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
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
from urllib.parse import urlsplit

from replay_plot import draw
from replay_shapes import SHAPES, Shape

from cachy.config import Config
from cachy.fixture.compose import compose
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response

ROUNDS = 3
WORKER = Path(__file__).with_name("replay_worker.py")
Ratios = dict[str, dict[str, tuple[float, float]]]
"""By row of the table and by contender: the first pass and the second."""


class Provider(BaseHTTPRequestHandler):
    """What is recorded."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("content-length", 0)))
        shape = SHAPES[_shape_of(urlsplit(self.path).path, asked)]
        content = b"".join(shape.chunks)
        self.send_response(200)
        self.send_header("content-type", shape.content_type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _shape_of(path: str, body: bytes) -> str:
    if "chat" not in path:
        return "embedding" if "embeddings" in path else "get"
    if b'"stream":true' in body:
        return "stream"
    return "long-chat" if b'"tools"' in body else "chat"


@contextmanager
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Worker:
    """One contender's process."""

    def __init__(self, python: str, name: str, folder: Path, url: str) -> None:
        self.name = name
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [python, str(WORKER), name, str(folder), url],
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
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} died")
        return line.strip()

    def measure(self, shape: str, way: str, part: int) -> tuple[float, float]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{shape} {way} {part}\n")
        self.process.stdin.flush()
        first, again = map(float, self._line().split())
        return first, again


def contest(pythons: dict[str, str], folder: Path, url: str, shapes: tuple[str, ...]) -> Ratios:
    """Measure every shape with every contender, in turn; each round asks for other requests."""
    table: Ratios = {}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(python, name, folder / name, url))
            for name, python in pythons.items()
        ]
        for shape in shapes:
            for turn, way in enumerate(("sync", "async")):
                parts = range(turn * (ROUNDS + 1), (turn + 1) * (ROUNDS + 1))
                rounds = [[w.measure(shape, way, part) for w in workers] for part in parts]
                row = f"{shape}, {way}"
                table[row] = _medians(workers, rounds[1:])  # the first one loads what it needs
                print(row, *(f"| {n} {f:.2f} {a:.2f}" for n, (f, a) in table[row].items()))
    return table


def _medians(
    workers: list[Worker], rounds: list[list[tuple[float, float]]]
) -> dict[str, tuple[float, float]]:
    def median(at: int, which: int) -> float:
        return statistics.median(row[at][which] for row in rounds)

    return {worker.name: (median(at, 0), median(at, 1)) for at, worker in enumerate(workers)}


def fill(folder: Path, url: str, count: int) -> None:
    """Write as many fixtures of the small chat, without HTTP."""
    folder.mkdir(parents=True, exist_ok=True)
    config, shape = Config(root=folder, fixtures=folder), SHAPES["chat"]
    store = Store(folder)
    for number in range(count):
        _save(store, config, shape, url, number)


def _save(store: Store, config: Config, shape: Shape, url: str, number: int) -> None:
    raw = json.dumps(shape.body(number)).encode()
    headers = (("content-type", "application/json"),)
    request = Request(shape.method, url + shape.path(number), headers, raw)
    response = Response(200, (("content-type", shape.content_type),), b"".join(shape.chunks))
    document, blobs = compose(request, response, {"at": "2026-01-01T00:00:00Z"}, config)
    store.save(identify_settled(request, config), document, blobs)


def imported(code: str) -> float:
    """Return the CPU milliseconds of a fresh process up to the end of some code."""
    timed = f"import time; s=time.process_time(); {code}; print(time.process_time()-s)"
    # As an installed package is: compiled.
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run = partial(subprocess.check_output, [sys.executable, "-c", timed], env=environ)
    runs = [run() for _ in range(15)]
    return 1000 * statistics.median(map(float, runs))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pycachy", metavar="PYTHON")
    parser.add_argument("--many", type=int, default=2000)
    parser.add_argument("--shape", action="append", choices=SHAPES)
    parser.add_argument("--alone", action="store_true", help="Measure cachy without its peers")
    parser.add_argument("--plot", metavar="FILE", type=Path)
    return parser.parse_args()


def main() -> None:
    options = _options()
    pythons = {"cachy": sys.executable}
    if not options.alone:
        pythons |= {"cassetter": sys.executable} if importlib.util.find_spec("cassetter") else {}
        pythons |= {"vcrpy": sys.executable} if importlib.util.find_spec("vcr") else {}
        pythons |= {"pycachy": options.pycachy} if options.pycachy else {}
    print("shape, way | contender: first pass, second pass (x floor, CPU time)")
    with tempfile.TemporaryDirectory() as scratch, provider() as url:
        table = contest(pythons, Path(scratch), url, tuple(options.shape or SHAPES))
        if not options.shape:
            fill(Path(scratch, "cachy"), url, options.many)
            print(f"among {options.many} fixtures:")
            contest({"cachy": sys.executable}, Path(scratch), url, ("many-chat",))
    if options.plot:
        options.plot.write_text(draw(table), encoding="utf-8")
    bare = imported("import httpx2")
    both = imported("import httpx2; from cachy import enable_cachy; enable_cachy()")
    print(f"import cachy and enable_cachy(): {both - bare:.1f} ms over httpx2 ({bare:.0f} ms)")


if __name__ == "__main__":
    main()
