"""Changes with one cause become one change; renames are suggested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cachy.compare.catalogue.change import Change
from cachy.structure.paths import parent_of


def merge_causes(changes: Sequence[Change]) -> list[Change]:
    """Return changes in many events that have one cause as one change, at the first place."""
    first: dict[tuple[str | None, ...], Change] = {}
    for change in changes:
        event, _, inner = change.path.partition(").")
        tail = inner.partition(".")[2] or inner if event.startswith("event(") else change.path
        old = None if change.rule == "field-added" else change.old
        first.setdefault((change.rule, tail or change.path, old), change)
    return list(first.values())


def hint_renames(changes: Iterable[Change]) -> list[Change]:
    """Return changes with a hint at renames: one field gone and one new, in one place."""
    hinted = list(changes)
    places: defaultdict[tuple[str, str | None], dict[str, list[int]]] = defaultdict(dict)
    for at, change in enumerate(hinted):
        if change.rule in ("field-removed", "field-added"):
            place = (parent_of(change.path), change.old or change.new)
            places[place].setdefault(change.rule, []).append(at)
    for found in places.values():
        gone, new = (found.get(rule, []) for rule in ("field-removed", "field-added"))
        if len(gone) == len(new) == 1:
            old, fresh = hinted[gone[0]], hinted[new[0]]
            hinted[gone[0]] = replace(old, hint=f"renamed to {fresh.path}?")
            hinted[new[0]] = replace(fresh, hint=f"renamed from {old.path}?")
    return hinted
