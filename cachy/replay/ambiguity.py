"""The credentials that requests had: those that differ in nothing else are ambiguous."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from cachy.config import current_test
from cachy.fixture.identity.fingerprint import Identity
from cachy.fixture.identity.header_credentials import Credentials, find_differences
from cachy.replay.process import PROCESS


class Asked:
    """What was sent live with one fingerprint: the first credentials, and those that are kept."""

    def __init__(self, sent: Credentials, kept: Credentials | None = None) -> None:
        self.sent = sent
        self.kept = kept
        self.test = current_test()
        self.places: set[str] = set()

    def is_for(self, credentials: Credentials) -> bool:
        """Return whether a response to these may be kept: the first one is, and no other."""
        if self.kept is None:
            self.kept = credentials
        return not find_differences(self.kept, credentials)


class Seen:
    """What was asked, by variant and fingerprint: what was sent live, and what was replayed."""

    def __init__(self) -> None:
        self.live: defaultdict[str, dict[str, Asked]] = defaultdict(dict)
        self.replayed: defaultdict[str, dict[str, Credentials]] = defaultdict(dict)


class Ambiguity:
    """The credentials of one scope's requests; the tests of a process share what was asked."""

    def __init__(self, fixtures: Path) -> None:
        self._fixtures = fixtures
        self._own = Seen()

    @property
    def _seen(self) -> Seen:
        """What was asked: tests share it, as a run of them is one scope to its user."""
        if not PROCESS.owner:
            return self._own
        seen: Seen = PROCESS.asked.setdefault(self._fixtures, self._own)
        return seen

    def may_replay(self, identity: Identity, credentials: Credentials) -> bool:
        """Return whether a fixture may answer: it answered no request with other credentials."""
        variant, fingerprint = identity.variant, identity.fingerprint
        seen = self._seen
        asked = seen.live[variant].get(fingerprint) if seen.live else None
        if asked is not None and find_differences(asked.sent, credentials):
            return False
        first = seen.replayed[variant].setdefault(fingerprint, credentials)
        return first is credentials or not find_differences(first, credentials)

    def differences(self, identity: Identity, credentials: Credentials) -> list[str]:
        """Return the places where another request of this identity had other credentials."""
        variant, fingerprint = identity.variant, identity.fingerprint
        asked = self._seen.live[variant].get(fingerprint)
        replayed = self._seen.replayed[variant].get(fingerprint, credentials)
        found = set(find_differences(replayed, credentials))
        if asked is not None:
            found.update(find_differences(asked.sent, credentials))
        return sorted(found)

    def send(self, identity: Identity, credentials: Credentials) -> Asked:
        """Note that a request goes live; `places` are those of all that differ from the first."""
        variant, fingerprint = identity.variant, identity.fingerprint
        differences = self.differences(identity, credentials)
        replayed = self._seen.replayed[variant].get(fingerprint)
        asked = self._seen.live[variant].setdefault(fingerprint, Asked(credentials, replayed))
        asked.places.update(differences)
        return asked

    def forget(self, variant: str) -> None:
        """Forget what was asked under a variant: its test begins again."""
        self._seen.replayed.pop(variant, None)
        self._seen.live.pop(variant, None)
