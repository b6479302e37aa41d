"""What became of a scope's requests: counted, printed with `debug`, appended to CACHY_LOG."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from cachy.config import Config
from cachy.errors import CachyError, UnrecordedRequest
from cachy.fixture.store.blocking import may_block
from cachy.interaction import Request
from cachy.replay.counters import Tally

JournalEvent = Literal[
    "hit",
    "live",
    "recorded",
    "not recorded",
    "miss",
    "uncovered",
    "renamed",
    "migrated",
    "fault",
]

NOT_REACHED = "could not be reached"
# How the errors of a client begin that did not connect to the host.
_CONNECTING = r"ConnectError|ConnectTimeout|NewConnectionError|ClientConnector|ConnectionRefused"


class Journal:
    """The counters and the log of one scope."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.tally = Tally()

    def replayed(self, path: str, used: str, name: str) -> None:
        """Count a request that a fixture answered; `used` is the file's name without its slug."""
        replays = self.tally.replays
        replays[path] = replays.get(path, 0) + 1
        self.tally.used.add(used)
        if self.config.debug is True or self.config.log:
            self._say("hit", name)

    def live(self, request: Request, used: str) -> None:
        """Count a request that goes live."""
        self.tally.used.add(used)
        if self.config.debug or self.config.log:
            shown = self._shown(request)
            self._say("live", shown)
            if self.config.debug == "miss":
                print(f"cachy: miss: {shown} goes live", file=sys.stderr)

    def recorded(self, name: str) -> None:
        self._say("recorded", name)

    def refused(self, request: Request, why: str) -> None:
        """Count a response that is not recorded."""
        self.tally.refused.append(f"{self._shown(request)}: {why}")
        self._say("not recorded", self.tally.refused[-1])

    def lost(self, request: Request, error: Exception) -> None:
        """Count a request that got no whole response, perhaps as its host is down."""
        kinds, name = type(error).__mro__, type(error).__name__
        is_down = any([re.match(_CONNECTING, kind.__name__) for kind in kinds])
        self.refused(request, f"{NOT_REACHED} ({name})" if is_down else name)

    def renamed(self, former: str, test: str) -> None:
        """Name a test that was answered by the recordings of one that is gone."""
        line = (
            f"{test} was answered by the recordings of {former}, which no longer exists; "
            "record mode renames them"
        )
        if line not in self.tally.renamed:
            self.tally.renamed.append(line)
            self._log("renamed", line)

    def migrated(self, test: str, differences: list[str]) -> None:
        """Count a request that got the response of one which differs from it."""
        self.tally.migrated.append([test, *differences])
        self._log("migrated", f"{test}: {'; '.join(differences)}")

    def unwritten(self, request: Request, error: CachyError) -> None:
        """Count a response that the disk did not take; say the first at once."""
        if not self.tally.unwritten and self.config.debug is not True:
            print(f"cachy: not recorded: {error}", file=sys.stderr, flush=True)
        self.tally.unwritten.append(f"{self._shown(request)}: {error}")
        self._say("not recorded", self.tally.unwritten[-1])

    def uncovered(self, host: str) -> None:
        """Count a request that went live because its host is not covered; log the first."""
        if host not in self.tally.uncovered:
            self._say("uncovered", host)
        self.tally.uncovered.append(host)

    def faulted(self, request: Request, fault: str, used: str) -> None:
        """Log that a request was answered by a fault, perhaps by a recorded error."""
        if used:
            self.tally.used.add(used)
        self._say("fault", f"{fault}: {self._shown(request)}")

    def missed(self, error: UnrecordedRequest) -> None:
        """Log a miss; `misses.remember` has printed its first line already."""
        what = f"{error.method} {error.url}"
        if self.config.debug:
            print(f"cachy: miss: {what}", file=sys.stderr)
        self._log("miss", what)

    def _shown(self, request: Request) -> str:
        from cachy.replay import misses  # replay needs none

        return misses.shown(request, self.config)

    def _say(self, event: JournalEvent, what: str) -> None:
        if self.config.debug is True:
            print(f"cachy: {event}: {what}", file=sys.stderr)
        self._log(event, what)

    def _log(self, event: JournalEvent, what: str) -> None:
        if self.config.log:
            line = json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, "what": what})
            with (
                may_block(),
                suppress(OSError),
                open(self.config.log, "a", encoding="utf-8") as file,
            ):
                file.write(line + "\n")  # a full disk must not cost the caller the response
