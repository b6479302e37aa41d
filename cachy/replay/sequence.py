"""Which of several equal requests is the k-th: indices are taken when a request is sent."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import NamedTuple

from cachy.replay.process import PROCESS


class Turn(NamedTuple):
    """What is counted: a request's fingerprint without a variant, and whose turn it is."""

    fingerprint: str
    owner: str
    is_wide: bool = False  # counted on from test to test, each of which may have a scope of its own


class Sequences:
    """Indices from 1, of each request in each test.

    An index that comes back without a recorded answer is retaken by the task or thread that
    freed it, else the smallest free one goes first, so that a retry gets its own answer.
    """

    def __init__(self) -> None:
        self._next: dict[Hashable, int] = {}
        self._free: dict[Hashable, dict[int, object]] = {}
        self._taken: dict[Hashable, dict[int, object]] = {}
        self._ended: deque[tuple[Hashable, int, bool]] = deque()
        self.renew_lock()

    def renew_lock(self) -> None:
        """Forget who holds the lock, as a forked process must."""
        self._lock = threading.RLock()

    def take(self, turn: Hashable) -> int:
        """Reserve the index of a request that is about to be sent."""
        if _is_elsewhere(turn, self):
            return _wide().take(turn)
        owner = _current_owner()
        with self._lock:
            self._take_back()
            free = self._free.get(turn, {})
            own = [index for index, freed_by in free.items() if freed_by == owner]
            index = min(own or free, default=None) or self._next.get(turn, 0) + 1
            free.pop(index, None)
            self._next[turn] = max(index, self._next.get(turn, 0))
            self._taken.setdefault(turn, {})[index] = owner
            return index

    def settle(self, turn: Hashable, index: int) -> None:
        """Keep an index for good: its answer is on disk."""
        if _is_elsewhere(turn, self):
            return _wide().settle(turn, index)
        self._ended.append((turn, index, False))

    def free(self, turn: Hashable, index: int) -> None:
        """Release an index; one that was never reserved is ignored."""
        if _is_elsewhere(turn, self):
            return _wide().free(turn, index)
        self._ended.append((turn, index, True))

    def _take_back(self) -> None:
        # Not where it ends: garbage collection may end an answer in the middle of `take`.
        while self._ended:
            turn, index, is_free = self._ended.popleft()
            owner = self._taken.get(turn, {}).pop(index, None)
            if is_free and owner is not None:
                self._free.setdefault(turn, {})[index] = owner

    def drain(self, is_over: Callable[[Hashable], bool]) -> dict[Hashable, int]:
        """Count some requests from 1 again; return the last index of each that has a gap.

        A request that still waits for a response keeps its indices until it has one.
        """
        with self._lock:
            self._take_back()
            over = [name for name in self._next if is_over(name) and not self._taken.get(name)]
            gaps = {name: self._next[name] for name in over if self._free.get(name)}
            for name in over:
                for part in (self._next, self._free, self._taken):
                    part.pop(name, None)
            return gaps


def _wide() -> Sequences:
    """Return what counts the requests of pytest fixtures for several tests, in all scopes."""
    if PROCESS.sequences is None:
        PROCESS.sequences = Sequences()
    found: Sequences = PROCESS.sequences
    return found


def _is_elsewhere(turn: Hashable, here: Sequences) -> bool:
    return isinstance(turn, Turn) and turn.is_wide and here is not PROCESS.sequences


def _current_owner() -> object:
    asyncio = sys.modules.get("asyncio")  # where it isn't loaded, no task runs
    try:
        task = asyncio.current_task() if asyncio else None
    except RuntimeError:
        task = None
    return id(task) if task else threading.get_ident()
