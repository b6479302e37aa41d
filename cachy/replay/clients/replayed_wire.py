"""HTTP as `http.client` reads it from a socket: serve a recorded response, or a fault."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from http.client import HTTPMessage, HTTPResponse, responses
from typing import Any

from cachy.interaction import Response, header
from cachy.replay.clients import dns_guard


class ReplaySocket:
    """What a connection holds instead of a socket: it drops the request, and serves the body."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.patience: float | None = None
        has_no_length = header(answer.headers, "content-length") is None
        is_packed = header(answer.headers, "content-encoding") is not None
        is_cut_up = has_no_length and (len(answer.chunks) > 1 or (is_packed and bool(answer.body)))
        self.is_chunked = answer.truncated or is_cut_up

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        is_cut = self.answer.truncated and not self.answer.is_cut
        pieces = _Pieces(self._framed(), is_cut=is_cut)
        if self.answer.delay:
            pieces.wait = self._wait
        return io.BufferedReader(pieces)

    def _wait(self) -> None:
        """Wait as a fault says, but no longer than the client does."""
        patience = self.patience
        time.sleep(self.answer.delay if patience is None else min(self.answer.delay, patience))
        if patience is not None and patience < self.answer.delay:
            raise TimeoutError("timed out")

    def _framed(self) -> list[bytes]:
        pieces = self.answer.chunks or (self.answer.body,)
        if not self.is_chunked:
            return [b"".join(pieces)]
        framed = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece]
        return framed if self.answer.truncated else [*framed, b"0\r\n\r\n"]

    def sendall(self, *_args: Any) -> None:
        """Nothing is sent."""

    shutdown = sendall

    def settimeout(self, seconds: float | None) -> None:
        self.patience = seconds

    def close(self) -> None:
        """Nothing is open."""


class _Pieces(io.RawIOBase):
    """Serve one piece at a time; reading on where a recorded stream was cut is a miss."""

    def __init__(self, pieces: list[bytes], *, is_cut: bool) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")
        self._is_cut = is_cut
        self.wait: Callable[[], None] | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if self.wait is not None:
            wait, self.wait = self.wait, None
            wait()
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        if not self._rest and self._is_cut:
            raise dns_guard.past_the_end()
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class ReplayedResponse(HTTPResponse):
    """The response of `http.client`, its head taken from the fixture as it is."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._recorded: ReplaySocket = sock

    def begin(self) -> None:
        answer = self._recorded.answer
        self.status, self.code = answer.status, answer.status
        self.reason = responses.get(answer.status, "")
        self.version = 10 if answer.http_version == "HTTP/1.0" else 11
        self.headers = self.msg = HTTPMessage()
        for name, value in answer.headers:
            if not (name == "content-length" and answer.truncated):
                self.headers.add_header(name, value)
        self.will_close, self.chunked = False, self._recorded.is_chunked
        self.chunk_left = None
        self.length = None if self.chunked else sum(map(len, answer.chunks)) or len(answer.body)
        if getattr(self, "_method", "") == "HEAD" or answer.status in (204, 304):
            self.length, self.chunked = 0, False
        if self.chunked:
            self.headers.add_header("transfer-encoding", "chunked")
