"""Which of several equal requests is the k-th: indices are taken when a request is sent."""

from __future__ import annotations

import sys
import threading


class Sequences:
    """Indices by fingerprint, from 1.

    An index that comes back without a recorded answer is retaken by the task or thread that
    freed it, else the smallest free one goes first, so that a retry gets its own answer.
    """

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._free: dict[str, dict[int, object]] = {}
        self._taken: dict[tuple[str, int], object] = {}
        self._lock = threading.Lock()

    def take(self, fingerprint: str) -> int:
        """Reserve the index of a request that is about to be sent."""
        owner = _current_owner()
        with self._lock:
            free = self._free.get(fingerprint, {})
            own = [index for index, freed_by in free.items() if freed_by == owner]
            index = min(own or free, default=None) or self._next.get(fingerprint, 0) + 1
            free.pop(index, None)
            self._next[fingerprint] = max(index, self._next.get(fingerprint, 0))
            self._taken[fingerprint, index] = owner
            return index

    def free(self, fingerprint: str, index: int) -> None:
        """Give an index back; nothing happens for one that was never reserved."""
        with self._lock:
            owner = self._taken.pop((fingerprint, index), None)
            if owner is not None:
                self._free.setdefault(fingerprint, {})[index] = owner

    def clear(self) -> None:
        """Start anew, as every test does."""
        with self._lock:
            self._next.clear()
            self._free.clear()
            self._taken.clear()


def _current_owner() -> object:
    asyncio = sys.modules.get("asyncio")  # where it isn't loaded, no task runs
    try:
        task = asyncio.current_task() if asyncio else None
    except RuntimeError:
        task = None
    return id(task) if task else threading.get_ident()
