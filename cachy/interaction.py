"""The nouns that every room shares: a request, a response, and the fixture that holds both."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

Json = Any  # what json.loads returns: no narrower type survives mypy strict at the edges
JsonObject = Mapping[str, Json]  # a fixture's document, or a part of it
Headers = tuple[tuple[str, str], ...]
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
SWITCHING = 101  # the status of a WebSocket connection (RFC 6455 section 1.3)
SUBPROTOCOLS = "sec-websocket-protocol"  # the header of what such a connection speaks
HTTP_VERSION = "HTTP/1.1"  # of a fixture that names no version
OTHER_VERSIONS = ("HTTP/1.0", "HTTP/2", "HTTP/3")


def header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the first value of a header; names compare without case (RFC 9110 section 5.1)."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def host_and_port(url: str) -> tuple[str, int | None]:
    """Return a URL's host, as `ascii_host` writes it, and its port or its scheme's default."""
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return ascii_host(parts.hostname or ""), port


def ascii_host(host: str) -> str:
    """Return a host as hosts are compared: IDNA ASCII, lower case, without a final dot."""
    if not host.isascii():
        host = _idna(host)
    return host.lower().removesuffix(".")


def _idna(host: str) -> str:
    from idna import IDNAError, encode  # which httpx itself needs; only for such a host

    try:
        return encode(host, uts46=True).decode("ascii")
    except IDNAError:
        return host


def has_host(url: str) -> bool:
    """Return whether a URL names a host, and a port that is one if it names any."""
    try:
        return bool(host_and_port(url)[0].rstrip("."))
    except ValueError:
        return False


class Request(NamedTuple):
    """A request as it would go over the wire; `url` is absolute, `body` is whole."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    variant: str = ""  # the state of the world in which it is sent; "" where nothing names one

    def __repr__(self) -> str:
        """Return no secret: pytest shows the arguments of where an error was raised."""
        return f"<Request {self.method} {host_and_port(self.url)[0]}>"


class Frame(NamedTuple):
    """One message of a WebSocket connection, or its end.

    `way`: the program sends or closes, the server is received from or has closed. `payload` is
    text or bytes, as the message was; of an end it is the reason. `ms` are the milliseconds since
    the connection was opened, `code` is that of an end (RFC 6455 section 7.4).
    """

    way: Literal["send", "receive", "close", "closed"]
    payload: str | bytes = ""
    ms: int = 0
    code: int = 0

    def __repr__(self) -> str:
        """Return no secret, as for a request."""
        return f"<Frame {self.way}>"


class Response(NamedTuple):
    """A response; `body` is decoded (no content-encoding), `chunks` are its replay pieces."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    chunks: tuple[bytes, ...] = ()
    truncated: bool = False
    http_version: str = HTTP_VERSION
    packed: bytes = b""  # the body as its content-encoding packed it, where the client got that
    is_cut: bool = False  # by a fault: the client's own error follows the last of the chunks
    delay: float = 0.0  # by a fault: seconds before the first piece of the body
    is_open: bool = False  # a stream that lasts until its client leaves
    after: tuple[int, ...] = ()  # how much its client had said when each of its events came
    session: str = ""  # the one whose client is to answer calls of the server in this stream
    frames: tuple[Frame, ...] = ()  # of a WebSocket connection, whose status is 101

    def __repr__(self) -> str:
        """Return no secret, as for a request."""
        return f"<Response {self.status}>"


class Fixture(NamedTuple):
    """One committed interaction: where it lies, and its document in the fixture format.

    `document` has the keys of the JSON file (`cachy`, `recorded`, `request`, `response`) with
    `$lines` and escaped keys already resolved; `{"$blob": …}` stays as it is.
    """

    document: Mapping[str, Json]
    path: Path | None = None

    @property
    def request(self) -> Mapping[str, Json]:
        return dict(self.document.get("request") or {})

    @property
    def response(self) -> Mapping[str, Json]:
        return dict(self.document.get("response") or {})
