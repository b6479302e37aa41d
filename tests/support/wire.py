"""What lies between a client and its provider: TLS, HTTP/2 and a proxy, each real, on loopback."""

from __future__ import annotations

import asyncio
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

AUTHORITY = trustme.CA()
TRUSTING = ssl.create_default_context()
AUTHORITY.configure_trust(TRUSTING)


def server_context() -> ssl.SSLContext:
    """Make a server's context whose certificate `TRUSTING` trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@dataclass
class Http2:
    """A server that speaks HTTP/2 and says so; `asked` holds the version of each request."""

    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["http_version"])
        while (await receive()).get("more_body"):
            pass
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        await send({"type": "http.response.body", "body": b'{"a"', "more_body": True})
        await send({"type": "http.response.body", "body": b": 1}"})


@contextmanager
def serving_http2() -> Iterator[Http2]:
    """Serve HTTP/2 until the block ends, to clients that know beforehand."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Http2(listener.getsockname()[1])
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.accesslog = config.errorlog = None
        loop, ended = asyncio.new_event_loop(), asyncio.Event()
        work = serve(server, config, shutdown_trigger=ended.wait, mode="asgi")
        thread = threading.Thread(target=loop.run_until_complete, args=(work,))
        thread.start()
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()
            loop.close()


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that tunnels; `asked` holds the first line of each CONNECT."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Tunnel(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        self.server.asked.append(line.strip())
        port = int(line.split()[1].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as provider:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            self._pass_on(provider)

    def _pass_on(self, provider: socket.socket) -> None:
        other = {self.connection: provider, provider: self.connection}
        while True:
            for ready in select.select([*other], [], [], 5)[0]:
                if not (piece := ready.recv(65536)):
                    return
                other[ready].sendall(piece)


@contextmanager
def proxying() -> Iterator[Proxy]:
    """Tunnel until the block ends."""
    with Proxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
