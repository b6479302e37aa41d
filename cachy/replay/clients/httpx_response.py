"""The responses that httpx and httpx2 get from a fixture: a plain body is read in one step."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from types import ModuleType
from typing import Any

from cachy.interaction import Response
from cachy.replay.clients import dns_guard


@cache
def response_classes(library: ModuleType) -> tuple[type[Any], type[Any]]:
    """Return the classes of a replayed response and of its stream, made for this library."""

    class ReplayStream(_ReplayStream, library.SyncByteStream, library.AsyncByteStream):  # type: ignore[name-defined,misc]
        _library = library

    class PlainResponse(_PlainResponse, library.Response):  # type: ignore[name-defined,misc]
        _own_class = library.Response
        _sync_stream = getattr(library._client, "BoundSyncStream", None)
        _async_stream = getattr(library._client, "BoundAsyncStream", None)

    return PlainResponse, ReplayStream


class _ReplayStream:
    """One class for both ways of reading: the bytes are at hand."""

    _library: ModuleType

    def __init__(self, answer: Response, outgoing: Any) -> None:
        self.answer = answer
        self.outgoing = outgoing

    @property
    def plain_body(self) -> bytes | None:
        answer = self.answer
        is_streamed = answer.chunks or answer.truncated or answer.delay or answer.is_open
        return None if is_streamed else answer.body

    def __iter__(self) -> Iterator[bytes]:
        if self.answer.delay:
            return self._late()
        return self._pieces()

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self.answer.delay:
            return self._alate()
        if self.answer.is_open or self.answer.session:
            return self._in_step()
        return _Pieces(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        pieces = self.answer.chunks or (self.answer.body,)
        return self._torn(pieces) if self.answer.truncated else iter(pieces)

    def _torn(self, pieces: tuple[bytes, ...]) -> Iterator[bytes]:
        """Yield what was recorded of a stream that was cut off, then say that no more was."""
        yield from pieces
        if self.answer.is_cut:
            problem = "peer closed connection without sending complete message body"
            raise self._library.RemoteProtocolError(problem, request=self.outgoing)
        raise dns_guard.past_the_end()

    def _late(self) -> Iterator[bytes]:
        time.sleep(self._wait())
        self._check_patience()
        yield from self._pieces()

    async def _alate(self) -> AsyncIterator[bytes]:
        import anyio  # httpx's own dependency, loaded by its async clients already

        await anyio.sleep(self._wait())
        self._check_patience()
        for piece in self._pieces():
            yield piece

    def _in_step(self) -> AsyncIterator[bytes]:
        from cachy.replay.streams import pacing  # few responses wait for their client

        if self.answer.session:
            return pacing.in_step(self.answer)
        pairs = self.outgoing.headers.raw
        headers = tuple([(key.decode("latin-1"), value.decode("latin-1")) for key, value in pairs])
        return pacing.until_left(self.answer, str(self.outgoing.url), headers)

    def _wait(self) -> float:
        return min(self.answer.delay, self._patience())

    def _patience(self) -> float:
        seconds = self.outgoing.extensions.get("timeout", {}).get("read")
        return float("inf") if seconds is None else float(seconds)

    def _check_patience(self) -> None:
        if self._patience() < self.answer.delay:
            raise self._library.ReadTimeout("timed out", request=self.outgoing)

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""


class _Pieces:
    """An asynchronous iterator; a generator would be announced to the event loop, at a price."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class _PlainResponse:
    """A response that takes a plain body past the library's decoders, and is then its own class."""

    _own_class: Any
    _sync_stream: Any  # what a client puts around the stream that it got
    _async_stream: Any

    def read(self: Any) -> bytes:
        content: bytes | None = self._take(self._sync_stream)
        self.__class__ = self._own_class
        if content is None:
            content = self.read()
        else:
            self.is_closed = True
            self.stream.close()  # notes the time
        return content

    async def aread(self: Any) -> bytes:
        content: bytes | None = self._take(self._async_stream)
        self.__class__ = self._own_class
        if content is None:
            content = await self.aread()
        else:
            self.is_closed = True
            await self.stream.aclose()
        return content

    def _take(self: Any, wrapper: Any) -> bytes | None:
        """Take the body where nothing came in between: a hook, another stream, an encoding."""
        stream = vars(self.stream).get("_stream") if type(self.stream) is wrapper else None
        body: bytes | None = stream.plain_body if isinstance(stream, _ReplayStream) else None
        if body is None or self.is_closed or self.is_stream_consumed:
            return None
        if "content-encoding" in self.headers:
            return None
        self.is_stream_consumed = True
        self._num_bytes_downloaded = len(body)
        self._content = body
        return body

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        self.__class__ = self._own_class
        return self.__reduce_ex__(protocol)
