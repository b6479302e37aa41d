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

from cachy.replay.clients import (
    aiohttp_client,
    dns_guard,
    grpc_client,
    httpx_client,
    pycurl_client,
    urllib3_client,
)
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.process import PROCESS

_DOORS: dict[str, Callable[[ModuleType, CurrentSession, Patches], None]] = {
    "httpx": httpx_client.open_door,
    "httpx2": httpx_client.open_door,
    "aiohttp": aiohttp_client.open_door,
    "urllib3.connectionpool": urllib3_client.open_door,
    "http.client": dns_guard.open_http_door,
    "asyncio.base_events": dns_guard.open_loop_door,
    "uvloop": dns_guard.open_uvloop_door,
    "pycurl": pycurl_client.open_door,
    "grpc._channel": grpc_client.open_door,
    "grpc.aio._channel": grpc_client.open_door,
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
        _DOORS[name](module, self._current, self.patches)

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
