"""What one server holds: its session and address, and what was asked of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from cachy.errors import UnrecordedRequest
from cachy.replay.misses import hand_over
from cachy.replay.run.served_variables import served_environment
from cachy.replay.run.summary import totals_of
from cachy.replay.run.totals import Totals
from cachy.replay.session import Session
from cachy.serve.address import Address

if TYPE_CHECKING:
    from cachy.serve.live import Forwarder


class Service:
    """The fixtures of one session, at one address.

    Args:
        session: decides what becomes of each request.
        address: where the requests are answered.
        variables: what leads programs there, and keys that let them start.
    """

    def __init__(self, session: Session, address: Address, variables: Mapping[str, str]) -> None:
        self.session = session
        self.address = address
        self.variables = variables
        self.seen: set[str] = set()  # marks of the programs that sent something
        self.count = 0  # requests of the user's programs
        self._misses: list[UnrecordedRequest] = []
        self._lock = threading.Lock()

    @cached_property
    def forwarder(self) -> Forwarder:
        """What sends requests on: replay needs none."""
        from cachy.serve.live import Forwarder

        return Forwarder()

    def note(self, mark: str) -> None:
        """Count a request of a program that knows the address."""
        with self._lock:
            self.count += 1
            self.seen.add(mark)

    def missed(self, error: UnrecordedRequest) -> None:
        """Count a miss; the command that started the server reports it."""
        with self._lock:
            self._misses.append(hand_over(error))

    def environment_of_child(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a program that is to send its requests here."""
        return served_environment(environ, self.address.url, self.variables)

    def totals(self) -> Totals:
        """Return what became of the requests."""
        totals = totals_of(self.session.journal.tally, str(self.session.config.fixtures))
        totals.is_on = self.count > 0
        totals.missed = [str(error) for error in self._misses]
        return totals

    def close(self) -> None:
        """End the session, and the connections to live APIs."""
        if "forwarder" in vars(self):
            self.forwarder.close()
        self.session.close()
