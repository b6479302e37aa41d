"""Connections of `websockets.asyncio.client`, of which `connect` opens each by one method."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cachy.replay.clients.reentrancy import inside
from cachy.replay.session import Session
from cachy.replay.websocket.conversation import Conversation
from cachy.replay.websocket.opening import Link, open_link, request_of
from cachy.replay.websocket.peer import Peer
from cachy.replay.websocket.transport import ReplayedTransport
from cachy.replay.websocket.waiting import wait_for
from cachy.replay.websocket.websockets_link import (
    Arrivals,
    asked_headers,
    end_of,
    note_lost,
    offered,
    watch_sends,
)

if TYPE_CHECKING:
    from cachy.replay.websocket.message_tape import MessageTape

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_FACTORIES = ("factory", "protocol_factory")


async def open_connection(
    library: ModuleType, connect: Any, session: Session, go_live: Callable[[], Any]
) -> Any:
    """Return the connection of a `connect`, before its handshake: replayed, or live and watched."""
    factory = next(getattr(connect, name) for name in _FACTORIES if hasattr(connect, name))
    connection = factory(library.parse_uri(connect.uri))
    given, *_ = getattr(connect, "handshake_args", None) or (connect.additional_headers,)  # 13
    headers = (*asked_headers(given), *offered(_subprotocols(connection)))
    link = open_link(session, request_of(connect.uri, headers))
    if isinstance(link, Conversation):
        transport = ReplayedTransport(asyncio.get_running_loop(), connection, Peer(link))
        connection.connection_made(transport)
    else:
        connection = await _live(link, go_live)
    _attach(connection, link)
    return connection


def _subprotocols(connection: Any) -> Any:
    return getattr(connection.protocol, "available_subprotocols", None)


async def _live(tape: MessageTape, go_live: Any) -> Any:
    try:
        with inside():
            return await go_live()
    except BaseException as error:
        tape.lost(error)
        raise


def _attach(connection: Any, link: Link) -> None:
    watch_sends(connection.protocol, link)
    arrivals = Arrivals(connection, link)
    recv, stream = connection.recv, connection.recv_streaming

    @wraps(recv)
    async def watched_recv(*args: Any, **kwargs: Any) -> Any:
        with arrivals.receiving():
            return await wait_for(link, recv, *args, **kwargs)

    @wraps(stream)
    async def watched_stream(*args: Any, **kwargs: Any) -> Any:
        with arrivals.receiving():
            async for piece in stream(*args, **kwargs):
                yield piece

    connection.recv, connection.recv_streaming = watched_recv, watched_stream
    _watch_end(connection, link)


def _watch_end(connection: Any, link: Link) -> None:
    close, lost = connection.close, connection.connection_lost

    @wraps(close)
    async def watched_close(*args: Any, **kwargs: Any) -> Any:
        await close(*args, **kwargs)
        end_of(connection.protocol, link)

    @wraps(lost)
    def watched_lost(error: Exception | None) -> None:
        lost(error)
        note_lost(link)

    connection.close, connection.connection_lost = watched_close, watched_lost
