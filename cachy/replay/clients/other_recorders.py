"""Whether another recorder or a test double answers in the place of the network.

cachy stands aside then: what a double says is not what the API said.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

_PACKAGES = (
    *("respx", "pytest_httpx", "vcr", "cassetter", "responses"),
    *("pook", "mocket", "httpretty", "aioresponses"),
)
_ASYNC = (  # whose tasks and threads hide on whose behalf a connection is made
    ("httpx", "AsyncHTTPTransport", "handle_async_request"),
    ("httpx2", "AsyncHTTPTransport", "handle_async_request"),
    ("httpcore", "AsyncConnectionPool", "handle_async_request"),
    ("aiohttp", "ClientSession", "_request"),
)
_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_STANDARD = os.path.dirname(os.__file__)


def is_replaced(owner: Any, *names: str) -> bool:
    """Return whether a recorder, a mock or a test has put its own in the place of an attribute."""
    return any([_is_replacement(owner, name, getattr(owner, name, None)) for name in names])


@lru_cache(maxsize=1024)
def _is_replacement(owner: Any, name: str, thing: Any) -> bool:
    if thing is None or is_theirs(thing):
        return thing is not None
    *_, bottom = _layers(thing)
    home = next((kind.__module__ for kind in _kinds(owner) if name in vars(kind)), "")
    function = bottom if hasattr(bottom, "__code__") else vars(type(bottom)).get("__call__")
    code = getattr(function, "__code__", None)
    if code is None or function.__module__ == home or not is_in_a_test(code.co_filename):
        return False
    return not _passes_on(function, name)


def _kinds(owner: Any) -> tuple[type, ...]:
    return owner.__mro__ if isinstance(owner, type) else ()


def _layers(thing: Any) -> Iterator[Any]:
    """Go from a wrapper to what it wraps, as `functools.wraps` and wrapt say it."""
    while thing is not None:
        yield thing
        inner = thing.func if isinstance(thing, partial) else getattr(thing, "__wrapped__", None)
        thing = None if _is_mock(thing) else inner


def _passes_on(function: Any, name: str) -> bool:
    """Return whether a function refers to the method that it replaced, as a spy does."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    held = (*cells, *named, *(function.__defaults__ or ()))
    return any(getattr(one, "__code__", None) and one.__name__ == name for one in held)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def is_in_a_test(file: str) -> bool:
    """Return whether code stands in the user's own project, neither installed nor Python's own."""
    if any(part in file for part in _INSTALLED):
        return False
    return not file.startswith((_STANDARD, "<frozen"))


@lru_cache(maxsize=256)
def is_theirs(thing: Any) -> bool:
    """Return whether a function or class is a mock or another recorder's, or wraps one."""
    # functools.wraps makes a wrapper lie about its module, never about its globals
    module = getattr(thing, "__globals__", {}).get("__name__") or getattr(thing, "__module__", "")
    if _is_mock(thing) or _is_their_module(module):
        return True
    inner = getattr(thing, "__wrapped__", None)
    return inner is not None and is_theirs(inner)


def _is_mock(thing: Any) -> bool:
    mock = sys.modules.get("unittest.mock")
    if mock is None:
        return False
    # `autospec` makes a function that holds its mock
    return isinstance(thing, mock.NonCallableMock) or isinstance(
        getattr(thing, "mock", None), mock.NonCallableMock
    )


def _is_their_module(name: object) -> bool:
    return str(name).partition(".")[0] in _PACKAGES


def are_sockets_replaced() -> bool:
    """Return whether a double answers below every client library, as mocket and httpretty do."""
    return _is_any_theirs(socket.socket, socket.create_connection)


@lru_cache(maxsize=64)
def _is_any_theirs(*things: Any) -> bool:
    return any(is_theirs(thing) for thing in things)


def are_connecting() -> bool:
    """Return whether it is one of them that makes the connection which is being made."""
    for name, owner, attribute in _ASYNC:
        if is_replaced(getattr(sys.modules.get(name), owner, None), attribute):
            return True
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if _is_their_module(frame.f_globals.get("__name__")):
            return True
    return False
