"""Whether another recorder or test double is at work: it answers then, and cachy stands aside."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_PACKAGES = ("respx", "pytest_httpx", "vcr", "cassetter", "responses")
_TEST_CLIENTS = ("starlette", "litestar")  # fastapi's is starlette's


def is_replaced(owner: Any, *names: str) -> bool:
    """Whether one of them has put its own in the place of one of these attributes."""
    return any([is_theirs(getattr(owner, name, None)) for name in names])


@lru_cache(maxsize=256)
def is_theirs(thing: Any) -> bool:
    """Whether a function or class is one of theirs."""
    # functools.wraps makes a wrapper lie about its module, never about its globals
    module = getattr(thing, "__globals__", {}).get("__name__") or getattr(thing, "__module__", "")
    return str(module).partition(".")[0] in _PACKAGES


@lru_cache(maxsize=256)
def calls_an_app(transport: Any) -> bool:
    """Whether a transport of this class is a web framework's test client: it sends nothing."""
    return any(kind.__module__.partition(".")[0] in _TEST_CLIENTS for kind in transport.__mro__)
