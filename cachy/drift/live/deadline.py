"""A time limit for a whole response; httpx limits only each read."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Deadline:
    """Shuts the socket of a thread's connection down when the time is over."""

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
        timer = threading.Timer(max(0.0, seconds), self._shut_down)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _shut_down(self) -> None:
        self.is_over = True
        for found in self._sockets:
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)  # the reader still holds its TLS
