"""HTTP as `http.client` reads it from a socket: tee a live body.

Below `http.client` everything above it stays the library's own: how a body is cut, decoded,
iterated, released and closed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from http.client import HTTPResponse
from typing import Any

from cachy.replay.clients.tee import DRAIN_BYTES, DRAIN_SECONDS, RecordingBuffer

_PIECE = 2**16  # bytes at most
_CLOCK = (time.monotonic,)  # in a tuple, where freezegun does not replace it


class TapedBody(RecordingBuffer):
    """What came of a body, and whether urllib3 was asked to leave it packed."""

    is_read_packed = False

    def note_reader(self) -> None:
        """Look at how urllib3 was asked for what it reads now."""
        frame = sys._getframe(1)
        while frame := frame.f_back:  # type: ignore[assignment]
            is_reader = frame.f_globals.get("__name__") == "urllib3.response"
            if is_reader and "decode_content" in frame.f_locals:
                self.is_read_packed = not frame.f_locals["decode_content"]
                return


Tape = Callable[[HTTPResponse], TapedBody]


class Framing:
    """Take the chunks' framing (RFC 9112 section 7.1) out of a body as it comes over the wire."""

    def __init__(self, length: int | None, *, is_chunked: bool) -> None:
        self._left = None if is_chunked else length  # bytes of this chunk, or of the body
        self._is_chunked = is_chunked
        self._line = b""
        self._is_trailer = False
        self.has_end = is_chunked or length is not None  # else the connection's end is the body's
        self.is_over = length == 0  # also of a response that has no body whatever its headers say

    def feed(self, piece: bytes) -> bytes:
        """Return what is the body's own in a piece of the wire."""
        if not self._is_chunked:
            if self._left is not None:
                self._left -= len(piece)
                self.is_over = self._left <= 0
            return piece
        body = bytearray()
        while piece and not self.is_over:
            if self._left:
                body += piece[: self._left]
                taken = min(len(piece), self._left)
                self._left, piece = self._left - taken, piece[taken:]
            else:
                piece = self._feed_line(piece)
        return bytes(body)

    def _feed_line(self, piece: bytes) -> bytes:
        """Read on in a line of the framing; return what follows it."""
        line, end, rest = piece.partition(b"\n")
        self._line += line
        if not end:
            return b""
        text, self._line = self._line.strip(), b""
        if self._is_trailer:
            self.is_over = not text
        elif text:  # else the line break after a chunk
            self._left = int(text.partition(b";")[0], 16)
            self._is_trailer = self._left == 0
        return rest


class _TapedFile:
    """What `http.client` reads a live body from, with a copy taken of what comes."""

    def __init__(self, inner: Any, framing: Framing, buffer: TapedBody) -> None:
        self._inner = inner
        self._framing = framing
        self._buffer = buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, size: int | None = -1) -> bytes:
        return self._taped(lambda: self._inner.read(size), size, is_full=True)

    def read1(self, size: int = -1) -> bytes:
        return self._taped(lambda: self._inner.read1(size), size)

    def readline(self, size: int | None = -1) -> bytes:
        return self._taped(lambda: self._inner.readline(size), size)

    def readinto(self, target: Any) -> int:
        with memoryview(target).cast("B") as view:
            count = self._guarded(lambda: self._inner.readinto(view))
            self._note(bytes(view[:count]), is_end=count < len(view))
        return int(count)

    def _taped(
        self, read: Callable[[], bytes], size: int | None, *, is_full: bool = False
    ) -> bytes:
        piece: bytes = self._guarded(read)
        wanted = 1 if not is_full else sys.maxsize if size is None or size < 0 else size
        self._note(piece, is_end=size != 0 and len(piece) < wanted)
        return piece

    def _guarded(self, read: Callable[[], Any]) -> Any:
        if not self._buffer.size:
            self._buffer.note_reader()
        try:
            return read()
        except BaseException as error:
            self._buffer.give_up(error)
            raise

    def _note(self, piece: bytes, *, is_end: bool) -> None:
        if self._buffer.is_over:
            return
        try:
            body = self._framing.feed(piece)
        except ValueError as error:  # `http.client` says so too
            return self._buffer.give_up(error)
        if body:
            self._buffer.add(body)
        if self._framing.is_over:
            self._buffer.end(whole=True)
        elif is_end:
            self._end_of_connection()

    def _end_of_connection(self) -> None:
        if self._framing.has_end:
            self._buffer.give_up(ConnectionError("the connection ended before the body"))
        else:
            self._buffer.end(whole=True)

    def close(self) -> None:
        try:
            if not self._buffer.is_over:
                self._drain()
        finally:
            self._inner.close()

    def _drain(self) -> None:
        """Read on where a caller stopped that closes, within bounds, for a whole fixture."""
        socket = getattr(getattr(self._inner, "raw", None), "_sock", None)
        if self._buffer.is_complete_stream:
            return self._buffer.end(whole=True)
        if socket is not None and not sys.is_finalizing():
            with suppress(Exception):  # the caller has closed already: nobody waits for an error
                self._read_rest(socket)
        self._buffer.end(whole=self._buffer.is_complete_stream)

    def _read_rest(self, socket: Any) -> None:
        before, end = socket.gettimeout(), _CLOCK[0]() + DRAIN_SECONDS
        try:
            while not self._buffer.is_over and self._buffer.size <= DRAIN_BYTES:
                socket.settimeout(max(end - _CLOCK[0](), 0.001))
                piece = self._inner.read1(_PIECE)
                self._note(piece, is_end=not (piece or self._framing.has_end))
                if not piece or self._buffer.is_complete_stream:
                    return
        finally:
            socket.settimeout(before)


_tape: ContextVar[Tape | None] = ContextVar("cachy_tape", default=None)


@contextmanager
def taping(tape: Tape) -> Iterator[None]:
    """Record the next response whose headers `http.client` reads inside this block."""
    token = _tape.set(tape)
    try:
        yield
    finally:
        _tape.reset(token)


def make_begin(original: Any) -> Any:
    """Make a `HTTPResponse.begin` that puts a tee under the body of a response to record."""

    @wraps(original)
    def begin(self: HTTPResponse) -> None:
        original(self)
        tape = _tape.get()
        if tape is None:
            return
        _tape.set(None)
        framing = Framing(self.length, is_chunked=bool(self.chunked))
        buffer = tape(self)
        if framing.is_over:
            return buffer.end(whole=True)
        self.fp = _TapedFile(self.fp, framing, buffer)  # type: ignore[assignment]

    return begin
