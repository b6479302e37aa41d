"""A test in which cachy is enabled has the settings of its own folder at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from cachy.config import Config
from cachy.replay.process import PROCESS
from cachy.replay.scope import in_session
from cachy.replay.session import Session

Make = Callable[[Config], Session | None]
"""Makes the session of a test, from the settings that it enabled; None if these are its own."""


@contextmanager
def own_settings(make: Make) -> Iterator[None]:
    """Open a scope inside the block whenever `enable_cachy()` is called there."""
    listener = _Listener(make)
    PROCESS.listeners.append(listener.follow)
    try:
        yield
    finally:
        PROCESS.listeners.remove(listener.follow)
        listener.scope.close()


class _Listener:
    """Follows what `enable_cachy()` and `disable_cachy()` do."""

    def __init__(self, make: Make) -> None:
        self.scope = ExitStack()
        self._make = make
        self._base = PROCESS.base

    def follow(self) -> None:
        """Open the test's own scope, in the place of the one that was opened before."""
        if PROCESS.base is self._base:
            return
        self._base = PROCESS.base
        self.scope.close()
        enabled = self._base.session if self._base else None
        session = self._make(enabled.config) if enabled else None
        if session is not None:
            self.scope.enter_context(in_session(session))
