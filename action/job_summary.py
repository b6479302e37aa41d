"""What a run's page shows of a report: outputs, annotations and the step summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from escape import cell, code, plain
from report import (
    SEVERITIES,
    Drifted,
    PullRequest,
    ReportedChange,
    ReportedFinding,
    ReportedUnchecked,
    Tests,
    Verified,
)
from workflow import Annotation

KIND_OF_SEVERITY = {
    **{"error": "error", "warning": "warning", "info": "notice"},
    **{"breaking": "error", "risky": "warning", "compatible": "notice"},
}


def outputs_of(report: Verified | Drifted) -> dict[str, str]:
    """Return every output; those of the other command are zero or ""."""
    pull_request = report.pull_request if isinstance(report, Drifted) else PullRequest()
    counted = (*SEVERITIES, "inconclusive")
    return {
        "outcome": outcome_of(report),
        **{name: str(report.counts.get(name, 0)) for name in counted},
        "pull-request-number": plain(pull_request.number),
        "pull-request-url": plain(pull_request.url),
        "pull-request-operation": pull_request.operation,
    }


def outcome_of(report: Verified | Drifted) -> str:
    """Return the report's outcome; what could not be checked is never clean."""
    counts = report.counts
    if isinstance(report, Verified):
        found = "findings" if counts["errors"] or counts["warnings"] else ""
        unsure = not counts["fixtures"]
    else:
        found = "drift" if counts["drift"] else "skipped" if report.is_silenced else ""
        unsure = bool(counts["inconclusive"] or not counts["checked"])
    return found or ("inconclusive" if unsure else "clean")


def annotations_of(report: Verified | Drifted) -> list[Annotation]:
    """Return an annotation for each finding, change that nobody declined, or unchecked fixture."""
    if isinstance(report, Verified):
        return [_finding_annotation(finding) for finding in report.findings]
    changes = [_change_annotation(change) for change in report.changes if not change.declined]
    return [*changes, *map(_unchecked_annotation, report.unchecked)]


def render_summary(report: Verified | Drifted) -> list[str]:
    """Return the step summary as lines of Markdown."""
    rows = _verify_lines(report) if isinstance(report, Verified) else _drift_lines(report)
    return list(rows)


def _finding_annotation(finding: ReportedFinding) -> Annotation:
    message = _sentence(finding.detail, finding.fix)
    kind = KIND_OF_SEVERITY[finding.severity]
    return Annotation(kind, _title(finding.rule), message, finding.fixture)


def _change_annotation(change: ReportedChange) -> Annotation:
    was = f"was {plain(change.old)}" if change.old else ""
    now = f"now {plain(change.new)}" if change.new else ""
    path = f"{plain(change.path)} ({plain(change.surface)})"
    kind = KIND_OF_SEVERITY[change.severity]
    return Annotation(kind, _title(change.rule), _sentence(path, was, now), change.fixture)


def _unchecked_annotation(unchecked: ReportedUnchecked) -> Annotation:
    message = _sentence(unchecked.reason, unchecked.detail)
    return Annotation("warning", "cachy: inconclusive", message, unchecked.fixture)


def _title(rule: str) -> str:
    return f"cachy: {plain(rule)}"


def _sentence(*parts: str) -> str:
    return "; ".join(plain(part, 1000) for part in parts if part)


def _verify_lines(report: Verified) -> Iterator[str]:
    counts = report.counts
    yield f"## cachy verify: {outcome_of(report)}"
    yield ""
    yield " · ".join(f"{counts[name]} {name}" for name in ("fixtures", "errors", "warnings"))
    rows = [(f.severity, cell(f.rule), cell(f.fixture), _details(f)) for f in report.findings]
    yield from _table(("severity", "rule", "fixture", "what, and what to do"), rows)


def _details(finding: ReportedFinding) -> str:
    return "<br>".join(cell(text) for text in (finding.detail, finding.fix) if text)


def _drift_lines(report: Drifted) -> Iterator[str]:
    counts = report.counts
    yield f"## cachy drift: {outcome_of(report)}"
    yield ""
    yield " · ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES)
    yield ""
    shown = ("checked", "clean", "drift", "inconclusive", "not_exercised")
    yield " · ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in shown)
    if report.is_silenced:
        yield from ("", "Nothing was checked: `skip` in `[tool.cachy.drift]` covers every surface.")
    if requests := report.spent["requests"]:
        tokens = report.spent["output_tokens"]
        yield from ("", f"spent {_many(requests, 'request')} and {_many(tokens, 'output token')}")
    yield from _pull_request_lines(report.pull_request)
    for surface, changes in groupby(report.changes, key=lambda change: change.surface):
        yield from ("", f"### {code(surface)}")
        yield from _table(_CHANGE_COLUMNS, map(_change_row, changes))
    yield from _tests_lines(report.tests)
    if report.unchecked:
        yield from ("", "### Inconclusive")
        rows = ((cell(u.fixture), cell(u.reason), cell(u.detail)) for u in report.unchecked)
        yield from _table(("fixture", "reason", "detail"), rows)


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + "s" * (number != 1)


_CHANGE_COLUMNS = (
    "severity",
    "rule",
    "path",
    "was",
    "now",
    "confirmed",
    "model",
    "fixture",
    "test",
)


def _change_row(change: ReportedChange) -> tuple[str, ...]:
    facts = (change.rule, change.path, change.old, change.new, change.confirmed)
    seen = (change.models, change.fixture, change.test)
    declined = f", declined in #{change.declined}" if change.declined.isdigit() else ""
    return change.severity + declined, *map(cell, (*facts, *seen))


def _pull_request_lines(pull_request: PullRequest) -> Iterator[str]:
    if pull_request.operation == "none" and not pull_request.left_out:
        return
    yield ""
    yield f"Pull request {_link(pull_request)}: {pull_request.operation}"
    for path in pull_request.left_out:
        yield f"- left out {code(path)}: the base has another version"


def _link(pull_request: PullRequest) -> str:
    number, url = pull_request.number, pull_request.url
    if number.isdigit() and re.fullmatch(r"https?://[\w./:-]+", url, re.ASCII):
        return f"[#{number}]({url})"
    return code(url or number)


def _tests_lines(tests: Tests | None) -> Iterator[str]:
    if tests and tests.failed:
        yield from ("", f"### Tests that fail with the new responses ({code(tests.command)})", "")
        yield from (f"- {code(test)}" for test in tests.failed)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    body = [f"| {' | '.join(row)} |" for row in rows]
    if body:
        yield from ("", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *body)
