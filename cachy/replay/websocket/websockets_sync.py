"""Connections of `websockets.sync.client`: a replayed one has a socket without a network."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from cachy.replay.clients.reentrancy import inside
from cachy.replay.session import Session
from cachy.replay.websocket.conversation import Conversation
from cachy.replay.websocket.opening import Link, open_link, request_of
from cachy.replay.websocket.peer import Peer
from cachy.replay.websocket.replayed_socket import ReplayedSocket
from cachy.replay.websocket.websockets_link import (
    Arrivals,
    asked_headers,
    end_of,
    offered,
    watch_sends,
)

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_TICK = 0.05  # seconds between two looks at what a waiting program may still get
_TLS = ("ssl", "ssl_context", "server_hostname", "proxy", "proxy_ssl", "proxy_server_hostname")


def open_by_method(connect: Any, session: Session, go_live: Callable[[], Any]) -> Any:
    """Return the connection that an object of `websockets` 17 or later opens."""
    names = connect.protocol_kwargs.get("subprotocols")
    link = _open(session, connect.uri, connect.additional_headers, names)
    factory = connect.create_connection
    connect.create_connection = _attaching(factory, link)
    if isinstance(link, Conversation):
        connect.open_socket = lambda deadline: ReplayedSocket(Peer(link))
        connect.enable_tls = lambda sock, deadline: sock
    try:
        return _connected(link, go_live)
    finally:
        connect.create_connection = factory
        for name in ("open_socket", "enable_tls"):
            connect.__dict__.pop(name, None)


def open_by_function(
    library: ModuleType, session: Session, connect: Any, uri: str, given: dict[str, Any]
) -> Any:
    """Return the connection that the function `connect` of `websockets` before 17 opens."""
    link = _open(session, uri, given.get("additional_headers"), given.get("subprotocols"))
    factory = given.get("create_connection") or library.ClientConnection
    if isinstance(link, Conversation):
        uri = uri.replace("wss:", "ws:", 1)
        given = {name: value for name, value in given.items() if name not in _TLS}
        given["sock"] = ReplayedSocket(Peer(link))
    given = {**given, "create_connection": _attaching(factory, link)}
    return _connected(link, lambda: connect(uri, **given))


def _open(session: Session, uri: str, headers: Any, subprotocols: Any) -> Link:
    return open_link(session, request_of(uri, (*asked_headers(headers), *offered(subprotocols))))


def _connected(link: Link, connect: Callable[[], Any]) -> Any:
    try:
        with inside():
            return connect()
    except BaseException as error:
        if not isinstance(link, Conversation):
            link.lost(error)
        raise


def _attaching(factory: Any, link: Link) -> Any:
    def create_connection(sock: Any, protocol: Any, **kwargs: Any) -> Any:
        watch_sends(protocol, link)
        connection = factory(sock, protocol, **kwargs)
        _attach(connection, link)
        return connection

    return create_connection


def _attach(connection: Any, link: Link) -> None:
    arrivals = Arrivals(connection, link)
    recv, stream = connection.recv, connection.recv_streaming

    @wraps(recv)
    def watched_recv(timeout: float | None = None, *args: Any, **kwargs: Any) -> Any:
        with arrivals.receiving():
            return _patiently(link, recv, timeout, *args, **kwargs)

    @wraps(stream)
    def watched_stream(*args: Any, **kwargs: Any) -> Any:
        with arrivals.receiving():
            yield from stream(*args, **kwargs)

    connection.recv, connection.recv_streaming = watched_recv, watched_stream
    _watch_close(connection, link)


def _watch_close(connection: Any, link: Link) -> None:
    close = connection.close

    @wraps(close)
    def watched_close(*args: Any, **kwargs: Any) -> Any:
        close(*args, **kwargs)
        end_of(connection.protocol, link)

    connection.close = watched_close


def _patiently(link: Link, recv: Any, timeout: float | None, *args: Any, **kwargs: Any) -> Any:
    """Wait for a message, where it is replayed no longer than one could take."""
    if not isinstance(link, Conversation) or link.patience() is None:
        return recv(timeout, *args, **kwargs)
    until = float("inf") if timeout is None else time.monotonic() + timeout
    progress, since = link.progress, time.monotonic()
    while True:
        try:
            return recv(min(_TICK, until - time.monotonic()), *args, **kwargs)
        except TimeoutError:
            now, seconds = time.monotonic(), link.patience()
            if now >= until:
                raise
            is_over = seconds is not None and now - since >= seconds
        if progress != link.progress:
            progress, since = link.progress, now
        elif is_over:
            raise link.overdue()
