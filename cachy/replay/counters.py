"""What became of a scope's requests, counted in memory."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """What became of the requests of a scope; `run.totals` adds up those of a process."""

    replays: dict[str, int] = field(default_factory=dict)  # how often, by the fixture's path
    recorded: list[str] = field(default_factory=list)  # paths of new fixtures
    changed: list[str] = field(default_factory=list)  # paths, refreshed with another response
    equal: list[str] = field(default_factory=list)  # paths, refreshed and left as they were
    refused: list[str] = field(default_factory=list)  # requests, and why they are not recorded
    unwritten: list[str] = field(default_factory=list)  # the same where it is the disk's fault
    uncovered: list[str] = field(default_factory=list)  # hosts, one for each request
    renamed: list[str] = field(default_factory=list)  # tests, and those that they once were
    migrated: list[list[str]] = field(default_factory=list)  # a test, and what its request changed
    to_cover: list[str] = field(default_factory=list)  # hosts that cassettes answered
    used: set[str] = field(default_factory=set)  # names without slug, as `file_name` gives them

    @property
    def replayed(self) -> int:
        """How many requests were replayed."""
        return sum(self.replays.values())

    def clear(self) -> None:
        """Count from zero, as a forked process does."""
        self.replays.clear()
        for part in (self.recorded, self.changed, self.equal, self.refused, self.unwritten):
            part.clear()
        self.uncovered.clear()
        self.renamed.clear()
        self.migrated.clear()
        self.to_cover.clear()
        self.used.clear()

    def rename(self, moved: dict[str, str]) -> None:
        """Follow fixtures that were given another number."""
        for part in (self.recorded, self.changed, self.equal):
            part[:] = [moved.get(path, path) for path in part]
