"""The JSON reports of `cachy verify` and `cachy drift` as objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEVERITIES = ("breaking", "risky", "compatible")
FINDING_SEVERITIES = ("error", "warning", "info")
OPERATIONS = ("created", "updated", "closed", "blocked", "none")
VERSION = 1


class UnreadableReport(Exception):
    """What cachy printed is not a report that this action knows."""


@dataclass(frozen=True)
class ReportedFinding:
    rule: str
    severity: str
    fixture: str
    detail: str
    fix: str


@dataclass(frozen=True)
class ReportedChange:
    surface: str
    rule: str
    severity: str
    path: str
    old: str
    new: str
    confirmed: str
    fixture: str
    models: str
    test: str
    declined: str


@dataclass(frozen=True)
class ReportedUnchecked:
    fixture: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Tests:
    command: str
    failed: tuple[str, ...]


@dataclass(frozen=True)
class PullRequest:
    operation: str = "none"
    number: str = ""
    url: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verified:
    counts: Mapping[str, int]
    findings: tuple[ReportedFinding, ...]


@dataclass(frozen=True)
class Drifted:
    counts: Mapping[str, int]
    is_silenced: bool
    changes: tuple[ReportedChange, ...]
    unchecked: tuple[ReportedUnchecked, ...]
    tests: Tests | None
    pull_request: PullRequest
    spent: Mapping[str, int]


def parse_report(text: bytes, command: str) -> Verified | Drifted:
    """Return the report that `cachy COMMAND --format json` printed.

    Raises:
        UnreadableReport: it is not JSON, of another version, or of another shape.
    """
    try:
        document = json.loads(text)
        if document["cachy"] != VERSION:
            raise UnreadableReport(f"report version {document['cachy']!r} is not {VERSION}")
        return _verified(document) if command == "verify" else _drifted(document)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnreadableReport(f"{type(error).__name__}: {error}") from None


def _verified(document: Any) -> Verified:
    counts = _counts(document["summary"], ("fixtures", "errors", "warnings"))
    return Verified(counts, tuple(map(_finding, document["findings"])))


def _drifted(document: Any) -> Drifted:
    wanted = ("checked", "clean", "drift", "inconclusive", "not_exercised", *SEVERITIES)
    surfaces = document["surfaces"]
    return Drifted(
        counts=_counts(document["summary"], wanted),
        is_silenced=_is_silenced(surfaces, document.get("skipped") or ()),
        changes=tuple(
            _change(surface, change) for surface in surfaces for change in surface["changes"]
        ),
        unchecked=tuple(map(_unchecked, document.get("inconclusive") or ())),
        tests=_tests(document.get("tests")),
        pull_request=_pull_request(document.get("pull_request")),
        spent=_counts({**_NOTHING, **(document.get("spent") or {})}, tuple(_NOTHING)),
    )


def _is_silenced(surfaces: Any, skipped: Any) -> bool:
    """Return whether the project's own setting `skip` covers every surface."""
    is_skipped = all(surface["outcome"] == "skipped" for surface in surfaces)
    return bool(surfaces) and is_skipped and all(row["reason"] == "skip" for row in skipped)


_NOTHING = {"requests": 0, "output_tokens": 0}  # what a report that does not say it has spent


def _finding(row: Any) -> ReportedFinding:
    severity = _one_of(FINDING_SEVERITIES, row["severity"])
    texts = (_text(row.get(key)) for key in ("fixture", "detail", "fix"))
    return ReportedFinding(_text(row["rule"]), severity, *texts)


def _change(surface: Any, row: Any) -> ReportedChange:
    return ReportedChange(
        surface=_text(surface["surface"]),
        rule=_text(row["rule"]),
        severity=_one_of(SEVERITIES, row["severity"]),
        path=_text(row["path"]),
        old=_text(row.get("old")),
        new=_text(row.get("new")),
        confirmed=_text(row.get("confirmed")),
        fixture=_first(row, "fixtures"),
        models=", ".join(map(_text, row.get("models") or ())),
        test=_first(row, "tests"),
        declined=_text(row.get("declined")),
    )


def _first(row: Any, name: str) -> str:
    return _text(next(iter(row.get(name) or ()), ""))


def _unchecked(row: Any) -> ReportedUnchecked:
    return ReportedUnchecked(_text(row["fixture"]), _text(row["reason"]), _text(row.get("detail")))


def _tests(row: Any) -> Tests | None:
    return row and Tests(_text(row["command"]), tuple(map(_text, row["failed"])))


def _pull_request(row: Any) -> PullRequest:
    if not row:
        return PullRequest()
    operation = _one_of(OPERATIONS, row["operation"])
    left_out = tuple(map(_text, row.get("left_out") or ()))
    return PullRequest(operation, _text(row.get("number")), _text(row.get("url")), left_out)


def _counts(summary: Any, names: tuple[str, ...]) -> dict[str, int]:
    return {name: int(summary[name]) for name in names}


def _one_of(known: tuple[str, ...], value: Any) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is not one of {', '.join(known)}")
    return str(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
