"""Run work in threads: a few at once for each host, all hosts at the same time."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cachy.drift.live.limits import WIDTH

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_WAITING = 4  # results that may wait for the reader: each may hold 8 MiB


@dataclass(slots=True)
class _Crew(Generic[_Item, _Result]):
    work: Callable[[_Item], Iterable[_Result]]
    results: queue.Queue[_Result | BaseException | None] = field(
        default_factory=lambda: queue.Queue(_WAITING)
    )

    def run(self, waiting: deque[_Item]) -> None:
        """Work until no item is waiting; None as a result says that this thread has ended."""
        try:
            while waiting:
                try:
                    item = waiting.popleft()
                except IndexError:  # another thread was faster
                    break
                for result in self.work(item):
                    self.results.put(result)
        except BaseException as error:  # the reader raises it
            self.results.put(error)
        finally:
            self.results.put(None)


def run_by_host(
    items: Iterable[_Item],
    host_of: Callable[[_Item], str],
    work: Callable[[_Item], Iterable[_Result]],
) -> Iterator[_Result]:
    """Yield what `work` yields for each item, as it comes; it runs in threads."""
    hosts: defaultdict[str, deque[_Item]] = defaultdict(deque)
    for item in items:
        hosts[host_of(item)].append(item)
    crew = _Crew[_Item, _Result](work)
    running = 0
    for waiting in hosts.values():
        for _ in range(min(WIDTH, len(waiting))):
            # Daemons, so that Ctrl-C does not wait for a host that is silent.
            threading.Thread(target=crew.run, args=(waiting,), daemon=True).start()
            running += 1
    while running:
        result = crew.results.get()
        if result is None:
            running -= 1
        elif isinstance(result, BaseException):
            raise result
        else:
            yield result
