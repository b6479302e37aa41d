"""What was found of each fixture, put together as the report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cachy.compare.change import Change, worst_first
from cachy.compare.rule import SEVERITIES
from cachy.drift.live.inconclusive import OUTCOMES, Outcome, Unchecked
from cachy.drift.live.plan import Case
from cachy.drift.outcome.report import (
    ChangeRow,
    DriftReport,
    InconclusiveRow,
    SentRow,
    Summary,
    SurfaceRow,
)
from cachy.interaction import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """What was found of one case.

    `seen` are the changes before the config's ignores are taken out, `shown` the paths of its
    live `answers`; `has_learned` where these showed that something comes and goes. `text` is
    the fixture's new text, where it has one, and `blobs` are the payloads that it names.
    """

    case: Case
    changes: tuple[Change, ...] = ()
    seen: tuple[Change, ...] = ()
    shown: frozenset[str] = frozenset()
    unchecked: Unchecked | None = None
    answers: tuple[Mapping[str, Json], ...] = ()
    has_learned: bool = False
    text: str | None = None
    blobs: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        if self.changes:
            return "drift"
        return "inconclusive" if self.unchecked else "clean"


def seen_by_surface(results: Iterable[CaseResult]) -> dict[str, list[Change] | None]:
    """Return what was seen of each surface before any ignore; None where a case was unchecked."""
    seen: dict[str, list[Change] | None] = {}
    for result in results:
        before = seen.get(result.case.surface, [])
        is_sure = before is not None and result.unchecked is None
        seen[result.case.surface] = [*(before or ()), *result.seen] if is_sure else None
    return seen


def summarize(results: Sequence[CaseResult], cases: Iterable[Case]) -> DriftReport:
    """Return the report of a run; `cases` are those sent and those that they stand for."""
    groups: defaultdict[str, list[CaseResult]] = defaultdict(list)
    for result in results:
        groups[result.case.surface].append(result)
    names: defaultdict[str, list[str]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: case.name):
        names[case.surface].append(case.name)
    surfaces = [_surface(name, group, names[name]) for name, group in sorted(groups.items())]
    inconclusive = [
        InconclusiveRow(
            fixture=one.case.name, surface=one.case.surface, reason=why.reason, detail=why.detail
        )
        for one in results
        if (why := one.unchecked)
    ]
    return DriftReport(
        summary=_summary(results, surfaces, len(inconclusive)),
        surfaces=tuple(surfaces),
        inconclusive=tuple(inconclusive),
    )


def _summary(
    results: Iterable[CaseResult], surfaces: Sequence[SurfaceRow], inconclusive: int
) -> Summary:
    outcomes = Counter(result.outcome for result in results)
    severities = Counter(row.severity for surface in surfaces for row in surface.changes)
    return Summary(
        checked=outcomes["clean"] + outcomes["drift"],
        clean=outcomes["clean"],
        drift=outcomes["drift"],
        inconclusive=inconclusive,
        not_exercised=sum(len(surface.not_exercised) for surface in surfaces),
        **{severity: severities[severity] for severity in SEVERITIES},
    )


def _surface(name: str, group: Sequence[CaseResult], fixtures: Sequence[str]) -> SurfaceRow:
    outcomes = {result.outcome for result in group}
    changes = _merged(change for result in group for change in result.changes)
    return SurfaceRow(
        surface=name,
        outcome=next(outcome for outcome in OUTCOMES if outcome in outcomes),
        complete=not any(result.unchecked for result in group),
        fixtures=tuple(fixtures),
        sent=tuple(
            SentRow(fixture=result.case.name, tries=len(result.answers))
            for result in group
            if result.answers
        ),
        changes=tuple(map(_row, changes)),
        not_exercised=tuple(_branches_not_taken(group)),
    )


def _branches_not_taken(group: Iterable[CaseResult]) -> Iterator[str]:
    answered = [result for result in group if result.shown]
    known = frozenset[str]().union(*(result.case.branches for result in answered))
    yield from sorted(known.difference(*(result.shown for result in answered)))


def _row(change: Change) -> ChangeRow:
    return ChangeRow(**{**change.to_json(), "fixtures": change.fixtures})


def _merged(changes: Iterable[Change]) -> list[Change]:
    """Return a change that several fixtures show once, worst first."""
    merged: dict[tuple[str, str, str | None], Change] = {}
    for change in changes:
        key = (change.rule, change.path, change.new)
        before = merged.get(key)
        fixtures = (*before.fixtures, *change.fixtures) if before else change.fixtures
        merged[key] = replace(before or change, fixtures=fixtures)
    return sorted(merged.values(), key=worst_first)
