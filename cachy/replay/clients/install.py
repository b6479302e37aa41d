"""Patch the HTTP libraries that are loaded, and the others when they load.

Nothing is imported here: what is in `sys.modules` is patched at once, the rest by a hook that
runs right after its import. Wrappers are inert where no session is on, as another wrapper above
ours can keep them alive.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from cachy.replay.clients import dns_guard
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.process import PROCESS

Door = Callable[[ModuleType, CurrentSession, Patches], None]


def _httpx() -> Door:
    from cachy.replay.clients import httpx_client

    return httpx_client.open_door


def _aiohttp() -> Door:
    from cachy.replay.clients import aiohttp_client

    return aiohttp_client.open_door


def _websockets_asyncio() -> Door:
    from cachy.replay.websocket import doors

    return doors.open_asyncio_door


def _websockets_sync() -> Door:
    from cachy.replay.websocket import doors

    return doors.open_sync_door


def _urllib3() -> Door:
    from cachy.replay.clients import urllib3_client

    return urllib3_client.open_door


def _pycurl() -> Door:
    from cachy.replay.clients import pycurl_client

    return pycurl_client.open_door


def _grpc() -> Door:
    from cachy.replay.clients import grpc_client

    return grpc_client.open_door


def _mcp_stdio() -> Door:
    from cachy.replay.clients import mcp_stdio

    return mcp_stdio.open_door


# What knows a library is loaded with it: most programs load one or two.
_DOORS: dict[str, Callable[[], Door]] = {
    "httpx": _httpx,
    "httpx2": _httpx,
    "aiohttp": _aiohttp,
    "urllib3.connectionpool": _urllib3,
    "http.client": lambda: dns_guard.open_http_door,
    "asyncio.base_events": lambda: dns_guard.open_loop_door,
    "uvloop": lambda: dns_guard.open_uvloop_door,
    "pycurl": _pycurl,
    "grpc._channel": _grpc,
    "grpc.aio._channel": _grpc,
    "mcp.client.stdio": _mcp_stdio,
    "websockets.asyncio.client": _websockets_asyncio,
    "websockets.sync.client": _websockets_sync,
}


def install(current: CurrentSession) -> None:
    """Patch the loaded libraries and watch for the others."""
    finder = PROCESS.finder = _AfterImport(current)
    dns_guard.open_door(current, finder.patches)
    sys.meta_path.insert(0, finder)
    for name in _DOORS:
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, "_initializing", False):
            finder.patch(name, module)


def uninstall() -> None:
    """Take every patch back that is still on top."""
    if PROCESS.finder in sys.meta_path:
        sys.meta_path.remove(PROCESS.finder)
    PROCESS.finder = None
    Patches(PROCESS.replaced).undo()


class _AfterImport:
    """A finder that finds nothing itself: it lets the others find, and patches what they load."""

    def __init__(self, current: CurrentSession) -> None:
        self.patches = Patches(PROCESS.replaced)
        self._current = current
        self._searching: set[str] = set()

    def patch(self, name: str, module: ModuleType) -> None:
        _DOORS[name]()(module, self._current, self.patches)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in _DOORS or name in self._searching:
            return None
        self._searching.add(name)
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        finally:
            self._searching.discard(name)
        if spec is not None and spec.loader is not None:
            self._hook(name, spec.loader)
        return spec

    def _hook(self, name: str, loader: Any) -> None:
        """Set `exec_module` on this one loader instance, so that its class stays as it is."""
        original = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            loader.__dict__.pop("exec_module", None)
            original(module)
            if self in sys.meta_path:
                self.patch(name, module)

        loader.exec_module = exec_module
