"""What the pull request is about after a nightly run: its changes so far and tonight's.

A night says something only of what it checked. What it did not check stays as it was; what it
checked and did not see is removed after the second such night in a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cachy.drift.outcome.report import DriftReport, SurfaceRow
from cachy.pull_request.record import Known, Record

NIGHTS = 2  # in a row without a change, before it goes


@dataclass(frozen=True, slots=True)
class Declined:
    """Which pull request declined a change, and at which severity."""

    number: int
    rank: int


Declines = Mapping[str, Declined]


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """The changes that the pull request is about from now on, worst first.

    moved: surfaces whose set of changes is another than before.
    seen: identities of what this night saw; the others are as an earlier night left them.
    """

    known: tuple[Known, ...]
    moved: frozenset[str]
    seen: frozenset[str]


def put_together(report: DriftReport, record: Record | None, declines: Declines) -> Night:
    """Return tonight's report merged with the record of the nights before."""
    before = {one.identity: one for one in record.known} if record else {}
    tonight = {one.identity: one for one in list_changes(report) if not is_declined(one, declines)}
    kept = {
        one.identity: later
        for one in before.values()
        if one.identity not in tonight and (later := _one_night_later(one, report))
        if not is_declined(one, declines)
    }
    known = {**kept, **tonight}
    changed = {before.get(key, known.get(key)) for key in before.keys() ^ known.keys()}
    return Night(
        known=tuple(sorted(known.values(), key=_worst_first)),
        moved=frozenset(one.surface for one in changed if one),
        seen=frozenset(tonight),
    )


def list_changes(report: DriftReport) -> Iterable[Known]:
    """Yield a report's changes, each with its surface."""
    for row in report.surfaces:
        for change in row.changes:
            yield Known(surface=row.surface, change=change)


def is_declined(one: Known, declines: Declines) -> bool:
    """Return whether somebody declined this change; a higher severity brings it back."""
    declined = declines.get(one.identity)
    return declined is not None and one.rank >= declined.rank


def _one_night_later(one: Known, report: DriftReport) -> Known | None:
    """Return a change that tonight lacks; None if it has been gone for long enough."""
    if not _was_checked(one, report):
        return one
    gone = one.gone + 1
    return replace(one, gone=gone) if gone < NIGHTS else None


def _was_checked(one: Known, report: DriftReport) -> bool:
    if report.partial:
        return False
    row = next((row for row in report.surfaces if row.surface == one.surface), None)
    if row is None:
        return True  # the surface has no fixture any more: nothing can show this change again
    is_transient = any(
        Known(surface=one.surface, change=change).identity == one.identity
        for change in row.transient
    )
    return not is_transient and (row.complete or _were_sent(one.change.fixtures, row, report))


def _were_sent(fixtures: Iterable[str], row: SurfaceRow, report: DriftReport) -> bool:
    """Return whether the fixtures that showed a change were checked tonight."""
    unclear = {entry.fixture for entry in report.inconclusive}
    sent = [one for one in row.sent if one.fixture not in unclear]
    checked = {name for one in sent for name in (one.fixture, *one.stands_for)}
    wanted = set(fixtures).intersection(row.fixtures)
    return bool(wanted) and wanted <= checked


def _worst_first(one: Known) -> tuple[int, bool, str, str, str]:
    return one.rank, one.gone > 0, one.change.rule, one.change.path, one.surface
