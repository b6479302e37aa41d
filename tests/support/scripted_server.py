"""The one scripted HTTP server of the tests: a real one, on loopback.

    with serving({"/v1/chat": [json_response({"reply": "Hi"}), TOO_MANY]}) as server:
        httpx.post(f"{server.url}/v1/chat", json={})
        assert [request.json for request in server.requests] == [{}]

A script is a `ScriptedResponse`, or a function from the `SeenRequest` to one. Each path gets its
scripts in order, and its last one for ever. `serving()` without scripts answers any other path
with the request's number, `serving(scripts)` with a 404, `serving(otherwise=function)` with what
the function returns: a provider with a mind of its own is one function.

A `ScriptedResponse` also says how the connection fares: pieces with pauses or a gate between them,
and an end that is cut, reset or left open. `NO_RESPONSE`, `RESET` and `DROPPED` send no status
line at all. `serving(context=…)` speaks TLS; `wire.serving_http2` serves the scripts by HTTP/2.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Pairs = tuple[tuple[str, str], ...]
End = Literal["whole", "cut", "open", "close", "reset"]
PATIENCE = 120.0  # seconds that a response that never ends is kept open


@dataclass(frozen=True)
class SeenRequest:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    version: str = "1.1"

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class ScriptedResponse:
    """One response; a tuple as its body is sent piece by piece, `pause` seconds apart.

    Attributes:
        status: None sends nothing before the end, or the pieces of the body as they are.
        end: "cut" closes the connection in the middle, "reset" resets it, "open" keeps it open
            after the last piece, "close" ends the pieces with the connection, as old servers do.
        gate: what follows the first piece waits for it, and never comes if it stays shut.
    """

    body: bytes | tuple[bytes, ...] = b"{}"
    status: int | None = 200
    headers: Pairs = (("Content-Type", "application/json"),)
    pause: float = 0.0
    end: End = "whole"
    gate: threading.Event | None = None


Script = ScriptedResponse | Callable[[SeenRequest], ScriptedResponse]
NO_RESPONSE = ScriptedResponse(b"", None, end="open")
RESET = ScriptedResponse(b"", None, end="reset")
DROPPED = ScriptedResponse(b"", None, end="cut")


@dataclass
class ScriptedServer:
    """What the server answers, by path, and what it was asked."""

    port: int = 0
    name: str = "127.0.0.1"
    scheme: str = "http"
    scripts: dict[str, list[Script]] = field(default_factory=dict)
    otherwise: Script | None = None
    requests: list[SeenRequest] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def host(self) -> str:
        return f"{self.name}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def count(self) -> int:
        return len(self.requests)

    def on(self, path: str, *scripts: Script) -> str:
        """Script the responses of a path; return its URL."""
        self.scripts[path] = list(scripts)
        return self.url + path

    def wait_for(self, count: int, seconds: float = PATIENCE) -> None:
        """Wait until so many requests have arrived."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.count >= count, seconds), self.requests

    def respond(self, request: SeenRequest) -> ScriptedResponse:
        """Note a request and return its response."""
        with self.changed:
            self.requests.append(request)
            number = self.count
            script = self._next_script(request.path.partition("?")[0])
            self.changed.notify_all()
        if script is None:
            return json_response({"number": number, "path": request.path})
        if isinstance(script, ScriptedResponse):
            return script
        try:
            return script(request)
        except Exception as error:  # fails the test, not the thread that nobody watches
            self.failures.append(error)
            return DROPPED

    def _next_script(self, path: str) -> Script | None:
        waiting = self.scripts.get(path)
        if not waiting:
            return self.otherwise
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def json_response(value: Any, status: int = 200, *headers: tuple[str, str]) -> ScriptedResponse:
    kind = (("Content-Type", "application/json"), *headers)
    return ScriptedResponse(json.dumps(value).encode(), status, kind)


def text_response(
    text: str | bytes, *headers: tuple[str, str], kind: str = "text/plain"
) -> ScriptedResponse:
    raw = text.encode() if isinstance(text, str) else text
    return ScriptedResponse(raw, 200, (("Content-Type", kind), *headers))


