"""A test's cassettes played back by method and URL, each interaction once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cachy.config import Config
from cachy.display import shown_path
from cachy.errors import CachyError, UnusableEntry
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.importers.cassettes import load_cassette
from cachy.importers.parse import Entry, parse_entry
from cachy.importers.write import unfiltered
from cachy.interaction import Json, Request, host_and_port
from cachy.redact import redact_url
from cachy.redact.placeholders import is_placeholder

BODY_MATCHERS = frozenset({"body", "raw_body", "json_body"})
"""The matchers of vcrpy and cassetter that compare bodies; by default they compare none."""
Pairs = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class CassetteItem:
    """One recorded interaction, and what of its request counts when it is played."""

    entry: Entry
    fingerprint: str
    is_played: bool = False


@dataclass(slots=True)
class Playback:
    """What some cassettes hold, in order; `problems` says what of it cannot be played.

    `entries` are the interactions of the first of `files` where only its recorder can read it.

    `dropped` are parameters of the query that the recorder left out, and `filtered` makes of a
    request what the recorder kept of it. With `by_body`, an interaction with an equal body comes
    first. With `repeats`, the last response to a request is played again. `matches` compares a
    recorded request with one that has the method and URL of none.
    """

    config: Config
    files: Sequence[Path] = ()
    dropped: frozenset[str] = frozenset()
    repeats: bool = False
    by_body: bool = False
    filtered: Callable[[Request], Request] = lambda request: request
    matches: Callable[[Request, Request], bool] = lambda recorded, asked: False
    entries: list[Json] | None = None
    problems: list[str] = field(default_factory=list)
    _interactions: list[CassetteItem] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for file in self.files:
            self._interactions += self._load(file)

    def _load(self, file: Path) -> Iterable[CassetteItem]:
        try:
            loaded = load_cassette(file) if self.entries is None else self.entries
        except CachyError as error:
            self.problems.append(str(error))
            return
        for number, raw in enumerate(loaded, 1):
            try:
                entry = parse_entry(raw)
            except UnusableEntry as error:
                self.problems.append(f"{file}, interaction {number}: {error.reason}")
                continue
            asked = identify_settled(unfiltered(entry.request), self.config)
            yield CassetteItem(entry, asked.fingerprint)

    def take(self, request: Request) -> CassetteItem | None:
        """Return the next interaction of this method and URL."""
        request = self.filtered(request)
        wanted = identify_settled(request, self.config).fingerprint
        with self._lock:  # several threads may ask at once
            fitting = self._fitting(self._fits, request) or self._fitting(self.matches, request)
            unplayed = [one for one in fitting if not one.is_played]
            equal = [one for one in unplayed if self.by_body and one.fingerprint == wanted]
            found = (equal or unplayed or (fitting[-1:] if self.repeats else []))[:1]
            for one in found:
                one.is_played = True
                return one
        return None

    def _fitting(
        self, fits: Callable[[Request, Request], bool], asked: Request
    ) -> list[CassetteItem]:
        return [one for one in self._interactions if fits(one.entry.request, asked)]

    def has_host(self, host: str, port: int | None) -> bool:
        """Return whether a request to this host was recorded."""
        recorded = (host_and_port(one.entry.request.url) for one in self._interactions)
        return (host, port) in recorded

    def explain(self) -> str:
        """Return why nothing answers."""
        if not self.files:
            return "the test has no cassette"
        problems = "".join(f"; {problem}" for problem in self.problems)
        shown = ", ".join(map(shown_path, self.files))
        return f"{shown} has no further response to this method and URL{problems}"

    def restart(self) -> None:
        """Play from the start, as a test that is run again does."""
        for one in self._interactions:
            one.is_played = False

    def _fits(self, recorded: Request, asked: Request) -> bool:
        if recorded.method.upper() != asked.method.upper():
            return False
        one, two = urlsplit(recorded.url), urlsplit(asked.url)
        if (host_and_port(recorded.url), one.path or "/") != (
            host_and_port(asked.url),
            two.path or "/",
        ):
            return False
        pairs = [self._parameters(request.url) for request in (recorded, asked)]
        hidden = {name for each in pairs for name, value in each if is_placeholder(value)}
        hidden |= self.dropped
        counted = [[pair for pair in each if pair[0] not in hidden] for each in pairs]
        return counted[0] == counted[1]

    def _parameters(self, url: str) -> Pairs:
        query = urlsplit(redact_url(url, self.config.redact)).query
        return tuple(sorted(parse_qsl(query, keep_blank_values=True)))
