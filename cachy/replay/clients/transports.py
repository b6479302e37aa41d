"""Whether a transport of httpx or httpx2 sends anything, or answers by itself as doubles do."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

from cachy.replay.clients.other_recorders import is_in_a_test, is_replaced, is_theirs
from cachy.replay.process import PROCESS

_TEST_CLIENTS = ("starlette", "litestar")  # fastapi's is starlette's
_METHODS = ("handle_request", "handle_async_request")
_DEPTH = 2  # attributes of attributes
_SENDERS = (  # what cachy patches, by module
    ("httpx", ("BaseTransport", "AsyncBaseTransport", "Client", "AsyncClient")),
    ("httpx2", ("BaseTransport", "AsyncBaseTransport", "Client", "AsyncClient")),
    ("httpcore", ("ConnectionPool", "AsyncConnectionPool")),
    ("aiohttp", ("ClientSession",)),
    ("requests", ("Session",)),
    ("urllib3", ("PoolManager", "HTTPConnectionPool")),
)
_POOL = "_pool"  # which httpx's own transports send through, and those that use theirs
_NAMES = frozenset(("Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", _POOL))


def answers_by_itself(library: ModuleType, transport: Any, sending: Collection[str]) -> bool:
    """Return whether a transport sends nothing; `sending` are classes that the user says do."""
    kind: Any = type(transport)
    # The library's own classes that send, by the method that was looked at: most end here.
    name, method = PROCESS.senders.get(kind, _UNKNOWN)
    if method is not None and getattr(kind, name) is method and not _is_set(transport, name):
        return False
    return _looks_like_a_double(library, transport, sending)


_UNKNOWN = ("", None)


def _looks_like_a_double(library: ModuleType, transport: Any, sending: Collection[str]) -> bool:
    kind: Any = type(transport)
    if _is_replaced(kind) or any(_is_set(transport, name) for name in _METHODS):
        return True
    if kind.__module__.partition(".")[0] == library.__name__:
        if isinstance(transport, _doubles(library)):
            return True
        name = next((name for name in _METHODS if hasattr(kind, name)), "")
        PROCESS.senders[kind] = (name, getattr(kind, name, None))
        return False
    if any(_path(one) in sending for one in kind.__mro__):
        return False
    if any(_is_replaced(type(held)) for held in getattr(transport, "__dict__", {}).values()):
        return True
    return _is_double(library, kind) or _is_own_double(transport)


def _is_replaced(kind: type) -> bool:
    """Return whether a mock answers in the place of a transport, or of what it is derived from."""
    return any([is_replaced(one, *_METHODS) for one in kind.__mro__ if one is not object])


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_set(transport: Any, name: str) -> bool:
    """Return whether a test has put a method on this one transport."""
    return name in getattr(transport, "__dict__", ())


@cache
def _doubles(library: ModuleType) -> tuple[type, ...]:
    names = ("MockTransport", "ASGITransport", "WSGITransport")
    return tuple(getattr(library, name) for name in names if hasattr(library, name))


@lru_cache(maxsize=256)
def _is_double(library: ModuleType, kind: Any) -> bool:
    tops = {one.__module__.partition(".")[0] for one in kind.__mro__}
    return issubclass(kind, _doubles(library)) or is_theirs(kind) or bool(tops & {*_TEST_CLIENTS})


def _is_own_double(transport: Any) -> bool:
    """Return whether a transport of the user's project sends nothing, by its code."""
    kind: Any = type(transport)
    handlers = _handlers(kind)
    if not handlers:
        return False
    return not any(map(_sends, handlers)) and not _holds_sender(transport, _DEPTH)


@lru_cache(maxsize=256)
def _handlers(kind: Any) -> tuple[Any, ...]:
    """Return the methods that the user's project wrote for a transport; none of installed code."""
    found = (getattr(kind, name, None) for name in _METHODS)
    code = [(one, getattr(one, "__code__", None)) for one in found]
    return tuple(one for one, code in code if code and is_in_a_test(code.co_filename))


@lru_cache(maxsize=256)
def _sends(handler: Any) -> bool:
    """Return whether a method calls on its base class, or on a client of its own."""
    code = handler.__code__
    if "__class__" in code.co_freevars or _NAMES & {*code.co_names}:
        return True
    named = (handler.__globals__.get(name) for name in code.co_names)
    others = ("requests", "aiohttp", "urllib3")
    return any(_module_of(one).partition(".")[0] in others for one in named)


def _module_of(thing: Any) -> str:
    return (
        thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", "") or ""
    )


def _holds_sender(thing: Any, depth: int) -> bool:
    return any(_is_sender(held) or _goes_deeper(held, depth) for held in _held(thing))


def _goes_deeper(held: Any, depth: int) -> bool:
    return depth > 1 and hasattr(held, "__dict__") and _holds_sender(held, depth - 1)


def _is_sender(thing: Any) -> bool:
    for name, classes in _SENDERS:
        library = sys.modules.get(name)
        kinds = tuple(getattr(library, one) for one in classes if hasattr(library, one))
        if library is not None and isinstance(thing, kinds):
            is_transport = isinstance(thing, kinds[:2]) and name.startswith("httpx")
            return not (is_transport and isinstance(thing, _doubles(library)))
    return False


def _held(thing: Any) -> Iterator[Any]:
    own = [vars(kind) for kind in type(thing).__mro__ if _is_the_users(kind)]
    for values in (getattr(thing, "__dict__", {}), *own):
        for name, value in tuple(values.items()):
            yield from _unpacked(value) if name != _POOL else ()


def _is_the_users(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return kind is not object and is_in_a_test(file)


def _unpacked(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, (list, tuple, set)):
        yield from value
    elif not isinstance(value, (type, ModuleType)) and not callable(value):
        yield value
    elif hasattr(value, "__self__"):  # a bound method, such as another transport's
        yield value.__self__
