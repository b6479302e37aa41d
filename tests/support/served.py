"""A server of `cachy serve` in this process, and requests to it as other programs send them."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any, NamedTuple

from cachy.config import Config, load_config
from cachy.serve.server import serving
from cachy.serve.service import Service

COMMAND = "cachy serve --mode record"


class Reply(NamedTuple):
    """A response as a program sees it; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def serve(
    mode: str, environ: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[Service]:
    """Serve the fixtures of the project in which the test stands."""
    chosen: dict[str, Any] = {"doms": ["127.0.0.1"], **settings}
    config: Config = load_config(mode=mode, **chosen)
    with serving(config, environ or {}, COMMAND) as server:
        yield server


def path_of(server: Service, url: str) -> str:
    """Return the path below which a server answers as a URL."""
    return server.address.served(url).removeprefix(f"http://{server.address.host}")


def ask(
    server: Service,
    url: str,
    body: bytes | Iterator[bytes] | None = None,
    method: str = "",
    **headers: str,
) -> Reply:
    """Send one request by `http.client`."""
    connection = HTTPConnection(server.address.host, timeout=280)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    verb = method or ("GET" if body is None else "POST")
    connection.request(verb, path_of(server, url), body, named)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return Reply(reply.status, {n.lower(): v for n, v in reply.getheaders()}, content)


def connected(server: Service) -> socket.socket:
    """Connect to a server, as nothing else would."""
    host, port = server.address.host.split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def send_raw(server: Service, message: bytes) -> bytes:
    """Send bytes as they are, and return all that comes back until the server ends."""
    with connected(server) as sock:
        sock.sendall(message)
        pieces = []
        while piece := sock.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


def message(server: Service, start: str, *headers: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request; `{at}` in them is the server's host, `{base}` its path."""
    base = server.address.url.removeprefix(f"http://{server.address.host}")
    lines = [start, *(headers or ("Host: {at}", "Connection: close"))]
    text = "\r\n".join([*lines, "", ""])
    filled = text.replace("{at}", server.address.host).replace("{base}", base)
    return filled.encode("latin-1") + body
