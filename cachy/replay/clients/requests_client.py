"""The door to requests: its adapter's `send`, below redirects, auth and cookies."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import wraps
from http.client import HTTPMessage, responses
from types import ModuleType
from typing import Any

from cachy.interaction import Request, Response
from cachy.replay.clients import dns_guard
from cachy.replay.clients.other_recorders import is_replaced, is_theirs
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.clients.reentrancy import is_inside, sending
from cachy.replay.clients.tee import Copy, SyncTee
from cachy.replay.session import Recording

__tracebackhide__ = True  # pytest shows whoever asked, not what is in between
_PIECE = 2**16  # bytes at most
_REPLACED = "ConnectionCls"  # by vcrpy, below the adapter


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch `requests.adapters.HTTPAdapter.send`."""

    def make(original: Any) -> Any:
        @wraps(original)
        def send(self: Any, outgoing: Any, *args: Any, **kwargs: Any) -> Any:
            session = current()
            if session is None or is_inside() or not session.covers_url(outgoing.url):
                return original(self, outgoing, *args, **kwargs)
            pool = sys.modules["urllib3.connectionpool"].HTTPConnectionPool
            if is_theirs(original) or is_replaced(pool, _REPLACED):
                return original(self, outgoing, *args, **kwargs)
            found = session.answer(_to_request(outgoing))
            if isinstance(found, Response):
                return self.build_response(outgoing, _replayed(outgoing, found))
            with sending(found):
                incoming = original(self, outgoing, *args, **kwargs)
            return _taped(incoming, found)

        return send

    patches.replace(library.adapters.HTTPAdapter, "send", make)


def _to_request(outgoing: Any) -> Request:
    body = outgoing.body or b""
    if hasattr(body, "read"):
        outgoing.body = body = body.read()
    elif not isinstance(body, (bytes, str)):
        outgoing.body = body = b"".join(body)
    raw = body.encode("utf-8") if isinstance(body, str) else body
    return Request(outgoing.method, outgoing.url, tuple(_pairs(outgoing.headers)), raw)


def _pairs(headers: Any) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        yield str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _taped(incoming: Any, recording: Recording) -> Any:
    headers = tuple((name.lower(), value) for name, value in _pairs(incoming.headers))

    def finish(raw: bytes, whole: bool) -> None:
        recording.save(Response(incoming.status_code, headers, raw, truncated=not whole))

    incoming.raw = _TapedRaw(incoming.raw, Copy(finish, recording.abandon))
    return incoming


class _TapedRaw:
    """urllib3's response, with a copy taken of what is read from it, decoded."""

    def __init__(self, inner: Any, copy: Copy) -> None:
        self._inner = inner
        self._copy = copy
        self._rest: Iterator[bytes] = iter(lambda: inner.read(_PIECE, decode_content=True), b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def stream(self, amt: int = _PIECE, decode_content: bool | None = None) -> SyncTee:
        # No generator: one that is left closes the connection, and the rest is lost.
        self._rest = self._inner.stream(amt, decode_content=True)
        return self._tee()

    def _tee(self) -> SyncTee:
        return SyncTee(_Pieces(self._rest, self._inner), self._copy)

    def read(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        try:
            piece: bytes = self._inner.read(amt, decode_content=True)
        except BaseException:
            self._copy.give_up()
            raise
        if piece:
            self._copy.add(piece)
        if amt is None or not piece:
            self._copy.end(whole=True)
        return piece

    def close(self) -> None:
        self._end()
        self._inner.close()

    def release_conn(self) -> None:
        self._end()
        self._inner.release_conn()

    def _end(self) -> None:
        if not self._copy.is_over:
            self._tee().close()


class _Pieces:
    """What is read of urllib3's response; closing it ends a read that waits in another thread."""

    def __init__(self, pieces: Iterator[bytes], response: Any) -> None:
        self._pieces = pieces
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        with suppress(AttributeError, ValueError, RuntimeError, OSError):  # closed already
            self._response.shutdown()


def _replayed(outgoing: Any, answer: Response) -> Any:
    import urllib3  # requests rides on it, so it is loaded already

    body = b"".join(answer.chunks) or answer.body
    raw = urllib3.HTTPResponse(
        body=_Cut(body) if answer.truncated else io.BytesIO(body),
        headers=urllib3.HTTPHeaderDict(answer.headers),
        status=answer.status,
        version=11,
        reason=responses.get(answer.status, ""),
        preload_content=False,
        decode_content=False,
        request_method=outgoing.method,
        original_response=_Original(answer),  # type: ignore[arg-type]
    )
    return raw


class _Original:
    """What requests takes cookies from."""

    def __init__(self, answer: Response) -> None:
        self.msg = HTTPMessage()
        for name, value in answer.headers:
            self.msg.add_header(name, value)

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


class _Cut(io.BytesIO):
    """A recorded stream that was cut: reading on at its end is a miss."""

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if not piece:
            raise dns_guard.past_the_end()
        return piece
