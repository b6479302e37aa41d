"""The report of a run of `cachy drift`: one type, its JSON form, and the way back.

The JSON form is what `--format json` prints and `--report` writes. Its version is the number
under `"cachy"`; a field may be added within a version, never removed or given another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cachy.compare.catalogue.rule_type import Severity
from cachy.drift.live.inconclusive import Outcome, Reason, SkipReason
from cachy.drift.outcome.typed_json import dump, parse
from cachy.errors import CachyError
from cachy.interaction import Json

VERSION = 1


def _optional(default: Any = ()) -> Any:
    """A field that the JSON form leaves out where it is empty."""
    return field(default=default, metadata={"optional": True})


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRow:
    """One change of one surface, with what a person needs to act on it.

    The first eight fields always stand in the JSON form, the others where they are not empty.

    rule, severity, path: see `cachy explain`; `path` leads into the body, or is `status` or
        `headers.NAME`.
    old, new: types, tokens, dates or status codes, never values of a body; None: not there.
    confirmed: in how many tries of how many it was seen, "3/3".
    sdk: the verdict of the installed SDK's model, or "unknown".
    fixtures: the fixtures whose requests showed it.
    hint: what may explain it, as "renamed to $.total?".
    models: the models that the requests of these fixtures name.
    parameter: the request parameter that the API's error names.
    message: the API's own message, redacted, one line, at most 200 characters.
    note: one sentence of ours, as what the models endpoint says of a retired model.
    tests: the tests that recorded these fixtures.
    declined: the number of the pull request by whose closing a person declined the change.
    """

    rule: str
    severity: Severity
    path: str
    old: str | None
    new: str | None
    confirmed: str
    sdk: str
    fixtures: tuple[str, ...]
    hint: str = _optional("")
    models: tuple[str, ...] = _optional()
    parameter: str = _optional("")
    message: str = _optional("")
    note: str = _optional("")
    tests: tuple[str, ...] = _optional()
    declined: int = _optional(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class SentRow:
    """A fixture that was sent: how often it was answered, and which others it stands for."""

    fixture: str
    tries: int
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceRow:
    """One surface that has a fixture.

    outcome: drift, inconclusive, clean, not_exercised or skipped; the first that holds for any
        fixture of it.
    complete: whether each fixture of it was checked, by itself or by one that stands for it.
        Only then does the absence of a change say that it is gone.
    fixtures: its fixtures, as far as the run was about them.
    sent: what was sent, with what each stands for.
    changes: what changed, worst first.
    transient: what was seen in one try only: neither a change nor written anywhere.
    stale: fixtures that still show the old structure and were not updated.
    not_exercised: known variants and events that no response took tonight, as paths.
    """

    surface: str
    outcome: Outcome
    complete: bool
    fixtures: tuple[str, ...]
    sent: tuple[SentRow, ...] = ()
    changes: tuple[ChangeRow, ...] = ()
    transient: tuple[ChangeRow, ...] = ()
    stale: tuple[str, ...] = ()
    not_exercised: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class InconclusiveRow:
    """A fixture that was to be checked and could not be: neither drift nor clean."""

    fixture: str
    surface: str
    reason: Reason
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedRow:
    """Fixtures of one surface that policy leaves out, and the settings that would send them.

    allow: the entry for `[tool.cachy.drift] allow` that is missing; empty where none is.
    hosts: the host for which `[tool.cachy.drift] hosts` has no line; empty where it has.
    """

    surface: str
    reason: SkipReason
    detail: str
    fixtures: tuple[str, ...]
    allow: str = ""
    hosts: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class IgnoreRow:
    """An entry of `[tool.cachy.drift] ignore` that can go, with what it says."""

    state: Literal["expired", "unused"]
    rule: str = _optional("")
    surface: str = _optional("")
    path: str = _optional("")
    until: str = _optional("")
    reason: str = _optional("")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRow:
    """A file that the changes call for, by its path from the project's folder."""

    path: str
    action: Literal["write", "remove"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRow:
    """What `--check` says: tests that pass with today's fixtures and fail with the new ones.

    passed: how many pass with the new fixtures. problem: why the command says nothing.
    """

    command: str
    passed: int
    failed: tuple[str, ...]
    problem: str = _optional("")


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequestRow:
    """What became of the pull request.

    left_out: files whose base is newer than this checkout, and which it does not hold therefore.
    """

    operation: str
    number: int | None = None
    url: str | None = None
    left_out: tuple[str, ...] = _optional()


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Counts: of fixtures that were sent (checked is clean and drift together), then the rest.

    `skipped` and `stale` count fixtures, `not_exercised` known variants and events, `transient`
    and the severities rows.
    """

    checked: int = 0
    clean: int = 0
    drift: int = 0
    inconclusive: int = 0
    not_exercised: int = 0
    breaking: int = 0
    risky: int = 0
    compatible: int = 0
    skipped: int = 0
    transient: int = 0
    stale: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What the run cost."""

    requests: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftReport:
    """What one run of `cachy drift` found.

    version: the cachy that made the report.
    partial: the run was about some of the project's fixtures only (PATH, `--only`): what it does
        not name was not checked.
    files: what a pull request would write; see `cachy.drift.outcome.saved_run`.
    tests: None where `--check` was not given, or no file changed.
    pull_request: None without `--open-pr`.
    """

    summary: Summary
    version: str = _optional("")
    partial: bool = False
    surfaces: tuple[SurfaceRow, ...] = ()
    inconclusive: tuple[InconclusiveRow, ...] = ()
    skipped: tuple[SkippedRow, ...] = ()
    ignores: tuple[IgnoreRow, ...] = ()
    files: tuple[FileRow, ...] = ()
    spent: Spent = Spent()
    tests: CheckRow | None = None
    pull_request: PullRequestRow | None = None

    @property
    def is_silenced(self) -> bool:
        """Return whether the project's own `skip` covers every surface."""
        return all(surface.outcome == "skipped" for surface in self.surfaces) and all(
            row.reason == "skip" for row in self.skipped
        )

    def to_json(self) -> dict[str, Json]:
        """Return the report as JSON."""
        found = {"cachy": VERSION, **dump(self)}
        return {key: value for key, value in found.items() if value is not None}

    @classmethod
    def from_json(cls, value: Json) -> DriftReport:
        """Return a report that another run wrote; it is untrusted.

        Raises:
            CachyError: it is not a report of this version; the message says where.
        """
        if not isinstance(value, Mapping) or value.get("cachy") != VERSION:
            raise CachyError(
                "This is not a report of cachy drift.", advice="Write one with --report."
            )
        try:
            return parse(cls, {key: value[key] for key in value if key != "cachy"})
        except (ValueError, RecursionError) as error:
            raise CachyError(f"This is not a report of cachy drift: {error}.") from None
