"""The door to `websockets.asyncio.client`: its `connect` opens each connection by one method."""

from __future__ import annotations

import asyncio
from functools import wraps
from types import ModuleType
from typing import Any

from cachy.interaction import host_and_port
from cachy.replay.clients.other_recorders import is_replaced
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.clients.reentrancy import inside, is_inside
from cachy.replay.session import Session
from cachy.replay.websocket.conversation import Conversation
from cachy.replay.websocket.message_tape import MessageTape
from cachy.replay.websocket.opening import Link, open_link, request_of
from cachy.replay.websocket.peer import Peer
from cachy.replay.websocket.transport import ReplayedTransport
from cachy.replay.websocket.waiting import wait_for
from cachy.replay.websocket.websockets_link import (
    Arrivals,
    closed_error,
    end_of,
    headers_of,
    note_lost,
    offered,
    watch_sends,
)

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_METHODS = ("open_tcp_connection", "create_connection")  # of 17 and later, and before
_FACTORIES = ("factory", "protocol_factory")


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch the method of `connect` that opens a TCP connection, before each handshake."""
    name = next(name for name in _METHODS if name in vars(library.connect))

    def make(original: Any) -> Any:
        @wraps(original)
        async def open_tcp_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
            session = current()
            if session is None or is_inside() or is_replaced(library.connect, name):
                return await original(self, *args, **kwargs)
            host, port = host_and_port(self.uri)
            if not session.covers(host, port):
                session.coverage.pass_by(host, port)
                return await original(self, *args, **kwargs)
            return await _open(library, self, session, lambda: original(self, *args, **kwargs))

        return open_tcp_connection

    patches.replace(library.connect, name, make)


async def _open(library: ModuleType, connect: Any, session: Session, go_live: Any) -> Any:
    factory = next(getattr(connect, name) for name in _FACTORIES if hasattr(connect, name))
    connection = factory(library.parse_uri(connect.uri))
    headers = (*headers_of(connect.additional_headers), *offered(connection.protocol))
    link = open_link(session, request_of(connect.uri, headers))
    if isinstance(link, Conversation):
        transport = ReplayedTransport(asyncio.get_running_loop(), connection, Peer(link))
        connection.connection_made(transport)
    else:
        connection = await _live(link, go_live)
    _attach(connection, link)
    return connection


async def _live(tape: MessageTape, go_live: Any) -> Any:
    try:
        with inside():
            return await go_live()
    except BaseException as error:
        tape.lost(error)
        raise


def _attach(connection: Any, link: Link) -> None:
    watch_sends(connection.protocol, link)
    arrivals, closed = Arrivals(connection, link), closed_error()
    protocol, recv, stream = connection.protocol, connection.recv, connection.recv_streaming

    @wraps(recv)
    async def watched_recv(*args: Any, **kwargs: Any) -> Any:
        try:
            message = await wait_for(link, recv, *args, **kwargs)
        except closed:
            end_of(protocol, link)
            raise
        arrivals.given()
        return message

    @wraps(stream)
    async def watched_stream(*args: Any, **kwargs: Any) -> Any:
        try:
            async for piece in stream(*args, **kwargs):
                yield piece
        except closed:
            end_of(protocol, link)
            raise
        arrivals.given()

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
