"""gRPC, which is only guarded: its C core resolves names and connects by itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from cachy.replay.clients import dns_guard
from cachy.replay.clients.patching import CurrentSession, Patches

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_LOCAL = ("unix", "unix-abstract", "vsock")
_SCHEMES = ("dns", "ipv4", "ipv6", "xds", "passthrough")
_CALLS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch the channel of `grpc` or `grpc.aio`; `library` is the `_channel` module of either."""

    def make_init(original: Any) -> Any:
        @wraps(original)
        def __init__(self: Any, target: Any, *args: Any, **kwargs: Any) -> None:
            _check(current, target)
            for address in addresses(_text(target)):
                dns_guard.count(current(), *address)
            self.cachy_target = target
            original(self, target, *args, **kwargs)

        return __init__

    def make_call(original: Any) -> Any:
        @wraps(original)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            # A channel may be older than the scope in which its stubs are made.
            _check(current, getattr(self, "cachy_target", getattr(self, "_target", "")))
            return original(self, *args, **kwargs)

        return call

    patches.replace(library.Channel, "__init__", make_init)
    for name in _CALLS:
        patches.replace(library.Channel, name, make_call)


def _check(current: CurrentSession, target: Any) -> None:
    for host, port in addresses(_text(target)):
        dns_guard.check(current(), host, port)


def _text(target: Any) -> str:
    return target.decode("utf-8", "replace") if isinstance(target, bytes) else str(target)


def addresses(target: str) -> Iterator[tuple[str, int | None]]:
    """List the hosts and ports of a target, as gRPC's naming document spells them."""
    scheme, colon, rest = target.partition(":")
    if colon and scheme in _LOCAL:
        return
    named = rest.rpartition("/")[2] if colon and scheme in _SCHEMES else target
    for address in named.split(","):
        try:
            parts = urlsplit(f"//{address}")
            yield (parts.hostname or "").rstrip("."), parts.port or 443
        except ValueError:  # gRPC says so itself
            continue
