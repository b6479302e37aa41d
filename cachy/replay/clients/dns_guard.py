"""Refuse connections to covered hosts by clients that cachy does not intercept."""

from __future__ import annotations

import socket
import warnings
from contextvars import copy_context
from functools import partial, wraps
from types import ModuleType
from typing import Any

from cachy.config import Mode
from cachy.errors import UnrecordedRequest
from cachy.interaction import host_and_port
from cachy.replay.clients.other_recorders import (
    are_connecting,
    are_sockets_replaced,
    is_theirs,
)
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.clients.reentrancy import is_inside
from cachy.replay.process import PROCESS
from cachy.replay.session import Session

__tracebackhide__ = True  # pytest shows the caller, not what is in between


def open_door(current: CurrentSession, patches: Patches) -> None:
    """Patch `socket.getaddrinfo`, through which nearly every client resolves names."""

    def make(original: Any) -> Any:
        @wraps(original)
        def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            check(current(), _name(host), _number(port))
            return original(host, port, *args, **kwargs)

        return getaddrinfo

    patches.replace(socket, "getaddrinfo", make)


def open_http_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch `http.client`, whose connection may be open already, or may be a proxy's."""

    def make(original: Any) -> Any:
        @wraps(original)
        def putrequest(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            is_proxied = url.startswith(("http://", "https://"))
            host, port = host_and_port(url) if is_proxied else (self.host, self.port)
            if self._tunnel_host:
                host, port = self._tunnel_host, self._tunnel_port
            if not _is_urllib3(type(self)):  # whose door has counted this request
                count(current(), _name(host), port)
            check(current(), _name(host), port)
            return original(self, method, url, *args, **kwargs)

        return putrequest

    def make_tunnel(original: Any) -> Any:
        @wraps(original)
        def set_tunnel(self: Any, host: str, port: Any = None, *args: Any, **kwargs: Any) -> Any:
            check(current(), _name(host), port)
            return original(self, host, port, *args, **kwargs)

        return set_tunnel

    if not is_theirs(library.HTTPConnection):  # vcrpy puts a class of its own there
        patches.replace(library.HTTPConnection, "putrequest", make)
        patches.replace(library.HTTPConnection, "set_tunnel", make_tunnel)


def open_loop_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch asyncio's event loop, which resolves names in threads outside of every scope.

    It connects to a literal address without resolving anything.
    """

    def make(original: Any) -> Any:
        @wraps(original)
        async def getaddrinfo(self: Any, host: Any, port: Any, **kwargs: Any) -> Any:
            resolve = partial(socket.getaddrinfo, host, port, **kwargs)
            return await self.run_in_executor(None, copy_context().run, resolve)

        return getaddrinfo

    patches.replace(library.BaseEventLoop, "getaddrinfo", make)
    patches.replace(library.BaseEventLoop, "create_connection", _make_connection(current))


def _make_connection(current: CurrentSession) -> Any:
    def make(original: Any) -> Any:
        @wraps(original)
        async def create_connection(
            self: Any, factory: Any, host: Any = None, port: Any = None, **kwargs: Any
        ) -> Any:
            check(current(), _name(host), _number(port))
            return await original(self, factory, host, port, **kwargs)

        return create_connection

    return make


def open_uvloop_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch uvloop's event loop, which resolves names by itself."""

    def make_getaddrinfo(original: Any) -> Any:
        @wraps(original)
        async def getaddrinfo(self: Any, host: Any, port: Any, **kwargs: Any) -> Any:
            check(current(), _name(host), _number(port))
            return await original(self, host, port, **kwargs)

        return getaddrinfo

    patches.replace(library.Loop, "getaddrinfo", make_getaddrinfo)
    patches.replace(library.Loop, "create_connection", _make_connection(current))


def _name(host: Any) -> str:
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    return str(host or "").lower().rstrip(".")


def _number(port: Any) -> int | None:
    text = port.decode() if isinstance(port, bytes) else str(port)
    return int(text) if text.isdigit() else {"https": 443, "http": 80}.get(text)


def _is_urllib3(kind: type[Any]) -> bool:
    return any(base.__module__.startswith("urllib3.") for base in kind.__mro__)


def count(session: Session | None, host: str, port: int | None) -> None:
    """Count a request to an uncovered host by a client that cachy does not intercept."""
    if session is None or not host or is_inside() or are_sockets_replaced():
        return
    if not session.coverage.guards(host, port):
        session.coverage.pass_by(host, port)


def check(session: Session | None, host: str, port: int | None) -> None:
    """Refuse a connection to a covered host that no module of this folder makes.

    Raises:
        UnrecordedRequest: in replay mode. In record mode a warning is given, once for a host.
    """
    if session is None or not host or is_inside() or not session.coverage.guards(host, port):
        return
    if are_sockets_replaced():
        return
    if session.config.mode is Mode.REPLAY:
        from cachy.replay import misses  # replay needs none

        error: UnrecordedRequest = misses.raised_class()(
            f"Blocked a connection to {host}: it was opened by a client that cachy does not "
            "intercept, and replay mode never uses the network. Use httpx, httpx2, aiohttp, "
            "requests, urllib3 or websockets (its asyncio or sync client), or put the call into "
            "`with no_cachy():`.",
            url=host,
        )
        misses.remember(error)
        misses.refusal_of(error)()
    if host not in PROCESS.warned and not are_connecting():
        PROCESS.warned.add(host)
        warnings.warn(
            f"A connection to {host} was opened by a client that cachy does not intercept: "
            "it is not recorded.",
            RuntimeWarning,
            stacklevel=4,
        )


def past_the_end() -> UnrecordedRequest:
    """Return the error of reading on where a recorded stream was cut."""
    from cachy.replay import misses
    from cachy.replay.hint import how_to_record  # only a miss needs it

    error: UnrecordedRequest = misses.raised_class()(
        "The recorded stream ends here: it was cut while recording, and the code now reads "
        f"further. Record it again: {how_to_record(mode='refresh')}"
    )
    misses.remember(error)
    return error
