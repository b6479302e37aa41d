"""The doors to `websockets`; what they need is loaded as the first connection is opened."""

from __future__ import annotations

from functools import wraps
from types import ModuleType
from typing import Any

from cachy.interaction import host_and_port
from cachy.replay import respond
from cachy.replay.clients.other_recorders import is_replaced
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.clients.reentrancy import is_inside
from cachy.replay.session import Session

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_METHODS = ("open_tcp_connection", "create_connection")  # of 17 and later, and before


def open_asyncio_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch the method of `connect` that opens a TCP connection, before each handshake."""
    name = next(name for name in _METHODS if name in vars(library.connect))

    def make(original: Any) -> Any:
        @wraps(original)
        async def open_tcp_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
            session = _find_session(current, self.uri, getattr(self, "additional_headers", None))
            if session is None or is_replaced(library.connect, name):
                return await original(self, *args, **kwargs)
            from cachy.replay.websocket.websockets_asyncio import open_connection

            live = (library, self, session, lambda: original(self, *args, **kwargs))
            return await open_connection(*live)

        return open_tcp_connection

    patches.replace(library.connect, name, make)


def open_sync_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch what opens a connection: of versions before 17 the function, in its module."""
    if not hasattr(library, "reconnect"):
        return _open_former_door(library, current, patches)

    def make(original: Any) -> Any:
        @wraps(original)
        def open_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
            session = _find_session(current, self.uri, getattr(self, "additional_headers", None))
            if session is None or is_replaced(library.reconnect, "open_connection"):
                return original(self, *args, **kwargs)
            from cachy.replay.websocket.websockets_sync import open_by_method

            return open_by_method(self, session, lambda: original(self, *args, **kwargs))

        return open_connection

    patches.replace(library.reconnect, "open_connection", make)


def _open_former_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    def make(original: Any) -> Any:
        @wraps(original)
        def connect(uri: str, **kwargs: Any) -> Any:
            session = _find_session(current, uri, kwargs.get("additional_headers"))
            if session is None or is_replaced(library, "connect"):
                return original(uri, **kwargs)
            from cachy.replay.websocket.websockets_sync import open_by_function

            return open_by_function(library, session, original, uri, kwargs)

        return connect

    patches.replace(library, "connect", make)


def _find_session(current: CurrentSession, uri: str, headers: object) -> Session | None:
    """Return the session that a connection belongs to, if any."""
    session = current()
    if session is None or is_inside():
        return None
    host, port = host_and_port(uri)
    if session.covers(host, port):
        return session
    respond.pass_by(session, "GET", uri, (("", str(headers)),))
    return None
