"""The results of all cases become the report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cachy.compare.catalogue.change import Change, worst_first
from cachy.compare.catalogue.rule_type import SEVERITIES
from cachy.compare.catalogue.rules import RULES
from cachy.drift.live.case import Case
from cachy.drift.live.inconclusive import OUTCOMES
from cachy.drift.outcome.judgement import CaseResult, CountedChange
from cachy.drift.outcome.report import (
    ChangeRow,
    DriftReport,
    InconclusiveRow,
    SentRow,
    SkippedRow,
    Summary,
    SurfaceRow,
)

_Key = tuple[str, ...]


def seen_by_surface(results: Iterable[CaseResult]) -> dict[str, list[Change] | None]:
    """Return each surface's changes before any ignore; None if a case was not checked."""
    seen: dict[str, list[Change] | None] = {}
    for result in results:
        before = seen.get(result.case.surface, [])
        is_sure = before is not None and result.unchecked is None
        seen[result.case.surface] = [*(before or ()), *result.seen] if is_sure else None
    return seen


def summarize(results: Sequence[CaseResult], stale: Iterable[Case]) -> DriftReport:
    """Return the report of a run; `stale` are the fixtures that still show the old structure."""
    groups: defaultdict[str, list[CaseResult]] = defaultdict(list)
    for result in results:
        groups[result.case.surface].append(result)
    old = sorted(case.name for case in stale)
    surfaces = tuple(_surface(name, group, old) for name, group in sorted(groups.items()))
    return DriftReport(
        summary=_summary(results, surfaces),
        surfaces=surfaces,
        inconclusive=tuple(_inconclusive(results)),
        skipped=tuple(_skipped(results)),
    )


def _inconclusive(results: Iterable[CaseResult]) -> Iterator[InconclusiveRow]:
    for one in results:
        if why := one.unchecked:
            yield InconclusiveRow(
                fixture=one.case.name,
                surface=one.case.surface,
                reason=why.reason,
                detail=why.detail,
            )


def _skipped(results: Iterable[CaseResult]) -> Iterator[SkippedRow]:
    """Yield one row for each surface and reason."""
    groups: defaultdict[tuple[str, ...], list[CaseResult]] = defaultdict(list)
    for one in results:
        if why := one.skip:
            groups[one.case.surface, why.reason, why.detail, why.allow, why.host].append(one)
    for (surface, _, detail, allow, host), group in sorted(groups.items()):
        assert group[0].skip
        yield SkippedRow(
            surface=surface,
            reason=group[0].skip.reason,
            detail=detail,
            fixtures=tuple(one.case.name for one in group),
            allow=allow,
            hosts=host,
        )


def _summary(results: Sequence[CaseResult], surfaces: Sequence[SurfaceRow]) -> Summary:
    outcomes = Counter(result.outcome for result in results)
    severities = Counter(row.severity for surface in surfaces for row in surface.changes)
    return Summary(
        checked=outcomes["clean"] + outcomes["drift"],
        clean=outcomes["clean"],
        drift=outcomes["drift"],
        inconclusive=sum(result.unchecked is not None for result in results),
        not_exercised=sum(len(surface.not_exercised) for surface in surfaces)
        + outcomes["not_exercised"],
        skipped=outcomes["skipped"],
        transient=sum(len(surface.transient) for surface in surfaces),
        stale=sum(len(surface.stale) for surface in surfaces),
        **{severity: severities[severity] for severity in SEVERITIES},
    )


def _surface(name: str, group: Sequence[CaseResult], stale: Sequence[str]) -> SurfaceRow:
    outcomes = {result.outcome for result in group}
    fixtures = {case.name for result in group for case in (result.case, *result.stands_for)}
    unchecked = [one for one in group if one.unchecked or one.skip or one.not_exercised]
    return SurfaceRow(
        surface=name,
        outcome=next(outcome for outcome in OUTCOMES if outcome in outcomes),
        complete=not unchecked,
        fixtures=tuple(sorted(fixtures)),
        sent=tuple(_sent(result) for result in group if result.tries),
        changes=_rows(one for result in group for one in result.counted),
        transient=_rows(
            CountedChange(change=change, case=result.case)
            for result in group
            for change in result.transient
        ),
        stale=tuple(name for name in stale if name in fixtures),
        not_exercised=tuple(_branches_not_taken(group)),
    )


def _sent(result: CaseResult) -> SentRow:
    names = tuple(case.name for case in result.stands_for)
    return SentRow(fixture=result.case.name, tries=result.tries, stands_for=names)


def _branches_not_taken(group: Iterable[CaseResult]) -> Iterator[str]:
    answered = [result for result in group if result.tries]
    known = frozenset[str]().union(*(result.case.branches for result in answered))
    yield from sorted(known.difference(*(result.shown for result in answered)))


def _rows(counted: Iterable[CountedChange]) -> tuple[ChangeRow, ...]:
    """Return a change that several fixtures show as one row, worst first."""
    groups: dict[_Key, list[CountedChange]] = {}
    for one in counted:
        groups.setdefault(_key(one), []).append(one)
    rows = [_row(group) for group in groups.values()]
    return tuple(replace(row) for _, row in sorted(rows, key=lambda pair: worst_first(pair[0])))


def _key(one: CountedChange) -> _Key:
    change = one.change
    is_refusal = RULES[change.rule].refused is not None  # a row for each model and message
    asked = (one.case.model, one.message) if is_refusal else ()
    return (change.rule, change.path, str(change.new), *asked)


def _row(group: Sequence[CountedChange]) -> tuple[Change, ChangeRow]:
    first = group[0]
    facts: Mapping[str, str | None] = {
        name: getattr(first.change, name)
        for name in ("rule", "path", "old", "new", "confirmed", "sdk", "hint")
    }
    row = ChangeRow(
        **facts,  # type: ignore[arg-type]
        severity=min((one.change.severity for one in group), key=SEVERITIES.index),
        fixtures=tuple(sorted({one.case.name for one in group})),
        models=tuple(sorted({one.case.model for one in group} - {""})),
        parameter=first.parameter,
        message=first.message,
        note=first.note,
        tests=tuple(sorted({one.case.test for one in group} - {""})),
    )
    return first.change, row
