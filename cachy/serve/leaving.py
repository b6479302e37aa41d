"""Streams whose client may leave while nothing comes, and those that go in step with a client."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Generator, Iterator

from cachy.replay.clients.tee import DRAIN_SECONDS
from cachy.serve.http_message import ClientConnection

_LOOK = 0.2  # seconds between two looks at whether the client is still there
_Came = bytes | Exception | None


def until_left(
    connection: ClientConnection, pieces: Iterator[bytes], failures: tuple[type[Exception], ...]
) -> Generator[bytes, None, None]:
    """Yield pieces as they come; close this, so that what follows is recorded too.

    Raises:
        ConnectionError: the client left.
    """
    came: queue.SimpleQueue[_Came] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(pieces, failures, came), daemon=True)
    reader.start()
    try:
        yield from _pieces(connection, came)
    finally:  # it reads on for a while where the client left, so that the fixture is whole
        reader.join(DRAIN_SECONDS)


def _pieces(connection: ClientConnection, came: queue.SimpleQueue[_Came]) -> Iterator[bytes]:
    while True:
        try:
            piece = came.get(timeout=_LOOK)
        except queue.Empty:
            if connection.has_ended():
                raise ConnectionError("the client left") from None
            continue
        if piece is None:
            return
        if isinstance(piece, Exception):
            raise piece
        yield piece


def _read(
    pieces: Iterator[bytes],
    failures: tuple[type[Exception], ...],
    came: queue.SimpleQueue[_Came],
) -> None:
    end: Exception | None = ConnectionError("the stream was not read to its end")
    try:
        for piece in pieces:
            came.put(piece)
        end = None
    except failures as error:
        end = error
    finally:
        came.put(end)


def send_in_step(connection: ClientConnection, pieces: AsyncIterator[bytes]) -> bool:
    """Send pieces as they come; return whether the client stayed to the end."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(_send_in_step(connection, pieces))


async def _send_in_step(connection: ClientConnection, pieces: AsyncIterator[bytes]) -> bool:
    loop, left = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection.fileno(), left.set)
    leaving = asyncio.ensure_future(left.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(pieces, None))
            await asyncio.wait((coming, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                return False
            piece = coming.result()
            if piece is None:
                return True
            connection.send_pieces((piece,))
    finally:
        loop.remove_reader(connection.fileno())
        leaving.cancel()
