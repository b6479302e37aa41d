"""What a process did with its requests, said once as it ends."""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from secrets import token_hex
from typing import Any

from cachy.config import Mode
from cachy.display import counted
from cachy.replay import misses
from cachy.replay.counters import Tally
from cachy.replay.session import Session

FILE = "CACHY_RUN_REPORT"  # names the file to which every process of a run adds its lines
RUN = "CACHY_RUN"  # set by `cachy run`, which says for all what became of the requests

_LISTS = ("recorded", "changed", "equal", "refused", "unwritten", "uncovered", "missed")
_watched: dict[int, tuple[Tally, str]] = {}  # counts, and the folder of fixtures; by identity
_state: dict[str, Any] = {"registered": False, "on": False, "process": "", "ended": False}


def watch(session: Session) -> None:
    """Count a session in for the end of the process."""
    _watched[id(session.journal.tally)] = (session.journal.tally, str(session.config.fixtures))
    _state["on"] = _state["on"] or session.config.mode is not Mode.OFF
    if not _state["registered"]:
        _state["registered"] = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_begin_anew)
        _outlive_bootstrap()
    if FILE in os.environ:
        session.journal.tally.used = _Announcing(session.journal.tally.used)


def summary() -> dict[str, Any]:
    """Add up what all sessions of this process did."""
    tallies = [tally for tally, _ in _watched.values()]
    lists = {name: [line for t in tallies for line in getattr(t, name)] for name in _LISTS[:-1]}
    used: dict[str, set[str]] = {}
    for tally, folder in _watched.values():
        used.setdefault(folder, set()).update(tally.used)
    return {
        "on": _state["on"],
        "replayed": sum(tally.replayed for tally in tallies),
        **lists,
        "missed": [str(error) for error in (*misses.reported, *misses.remembered)],
        "used": {folder: sorted(names) for folder, names in used.items()},
    }


def so_far() -> dict[str, Any]:
    """Give the line that this process would end with now."""
    _state["process"] = _state["process"] or token_hex(8)  # its last line counts
    return {"process": _state["process"], **summary()}


def add_up(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Add up the lines of a report, and say under `partial` why it is not the whole truth."""
    said = list(lines)
    ends = {line["process"]: line for line in said if "used" in line}
    began = {line["process"] for line in said} - set(ends)
    known = list(ends.values())
    used: dict[str, set[str]] = {}
    for line in known:
        for folder, names in line.get("used", {}).items():
            used.setdefault(folder, set()).update(names)
    partial = [line["partial"] for line in known if line.get("partial")]
    if began:
        partial.append("a process was ended before it could say what it asked for")
    return {
        "on": any(line.get("on") for line in known),
        "replayed": sum(line.get("replayed", 0) for line in known),
        **{name: [item for line in known for item in line.get(name, ())] for name in _LISTS},
        "used": used,
        "skipped": [test for line in known for test in line.get("skipped", ())],
        "tests": any(line.get("tests") for line in known),
        "partial": partial,
    }


def read_lines(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Read the lines that the processes of a run have added so far."""
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


def add_line(line: dict[str, Any]) -> None:
    """Add a line to the run's report, if there is a run, in one write: others add theirs too."""
    if target := os.environ.get(FILE):
        with suppress(OSError):  # then the run counts as partial
            number = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(number, json.dumps(line).encode() + b"\n")
            finally:
                os.close(number)


class _Announcing(set[str]):
    """The used fixtures of a process that tells of itself when it first asks for one.

    So a run knows of a process that was killed, and not of those that ask for nothing.
    """

    def add(self, name: str) -> None:
        _begin()
        super().add(name)


def _begin() -> None:
    if not _state["process"]:
        _state["process"] = token_hex(8)
        add_line({"process": _state["process"], "began": True})


def _begin_anew() -> None:
    """Forget, in a forked process, what its parent will tell."""
    _state.update(process="", ended=False)
    misses.remembered.clear()
    misses.reported.clear()
    for tally, _ in _watched.values():
        tally.clear()
        tally.used = _Announcing()
    _outlive_bootstrap()


def _outlive_bootstrap() -> None:
    """Be told of the end of a process of multiprocessing, which runs no exit handlers."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_end, _end_with_multiprocessing)
        _end_with_multiprocessing(None)


def _end_with_multiprocessing(_: object) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, _end, exitpriority=0)


def _end() -> None:
    has_uncovered = any(tally.uncovered for tally, _ in _watched.values())
    if not _state["ended"] and (_state["process"] or misses.remembered or has_uncovered):
        _state["ended"] = True
        add_line(so_far())


def _at_exit() -> None:
    _end()
    if misses.remembered and RUN not in os.environ:
        count = len(misses.remembered)
        print(f"cachy: {counted(count, 'request')} had no fixture:", file=sys.stderr)
        for error in misses.remembered:
            print(f"  {str(error).splitlines()[0]}", file=sys.stderr)