def gzip_response(value: Any) -> ScriptedResponse:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    return ScriptedResponse(gzip.compress(json.dumps(value).encode()), 200, headers)


def redirect(status: int, location: str) -> ScriptedResponse:
    return ScriptedResponse(b"", status, (("Location", location),))


def sse_response(
    *events: bytes | str | dict[str, Any], pause: float = 0.0, end: End = "whole"
) -> ScriptedResponse:
    """Stream events: bytes as they are, a dict under its `type`, a string as its data."""
    pieces = tuple(one if isinstance(one, bytes) else event(one, _type_of(one)) for one in events)
    return ScriptedResponse(pieces, 200, (("Content-Type", "text/event-stream"),), pause, end)


def event(data: Any, name: str = "") -> bytes:
    """Return one server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def _type_of(data: str | dict[str, Any]) -> str:
    return str(data.get("type", "")) if isinstance(data, dict) else ""


NOT_FOUND = json_response({"error": {"type": "not_found"}}, 404)


@contextmanager
def serving(
    scripts: Mapping[str, Sequence[Script]] | None = None,
    *,
    otherwise: Script | None = None,
    name: str = "127.0.0.1",
    context: ssl.SSLContext | None = None,
) -> Iterator[ScriptedServer]:
    """Serve on a free port until the block ends, with a context over TLS."""
    other = otherwise or (NOT_FOUND if scripts is not None else None)
    known = {path: list(rows) for path, rows in (scripts or {}).items()}
    scripted = ScriptedServer(0, name, "https" if context else "http", known, other)
    with _Server(scripted, context) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield scripted
        finally:
            scripted.closing.set()
            server.shutdown()
            thread.join()
    if scripted.failures:
        raise ExceptionGroup("scripts of the server failed", scripted.failures)


class _Server(ThreadingHTTPServer):
    def __init__(self, scripted: ScriptedServer, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.scripted = scripted
        scripted.port = self.server_port


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each response waits 40 ms for its body

    def _respond(self) -> None:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():  # RFC 9110, 5.3: those of one name are a list
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        body = self._read_body(headers)
        response = self.server.scripted.respond(SeenRequest(self.command, self.path, headers, body))
        try:
            self._write(response)
        except OSError:  # the client has gone
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_QUERY = _respond

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            size = int(headers.get("content-length") or 0)
            body = self.rfile.read(size)
            if len(body) < size:
                raise ConnectionError("the client ended while it was sending")
            return body
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _write(self, response: ScriptedResponse) -> None:
        if response.status is not None:
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            if isinstance(response.body, bytes):
                self._write_whole(response, response.status, response.body)
            else:
                self._write_pieces(response, response.body)
        elif isinstance(response.body, tuple):
            self._write_raw(response, response.body)
        self._end(response)

    def _write_whole(self, response: ScriptedResponse, status: int, body: bytes) -> None:
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body) + (response.end != "whole")))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def _write_pieces(self, response: ScriptedResponse, pieces: tuple[bytes, ...]) -> None:
        is_chunked = response.end != "close"
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, piece in enumerate(pieces):
            if number and not self._may_go_on(response):
                self.close_connection = True
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece)
        if response.end == "whole":
            self.wfile.write(b"0\r\n\r\n")

    def _write_raw(self, response: ScriptedResponse, pieces: tuple[bytes, ...]) -> None:
        for piece in pieces:
            self.wfile.write(piece)
            if not self._may_go_on(response):
                return

    def _may_go_on(self, response: ScriptedResponse) -> bool:
        if response.gate and not response.gate.wait(PATIENCE):
            return False
        return not self.server.scripted.closing.wait(response.pause)

    def _end(self, response: ScriptedResponse) -> None:
        if response.end == "open":
            self.server.scripted.closing.wait(PATIENCE)
        if response.end == "reset":
            self._reset()
        self.close_connection = self.close_connection or response.end != "whole"

    def _reset(self) -> None:
        """Send RST: what closing does where nothing lingers and nothing was shut down before."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""
