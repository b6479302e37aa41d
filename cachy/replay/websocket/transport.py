"""A transport of asyncio that leads to no network: a `Peer` answers what is written to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from cachy.replay.websocket.peer import Peer

_ADDRESS = ("127.0.0.1", 0)


class ReplayedTransport:
    """What a protocol of asyncio writes to and is fed from, as `asyncio.Transport` says.

    Each piece is handed over in a turn of the event loop of its own, unless reading is paused.
    """

    def __init__(self, loop: Any, protocol: Any, peer: Peer) -> None:
        self._loop = loop
        self._protocol = protocol
        self._peer = peer
        self._pieces: deque[bytes] = deque()
        self._is_paused = self._is_scheduled = self._is_closing = self._is_lost = False

    def feed(self, pieces: Iterable[bytes]) -> None:
        """Hand these over to the protocol, one after another."""
        self._pieces.extend(pieces)
        self._schedule()

    def write(self, data: Any) -> None:
        if not self._is_closing:
            self.feed(self._peer.receive(bytes(data)))

    def writelines(self, pieces: Iterable[Any]) -> None:
        self.write(b"".join(map(bytes, pieces)))

    def _schedule(self) -> None:
        if not (self._is_scheduled or self._is_paused or self._is_lost):
            self._is_scheduled = True
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._is_scheduled = False
        if self._is_paused or self._is_lost:
            return
        if self._pieces:
            self._protocol.data_received(self._pieces.popleft())
        elif self._peer.is_over or self._is_closing:
            return self._lose()
        if self._pieces or self._peer.is_over or self._is_closing:
            self._schedule()

    def _lose(self) -> None:
        self._is_lost = self._is_closing = True
        self._protocol.connection_lost(None)

    def close(self) -> None:
        self._is_closing = True
        self._schedule()

    def abort(self) -> None:
        self._pieces.clear()
        self.close()

    def write_eof(self) -> None:
        self.close()

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self._schedule()

    def is_reading(self) -> bool:
        return not self._is_paused

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return _ADDRESS if name in ("peername", "sockname") else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take any limits: what is written is gone at once."""

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return 0, 0

    def get_write_buffer_size(self) -> int:
        return 0
