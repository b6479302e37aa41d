"""Pass a live response on piece by piece while keeping what the fixture needs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cachy.interaction import Response
from cachy.providers import STREAM_ENDS
from cachy.providers.openai import DONE
from cachy.replay.process import PROCESS
from cachy.replay.recorder import Recording
from cachy.replay.streams.channels import JSON_RPC
from cachy.replay.streams.event_loop import after

if TYPE_CHECKING:
    from cachy.replay.streams.standing import StandingStream

DRAIN_SECONDS = 1.0
DRAIN_BYTES = 1024 * 1024
# The last event of the known providers' streams; what follows is the connection's end.
_TERMINALS = tuple(
    f"{'data' if end == DONE else 'event'}:{space}{end}".encode()
    for end in sorted(STREAM_ENDS)
    for space in ("", " ")
)
_BLANK_LINES = (b"\n\n", b"\r\n\r\n", b"\r\r")
Respond = Callable[[bytes, bool], Response]
"""Makes the response to record, of the bytes that came and of whether they are all."""


class RecordingBuffer:
    """What came of a live response so far; it is recorded once, or given up."""

    def __init__(self, recording: Recording, respond: Respond) -> None:
        self._recording = recording
        self._respond = respond
        self._pieces: list[bytes] = []
        self._tail = b""
        self.size = 0
        self.is_over = False
        self._standing = _find_standing(recording)
        PROCESS.buffers.add(self)

    def add(self, piece: bytes) -> bytes:
        """Keep a piece, and return it."""
        if self._standing is not None:
            self._standing.add(piece)
        self._pieces.append(piece)
        self.size += len(piece)
        self._tail = (self._tail + piece)[-256:]
        return piece

    @property
    def is_complete_stream(self) -> bool:
        """Whether the terminal event was seen whole: SDKs close there, before the stream's end."""
        is_whole = self._tail.endswith(_BLANK_LINES)
        if is_whole and any(mark in self._tail for mark in _TERMINALS):
            return True
        return b":message-type" in self._tail and self._is_complete_eventstream()

    def _is_complete_eventstream(self) -> bool:
        from cachy.fixture.format.aws_events import is_ended  # few programs talk to AWS

        return is_ended(b"".join(self._pieces))

    def end(self, *, whole: bool, left: StandingStream | None = None) -> None:
        """Record what came, unless that was done or given up before.

        `left` is a stream whose client left it, which is all that there was of it.
        """
        if self.is_over:
            return
        self._finish()
        try:
            response = self._respond(b"".join(self._pieces), whole)
            response = left.as_left(response) if left else response
        except Exception as error:  # the body is not what its headers say
            return self._recording.lose(error)
        self._recording.save(response)

    def leave(self) -> bool:
        """Record a stream that lasts until its client leaves; return whether this is one."""
        if self.is_over or self._standing is None or not self._standing.is_sure:
            return False
        self.end(whole=True, left=self._standing)
        return True

    def give_up(self, error: BaseException | None = None) -> None:
        """Record nothing: the network failed, or the caller was cancelled, before the end."""
        if not isinstance(error, Exception) and self.leave():
            return
        if self.is_complete_stream:
            self.end(whole=True)
        if not self.is_over:
            self._finish()
            self._recording.lose(error)

    def end_program(self) -> None:
        """Record what came of a stream that a program left open: later no module loads."""
        if not self.leave():
            self.end(whole=self.is_complete_stream)

    def forget(self) -> None:
        """Record nothing and say nothing: the process that forked this one reads the stream."""
        self._finish()

    def _finish(self) -> None:
        self.is_over = True
        if self._standing is not None:
            self._standing.end()
        PROCESS.buffers.discard(self)

    def __del__(self) -> None:
        """Record what came of a response that a program dropped and never closed."""
        if not self.is_over and not self.leave():
            self.end(whole=self.is_complete_stream)


def _find_standing(recording: Recording) -> StandingStream | None:
    request = recording.request
    if request.method != "GET" and JSON_RPC not in request.body:
        return None
    from cachy.replay.streams.standing import find_standing  # few requests open such a stream

    return find_standing(request, recording.conversation)


