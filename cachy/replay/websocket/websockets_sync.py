"""The door to `websockets.sync.client`: a replayed connection has a socket without a network.

Versions from 17 on open a connection by a class, older ones by the function `connect`, which is
replaced in its module: there a name that was imported before cachy was turned on is not seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
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
from cachy.replay.websocket.replayed_socket import ReplayedSocket
from cachy.replay.websocket.websockets_link import (
    Arrivals,
    closed_error,
    end_of,
    headers_of,
    watch_sends,
)

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_TICK = 0.05  # seconds between two looks at what a waiting program may still get
_TLS = ("ssl", "ssl_context", "server_hostname", "proxy", "proxy_ssl", "proxy_server_hostname")


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch what opens a connection."""
    if hasattr(library, "reconnect"):
        patches.replace(library.reconnect, "open_connection", _make_method(library, current))
    else:
        patches.replace(library, "connect", _make_function(library, current))


def _find_session(current: CurrentSession, uri: str) -> Session | None:
    """Return the session that a connection belongs to, if any."""
    session = current()
    if session is None or is_inside():
        return None
    host, port = host_and_port(uri)
    if session.covers(host, port):
        return session
    session.coverage.pass_by(host, port)
    return None


def _make_method(library: ModuleType, current: CurrentSession) -> Any:
    def make(original: Any) -> Any:
        @wraps(original)
        def open_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
            session = _find_session(current, self.uri)
            if session is None or is_replaced(library.reconnect, "open_connection"):
                return original(self, *args, **kwargs)
            names = self.protocol_kwargs.get("subprotocols")
            link = _open(session, self.uri, self.additional_headers, names)
            factory = self.create_connection
            self.create_connection = _attaching(factory, link)
            if isinstance(link, Conversation):
                self.open_socket = lambda deadline: ReplayedSocket(Peer(link))
                self.enable_tls = lambda sock, deadline: sock
            try:
                return _connected(link, lambda: original(self, *args, **kwargs))
            finally:
                self.create_connection = factory
                for name in ("open_socket", "enable_tls"):
                    self.__dict__.pop(name, None)

        return open_connection

    return make


def _make_function(library: ModuleType, current: CurrentSession) -> Any:
    def make(original: Any) -> Any:
        @wraps(original)
        def connect(uri: str, **kwargs: Any) -> Any:
            session = _find_session(current, uri)
            if session is None or is_replaced(library, "connect"):
                return original(uri, **kwargs)
            names = kwargs.get("subprotocols")
            link = _open(session, uri, kwargs.get("additional_headers"), names)
            factory = kwargs.get("create_connection") or library.ClientConnection
            kwargs["create_connection"] = _attaching(factory, link)
            if isinstance(link, Conversation):
                uri = uri.replace("wss:", "ws:", 1)
                kwargs = {name: value for name, value in kwargs.items() if name not in _TLS}
                kwargs["sock"] = ReplayedSocket(Peer(link))
            return _connected(link, lambda: original(uri, **kwargs))

        return connect

    return make


def _open(session: Session, uri: str, headers: Any, subprotocols: Any) -> Link:
    offered = (("sec-websocket-protocol", ", ".join(subprotocols)),) if subprotocols else ()
    return open_link(session, request_of(uri, (*headers_of(headers), *offered)))


def _connected(link: Link, connect: Callable[[], Any]) -> Any:
    try:
        with inside():
            return connect()
    except BaseException as error:
        if isinstance(link, MessageTape):
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
    arrivals, closed = Arrivals(connection, link), closed_error()
    protocol, recv, stream = connection.protocol, connection.recv, connection.recv_streaming

    @wraps(recv)
    def watched_recv(timeout: float | None = None, *args: Any, **kwargs: Any) -> Any:
        try:
            message = _patiently(link, recv, timeout, *args, **kwargs)
        except closed:
            end_of(protocol, link)
            raise
        arrivals.given()
        return message

    @wraps(stream)
    def watched_stream(*args: Any, **kwargs: Any) -> Any:
        try:
            yield from stream(*args, **kwargs)
        except closed:
            end_of(protocol, link)
            raise
        arrivals.given()

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
