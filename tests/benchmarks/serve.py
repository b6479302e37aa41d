"""What a replay through `cachy serve` costs, beside a static server that sends the same bytes.

    python tests/benchmarks/serve.py

Both servers run in processes of their own; one client asks them in turns over one connection. The
static server is Python's own http.server with the response in memory. Each figure is the median
of the ratios of interleaved rounds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx

import cachy

ROUNDS, REQUESTS = 9, 200
KIND = {"content-type": "application/json"}
ASKED = json.dumps({"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}]}).encode()


def chat(size: int) -> bytes:
    """Return a chat completion with a text of this size."""
    text = ("All work and no play.\n" * (size // 22 + 1))[:size]
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "c", "model": "gpt-4.1", "choices": [choice]}).encode()


def stream(events: int) -> bytes:
    """Return a streamed chat completion."""
    piece = {"choices": [{"index": 0, "delta": {"content": "word "}}]}
    return (f"data: {json.dumps(piece)}\n\n" * events + "data: [DONE]\n\n").encode()


SHAPES: dict[str, tuple[str, bytes]] = {
    "small chat": ("application/json", chat(200)),
    "chat of 22 KB": ("application/json", chat(22_000)),
    "stream of 100 events": ("text/event-stream", stream(100)),
    "embedding": (
        "application/json",
        json.dumps({"data": [{"embedding": [0.1234567 + n / 9999 for n in range(1536)]}]}).encode(),
    ),
}


class Static(BaseHTTPRequestHandler):
    """Send one response; the path is not looked at."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    kind, body, wire = "", b"", b""

    @classmethod
    def answer_with(cls, kind: str, body: bytes) -> None:
        """Make the response; each event of a stream is a chunk."""
        cls.kind, cls.body, cls.wire = kind, body, body
        if "event-stream" in kind:
            pieces = [piece + b"\n\n" for piece in body.split(b"\n\n")[:-1]]
            chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
            cls.wire = b"".join([*chunks, b"0\r\n\r\n"])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", self.kind)
        if "event-stream" in self.kind:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.wire)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def serve_static(kind: str, body: bytes, pipe: Connection) -> None:
    """Send the address of a static server, and serve until the process ends."""
    Static.answer_with(kind, body)
    with ThreadingHTTPServer(("127.0.0.1", 0), Static) as server:
        pipe.send((server.server_port, "/v1/chat/completions"))
        server.serve_forever()


def serve_fixture(kind: str, body: bytes, pipe: Connection) -> None:
    """Record the response, send the address of `cachy serve`, and serve until the process ends."""
    from cachy.config import load_config
    from cachy.serve.server import serving

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("pyproject.toml").write_text("[tool.cachy]\n", encoding="utf-8")
        host = record(kind, body)
        config = load_config(mode="replay", doms=[host])
        with serving(config, {}, "cachy serve --mode record") as service:
            path = f"{service.address.url}/{host}/v1/chat/completions"
            pipe.send(
                (int(service.address.host.split(":")[1]), path.partition(service.address.host)[2])
            )
            pipe.recv()


def record(kind: str, body: bytes) -> str:
    """Record the response of a static server; return its host."""
    Static.answer_with(kind, body)
    with ThreadingHTTPServer(("127.0.0.1", 0), Static) as server:
        import threading

        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        with cachy.cachy(mode="record", doms=[host]):
            httpx.post(f"http://{host}/v1/chat/completions", content=ASKED, headers=KIND)
        server.shutdown()
    return host


Serve = Callable[[str, bytes, Connection], None]


def start(serve: Serve, kind: str, body: bytes) -> tuple[Any, HTTPConnection, str]:
    """Start a server in a process of its own; return it, a connection to it, and its path."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(kind, body, theirs), daemon=True)
    process.start()
    port, path = ours.recv()
    return (process, ours), HTTPConnection("127.0.0.1", port), path


def seconds(connection: HTTPConnection, path: str, body: bytes) -> float:
    """Return what a round of requests takes."""
    began = time.perf_counter()
    for _ in range(REQUESTS):
        connection.request("POST", path, ASKED, KIND)
        if connection.getresponse().read() != body:
            raise AssertionError("another response")
    return time.perf_counter() - began


def main() -> None:
    for name, (kind, body) in SHAPES.items():
        servers = [start(serve, kind, body) for serve in (serve_static, serve_fixture)]
        ratios, costs = [], []
        for _ in range(ROUNDS):
            static, served = (seconds(connection, path, body) for _, connection, path in servers)
            ratios.append(served / static)
            costs.append(served / REQUESTS * 1e6)
        ratio = statistics.median(ratios)
        print(f"{name:22} {ratio:.2f} x a static server ({min(costs):.0f} µs a request)")
        for (process, _), _, _ in servers:
            process.terminate()


if __name__ == "__main__":
    main()