class SyncTee:
    """The iterator that a sync response reads; `close` goes on where the reader stopped."""

    def __init__(self, inner: Any, buffer: RecordingBuffer) -> None:
        self._inner = inner
        self._iterator: Any = None
        self._buffer = buffer

    def __iter__(self) -> SyncTee:
        if self._iterator is None:  # else a reader goes on where another one stopped
            self._iterator = iter(self._inner)
        return self

    def __next__(self) -> bytes:
        try:
            return self._buffer.add(next(self._iterator))
        except StopIteration:
            self._buffer.end(whole=True)
            raise
        except BaseException as error:
            self._buffer.give_up(error)
            raise

    def close(self) -> None:
        try:
            if not self._buffer.is_over:
                _drain(self._buffer, self._iterator or iter(self._inner))
        finally:
            self._inner.close()


def _drain(buffer: RecordingBuffer, rest: Iterator[bytes]) -> None:
    """Read on where a caller stopped that closes, within bounds, so that the fixture is whole."""
    if buffer.leave():
        return
    if buffer.is_complete_stream:
        return buffer.end(whole=True)
    if sys.is_finalizing():  # neither a thread nor an import would work
        return buffer.give_up()
    ended: list[bool] = []
    reader = threading.Thread(target=_read_rest, args=(buffer, rest, ended), daemon=True)
    reader.start()
    reader.join(DRAIN_SECONDS)
    buffer.end(whole=bool(ended and ended[0]))


def _read_rest(buffer: RecordingBuffer, rest: Iterator[bytes], ended: list[bool]) -> None:
    try:
        for piece in rest:
            if buffer.is_over or buffer.size > DRAIN_BYTES:
                return
            buffer.add(piece)
            if buffer.is_complete_stream:
                break
        ended.append(True)
    except Exception:  # the caller has closed already: nobody waits for this error
        ended.append(False)


class AsyncTee:
    """The iterator that an async response reads."""

    def __init__(self, inner: Any, buffer: RecordingBuffer) -> None:
        self._inner = inner
        self._iterator: Any = None
        self._buffer = buffer

    def __aiter__(self) -> AsyncTee:
        if self._iterator is None:
            self._iterator = self._inner.__aiter__()
        return self

    async def __anext__(self) -> bytes:
        try:
            return self._buffer.add(await self._iterator.__anext__())
        except StopAsyncIteration:
            self._buffer.end(whole=True)
            raise
        except BaseException as error:
            self._buffer.give_up(error)
            raise

    async def aclose(self) -> None:
        try:
            if not self._buffer.is_over:
                await self._drain()
        finally:
            await self._inner.aclose()

    async def _drain(self) -> None:
        if self._buffer.leave():
            return
        if is_cancelled():
            return self._buffer.give_up()
        if self._buffer.is_complete_stream:
            return self._buffer.end(whole=True)
        if self._iterator is None:
            self._iterator = self._inner.__aiter__()
        import anyio  # httpx's own dependency, loaded by its async clients already

        whole = False
        try:
            with anyio.CancelScope() as scope:
                timer = after(DRAIN_SECONDS, scope.cancel)
                try:
                    whole = await self._read_rest()
                finally:
                    timer.cancel()
        except Exception:  # the caller has closed already: nobody waits for this error
            whole = False
        finally:
            self._buffer.end(whole=whole)

    async def _read_rest(self) -> bool:
        async for piece in self._iterator:
            self._buffer.add(piece)
            if self._buffer.size > DRAIN_BYTES:
                return False
            if self._buffer.is_complete_stream:
                break
        return True


def is_cancelled() -> bool:
    """Return whether this task is being cancelled: then nothing may be awaited any more."""
    if isinstance(sys.exc_info()[1], GeneratorExit):
        return False
    asyncio = sys.modules.get("asyncio")  # under trio it may not be loaded
    try:
        task = asyncio.current_task() if asyncio else None
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0


@cache
def tee_classes(library: ModuleType) -> tuple[type[Any], type[Any]]:
    """Return the tees as the stream classes that this library's clients insist on."""

    class SyncStream(SyncTee, library.SyncByteStream):  # type: ignore[name-defined,misc]
        pass

    class AsyncStream(AsyncTee, library.AsyncByteStream):  # type: ignore[name-defined,misc]
        pass

    return SyncStream, AsyncStream
