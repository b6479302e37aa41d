"""Whether another recorder or test double is at work: it answers then, and cachy stands aside."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

_PACKAGES = ("respx", "pytest_httpx", "vcr", "cassetter", "responses")
_ASYNC = (  # whose tasks and threads hide on whose behalf a connection is made
    ("httpx", "AsyncHTTPTransport", "handle_async_request"),
    ("httpx2", "AsyncHTTPTransport", "handle_async_request"),
    ("httpcore", "AsyncConnectionPool", "handle_async_request"),
    ("aiohttp", "ClientSession", "_request"),
)
_TEST_CLIENTS = ("starlette", "litestar")  # fastapi's is starlette's


def is_replaced(owner: Any, *names: str) -> bool:
    """Whether one of them has put its own in the place of one of these attributes."""
    return any([is_theirs(getattr(owner, name, None)) for name in names])


@lru_cache(maxsize=256)
def is_theirs(thing: Any) -> bool:
    """Whether a function or class is one of theirs, or wraps one."""
    # functools.wraps makes a wrapper lie about its module, never about its globals
    module = getattr(thing, "__globals__", {}).get("__name__") or getattr(thing, "__module__", "")
    if _is_their_module(module):
        return True
    inner = getattr(thing, "__wrapped__", None)
    return inner is not None and is_theirs(inner)


def _is_their_module(name: object) -> bool:
    return str(name).partition(".")[0] in _PACKAGES


def are_connecting() -> bool:
    """Whether it is one of them that makes the connection which is being made."""
    for name, owner, attribute in _ASYNC:
        if is_replaced(getattr(sys.modules.get(name), owner, None), attribute):
            return True
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if _is_their_module(frame.f_globals.get("__name__")):
            return True
    return False


@lru_cache(maxsize=256)
def calls_an_app(transport: Any) -> bool:
    """Whether a transport of this class is a web framework's test client: it sends nothing."""
    return any(kind.__module__.partition(".")[0] in _TEST_CLIENTS for kind in transport.__mro__)
