"""What a process did with its requests, said once as it ends."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from cachy.config import Mode
from cachy.display import counted
from cachy.errors import UnrecordedRequest
from cachy.fixture.store.blocking import may_block
from cachy.interaction import Json
from cachy.replay.counters import Tally
from cachy.replay.process import PROCESS
from cachy.replay.session import Session

if TYPE_CHECKING:
    from cachy.replay.run.totals import Line, Totals

FILE = "CACHY_RUN_REPORT"  # names the file to which every process of a run adds its lines
RUN = "CACHY_RUN"  # set by `cachy run`, which says for all what became of the requests
_COUNTED = (
    "replayed",
    "recorded",
    "changed",
    "equal",
    "refused",
    "unwritten",
    "uncovered",
    "advised",
    "unwatched",
    "renamed",
    "migrated",
    "to_cover",
)


def watch(session: Session) -> None:
    """Count a session in for the end of the process."""
    run, tally = PROCESS.run, session.journal.tally
    if not run.tallies:
        outlive_bootstrap()
    run.tallies[id(tally)] = (tally, str(session.config.fixtures))
    run.is_on = run.is_on or session.config.mode is not Mode.OFF
    run.is_replaying = run.is_replaying or session.config.mode is Mode.REPLAY
    if FILE in os.environ:
        tally.used = _Announcing(tally, str(session.config.fixtures))


def summary() -> Totals:
    """Add up what all sessions of this process did."""
    from cachy.replay.run.totals import Totals  # only what ends a run needs it

    total = Totals(is_on=PROCESS.run.is_on)
    for tally, folder in PROCESS.run.tallies.values():
        total.add(totals_of(tally, folder))
    total.missed = [str(error) for error in (*PROCESS.reported, *PROCESS.misses)]
    return total


def totals_of(tally: Tally, folder: str) -> Totals:
    """Return what was counted for a folder of fixtures."""
    from cachy.replay.run.totals import Totals

    counts = {name: getattr(tally, name) for name in _COUNTED}
    replays = dict(tally.replays)
    return Totals(**counts, replays=replays, used={folder: sorted(tally.used)})


def so_far() -> Line:
    """Return the line that this process would end with now."""
    from cachy.replay.run.totals import Line

    return Line(_token(), summary())


def read_lines(path: str | os.PathLike[str]) -> list[Line]:
    """Return the lines that the processes of a run have added so far."""
    from cachy.replay.run.totals import Line

    try:
        with open(path, encoding="utf-8") as file:
            return [Line.from_json(json.loads(line)) for line in file]
    except FileNotFoundError:
        return []


def add_line(line: Line) -> None:
    """Add a line to the report of the run, if there is one."""
    _append(line.to_json())


def _append(document: dict[str, Json]) -> None:
    """Add a line in one write: other processes add theirs too."""
    if target := os.environ.get(FILE):
        with may_block(), suppress(OSError):  # then the run counts as partial
            number = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(number, json.dumps(document).encode() + b"\n")
            finally:
                os.close(number)


class _Announcing(set[str]):
    """The used fixtures of a process that announces itself when it first asks for one.

    So a run knows of a process that was killed, and not of those that ask for nothing.
    """

    def __init__(self, tally: Tally, folder: str) -> None:
        super().__init__(tally.used)
        self._tally = tally
        self._folder = folder
        self._told: dict[str, int] = {}  # how much of each count

    def add(self, name: str) -> None:
        if not PROCESS.run.token:
            _append({"process": _token()})  # a `Line` that says no more
        super().add(name)
        if PROCESS.run.is_telling:
            self._tell(name)

    def clear(self) -> None:
        super().clear()
        self._told.clear()

    def _tell(self, name: str) -> None:
        """Add a line with what was counted since the last one."""
        from cachy.replay.run.totals import Line, Totals

        part = Totals(is_on=True, used={self._folder: [name]})
        for count in _COUNTED:
            value = getattr(self._tally, count)
            told = self._told.get(count, 0)
            setattr(part, count, value[told:] if isinstance(value, list) else value - told)
            self._told[count] = len(value) if isinstance(value, list) else value
        add_line(Line(_token(), part, is_part=True))


def _token() -> str:
    PROCESS.run.token = PROCESS.run.token or os.urandom(8).hex()
    return PROCESS.run.token


def outlive_bootstrap() -> None:
    """Hear of the end of a process of multiprocessing, which runs no exit handlers."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_end, _end_with_multiprocessing)
        _end_with_multiprocessing(None)


def _end_with_multiprocessing(_: object) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, _end, exitpriority=0)


def _end() -> None:
    run = PROCESS.run
    has_uncovered = any(tally.uncovered or tally.unwatched for tally, _ in run.tallies.values())
    if not run.is_over and (run.token or PROCESS.misses or has_uncovered):
        run.is_over = True
        add_line(so_far())


def end_program() -> None:
    """Add this process to its run's report; outside of a run, print what needs a person."""
    _end()
    if RUN in os.environ:
        return
    if PROCESS.run.is_replaying and FILE not in os.environ:  # pytest says it of its processes
        _say_what_went_live()
    if PROCESS.misses:
        count = len(PROCESS.misses)
        print(f"cachy: {counted(count, 'request')} had no fixture:", file=sys.stderr)
        for error in PROCESS.misses:
            print(f"  {str(error).splitlines()[0]}", file=sys.stderr)


def _say_what_went_live() -> None:
    uncovered = [host for tally, _ in PROCESS.run.tallies.values() for host in tally.uncovered]
    if uncovered and PROCESS.miss_class is UnrecordedRequest:
        from cachy.replay.coverage import describe_uncovered

        for line in describe_uncovered(uncovered):
            print(f"cachy: {line}", file=sys.stderr)
