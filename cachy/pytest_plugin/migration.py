"""`--cachy=migrate`: answer each test from its own cassettes, and record what it asks today."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from cachy.config import Config, is_covered, is_loopback, is_recorded, override
from cachy.errors import AnotherResponse, UnusableEntry
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.fixture.identity.request_diff import describe_differences
from cachy.fixture.identity.varying import explain_varying
from cachy.importers.playback import CassetteItem, Playback
from cachy.importers.write import CassetteWriter, unfiltered
from cachy.interaction import Request, host_and_port
from cachy.pytest_plugin.cassette_files import open_cassettes
from cachy.replay import misses, placeholder_keys
from cachy.replay.coverage import shown_host
from cachy.replay.decision import Decision, Key, Refusal, Replay
from cachy.replay.owner import current_owner
from cachy.replay.scope import current_session, new_session
from cachy.replay.session import Session

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_cassettes = pytest.StashKey["CassettesOfTest"]()
_opened = pytest.StashKey[list[Playback]]()


def migrating_session(item: pytest.Item, arguments: dict[str, Any], around: Config) -> Migration:
    """Make the session of a test that its cassettes answer, whatever mode its marker names."""
    around = override(around, mode="replay", uncovered="refuse")._replace(mode_from="--cachy")
    config = new_session(**{**arguments, "mode": None}, around=around).config
    if _cassettes not in item.stash:
        opened = item.session.stash.setdefault(_opened, [])
        item.stash[_cassettes] = CassettesOfTest(partial(open_cassettes, item), opened)
    return Migration(config, item.stash[_cassettes])


def restart(item: pytest.Item) -> None:
    """Play a test's cassettes from the start, as each try of it does."""
    if _cassettes in item.stash:
        item.stash[_cassettes].restart()


def read_ahead() -> None:
    """Read the cassettes of a test."""
    session = current_session()
    if isinstance(session, Migration):
        session.cassettes.playback(session.config)


class CassettesOfTest:
    """The cassettes of one test, from the first request that it sends.

    Args:
        open_them: reads them.
        opened: those that calls of vcrpy have opened, the innermost last; a pytest fixture of a
            module or a session keeps one open for several tests.
    """

    def __init__(self, open_them: Callable[[Config], Playback], opened: list[Playback]) -> None:
        self._open = open_them
        self._playback: Playback | None = None
        self._opened = opened
        self._writers: dict[str, CassetteWriter] = {}

    def playback(self, config: Config) -> Playback:
        """Return what the cassette in use holds, else what the test's own cassettes hold."""
        if self._opened:
            return self._opened[-1]
        if self._playback is None:
            self._playback = self._open(config)
        return self._playback

    @contextmanager
    def opened(self, playback: Playback) -> Iterator[None]:
        """Let another cassette answer inside the block."""
        self._opened.append(playback)
        try:
            yield
        finally:
            self._opened.remove(playback)

    def writer(self, config: Config) -> CassetteWriter:
        """Return what writes for the test, or for the pytest fixture that is being set up."""
        owner = current_owner()
        name = owner.name(config) if owner else ""
        if name not in self._writers:
            self._writers[name] = CassetteWriter(config, placeholder_keys.secrets(), name)
        return self._writers[name]

    def restart(self) -> None:
        """Begin again, as a test does that is run once more."""
        self._writers.clear()
        if self._playback is not None:
            self._playback.restart()


class Migration(Session):
    """A test's scope in which its cassettes answer; nothing goes live.

    Each request uses up the next interaction of its method and URL. That response is written as
    the fixture of today's request, then replayed like any other.
    """

    def __init__(self, config: Config, cassettes: CassettesOfTest) -> None:
        super().__init__(config)
        self.cassettes = cassettes
        self.covers = self._covers

    def _covers(self, host: str, port: int | None) -> bool:
        """Cover a server on this machine too where the cassettes have its responses."""
        if self.coverage.covers(host, port):
            return True
        return is_loopback(host) and self.cassettes.playback(self.config).has_host(host, port)

    def recall(self, key: Key) -> Replay | None:
        """Leave each request to `decide`: it uses up an interaction."""
        return None

    def decide(self, request: Request) -> Decision:
        """Write the response that the cassettes hold, then decide as always."""
        settled = self.without_given(request)
        played = self.cassettes.playback(self.config).take(settled)
        is_new, refusal = self._write(settled, played)
        if played is not None and refusal:  # what another test recorded is not this response
            return Refusal(settled, identify_settled(settled, self.config), 1, (refusal, ""))
        decision = super().decide(request)
        if isinstance(decision, Refusal):
            return decision._replace(reason=(refusal or decision.reason[0], decision.reason[1]))
        if isinstance(decision, Replay) and is_new:
            self.journal.tally.recorded.append(decision.fixture.path)
        if played is not None:
            self._compare(settled, played)
        return decision

    def _write(self, request: Request, played: CassetteItem | None) -> tuple[bool, str]:
        """Return whether a fixture is new, and why none answers if none does."""
        if played is None:
            return False, self.cassettes.playback(self.config).explain()
        entry = played.entry
        try:
            writer = self.cassettes.writer(self.config)
            return writer.write(entry._replace(request=request)), ""
        except AnotherResponse:  # recorded by this test since then
            return False, ""
        except UnusableEntry as error:
            if not is_recorded(entry.response.status, self.config):
                self.journal.refused(request, f"status {entry.response.status}")
            return False, f"the response in its cassette is not recorded: {error.reason}"

    def _compare(self, request: Request, played: CassetteItem) -> None:
        """Note what the request has become since it was recorded."""
        host, port = host_and_port(request.url)
        if not is_covered(host, port, self.config.doms):
            self.journal.tally.to_cover.append(shown_host(host, port))
        if identify_settled(request, self.config).fingerprint == played.fingerprint:
            return
        both = (unfiltered(played.entry.request), request)
        old, new = (misses.described(one, self.config) for one in both)
        owner = current_owner()
        test = owner.name(self.config) if owner else ""
        self.journal.migrated(test, describe_differences(old, new))
        if advice := explain_varying(old, new, self.config.match.normalize, whole=False):
            self.journal.tally.advised.append(f"{test}: {advice}")
