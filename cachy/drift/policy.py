"""What the config says of changes: other severities, and what is ignored until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import cast

from cachy.config import Drift
from cachy.drift.changes import Change
from cachy.drift.rules import RULES, SEVERITIES, Severity
from cachy.errors import CachyError
from cachy.interaction import Json

_KEYS = ("rule", "surface", "path", "until", "reason")


def check_policy(policy: Drift) -> None:
    """Find mistakes before anything is sent and paid for.

    Raises:
        CachyError: a rule, a severity or a key that there is not, no reason, a date that is none.
    """
    for rule, severity in policy.severity.items():
        if rule not in RULES:
            raise CachyError(f"[tool.cachy.drift] severity: there is no rule {rule!r}.")
        if severity not in SEVERITIES:
            known = ", ".join(SEVERITIES)
            raise CachyError(f"[tool.cachy.drift] severity: {severity!r} is none of {known}.")
    for entry in policy.ignore:
        _check_entry(entry)


def _check_entry(entry: Json) -> None:
    keys = set(entry) if isinstance(entry, Mapping) else {str(entry)}
    if unknown := keys.difference(_KEYS):
        known = ", ".join(_KEYS)
        raise CachyError(f"[tool.cachy.drift] ignore: {min(unknown)!r} is none of {known}.")
    if not entry.get("reason"):
        raise CachyError('[tool.cachy.drift] ignore: every entry says its reason = "…".')
    _until(entry)


def apply_policy(
    changes: Sequence[Change], surface: str, policy: Drift, today: date
) -> list[Change]:
    """Give the changes that count, with the severities that the config gives them."""
    return [
        replace(change, severity=_severity(change, policy.severity))
        for change in changes
        if not any(_ignores(entry, change, surface, today) for entry in policy.ignore)
    ]


def _severity(change: Change, table: Mapping[str, str]) -> Severity:
    return cast(Severity, table.get(change.rule, change.severity))


def _ignores(entry: Mapping[str, Json], change: Change, surface: str, today: date) -> bool:
    facts = {"rule": change.rule, "path": change.path, "surface": surface}
    is_meant = all(
        fnmatchcase(fact, str(entry.get(key, "*")).replace("[", "[[]"))
        for key, fact in facts.items()
    )
    return is_meant and today <= _until(entry)


def _until(entry: Mapping[str, Json]) -> date:
    until = entry.get("until", date.max)
    if isinstance(until, datetime):
        return until.date()
    if isinstance(until, date):
        return until
    try:
        return date.fromisoformat(str(until))
    except ValueError:
        raise CachyError(
            f"[tool.cachy.drift] ignore: until = {until!r} is no date. Write YYYY-MM-DD."
        ) from None
