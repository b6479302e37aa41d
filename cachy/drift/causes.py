"""Changes that have one cause."""

from __future__ import annotations

from collections.abc import Sequence

from cachy.drift.change import Change


def merge_causes(changes: Sequence[Change]) -> list[Change]:
    """One cause in many events is one change: it is told at the first place only."""
    first: dict[tuple[str | None, ...], Change] = {}
    for change in changes:
        event, _, inner = change.path.partition(").")
        tail = inner.partition(".")[2] or inner if event.startswith("event(") else change.path
        old = None if change.rule == "field-added" else change.old
        first.setdefault((change.rule, tail or change.path, old), change)
    return list(first.values())
