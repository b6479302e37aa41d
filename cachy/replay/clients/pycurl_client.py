"""The door to pycurl, which is only guarded: libcurl resolves names by itself."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from cachy.interaction import host_and_port
from cachy.replay.clients import dns_guard
from cachy.replay.clients.patching import CurrentSession, Patches

__tracebackhide__ = True  # pytest shows the caller, not what is in between


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Put classes that ask first in the place of `pycurl.Curl` and `pycurl.CurlMulti`."""
    patches.replace(library, "Curl", lambda original: _asking(original, library.URL, current))
    patches.replace(library, "CurlMulti", lambda original: _asking_multi(original, current))


def _asking(original: Any, option_of_url: int, current: CurrentSession) -> type[Any]:
    class Curl(original):  # type: ignore[misc]
        def setopt(self, option: int, *value: Any) -> Any:
            self._note(option, value)
            return super().setopt(option, *value)

        def setopt_string(self, option: int, *value: Any) -> Any:
            self._note(option, value)
            return super().setopt_string(option, *value)

        def perform(self) -> Any:
            _check(current, self)
            return super().perform()

        def perform_rb(self) -> Any:
            _check(current, self)
            return super().perform_rb()

        def perform_rs(self) -> Any:
            _check(current, self)
            return super().perform_rs()

        def _note(self, option: int, value: tuple[Any, ...]) -> None:
            if option == option_of_url:
                self.cachy_url = value[0]

    return Curl


def _asking_multi(original: Any, current: CurrentSession) -> type[Any]:
    class CurlMulti(original):  # type: ignore[misc]
        def add_handle(self, handle: Any) -> Any:
            _check(current, handle)
            return super().add_handle(handle)

    return CurlMulti


def _check(current: CurrentSession, handle: Any) -> None:
    # A handle may be older than the scope; and with libcurl's attributes a class's own wins.
    url = getattr(handle, "cachy_url", "")
    url = url.decode("latin-1") if isinstance(url, bytes) else url
    host, port = host_and_port(url if "://" in url else f"http://{url}")
    dns_guard.count(current(), host, port)
    dns_guard.check(current(), host, port)
