"""Sources about a surface other than its recordings: the SDK's response model, and a contract.

Where such a witness knows what is allowed at a path, one recording is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from cachy.compare.bodies.excuses import KNOWN, Comparison, is_root
from cachy.compare.catalogue.change import Change, make_change
from cachy.compare.catalogue.rule_type import RuleId
from cachy.structure.contract import Contract
from cachy.structure.paths import Observation, parent_of

Verdict = Literal["unknown", "known", "provider-ahead", "fixture-stale", "sdk-broken"]


class WitnessPlace(Protocol):
    """What a witness says of a path; empty types or tokens allow anything."""

    @property
    def is_required(self) -> bool:
        """Return whether an object must have it."""

    @property
    def types(self) -> frozenset[str]:
        """The JSON types allowed there."""

    @property
    def tokens(self) -> frozenset[str]:
        """The values of the enumeration there."""


class Witness(Protocol):
    """A source that knows which paths there may be, and what is allowed at them."""

    @property
    def verdict(self) -> Verdict:
        """How a change that breaks it is labelled."""

    def find(self, path: str) -> WitnessPlace | None:
        """Return what it says of a path; None if it does not know it."""

    def judge(self, rule: RuleId, path: str, old: str | None, new: str | None) -> Verdict:
        """Return whether the provider, the fixture or the SDK is behind; "known" if none is."""


@dataclass(frozen=True, slots=True)
class ContractPlace:
    """What a contract says of a path."""

    types: frozenset[str]
    tokens: frozenset[str]
    is_required: bool


@dataclass(frozen=True, slots=True)
class ContractWitness:
    """A contract's facts; one that fewer than three recordings have shown proves nothing."""

    contract: Contract
    verdict: Verdict = "unknown"

    def find(self, path: str) -> ContractPlace | None:
        """Return what the contract says of a path."""
        fact = self.contract.facts.get(path)
        if fact is None or fact.is_new or fact.is_opaque or "text" in fact.types:
            return None
        return ContractPlace(fact.types, fact.tokens, not fact.is_optional)

    def judge(self, rule: RuleId, path: str, old: str | None, new: str | None) -> Verdict:
        """Return "unknown": changes were learned from the contract already."""
        return "unknown"


def consult(
    witness: Witness, changes: Iterable[Change], known: Observation | None
) -> Iterator[Change]:
    """Drop the changes that a witness allows; raise those that it rejects to breaking.

    A field that three recordings or more had is risky to lose, even where the witness allows it.
    """
    for change in changes:
        verdict = witness.judge(change.rule, change.path, change.old, change.new)
        if verdict == "sdk-broken":
            yield replace(change, sdk=verdict, severity="breaking")
        elif verdict != "known":
            yield replace(change, sdk=verdict) if verdict != "unknown" else change
        elif change.rule == "field-removed" and known is not None and known.seen >= KNOWN:
            yield replace(change, sdk=verdict, severity="risky")


def find_breaches(
    witness: Witness, path: str, comparison: Comparison, changes: Sequence[Change]
) -> list[Change]:
    """Return the changes at a path, with those that only the witness shows.

    A change that was found already becomes breaking where the witness forbids it.
    """
    place, known, live = witness.find(path), comparison.known.get(path), comparison.live.get(path)
    if place is None or known is None:
        return [*changes]
    if live is None:
        found = [*_lacks(place, path, known, comparison)]
    else:
        found = [*_holds(place, path, known, live)]
    broken = [replace(change, sdk=witness.verdict, severity="breaking") for change in found]
    rules = {change.rule: change for change in broken}
    if not changes:
        return broken
    return [
        replace(change, severity="breaking") if change.rule in rules else change
        for change in changes
    ]


def _lacks(
    place: WitnessPlace, path: str, known: Observation, comparison: Comparison
) -> Iterator[Change]:
    parent = parent_of(path)
    holder = comparison.live.get(parent)
    if not place.is_required or known.is_optional or known.is_variant or holder is None:
        return
    if holder.objects > holder.hollows or (holder.objects and is_root(parent)):
        yield make_change("field-removed", path, known.type, None)


def _holds(
    place: WitnessPlace, path: str, known: Observation, live: Observation
) -> Iterator[Change]:
    allowed = place.types | ({"integer"} if "number" in place.types else set())
    bad = live.types - known.types - allowed if place.types else frozenset[str]()
    if bad == {"null"}:
        yield make_change("null-added", path, known.type, live.type)
    elif bad:
        rule: RuleId = "type-widened" if known.types & live.types else "type-changed"
        yield make_change(rule, path, known.type, live.type)
    if place.tokens and known.tokens:
        for token in sorted(live.tokens - known.tokens - place.tokens):
            yield make_change("enum-value-added", path, " | ".join(sorted(known.tokens)), token)
    if place.is_required and live.is_optional and not known.is_optional:
        yield make_change("field-became-optional", path, known.type, f"{live.type}, optional")
