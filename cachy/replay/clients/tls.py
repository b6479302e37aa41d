"""Build no TLS context that replay never uses: the default one waits for its first touch.

`httpx.Client()` spends most of its time loading certificates. While replaying, a client with the
default verification gets a stand-in that builds the very same context as soon as anything reads
or sets an attribute of it; every other setting goes through untouched.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from cachy.config import Mode
from cachy.fixture.store.blocking import may_block
from cachy.replay.clients.patching import CurrentSession, Patches


class LazyContext:
    """An `ssl.SSLContext` that is nothing until touched, and then is exactly that context."""

    def __init__(self, build: Callable[[], ssl.SSLContext]) -> None:
        object.__setattr__(self, "_build", build)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return ssl.SSLContext

    def _built(self) -> ssl.SSLContext:
        state: dict[str, Any] = object.__getattribute__(self, "__dict__")
        context: ssl.SSLContext | None = state.get("_context")
        # The first of several threads wins, without a lock that a forked process would inherit.
        return context or state.setdefault("_context", state["_build"]())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._built(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._built(), name, value)


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch the transports' constructors of httpx or httpx2."""

    def make(original: Any) -> Any:
        @wraps(original)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            session = current()
            is_replay = session is not None and session.config.mode is Mode.REPLAY
            if is_replay and not args and _is_default(kwargs):
                kwargs["verify"] = _lazy_context(library, kwargs) or True
            original(self, *args, **kwargs)

        return __init__

    for transport in (library.HTTPTransport, library.AsyncHTTPTransport):
        patches.replace(transport, "__init__", make)


def _is_default(kwargs: dict[str, Any]) -> bool:
    return kwargs.get("verify", True) is True and kwargs.get("cert") is None


def _lazy_context(library: ModuleType, kwargs: dict[str, Any]) -> Any:
    """Fix what the environment says now, as the eager context does; None where it is unreadable."""
    trust_env = kwargs.get("trust_env", True)
    file = os.environ.get("SSL_CERT_FILE") if trust_env else None
    folder = os.environ.get("SSL_CERT_DIR") if trust_env else None
    if file:
        with may_block():
            is_readable = os.path.isfile(file) and os.access(file, os.R_OK)
        return LazyContext(lambda: ssl.create_default_context(cafile=file)) if is_readable else None
    if folder:
        with may_block():
            is_folder = os.path.isdir(folder)
        return LazyContext(lambda: ssl.create_default_context(capath=folder)) if is_folder else None
    return LazyContext(lambda: library.create_ssl_context(verify=True, trust_env=False))
