"""What became of a scope's requests, counted in memory."""

from __future__ import annotations


class Tally:
    """What became of the requests of a scope; `run.totals` adds up those of a process."""

    def __init__(self) -> None:
        self.replays: dict[str, int] = {}  # how often, by the fixture's path
        self.recorded: list[str] = []  # paths of new fixtures
        self.changed: list[str] = []  # paths, refreshed with another response
        self.equal: list[str] = []  # paths, refreshed and left as they were
        self.refused: list[str] = []  # requests, and why they are not recorded
        self.unwritten: list[str] = []  # the same where it is the disk's fault
        self.uncovered: list[str] = []  # hosts, one for each request
        self.advised: list[str] = []  # names of new fixtures, and a setting that they need
        self.unwatched: list[str] = []  # programs that were started and cannot have cachy on
        self.renamed: list[str] = []  # tests, and those that they once were
        self.migrated: list[list[str]] = []  # a test, and what its request changed
        self.to_cover: list[str] = []  # hosts that cassettes answered
        self.used: set[str] = set()  # names without slug, as `file_name` gives them

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
        self.advised.clear()
        self.unwatched.clear()
        self.renamed.clear()
        self.migrated.clear()
        self.to_cover.clear()
        self.used.clear()

    def rename(self, moved: dict[str, str]) -> None:
        """Follow fixtures that were given another number."""
        for part in (self.recorded, self.changed, self.equal):
            part[:] = [moved.get(path, path) for path in part]
