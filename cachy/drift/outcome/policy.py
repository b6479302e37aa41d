"""What the settings say of changes: other severities, and what is ignored until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from difflib import get_close_matches
from typing import cast

from cachy.compare.catalogue.rule_type import SEVERITIES, Severity
from cachy.compare.catalogue.rules import RULES
from cachy.compare.compare import Change
from cachy.config import Drift
from cachy.display import matches_glob
from cachy.drift.live.credentials import check_hosts
from cachy.drift.live.permission import refuse_surfaces
from cachy.drift.outcome.report import IgnoreRow
from cachy.errors import CachyError
from cachy.interaction import Json

_KEYS = ("rule", "surface", "path", "until", "reason")


def check_policy(policy: Drift) -> None:
    """Find mistakes in the settings before anything is sent and paid for.

    Raises:
        CachyError: an unknown rule, severity or key, a missing reason, or an invalid date.
    """
    for rule, severity in policy.severity.items():
        if rule not in RULES:
            raise _unknown_rule("[tool.cachy.drift] severity", rule)
        if severity not in SEVERITIES:
            known = ", ".join(SEVERITIES)
            raise CachyError(f"[tool.cachy.drift] severity: {severity!r} is not one of {known}.")
    check_hosts(policy.hosts)
    refuse_surfaces("allow", policy.allow)
    refuse_surfaces("skip", policy.skip)
    for number, entry in enumerate(policy.ignore, 1):
        _check_entry(entry, f"[tool.cachy.drift] ignore, entry {number}")


def _check_entry(entry: Json, at: str) -> None:
    keys = set(entry) if isinstance(entry, Mapping) else {str(entry)}
    if unknown := keys.difference(_KEYS):
        known = ", ".join(_KEYS)
        raise CachyError(f"{at}: {min(unknown)!r} is not one of {known}.")
    rule = str(entry.get("rule", "*"))
    if not any(matches_glob(name, rule) for name in RULES):
        raise _unknown_rule(at, rule)
    if not str(entry.get("reason", "")).strip():
        shown = ", ".join(f'{key} = "{entry[key]}"' for key in _KEYS if key in entry)
        raise CachyError(f"{at}, {{ {shown} }} has no reason.", advice='Add reason = "…".')
    try:
        _until(entry)
    except ValueError:
        problem = f"{at}: until = {entry['until']!r} is not a date"
        raise CachyError(problem, advice="Write YYYY-MM-DD.") from None


def _unknown_rule(where: str, name: str) -> CachyError:
    near = get_close_matches(name, RULES, n=1)
    known = f"Did you mean {near[0]!r}?" if near else "cachy explain lists them."
    return CachyError(f"{where}: unknown rule {name!r}.", advice=known)


def apply_policy(
    changes: Sequence[Change], surface: str, policy: Drift, today: date
) -> list[Change]:
    """Return the changes that count, with the severities that the settings give them."""
    return [
        replace(change, severity=_severity(change, policy.severity))
        for change in changes
        if not any(_ignores(entry, change, surface, today) for entry in policy.ignore)
    ]


def find_idle_ignores(
    policy: Drift, seen: Mapping[str, Sequence[Change] | None] | None, today: date
) -> tuple[IgnoreRow, ...]:
    """Return the ignores that can be removed: expired, or without an effect.

    `seen` holds the changes of each surface before any ignore, None for one that was not checked
    whole. Pass None for a run about a part of the fixtures.
    """
    idle = []
    for entry in policy.ignore:
        is_expired = today > _until(entry)
        if is_expired or (seen is not None and not _may_be_used(entry, seen, today)):
            shown = {key: str(entry[key]) for key in _KEYS if key in entry}
            idle.append(IgnoreRow(state="expired" if is_expired else "unused", **shown))
    return tuple(idle)


def _may_be_used(
    entry: Mapping[str, Json], seen: Mapping[str, Sequence[Change] | None], today: date
) -> bool:
    return any(
        changes is None or any(_ignores(entry, change, surface, today) for change in changes)
        for surface, changes in seen.items()
        if _fits(entry, "surface", surface)
    )


def _severity(change: Change, table: Mapping[str, str]) -> Severity:
    return cast(Severity, table.get(change.rule, change.severity))


def _ignores(entry: Mapping[str, Json], change: Change, surface: str, today: date) -> bool:
    facts = {"rule": change.rule, "path": change.path, "surface": surface}
    return today <= _until(entry) and all(_fits(entry, *fact) for fact in facts.items())


def _fits(entry: Mapping[str, Json], key: str, fact: str) -> bool:
    return matches_glob(fact, str(entry.get(key, "*")))


def _until(entry: Mapping[str, Json]) -> date:
    until = entry.get("until", date.max)
    if isinstance(until, datetime):
        return until.date()
    if isinstance(until, date):
        return until
    return date.fromisoformat(str(until))
