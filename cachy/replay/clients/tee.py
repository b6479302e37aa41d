"""Pass a live response on byte by byte while keeping a copy for the fixture."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any
from weakref import WeakSet

from cachy.providers import STREAM_ENDS
from cachy.providers.openai import DONE

DRAIN_SECONDS = 1.0
_DRAIN_BYTES = 1024 * 1024
# The last event of the known providers' streams; what follows is the connection's end.
_TERMINALS = tuple(
    f"{'data' if end == DONE else 'event'}:{space}{end}".encode()
    for end in sorted(STREAM_ENDS)
    for space in ("", " ")
)
_BLANK_LINES = (b"\n\n", b"\r\n\r\n", b"\r\r")


class Copy:
    """What has come through so far; `finish` is called once, with whether it is whole."""

    def __init__(self, finish: Callable[[bytes, bool], None], abandon: Callable[[], None]) -> None:
        self._finish = finish
        self._abandon = abandon
        self._pieces: list[bytes] = []
        self._tail = b""
        self.is_over = False

    def add(self, piece: bytes) -> bytes:
        self._pieces.append(piece)
        self._tail = (self._tail + piece)[-256:]
        return piece

    @property
    def size(self) -> int:
        return sum(map(len, self._pieces))

    @property
    def is_complete_stream(self) -> bool:
        """Whether the terminal event was seen whole: SDKs close there, before the stream's end."""
        is_whole = self._tail.endswith(_BLANK_LINES)
        return is_whole and any(mark in self._tail for mark in _TERMINALS)

    def end(self, *, whole: bool) -> None:
        """Save what came, unless it was saved or given up before."""
        if not self.is_over:
            self.is_over = True
            self._finish(b"".join(self._pieces), whole)

    def give_up(self) -> None:
        """Save nothing, as the network failed or the caller was cancelled before the end."""
        if self.is_complete_stream:
            self.end(whole=True)
        if not self.is_over:
            self.is_over = True
            self._abandon()


class SyncTee:
    """The iterator that a sync response reads; `close` goes on where the reader stopped."""

    def __init__(self, inner: Any, copy: Copy) -> None:
        self._inner = inner
        self._iterator: Any = None
        self._copy = copy
        _open.add(self)

    def __iter__(self) -> SyncTee:
        if self._iterator is None:  # else a reader goes on where another one stopped
            self._iterator = iter(self._inner)
        return self

    def __next__(self) -> bytes:
        try:
            return self._copy.add(next(self._iterator))
        except StopIteration:
            self._copy.end(whole=True)
            raise
        except BaseException:
            self._copy.give_up()
            raise

    def end(self) -> None:
        """Save what came, and read no further: at a program's end no thread can start."""
        self._copy.end(whole=self._copy.is_complete_stream)

    def forget(self) -> None:
        """Read no further and save nothing."""
        self._copy.is_over = True

    def close(self) -> None:
        try:
            if not self._copy.is_over:
                drain(self._copy, self._iterator or iter(self._inner))
        finally:
            _open.discard(self)
            self._inner.close()


_open: WeakSet[SyncTee] = WeakSet()


@atexit.register
def _end_open() -> None:
    """Save what came of the streams that a program left open: later no module loads any more."""
    for tee in tuple(_open):
        tee.end()


def _forget_open() -> None:
    """Leave to the process that forked this one the streams that it reads on."""
    for tee in tuple(_open):
        tee.forget()
    _open.clear()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_open)


def drain(copy: Copy, rest: Iterator[bytes]) -> None:
    """Read on where a caller stopped that closes, within bounds, so that the copy is whole."""
    if copy.is_complete_stream:
        return copy.end(whole=True)
    if sys.is_finalizing():  # neither a thread nor an import would work
        return copy.give_up()
    ended: list[bool] = []
    reader = threading.Thread(target=_read_rest, args=(copy, rest, ended), daemon=True)
    reader.start()
    reader.join(DRAIN_SECONDS)
    copy.end(whole=bool(ended and ended[0]))


def _read_rest(copy: Copy, rest: Iterator[bytes], ended: list[bool]) -> None:
    try:
        for piece in rest:
            if copy.is_over or copy.size > _DRAIN_BYTES:
                return
            copy.add(piece)
            if copy.is_complete_stream:
                break
        ended.append(True)
    except Exception:  # the caller has closed already: nobody is left to tell
        ended.append(False)


class AsyncTee:
    """The iterator that an async response reads."""

    def __init__(self, inner: Any, copy: Copy) -> None:
        self._inner = inner
        self._iterator: Any = None
        self._copy = copy

    def __aiter__(self) -> AsyncTee:
        if self._iterator is None:
            self._iterator = self._inner.__aiter__()
        return self

    async def __anext__(self) -> bytes:
        try:
            return self._copy.add(await self._iterator.__anext__())
        except StopAsyncIteration:
            self._copy.end(whole=True)
            raise
        except BaseException:
            self._copy.give_up()
            raise

    async def aclose(self) -> None:
        try:
            if not self._copy.is_over:
                await self._drain()
        finally:
            await self._inner.aclose()

    async def _drain(self) -> None:
        if is_cancelled():
            return self._copy.give_up()
        if self._copy.is_complete_stream:
            return self._copy.end(whole=True)
        if self._iterator is None:
            self._iterator = self._inner.__aiter__()
        import anyio  # httpx's own dependency, loaded by its async clients already

        whole = False
        try:
            with anyio.move_on_after(DRAIN_SECONDS):
                whole = await self._read_rest()
        except Exception:  # the caller has closed already: nobody is left to tell
            whole = False
        finally:
            self._copy.end(whole=whole)

    async def _read_rest(self) -> bool:
        async for piece in self._iterator:
            self._copy.add(piece)
            if self._copy.size > _DRAIN_BYTES:
                return False
            if self._copy.is_complete_stream:
                break
        return True


def is_cancelled() -> bool:
    """Whether this task is being cancelled: then nothing may be awaited any more."""
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
    """Give the tees as the stream classes that this library's clients insist on."""

    class SyncStream(SyncTee, library.SyncByteStream):  # type: ignore[name-defined,misc]
        pass

    class AsyncStream(AsyncTee, library.AsyncByteStream):  # type: ignore[name-defined,misc]
        pass

    return SyncStream, AsyncStream
