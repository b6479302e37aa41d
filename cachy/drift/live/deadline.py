"""A time limit for a whole response; httpx limits only each read."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Watch:
    """One thread that ends what takes too long, for all requests of a run."""

    _due: dict[int, tuple[float, Callable[[], None]]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _wakes_at: float = math.inf
    _is_running: bool = False

    @contextmanager
    def calling(self, late: Callable[[], None], seconds: float) -> Iterator[None]:
        """Call `late` if the block takes longer."""
        key, at = threading.get_ident(), time.monotonic() + max(0.0, seconds)
        with self._changed:
            self._due[key] = at, late
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, daemon=True).start()
            elif at < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._due.pop(key, None)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_running = False
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while self._is_running:
                now = time.monotonic()
                for key in [key for key, (at, _) in self._due.items() if at <= now]:
                    self._due.pop(key)[1]()
                self._wakes_at = min((at for at, _ in self._due.values()), default=math.inf)
                left = self._wakes_at - now
                self._changed.wait(left if math.isfinite(left) else None)


@dataclass(slots=True)
class Deadline:
    """Shuts the socket of a thread's connection down when the time is over."""

    watcher: Watch
    is_over: bool = False
    seconds: float = 0.0
    _began: float = 0.0
    _sockets: list[socket.socket] = field(default_factory=list)

    def start(self) -> None:
        """Start the clock for the next request, which may use the connection of the last one."""
        self.is_over, self._began = False, time.monotonic()

    def elapsed(self) -> float:
        """Return the seconds since the request began."""
        return time.monotonic() - self._began

    def watch(self, name: str, facts: dict[str, Any]) -> None:
        """Note the newest socket (https://www.python-httpx.org/advanced/extensions/#trace)."""
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            stream = facts.get("return_value")
            found = stream.get_extra_info("socket") if stream is not None else None
            if found is not None:
                self._sockets[:] = [found]
            if self.is_over:
                self._shut_down()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Close the connection if the block takes longer, and set `is_over`."""
        self.seconds = seconds
        with self.watcher.calling(self._shut_down, seconds):
            yield

    def _shut_down(self) -> None:
        self.is_over = True
        for found in self._sockets:
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)  # the reader still holds its TLS
