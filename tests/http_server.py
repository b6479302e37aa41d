"""A real HTTP server on loopback that counts what it is asked."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EVENTS = [b'data: {"n": %d}\n\n' % number for number in range(3)] + [b"data: [DONE]\n\n"]


class Server(ThreadingHTTPServer):
    """Answers by path; `asked` holds method and path of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for its body
    server: Server

    def answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        name = path.strip("/").partition("/")[0].replace("-", "_")
        getattr(self, f"serve_{name}", self.serve_json)()

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def serve_json(self) -> None:
        number = len(self.server.asked)
        self.send(200, json.dumps({"number": number, "path": self.path}).encode())

    def serve_status(self) -> None:
        self.send(int(self.path.rpartition("/")[2]), b'{"error": {"message": "no"}}')

    def serve_redirect(self) -> None:
        self.send(307, b"", ("location", "/json/after"))

    def serve_cookie(self) -> None:
        self.send(200, b"{}", ("set-cookie", "session=very-secret-value; Path=/"))

    def serve_gzip(self) -> None:
        self.send(200, gzip.compress(b'{"zipped": true}'), ("content-encoding", "gzip"))

    def serve_bytes(self) -> None:
        self.send(200, bytes(range(256)), kind="application/octet-stream")

    def serve_empty(self) -> None:
        self.send(204, b"")

    def serve_stream(self) -> None:
        self.stream(EVENTS)

    def serve_endless(self) -> None:
        self.stream(iter(lambda: b"data: {}\n\n", None), pause=0.05)

    def serve_open(self) -> None:
        """Say [DONE], and keep the connection open."""
        self.stream(EVENTS, after=5)

    def serve_cut(self) -> None:
        self.start_stream()
        self.chunk(EVENTS[0])
        self.close_connection = True
        self.connection.close()

    def send(
        self, status: int, body: bytes, *headers: tuple[str, str], kind: str = "application/json"
    ) -> None:
        self.send_response(status)
        for name, value in (("content-type", kind), ("content-length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def chunk(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.flush()

    def stream(
        self, pieces: Iterator[bytes] | list[bytes], pause: float = 0, after: float = 0
    ) -> None:
        self.start_stream()
        try:
            for piece in pieces:
                self.chunk(piece)
                time.sleep(pause)
            time.sleep(after)
            self.chunk(b"")
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    """Serve until the block ends."""
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
