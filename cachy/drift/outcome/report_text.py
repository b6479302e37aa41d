"""The report for a person at a terminal, and for a program."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from cachy.compare.catalogue.rule_type import SEVERITIES
from cachy.display import counted, printable
from cachy.drift.outcome.change_text import INDENT, change_lines, listed
from cachy.drift.outcome.report import (
    ChangeRow,
    DriftReport,
    IgnoreRow,
    SkippedRow,
    Summary,
    SurfaceRow,
)
from cachy.drift.outcome.typed_json import dump

_SILENCED = "Nothing was checked: skip = [...] in [tool.cachy.drift] covers every surface."


def render_json(report: DriftReport) -> str:
    """Return a report for a program."""
    return json.dumps(report.to_json(), indent=2, ensure_ascii=False)


def render_text(report: DriftReport) -> str:
    """Return a report for a terminal: what drifted first, worst first."""
    return "\n".join(
        [
            *_changes(report.surfaces),
            *_tests(report),
            *_stale(report.surfaces),
            *_transient(report.surfaces),
            *_inconclusive(report),
            *_skipped(report.skipped),
            *map(_ignore_line, report.ignores),
            *_not_exercised(report.surfaces),
            summary_line(report.summary),
            *([_SILENCED] if report.surfaces and report.is_silenced else []),
            *_spent(report),
        ]
    )


def summary_line(summary: Summary) -> str:
    """Return one line that says what was checked and what was found."""
    names = ["clean", "drift", "inconclusive", "not_exercised"]
    names += [name for name in ("skipped", "transient", "stale") if getattr(summary, name)]
    counts = ", ".join(f"{getattr(summary, name)} {name.replace('_', ' ')}" for name in names)
    changes = ", ".join(f"{getattr(summary, name)} {name}" for name in SEVERITIES)
    return f"checked {summary.checked}: {counts}; changes: {changes}"


def _changes(surfaces: Iterable[SurfaceRow]) -> Iterator[str]:
    """Yield each change once, under all surfaces that show it."""
    owners: defaultdict[ChangeRow, list[str]] = defaultdict(list)
    for surface in surfaces:
        for row in surface.changes:
            owners[_without_owner(row)].append(_heading(surface))
    details: dict[ChangeRow, ChangeRow] = {}
    for row in (row for surface in surfaces for row in surface.changes):
        first = details.setdefault(_without_owner(row), row)
        if first is not row:
            details[_without_owner(row)] = replace(
                first,
                fixtures=(*first.fixtures, *row.fixtures),
                tests=tuple(dict.fromkeys((*first.tests, *row.tests))),
            )
    groups: defaultdict[tuple[str, ...], list[ChangeRow]] = defaultdict(list)
    for key, names in owners.items():
        groups[tuple(names)].append(details[key])
    for headings, rows in groups.items():
        yield from headings
        for row in rows:
            yield from _change(row)
        yield ""


def _without_owner(row: ChangeRow) -> ChangeRow:
    """Return what makes rows of different surfaces the same."""
    return ChangeRow(
        rule=row.rule,
        severity=row.severity,
        path=row.path,
        old=row.old,
        new=row.new,
        confirmed=row.confirmed,
        sdk=row.sdk,
        fixtures=(),
        hint=row.hint,
        models=row.models if row.path == "status" else (),
        message=row.message,
    )


def _heading(surface: SurfaceRow) -> str:
    return f"{printable(surface.surface)}  ({counted(len(surface.fixtures), 'fixture')})"


def _change(row: ChangeRow) -> Iterator[str]:
    first, *advice = change_lines(dump(row))
    seen = "" if row.confirmed in ("1/1", "3/3") else f"  [seen in {row.confirmed} tries]"
    yield first + seen
    if row.path == "status" and row.models:
        yield f"{INDENT}Model: {listed(row.models)}"
    if row.parameter:
        yield f"{INDENT}Parameter: {printable(row.parameter)}"
    if row.message:
        yield f'{INDENT}The API says: "{printable(row.message)}"'
    if row.note:
        yield INDENT + printable(row.note)
    yield f"{INDENT}In {listed(row.fixtures)}" + (
        f", recorded by {listed(row.tests)}" if row.tests else ""
    )
    yield from advice


def _tests(report: DriftReport) -> Iterator[str]:
    tests = report.tests
    if not tests:
        return
    if tests.problem:
        yield f"--check {printable(tests.command)}: {printable(tests.problem)}"
    elif tests.failed:
        yield f"Tests that pass today and fail with the new responses ({printable(tests.command)}):"
        yield from (f"  {printable(name)}" for name in tests.failed)
    else:
        yield f"No test fails with the new responses ({tests.passed} passed)."
    yield ""


def _stale(surfaces: Iterable[SurfaceRow]) -> Iterator[str]:
    for surface in surfaces:
        if surface.stale:
            yield (
                f"stale: {listed(surface.stale)}: still with the old structure; "
                "cachy drift --all asks for it"
            )


def _transient(surfaces: Iterable[SurfaceRow]) -> Iterator[str]:
    for surface in surfaces:
        for row in surface.transient:
            what = f"{row.rule} at {row.path} of {surface.surface}"
            yield f"transient: {printable(what)}: seen in {row.confirmed} tries, not reported"


def _inconclusive(report: DriftReport) -> Iterator[str]:
    groups: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in report.inconclusive:
        groups[row.surface, row.reason, row.detail].append(row.fixture)
    for (surface, reason, detail), names in groups.items():
        yield printable(f"not checked ({reason}): {surface}: {listed(names)}: {detail}")
    if groups:
        yield "inconclusive: could not be checked, so neither drift nor clean."


def _skipped(rows: Sequence[SkippedRow]) -> Iterator[str]:
    for row in rows:
        if row.reason != "skip":
            number = counted(len(row.fixtures), "fixture")
            yield printable(f"skipped: {row.surface} ({number}): {row.detail}")
    paste = paste_lines(rows)
    if paste:
        yield "To send them, put this into pyproject.toml (skip = [...] hides them for good):"
        yield from (f"  {printable(line)}" for line in paste)


def paste_lines(rows: Iterable[SkippedRow]) -> list[str]:
    """Return the settings that would send what was skipped, as lines of TOML; [] for none."""
    rows = list(rows)
    allow = dict.fromkeys(row.allow for row in rows if row.allow)
    hosts = dict.fromkeys(row.hosts for row in rows if row.hosts)
    lines = [f"allow = [{', '.join(map(_quoted, allow))}]"] if allow else []
    if hosts:
        pairs = (f'{_quoted(host)} = "Authorization: Bearer ${{API_KEY}}"' for host in hosts)
        lines.append(f'hosts = {{ {", ".join(pairs)} }}  # or "" for a host that needs no key')
    return ["[tool.cachy.drift]", *lines] if lines else []


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _ignore_line(entry: IgnoreRow) -> str:
    facts = {"rule": entry.rule, "surface": entry.surface, "path": entry.path}
    meant = ", ".join(f"{key} {value}" for key, value in facts.items() if value)
    why = f"expired on {entry.until}" if entry.state == "expired" else "nothing matched it"
    return printable(f"[tool.cachy.drift] ignore ({meant or 'everything'}): {why}. Remove it.")


def _not_exercised(surfaces: Iterable[SurfaceRow]) -> Iterator[str]:
    for surface in surfaces:
        if surface.not_exercised:
            names = listed(surface.not_exercised)
            yield f"not exercised: {printable(surface.surface)}: {names}"
    if any(surface.not_exercised or surface.outcome == "not_exercised" for surface in surfaces):
        yield "not exercised: recorded, but no response took that branch this time; not a finding."


def _spent(report: DriftReport) -> Iterator[str]:
    if report.spent.requests:
        spent = report.spent
        tokens = f" and {spent.output_tokens:,} output tokens" if spent.output_tokens else ""
        yield f"spent {counted(spent.requests, 'request')}{tokens}"
