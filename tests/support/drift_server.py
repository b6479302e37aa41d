"""A provider on loopback whose answers a test writes, and which remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; `cut` closes the connection in the middle of the body."""

    body: bytes = b"{}"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Provider:
    """Answers each path with its answers in turn, the last one for ever."""

    answers: dict[str, list[Answer]]
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def next_answer(self, path: str) -> Answer:
        waiting = self.answers.get(path.partition("?")[0])
        if not waiting:
            return Answer(b'{"error": {"type": "not_here"}}', 404)
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def json_answer(value: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
    kind = (("Content-Type", "application/json"), *headers)
    return Answer(json.dumps(value).encode(), status, kind)


def stream_answer(*events: Any, cut: bool = False) -> Answer:
    """An event stream: dicts by their `type`, strings as they are."""
    body = "".join(map(_event, events)).encode()
    return Answer(body, 200, (("Content-Type", "text/event-stream"),), cut)


def _event(event: Any) -> str:
    if isinstance(event, str):
        return f"data: {event}\n\n"
    head = f"event: {event['type']}\n" if "type" in event else ""
    return f"{head}data: {json.dumps(event)}\n\n"


@contextmanager
def serving(answers: dict[str, list[Answer]]) -> Iterator[Provider]:
    """Serve on a free port until the block ends."""
    provider = Provider(answers)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, self.rfile.read(length))
            provider.asked.append(asked)
            answer = provider.next_answer(self.path)
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) + answer.cut))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = answer.cut

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
