"""What a process, or all processes of a run, did with their requests: one type, and its JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import NamedTuple

from cachy.interaction import Json

_PARTIAL = "a process was ended before it could say what it asked for"


@dataclass(slots=True)
class Totals:
    """What became of requests, and what the tests that sent them reported."""

    replayed: int = 0
    replays: dict[str, int] = field(default_factory=dict)  # how often, by the fixture's path
    recorded: list[str] = field(default_factory=list)  # paths of new fixtures
    changed: list[str] = field(default_factory=list)  # paths, refreshed with another response
    equal: list[str] = field(default_factory=list)  # paths, refreshed and left as they were
    refused: list[str] = field(default_factory=list)  # requests, and why they are not recorded
    unwritten: list[str] = field(default_factory=list)  # the same where it is the disk's fault
    uncovered: list[str] = field(default_factory=list)  # hosts, one for each request
    advised: list[str] = field(default_factory=list)  # fixtures, and a setting that they need
    unwatched: list[str] = field(default_factory=list)  # programs that cannot have cachy on
    renamed: list[str] = field(default_factory=list)  # tests, and those that they once were
    failed: list[str] = field(default_factory=list)  # tests, and what they recorded
    migrated: list[list[str]] = field(default_factory=list)  # a test, and what its request changed
    to_cover: list[str] = field(default_factory=list)  # hosts that cassettes answered
    missed: list[str] = field(default_factory=list)  # the errors of requests without a fixture
    astray: list[str] = field(default_factory=list)  # those that were missed outside of a test
    used: dict[str, list[str]] = field(default_factory=dict)  # fixtures without slug, by folder
    is_on: bool = False  # whether any scope's mode was another than "off"
    has_tests: bool = False  # whether pytest ran
    skipped: list[str] = field(default_factory=list)  # tests that skipped themselves
    partial: list[str] = field(default_factory=list)  # why this is not all that the tests ask for

    def add(self, other: Totals) -> None:
        """Add what another process did."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for folder, names in other.used.items():
            self.used[folder] = sorted({*self.used.get(folder, ()), *names})
        for path, count in other.replays.items():
            self.replays[path] = self.replays.get(path, 0) + count
        self.is_on = self.is_on or other.is_on
        self.has_tests = self.has_tests or other.has_tests

    @property
    def is_silent(self) -> bool:
        """Whether there was no request to speak of."""
        return not any(getattr(self, name) for name in _SPOKEN)

    def to_json(self) -> dict[str, Json]:
        """Return the totals as JSON that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Json]) -> Totals:
        """Return the totals that another process of this cachy wrote."""
        return cls(**document)


_NUMBERS = tuple(
    one.name for one in fields(Totals) if one.name not in ("replays", "used", "is_on", "has_tests")
)
_SPOKEN = tuple(name for name in _NUMBERS if name not in ("skipped", "partial"))


class Line(NamedTuple):
    """What one process says in the report of its run; at first only that it has begun."""

    process: str
    totals: Totals | None = None
    is_part: bool = False  # of what it does; its parts count where it cannot say how it ended

    def to_json(self) -> dict[str, Json]:
        """Return the line as JSON."""
        totals = {} if self.totals is None else {"totals": self.totals.to_json()}
        return {"process": self.process, "is_part": self.is_part, **totals}

    @classmethod
    def from_json(cls, document: dict[str, Json]) -> Line:
        """Return the line that a process wrote."""
        totals = document.get("totals")
        parsed = None if totals is None else Totals.from_json(totals)
        return cls(document["process"], parsed, document.get("is_part", False))


def add_up(lines: Iterable[Line]) -> Totals:
    """Add up the lines of a report; under `partial` stands why it is not the whole truth.

    The last line of a process counts.
    """
    said = list(lines)
    ends = {line.process: line.totals for line in said if line.totals and not line.is_part}
    parts = [line for line in said if line.is_part and line.process not in ends]
    total = Totals()
    for totals in (*ends.values(), *(line.totals for line in parts)):
        total.add(totals or Totals())
    if {line.process for line in said} - set(ends) - {line.process for line in parts}:
        total.partial.append(_PARTIAL)
    return total
