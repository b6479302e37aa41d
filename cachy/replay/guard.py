"""Refuse to resolve a covered host's name: no client that cachy doesn't see goes live."""

from __future__ import annotations

import socket
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from cachy.config import Mode
from cachy.errors import UnrecordedRequest
from cachy.replay import misses
from cachy.replay.patching import CurrentSession, Patches

_live: Counter[str] = Counter()  # hosts that a door of ours is talking to
_lock = threading.Lock()
_warned: set[str] = set()


@contextmanager
def expected(host: str) -> Iterator[None]:
    """Let a door of ours resolve a host inside a block."""
    with _lock:
        _live[host] += 1
    try:
        yield
    finally:
        with _lock:
            _live[host] -= 1


def open_door(current: CurrentSession, patches: Patches) -> None:
    """Patch `socket.getaddrinfo`, through which nearly every client resolves names."""

    def make(original: Any) -> Any:
        @wraps(original)
        def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            session = current()
            name = _name(host)
            if session is not None and name and session.covers(name, _number(port)):
                _check(name, session.config.mode)
            return original(host, port, *args, **kwargs)

        return getaddrinfo

    patches.replace(socket, "getaddrinfo", make)


def _name(host: Any) -> str:
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    return str(host or "").lower().rstrip(".")


def _number(port: Any) -> int | None:
    text = port.decode() if isinstance(port, bytes) else str(port)
    return int(text) if text.isdigit() else {"https": 443, "http": 80}.get(text)


def _check(host: str, mode: Mode) -> None:
    if _live[host] > 0:
        return
    unseen = f"A connection to {host} was left by a client that cachy doesn't see"
    if mode is Mode.REPLAY:
        error: UnrecordedRequest = misses.raised_class()(
            f"{unseen}; in replay mode nothing goes live. Use httpx, httpx2, aiohttp or requests, "
            "or put the call into `with no_cachy():`.",
            url=host,
        )
        misses.remember(error)
        raise error
    if host not in _warned:
        _warned.add(host)
        warnings.warn(f"{unseen}: it is not recorded.", RuntimeWarning, stacklevel=4)


def past_the_end() -> UnrecordedRequest:
    """Make the error of reading on where a recorded stream was cut."""
    error: UnrecordedRequest = misses.raised_class()(
        "The recorded stream ends here: it was cut while recording, and the code now reads "
        f"further. Record it again: {misses.how_to_record()}"
    )
    misses.remember(error)
    return error
