"""A real HTTP server on loopback whose answers a test scripts; it counts what it is asked."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """One answer; a tuple as its body goes out piece by piece, `pause` seconds apart.

    `end`: "cut" drops the connection in the middle, "open" keeps it open after the last piece,
    "close" ends the pieces with the connection, as servers of old do.
    `gate`: what follows the first piece waits for it, and never comes if it stays shut.
    """

    body: bytes | tuple[bytes, ...] = b"{}"
    status: int = 200
    headers: Pairs = (("Content-Type", "application/json"),)
    pause: float = 0.0
    end: Literal["whole", "cut", "open", "close"] = "whole"
    gate: threading.Event | None = None


Script = Answer | Callable[[Asked], Answer]


@dataclass
class Origin:
    """What the server answers, by path: each script once, the last one for ever."""

    port: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"
    scripts: dict[str, list[Script]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def count(self) -> int:
        return len(self.asked)

    def on(self, path: str, *scripts: Script) -> str:
        """Script the answers of a path; give its URL."""
        self.scripts[path] = list(scripts)
        return self.url + path

    def answer(self, asked: Asked) -> Answer:
        with self.lock:
            self.asked.append(asked)
            waiting = self.scripts.get(asked.path.partition("?")[0], [count_up])
            script = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            number = len(self.asked)
        return count_up(asked, number) if script is count_up else reply(script, asked)


def reply(script: Script, asked: Asked) -> Answer:
    return script if isinstance(script, Answer) else script(asked)


def count_up(asked: Asked, number: int = 0) -> Answer:
    """Answer a path that no test scripted with the request's number."""
    return json_answer({"number": number, "path": asked.path})


def json_answer(value: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
    kind = (("Content-Type", "application/json"), *headers)
    return Answer(json.dumps(value).encode(), status, kind)


def text_answer(text: str | bytes, *headers: tuple[str, str], kind: str = "text/plain") -> Answer:
    raw = text.encode() if isinstance(text, str) else text
    return Answer(raw, 200, (("Content-Type", kind), *headers))


def gzip_answer(value: Any) -> Answer:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    return Answer(gzip.compress(json.dumps(value).encode()), 200, headers)


def event(data: Any, name: str = "") -> bytes:
    """Write one server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def sse_answer(*events: bytes, pause: float = 0.0, end: Any = "whole") -> Answer:
    return Answer(events, 200, (("Content-Type", "text/event-stream"),), pause, end)


def redirect(status: int, location: str) -> Answer:
    return Answer(b"", status, (("Location", location),))


@contextmanager
def serving(host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> Iterator[Origin]:
    """Serve on a free port until the block ends, with a context over TLS."""
    origin = Origin(host=host, scheme="https" if context else "http")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(origin))
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    origin.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield origin
    finally:
        origin.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(origin: Origin) -> type[BaseHTTPRequestHandler]:  # noqa: C901 -- one class, by path
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for its body

        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self._read_body(headers)
            try:
                self._write(origin.answer(Asked(self.command, self.path, headers, body)))
            except OSError:  # the client has gone
                self.close_connection = True

        def _read_body(self, headers: Mapping[str, str]) -> bytes:
            if headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(headers.get("content-length") or 0))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def _write(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if isinstance(answer.body, bytes):
                self._write_whole(answer, answer.body)
            else:
                self._write_pieces(answer, answer.body)

        def _write_whole(self, answer: Answer, body: bytes) -> None:
            is_empty = self.command == "HEAD" or answer.status in (204, 304)
            if answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(body) + (answer.end == "cut")))
            self.end_headers()
            self.wfile.write(b"" if is_empty else body)
            self.close_connection = self.close_connection or answer.end == "cut"

        def _write_pieces(self, answer: Answer, pieces: tuple[bytes, ...]) -> None:
            is_chunked = answer.end != "close"
            if is_chunked:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number, piece in enumerate(pieces):
                if number and answer.gate and not answer.gate.wait(10):
                    self.close_connection = True
                    return
                if number and origin.closing.wait(answer.pause):
                    break
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece)
            if answer.end == "open":
                origin.closing.wait(30)
            if answer.end == "whole":
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = self.close_connection or answer.end != "whole"

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_QUERY = _answer

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
