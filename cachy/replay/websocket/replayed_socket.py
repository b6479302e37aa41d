"""A socket that leads to no network: a `Peer` answers what is written to it, in the same thread."""

from __future__ import annotations

import select
import socket
import threading
from collections import deque
from contextlib import suppress
from typing import Any

from cachy.replay.websocket.peer import Peer


class ReplayedSocket(socket.socket):
    """One end of a pair, so that a client may wait for it; the peer writes to the other end.

    What a client does not read fills the pair: the rest is written by a thread.
    """

    def __init__(self, peer: Peer) -> None:
        self._other, own = socket.socketpair()
        super().__init__(own.family, own.type, own.proto, own.detach())
        self._other.setblocking(False)
        self._peer = peer
        self._left: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Answer some bytes of the client."""
        with self._lock:
            for piece in self._peer.receive(bytes(data)):
                rest = piece if self._left else piece[self._write(piece) :]
                if rest:
                    self._left.append(rest)
            if self._left and self._writer is None:
                self._writer = threading.Thread(target=self._write_rest, daemon=True)
                self._writer.start()
            self._end_if_over()

    def _write(self, piece: bytes) -> int:
        """Write as much of a piece as the pair takes, and return how much that was."""
        try:
            return self._other.send(piece)
        except BlockingIOError:
            return 0
        except OSError:  # the client has closed meanwhile
            return len(piece)

    def _write_rest(self) -> None:
        while True:
            with suppress(OSError, ValueError):
                select.select([], [self._other], [], 1)
            with self._lock:
                piece = self._left.popleft()
                if rest := piece[self._write(piece) :]:
                    self._left.appendleft(rest)
                if not self._left:
                    self._writer = None
                    return self._end_if_over()

    def _end_if_over(self) -> None:
        if self._peer.is_over and not self._left:
            with suppress(OSError):
                self._other.shutdown(socket.SHUT_WR)

    def setsockopt(self, *args: Any) -> None:
        """Ignore it: what clients set is an option of TCP."""

    def shutdown(self, how: int) -> None:
        """End what the peer says too, as a server does."""
        super().shutdown(how)
        self._end()

    def _end(self) -> None:
        with self._lock, suppress(OSError):
            self._left.clear()
            self._left.append(b"") if self._writer else None
            self._other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close both ends."""
        self._end()
        self._other.close()
        super().close()
