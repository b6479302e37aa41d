"""HTTP/1.1 as a server reads and writes it: what is not well-formed is refused (RFC 9112)."""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from http.client import responses
from typing import NamedTuple

from cachy.errors import MalformedMessage
from cachy.interaction import Headers

_LARGEST_HEAD = 64 * 1024  # bytes, of a chunk's line too
_LARGEST_BODY = 1024**3
_PIECE = 256 * 1024
_LINGER = 1.0  # seconds, and this many bytes, that a client may go on sending what nobody reads
_LINGER_BYTES = 1024**2
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(%b) ([\x21-\x7e]+) HTTP/1\.([01])\r\n" % _TOKEN)
_FIELD = re.compile(rb"(%b):([\t\x20-\x7e\x80-\xff]*)\r\n" % _TOKEN)
_FIELDS = re.compile(rb"(?:%b:[\t\x20-\x7e\x80-\xff]*\r\n)*" % _TOKEN)
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
BODILESS = (204, 304)
_NOT_PASSED_ON = frozenset(
    (
        *("connection", "content-length", "keep-alive", "transfer-encoding", "trailer", "upgrade"),
        *("proxy-authenticate", "proxy-connection", "alt-svc"),
    )
)
_FIELD_TEXT = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FIELD_NAME = re.compile(_TOKEN.decode())


class RequestHead(NamedTuple):
    """A request without its body; names are in lower case, `target` is as it came."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    is_old: bool = False  # HTTP/1.0

    def values(self, name: bytes) -> list[str]:
        """Return the values of a header."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]

    @property
    def connection_options(self) -> set[str]:
        """What the headers `connection` say."""
        return set(_listed(self.values(b"connection")))


def _listed(values: Iterable[str]) -> Iterator[str]:
    return (part.strip().lower() for value in values for part in value.split(","))


def parse_head(raw: bytes) -> RequestHead:
    """Return the head of a request, of its bytes with the empty line.

    Raises:
        MalformedMessage: two readers could take it for two different requests.
    """
    line = _REQUEST_LINE.match(raw)
    if line is None:
        raise MalformedMessage("the request line is not valid")
    fields = _FIELDS.match(raw, line.end())
    if fields is None or fields.end() != len(raw) - 2:
        raise MalformedMessage("a header line is not valid")
    pairs = _FIELD.findall(raw, line.end())
    headers = tuple([(name.lower(), value.strip(b" \t")) for name, value in pairs])
    is_old = line[3] == b"0"
    return RequestHead(line[1].decode(), line[2].decode(), headers, is_old)


def body_length(head: RequestHead) -> int | None:
    """Return how long a request's body is, or None where it comes in chunks.

    Raises:
        MalformedMessage: the headers disagree, or do not say.
    """
    codings, lengths = head.values(b"transfer-encoding"), head.values(b"content-length")
    if codings:
        if lengths:
            raise MalformedMessage("content-length and transfer-encoding exclude each other")
        if head.is_old:
            raise MalformedMessage("HTTP/1.0 does not have transfer-encoding")
        if [*_listed(codings)] != ["chunked"]:
            raise MalformedMessage("the only transfer-encoding that is read is chunked")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not re.fullmatch("[0-9]{1,15}", lengths[0]):
        raise MalformedMessage("content-length is not one number")
    if int(lengths[0]) > _LARGEST_BODY:
        raise MalformedMessage("the body is larger than 1 GiB", status=413)
    return int(lengths[0])


