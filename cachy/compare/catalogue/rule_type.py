"""The columns of the catalogue: ids, severities, and what a row says of a kind of change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["breaking", "risky", "compatible"]
SEVERITIES: tuple[Severity, ...] = ("breaking", "risky", "compatible")


def is_at_least(severity: Severity, least: Severity) -> bool:
    """Return whether a severity is as bad as another, or worse."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(least)


RuleId = Literal[
    "field-added",
    "field-removed",
    "field-became-optional",
    "type-changed",
    "type-widened",
    "null-added",
    "null-resolved",
    "absent-null-swapped",
    "enum-value-added",
    "format-changed",
    "array-length-changed",
    "variant-added",
    "variant-vanished",
    "event-added",
    "event-vanished",
    "stream-order-changed",
    "terminator-changed",
    "status-changed",
    "request-rejected",
    "model-retired",
    "content-type-changed",
    "header-added",
    "header-removed",
    "api-version-changed",
    "redirect-host-changed",
    "deprecation-announced",
    "sunset-announced",
    "model-shutdown-announced",
    "model-alias-moved",
    "error-shape-changed",
    "tool-added",
    "tool-removed",
    "parameter-added",
    "parameter-removed",
    "parameter-required",
    "parameter-changed",
]

# One response proves that something is there; that something is gone must be seen again.
Evidence = Literal["presence", "absence"]
# What an SDK's response model can say of a change: whether it knows the field, whether it requires
# it, which types or tokens it allows, whether it knows the member of the union, or nothing.
SdkQuestion = Literal["field", "required", "types", "token", "member"]
# How a change gets into a recorded response: as structure, as the new token of an enumeration, or
# by leaving out a member of a union.
Graft = Literal["structure", "token", "drop-member"]
# What of the request the API refused, where the change is a refusal.
RefusedPart = Literal["request", "model"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what a change means, why it matters, an example, and what to do.

    `when_seen_again`: the rule that applies instead if one live response lacks what another has.
    """

    id: RuleId
    severity: Severity
    what: str
    why: str
    example: str
    advice: str
    evidence: Evidence = "presence"
    sdk: SdkQuestion | None = None
    graft: Graft = "structure"
    when_seen_again: RuleId | None = None
    refused: RefusedPart | None = None
