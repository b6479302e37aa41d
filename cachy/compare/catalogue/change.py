"""One structural difference."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from cachy.compare.catalogue.rule_type import SEVERITIES, RuleId, Severity
from cachy.compare.catalogue.rules import RULES
from cachy.interaction import Json


@dataclass(frozen=True, slots=True)
class Change:
    """One structural difference; `old` and `new` are types or tokens, never values.

    `hint` says what may explain it: "renamed to total?", or the code of an error.
    """

    rule: RuleId
    severity: Severity
    path: str
    old: str | None = None
    new: str | None = None
    confirmed: str = "1/1"
    sdk: str = "unknown"
    fixtures: tuple[str, ...] = ()
    hint: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return the change as the report has it; without a hint if there is none."""
        row: dict[str, Json] = {**asdict(self), "fixtures": list(self.fixtures)}
        return row if self.hint else {key: row[key] for key in row if key != "hint"}


def make_change(
    rule: RuleId,
    path: str,
    old: str | None = None,
    new: str | None = None,
    severity: Severity | None = None,
) -> Change:
    """Return a change with its rule's severity, unless another is given."""
    return Change(rule, severity or RULES[rule].severity, path, old, new)


def worst_first(change: Change) -> tuple[int, str, str]:
    """Return a sort key: by severity, then by path."""
    return SEVERITIES.index(change.severity), change.path, change.rule
