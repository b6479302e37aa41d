"""What a process did with its requests, said once as it ends."""

from __future__ import annotations

import atexit
import json
import os
import sys
from pathlib import Path

from cachy.replay import misses
from cachy.replay.session import Tally

_tallies: list[Tally] = []
_state = {"registered": False}


def watch(tally: Tally) -> None:
    """Count a session in for the end of the process."""
    _tallies.append(tally)
    if not _state["registered"]:
        _state["registered"] = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_start_anew)


def _start_anew() -> None:
    """Leave to the parent what the parent did; a child of multiprocessing runs no atexit."""
    misses.remembered.clear()
    for tally in _tallies:
        tally.clear()
    if util := sys.modules.get("multiprocessing.util"):
        util.register_after_fork(_at_exit, lambda _: util.Finalize(None, _at_exit, exitpriority=0))


def summary() -> dict[str, list[str] | int]:
    """Add up what all sessions of this process did."""
    return {
        "replayed": sum(tally.replayed for tally in _tallies),
        "recorded": [path for tally in _tallies for path in tally.recorded],
        "refused": [line for tally in _tallies for line in tally.refused],
        "missed": [str(error) for error in misses.remembered],
        "used": sorted({name for tally in _tallies for name in tally.used}),
    }


def _at_exit() -> None:
    if target := os.environ.get("CACHY_RUN_REPORT"):
        line = json.dumps(summary())
        with open(Path(target), "a", encoding="utf-8") as file:
            file.write(line + "\n")
    elif misses.remembered:
        count = len(misses.remembered)
        noun = "request" if count == 1 else "requests"
        print(f"cachy: {count} {noun} had no fixture:", file=sys.stderr)
        for error in misses.remembered:
            print(f"  {str(error).splitlines()[0]}", file=sys.stderr)
