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
from functools import partial
from typing import Any

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config
from scripted_server import ScriptedServer, SeenRequest

AUTHORITY = trustme.CA()
TRUSTING = ssl.create_default_context()
AUTHORITY.configure_trust(TRUSTING)


def server_context() -> ssl.SSLContext:
    """Make a server's context whose certificate `TRUSTING` trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@contextmanager
def serving_http2() -> Iterator[ScriptedServer]:
    """Serve HTTP/2 until the block ends, to clients that know beforehand."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scripted = ScriptedServer(listener.getsockname()[1])
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.accesslog = config.errorlog = None
        loop, ended = asyncio.new_event_loop(), asyncio.Event()
        work = serve(partial(_respond, scripted), config, shutdown_trigger=ended.wait, mode="asgi")
        thread = threading.Thread(target=loop.run_until_complete, args=(work,))
        thread.start()
        try:
            yield scripted
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()
            loop.close()


async def _respond(scripted: ScriptedServer, scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body")
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    version = scope["http_version"]
    request = SeenRequest(scope["method"], scope["path"], headers, body, version)
    response = scripted.respond(request)
    kinds = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    status = response.status
    await send({"type": "http.response.start", "status": status, "headers": kinds})
    pieces = response.body if isinstance(response.body, tuple) else (response.body,)
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that tunnels; `asked` holds the first line of each CONNECT.

    `port` is where all tunnels lead; without it, each leads to the port that was asked for.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.asked: list[str] = []
        self.port = port

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
        port = self.server.port or int(line.split()[1].rpartition(":")[2])
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
def proxying(port: int | None = None) -> Iterator[Proxy]:
    """Tunnel until the block ends."""
    with Proxy(port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
