"""The process-wide state of replay: one object, shared by all scopes, threads and tasks."""

from __future__ import annotations

import atexit
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from cachy.errors import UnrecordedRequest
from cachy.interaction import Json
from cachy.replay.counters import Tally

if TYPE_CHECKING:
    from cachy.redact.given_secrets import GivenSecrets


class Process:
    """What outlives a scope, or must be known to all scopes of this process."""

    _is_hooked = False
    sequences: Any = None  # of equal requests by pytest fixtures for several tests

    def __init__(self) -> None:
        self.lock = threading.RLock()  # of the scopes, while one opens or closes
        self.clock = time.perf_counter  # held by an object, where freezegun does not replace it
        self.scopes: list[Any] = []  # those that are open, the innermost last
        self.base: Any = None  # the scope that enable_cachy() made
        self.open_count = 0  # scopes for which the client libraries are patched
        self.finder: Any = None  # on sys.meta_path, while they are
        self.replaced: dict[tuple[int, str], tuple[Any, Any, Any]] = {}  # their methods
        self.placeholders: set[str] = set()  # variables that hold a placeholder key of ours
        self.owner: Any = None  # the test that runs; pytest runs one at a time in a process
        self.interactions: Any = None  # those of the test that runs, where it asks for them
        self.written: list[Any] = []  # fixtures, by the test that runs
        self.collected: Callable[[], Iterable[Any]] = tuple  # the tests of this run
        self.asked: dict[Path, Any] = {}  # by tests: credentials, by folder of fixtures
        self.has_heard = False  # whether a request may show that one was written with a secret
        self.misses: list[UnrecordedRequest] = []  # those that nobody has reported yet
        self.reported: list[UnrecordedRequest] = []  # by pytest; `cachy run` counts them too
        self.miss_class = UnrecordedRequest  # what is raised; pytest's plugin has its own
        self.children_read = 0  # bytes of the file in which child processes say what they missed
        self.warned: set[str] = set()  # hosts that a client reached which cachy does not intercept
        self.buffers: WeakSet[Any] = WeakSet()  # live responses that are not read to their end
        self.sessions = SessionState()
        self.tasks: set[Any] = set()  # an event loop keeps none of its tasks alive
        self.senders: dict[type, tuple[str, Any]] = {}  # transports that send, by their method
        self.listeners: list[Callable[[], None]] = []  # when cachy is turned on or off
        self.starts: dict[tuple[int, str], tuple[Any, Any, Any]] = {}  # what starts children
        self.python_path: tuple[str | None, str] | None = None  # before and after ours was added
        self.described: tuple[Any, str] | None = None  # settings, and what children get of them
        self.run = RunState()
        self._made: dict[str, GivenSecrets] = {}

    @property
    def given(self) -> GivenSecrets:
        """The secrets that responses gave to this process."""
        made: GivenSecrets | None = self._made.get("given")
        if made is None:
            from cachy.redact.given_secrets import GivenSecrets

            # The first of several threads wins, without a lock that a fork would inherit.
            made = self._made.setdefault("given", GivenSecrets())
        return made

    def gave(self, secret: str) -> bool:
        """Return whether a response gave this process a secret."""
        return self.given.gave(secret)

    def hear(self, path: str, response: dict[str, Json]) -> None:
        """Keep what was written of a response: it may turn out to contain a secret."""
        may_show = self.given.hear(path, json.dumps(response, ensure_ascii=False))
        self.has_heard = self.has_heard or may_show

    def hook(self, at_exit: Callable[[], None], after_fork: Callable[[], None]) -> None:
        """Call these when the process ends, and in each process that forks from it."""
        with self.lock:
            is_hooked, self._is_hooked = self._is_hooked, True
        if not is_hooked:
            atexit.register(at_exit)
            if hasattr(os, "register_at_fork"):  # not on Windows
                os.register_at_fork(after_in_child=after_fork)

    def begin_child(self) -> None:
        """Forget, in a forked process, what its parent holds, reads and reports."""
        self.lock = threading.RLock()
        if self.sequences is not None:
            self.sequences.renew_lock()
        for buffer in tuple(self.buffers):
            buffer.forget()
        self.misses.clear()
        self.reported.clear()
        self.run.begin_child()


class SessionState:
    """What this process knows of the sessions that its programs have with servers."""

    def __init__(self) -> None:
        self.channels: dict[str, Any] = {}  # what their clients have said, by the session's key
        self.endpoints: set[str] = set()  # whose answers come in a live stream that is open
        self.opened = 0  # by fixtures


Environment = Mapping[str, str] | None


def _unwatched(command: Sequence[str], environ: Environment) -> Environment:
    return None


class RunState:
    """What this process tells the run that it is a part of."""

    def __init__(self) -> None:
        # Returns the environment in which a program has cachy on; None where it would not.
        self.watch_child: Callable[[Sequence[str], Environment], Environment] = _unwatched
        self.tallies: dict[int, tuple[Tally, str]] = {}  # by identity, with the fixtures' folder
        self.is_on = False  # whether a scope's mode was another than "off"
        self.is_replaying = False  # whether a scope's mode was "replay"
        self.token = ""  # names this process in the run's report, once it is in there
        self.is_over = False
        self.recording_command = ""  # the one to run again, where this process serves others
        self.is_telling = (
            False  # whether each request is reported at once, as a test may kill this process
        )

    def begin_child(self) -> None:
        self.token, self.is_over = "", False
        for tally, _ in self.tallies.values():
            tally.clear()


PROCESS = Process()
