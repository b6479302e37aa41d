"""The credentials that requests had: those that differ in nothing else are ambiguous."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from cachy.fixture.identity.fingerprint import Identity
from cachy.fixture.identity.header_credentials import Credentials, find_differences
from cachy.replay.process import PROCESS


class Asked:
    """What was sent live with one fingerprint: the first credentials, and those that are kept."""

    def __init__(self, sent: Credentials, kept: Credentials | None = None) -> None:
        self.sent = sent
        self.kept = kept
        self.places: set[str] = set()

    def is_for(self, credentials: Credentials) -> bool:
        """Return whether a response to these may be kept: the first one is, and no other."""
        if self.kept is None:
            self.kept = credentials
        return not find_differences(self.kept, credentials)


_Live = defaultdict[str, dict[str, Asked]]
"""What was sent live, by variant and fingerprint."""


class Ambiguity:
    """The credentials of one scope's requests; tests share what they have sent live."""

    def __init__(self, fixtures: Path) -> None:
        self._fixtures = fixtures
        self._replayed: defaultdict[str, dict[str, Credentials]] = defaultdict(dict)
        self._own: _Live = defaultdict(dict)

    @property
    def _live(self) -> _Live:
        """What was sent live: tests share it, as a run of them is one scope to its user."""
        if not PROCESS.owner:
            return self._own
        live: _Live = PROCESS.sent.setdefault(self._fixtures, self._own)
        return live

    def may_replay(self, identity: Identity, credentials: Credentials) -> bool:
        """Return whether a fixture may answer: it answered no request with other credentials."""
        variant, fingerprint = identity.variant, identity.fingerprint
        live = self._live
        asked = live[variant].get(fingerprint) if live else None
        if asked is not None and find_differences(asked.sent, credentials):
            return False
        first = self._replayed[variant].setdefault(fingerprint, credentials)
        return first is credentials or not find_differences(first, credentials)

    def differences(self, identity: Identity, credentials: Credentials) -> list[str]:
        """Return the places where another request of this identity had other credentials."""
        asked = self._live[identity.variant].get(identity.fingerprint)
        replayed = self._replayed[identity.variant].get(identity.fingerprint, credentials)
        found = set(find_differences(replayed, credentials))
        if asked is not None:
            found.update(find_differences(asked.sent, credentials))
        return sorted(found)

    def send(self, identity: Identity, credentials: Credentials) -> Asked:
        """Note that a request goes live; `places` are those of all that differ from the first."""
        differences = self.differences(identity, credentials)
        replayed = self._replayed[identity.variant].get(identity.fingerprint)
        asks = self._live[identity.variant]
        asked = asks.setdefault(identity.fingerprint, Asked(credentials, replayed))
        asked.places.update(differences)
        return asked

    def forget(self, variant: str) -> None:
        """Forget what was asked under a variant: its test begins again."""
        self._replayed.pop(variant, None)
        self._live.pop(variant, None)