class ClientConnection:
    """One connection of a client."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = b""
        self._is_chunked = False
        self.has_begun = False  # to send a response

    def read_head(self) -> RequestHead | None:
        """Return the next request without its body; None where the client has ended."""
        self.has_begun = False
        self._buffer = self._buffer.lstrip(b"\r\n")
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _LARGEST_HEAD:
                raise MalformedMessage("the request line and headers are too long", status=431)
            if not (piece := self._socket.recv(_PIECE)):
                return None
            self._buffer = (self._buffer + piece).lstrip(b"\r\n")
        raw, self._buffer = self._buffer[: end + 4], self._buffer[end + 4 :]
        if len(raw) > _LARGEST_HEAD:
            raise MalformedMessage("the request line and headers are too long", status=431)
        return parse_head(raw)

    def read_body(self, head: RequestHead) -> bytes:
        """Return the whole body of a request.

        Raises:
            MalformedMessage: it is not what its headers say.
        """
        length = body_length(head)
        if expected := head.values(b"expect"):
            if [*_listed(expected)] != ["100-continue"]:
                raise MalformedMessage("the only expectation that is met is 100-continue", 417)
            if not self._buffer and not head.is_old:
                self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if length is None:
            return b"".join(self._chunks())
        return self._exactly(length) if length else b""

    def _exactly(self, length: int) -> bytes:
        pieces, missing = [self._buffer[:length]], length - len(self._buffer)
        self._buffer = self._buffer[length:]
        while missing > 0:
            pieces.append(self._receive(min(missing, _PIECE)))
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def _receive(self, size: int) -> bytes:
        if not (piece := self._socket.recv(size)):
            raise ConnectionError("the client ended inside a body")
        return piece

    def _chunks(self) -> Iterator[bytes]:
        whole = 0
        while size := self._chunk_size():
            whole += size
            if whole > _LARGEST_BODY:
                raise MalformedMessage("the body is larger than 1 GiB", status=413)
            yield self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise MalformedMessage("a chunk is not as long as it says")
        while (line := self._line()) != b"\r\n":  # trailers, which no API reads
            if not _FIELD.fullmatch(line):
                raise MalformedMessage("a trailer is not valid")

    def _chunk_size(self) -> int:
        found = _CHUNK_LINE.fullmatch(self._line())
        if found is None:
            raise MalformedMessage("the size of a chunk is not valid")
        return int(found[1], 16)

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _LARGEST_HEAD:
                raise MalformedMessage("a line of the body's framing is too long")
            self._buffer += self._receive(_PIECE)
        line, self._buffer = self._buffer[: end + 1], self._buffer[end + 1 :]
        return line

    def send(
        self,
        head: RequestHead,
        status: int,
        headers: Headers,
        body: bytes,
        *,
        is_last: bool = False,
    ) -> None:
        """Send a response whose body is at hand."""
        start = begin_response(status, headers)
        end = b"connection: close\r\n\r\n" if is_last else b"\r\n"
        if status in BODILESS:
            return self._socket.sendall(start + end)
        length = _recorded_length(headers) if head.method == "HEAD" else len(body)
        if length is not None:
            start += b"content-length: %d\r\n" % length
        if head.method == "HEAD" or len(body) < _PIECE:
            return self._socket.sendall(start + end + (b"" if head.method == "HEAD" else body))
        self._socket.sendall(start + end)
        self._socket.sendall(body)

    def begin(
        self, head: RequestHead, status: int, headers: Headers, length: int | None, *, is_last: bool
    ) -> None:
        """Send the head of a response whose pieces follow."""
        self.has_begun = True
        self._is_chunked = length is None and not head.is_old
        framing = b"" if length is None else b"content-length: %d\r\n" % length
        framing = b"transfer-encoding: chunked\r\n" if self._is_chunked else framing
        end = b"connection: close\r\n" if is_last else b""
        self._socket.sendall(begin_response(status, headers) + framing + end + b"\r\n")

    def send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Send pieces of a body, each as a chunk of its own."""
        if not self._is_chunked:
            return self._socket.sendall(b"".join(pieces))
        self._socket.sendall(b"".join([b"%x\r\n%b\r\n" % (len(one), one) for one in pieces if one]))

    def end(self) -> None:
        """End a body that came in pieces."""
        if self._is_chunked:
            self._socket.sendall(b"0\r\n\r\n")

    def is_ended_within(self, seconds: float) -> bool:
        """Wait whether the client ends the connection; what it sends meanwhile is dropped."""
        self._socket.settimeout(seconds)
        try:
            return not self._socket.recv(_PIECE)
        except TimeoutError:
            return False

    def has_ended(self) -> bool:
        """Return whether the client has ended the connection."""
        try:
            return bool(select.select([self._socket], [], [], 0)[0]) and not self._socket.recv(
                1, socket.MSG_PEEK
            )
        except (OSError, ValueError):
            return True

    def fileno(self) -> int:
        """Return the number of the socket."""
        return self._socket.fileno()

    def linger(self) -> None:
        """Let the client read the last response before the connection ends (RFC 9112, 9.6)."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(_LINGER)
            left = _LINGER_BYTES
            while left > 0 and (piece := self._socket.recv(_PIECE)):
                left -= len(piece)


@lru_cache(maxsize=256)
def begin_response(status: int, headers: Headers) -> bytes:
    """Return the head of a response without its framing; a header that is not one is left out."""
    lines = [f"HTTP/1.1 {status} {responses.get(status, '')}\r\n"]
    for name, value in headers:
        is_valid = _FIELD_NAME.fullmatch(name) and _FIELD_TEXT.fullmatch(value)
        if is_valid and name.lower() not in _NOT_PASSED_ON:
            lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("latin-1")


def _recorded_length(headers: Headers) -> int | None:
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdecimal() else None
