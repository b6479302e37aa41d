"""What a process did with its requests, said once as it ends."""

from __future__ import annotations

import atexit
import json
import os
import sys
from pathlib import Path

from cachy.replay import misses
from cachy.replay.session import Session

_sessions: list[Session] = []
_state = {"registered": False}


def watch(session: Session) -> None:
    """Count a session in for the end of the process."""
    if session not in _sessions:
        _sessions.append(session)
    if not _state["registered"]:
        atexit.register(_at_exit)
        _state["registered"] = True


def summary() -> dict[str, list[str] | int]:
    """Add up what all sessions of this process did."""
    tallies = [session.tally for session in _sessions]
    return {
        "replayed": sum(tally.replayed for tally in tallies),
        "recorded": [path for tally in tallies for path in tally.recorded],
        "refused": [line for tally in tallies for line in tally.refused],
        "missed": [str(error) for error in misses.remembered],
        "used": sorted({name for tally in tallies for name in tally.used}),
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
