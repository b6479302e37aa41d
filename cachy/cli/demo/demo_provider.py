"""The demo's provider: an OpenAI-style API on loopback, in a process of its own.

    python -m cachy.cli.demo.demo_provider PORT VERSION

Port 0 takes a free one. The first line on stdout is the port, or why there is none. The process
ends when its stdin does: the program that started it has closed it, or is gone.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from typing import Any

from cachy.cli.demo import demo_answers

_PACE = 0.03  # seconds for a token: live is slower than replayed


class _Server(ThreadingHTTPServer):
    # On Windows this option would let two programs have one port.
    allow_reuse_address = os.name != "nt"
    daemon_threads = True
    version = 1

    def server_bind(self) -> None:
        """Bind without the look-up of the machine's name, which waits without a network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if not (self.headers.get("authorization") or "").startswith("Bearer "):
            return self._refuse(401, "invalid_api_key", "You didn't provide an API key.")
        asked = _parse(body)
        if asked is None:
            return self._refuse(400, None, "We could not parse the JSON body of your request.")
        if self.server.version > 1 and asked.get("model") == "demo-0":
            return self._refuse(404, "model_not_found", "The model demo-0 was retired.")
        answer = {
            "/v1/chat/completions": self._chat,
            "/v1/responses": self._respond,
        }.get(self.path)
        if answer is None:
            return self._refuse(404, None, f"Invalid URL (POST {self.path})")
        answer(asked, str(asked.get("model")), self.server.version)

    def do_GET(self) -> None:
        self._refuse(404, None, f"Invalid URL (GET {self.path})")

    def _chat(self, asked: dict[str, Any], model: str, version: int) -> None:
        question = _last_text(asked.get("messages"))
        if asked.get("stream"):
            chunks = map(json.dumps, demo_answers.chat_chunks(question, model, version))
            self._stream(f"data: {text}\n\n" for text in (*chunks, "[DONE]"))
        else:
            self._json(200, demo_answers.chat_completion(question, model, version))

    def _respond(self, asked: dict[str, Any], model: str, version: int) -> None:
        question = _last_text(asked.get("input"))
        if asked.get("stream"):
            events = demo_answers.response_events(question, model, version)
            self._stream(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
        else:
            self._json(200, demo_answers.response(question, model, version))

    def _refuse(self, status: int, code: str | None, message: str) -> None:
        kind = "invalid_request_error"
        error = {"message": message, "type": kind, "param": None, "code": code}
        self._json(status, {"error": error})

    def _json(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        time.sleep(_PACE)
        self._begin(status, "application/json", ("content-length", str(len(body))))
        self.wfile.write(body)

    def _stream(self, events: Iterator[str]) -> None:
        media = "text/event-stream; charset=utf-8"
        self._begin(200, media, ("transfer-encoding", "chunked"))
        for event in events:
            time.sleep(_PACE)
            self._write_chunk(event.encode())
        self._write_chunk(b"")

    def _begin(self, status: int, media: str, *framing: tuple[str, str]) -> None:
        self.send_response(status)
        kept = (("content-type", media), ("x-request-id", f"req_{token_hex(16)}"))
        for name, value in (*kept, ("openai-version", "2020-10-01"), *framing):
            self.send_header(name, value)
        self.end_headers()

    def _write_chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the demo prints the story."""


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _last_text(conversation: Any) -> str:
    if isinstance(conversation, list) and conversation:
        last = conversation[-1]
        return str(last.get("content")) if isinstance(last, dict) else ""
    return conversation if isinstance(conversation, str) else ""


def main(port: int, version: int) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the demo, which then stops us
    try:
        server = _Server(("127.0.0.1", port), _Handler)
    except OSError as error:
        print(error.strerror or error, flush=True)
        return 1
    server.version = version
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
