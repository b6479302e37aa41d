"""What the config says of changes: other severities, and what is ignored until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from typing import cast

from cachy.config import Drift
from cachy.drift.changes import Change
from cachy.drift.rules import RULES, SEVERITIES, Severity
from cachy.errors import CachyError
from cachy.interaction import Json


def apply_policy(
    changes: Sequence[Change], surface: str, policy: Drift, today: date
) -> list[Change]:
    """Give the changes that count, with the severities that the config gives them.

    Raises:
        CachyError: a rule or a severity that there is not, or a date that is none.
    """
    _check_severities(policy.severity)
    return [
        replace(change, severity=_severity(change, policy.severity))
        for change in changes
        if not any(_ignores(entry, change, surface, today) for entry in policy.ignore)
    ]


def _severity(change: Change, table: Mapping[str, str]) -> Severity:
    return cast(Severity, table.get(change.rule, change.severity))


def _check_severities(table: Mapping[str, str]) -> None:
    for rule, severity in table.items():
        if rule not in RULES:
            raise CachyError(f"[tool.cachy.drift] severity: there is no rule {rule!r}.")
        if severity not in SEVERITIES:
            known = ", ".join(SEVERITIES)
            raise CachyError(f"[tool.cachy.drift] severity: {severity!r} is none of {known}.")


def _ignores(entry: Mapping[str, Json], change: Change, surface: str, today: date) -> bool:
    if not entry.get("reason"):
        raise CachyError('[tool.cachy.drift] ignore: every entry says its reason = "…".')
    matches = (
        ("rule", change.rule),
        ("path", change.path),
        ("surface", surface),
    )
    escaped = {key: str(entry.get(key, "*")).replace("[", "[[]") for key, _ in matches}
    is_meant = all(fnmatchcase(value, escaped[key]) for key, value in matches)
    return is_meant and today <= _until(entry)


def _until(entry: Mapping[str, Json]) -> date:
    until = entry.get("until", date.max)
    if isinstance(until, date):
        return until
    try:
        return date.fromisoformat(str(until))
    except ValueError:
        raise CachyError(
            f"[tool.cachy.drift] ignore: until = {until!r} is no date. Write YYYY-MM-DD."
        ) from None
