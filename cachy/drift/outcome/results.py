"""What was found of each fixture, put together as the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cachy.compare.change import Change, worst_first
from cachy.compare.rules import SEVERITIES
from cachy.drift.live.inconclusive import Outcome, Unchecked
from cachy.drift.live.plan import Case
from cachy.interaction import Json

_RANKED: tuple[Outcome, ...] = ("drift", "inconclusive", "clean")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What became of one case.

    `seen` are the changes before any that the config ignores are left out, `shown` the paths of
    its live `answers`; `has_learned` where these taught that something comes and goes. `text` is
    the fixture's new text, where it has one, and `blobs` are the payloads that this brings along.
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


def seen_by_surface(findings: Iterable[Finding]) -> dict[str, list[Change] | None]:
    """Give what was seen of each surface before any ignore; None where it was not checked whole."""
    seen: dict[str, list[Change] | None] = {}
    for finding in findings:
        before = seen.get(finding.case.surface, [])
        is_sure = before is not None and finding.unchecked is None
        seen[finding.case.surface] = [*(before or ()), *finding.seen] if is_sure else None
    return seen


def summarize(findings: Sequence[Finding], cases: Iterable[Case]) -> dict[str, Json]:
    """Give the report of a run; `cases` are those sent and those that they stand for."""
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.case.surface].append(finding)
    names: defaultdict[str, list[str]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: case.name):
        names[case.surface].append(case.name)
    surfaces = [_surface(name, group, names[name]) for name, group in sorted(groups.items())]
    return {
        "cachy": 1,
        "summary": _summary(findings, groups, surfaces),
        "surfaces": surfaces,
        "inconclusive": [
            {"fixture": one.case.name, "reason": why.reason, "detail": why.detail}
            for one in findings
            if (why := one.unchecked)
        ],
    }


def _summary(
    findings: Sequence[Finding],
    groups: Mapping[str, Sequence[Finding]],
    surfaces: Iterable[Mapping[str, Json]],
) -> dict[str, int]:
    """Count fixtures, then the branches that no answer took, then changes."""
    outcomes = [finding.outcome for finding in findings]
    severities = [row["severity"] for surface in surfaces for row in surface["changes"]]
    return {
        "checked": outcomes.count("clean") + outcomes.count("drift"),
        "clean": outcomes.count("clean"),
        "drift": outcomes.count("drift"),
        "inconclusive": sum(finding.unchecked is not None for finding in findings),
        "not_exercised": sum(map(_count_branches_not_taken, groups.values())),
        **{severity: severities.count(severity) for severity in SEVERITIES},
    }


def _count_branches_not_taken(group: Iterable[Finding]) -> int:
    answered = [finding for finding in group if finding.shown]
    known = frozenset[str]().union(*(finding.case.branches for finding in answered))
    return len(known.difference(*(finding.shown for finding in answered)))


def _surface(name: str, group: Sequence[Finding], fixtures: Sequence[str]) -> dict[str, Json]:
    outcomes = {finding.outcome for finding in group}
    changes = _merged(change for finding in group for change in finding.changes)
    return {
        "surface": name,
        "outcome": next(outcome for outcome in _RANKED if outcome in outcomes),
        "fixtures": [*fixtures],
        "changes": [change.to_json() for change in changes],
    }


def _merged(changes: Iterable[Change]) -> list[Change]:
    """Tell a change that several fixtures show once, worst first."""
    merged: dict[tuple[str, str, str | None], Change] = {}
    for change in changes:
        key = (change.rule, change.path, change.new)
        before = merged.get(key)
        fixtures = (*before.fixtures, *change.fixtures) if before else change.fixtures
        merged[key] = replace(before or change, fixtures=fixtures)
    return sorted(merged.values(), key=worst_first)
