"""What changed in a stream's grammar: its kinds of events, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cachy.compare.bodies.excuses import KNOWN, SURE
from cachy.compare.catalogue.change import Change, make_change
from cachy.structure.learn import Structure


def compare_streams(recorded: Structure, known: Structure, live: Structure) -> list[Change]:
    """Return what changed between a stream and the recorded ones."""
    if not recorded.streams or not live.streams:
        return []
    return [
        *_compare_events(recorded, known, live),
        *_compare_endings(recorded, known, live),
        *_compare_order(known, live),
    ]


def has_one_grammar(recorded: Structure, live: Structure) -> bool:
    """Return whether two streams have the same events in the same order, and one end."""
    return (
        recorded.roots.keys() == live.roots.keys()
        and recorded.orders.keys() == live.orders.keys()
        and recorded.endings.keys() == live.endings.keys()
    )


def _compare_events(recorded: Structure, known: Structure, live: Structure) -> Iterator[Change]:
    for name in sorted(live.roots.keys() - known.roots.keys()):
        yield make_change("event-added", name, None, "object")
    for name in sorted(recorded.roots.keys() - live.roots.keys()):
        seen = known.roots[name].seen
        if seen == known.recordings:
            change = make_change("event-vanished", name, "object")
            yield change if seen >= SURE else replace(change, severity="risky")


def _compare_endings(recorded: Structure, known: Structure, live: Structure) -> Iterator[Change]:
    if live.endings.keys().isdisjoint(known.endings.keys() | recorded.endings.keys()):
        old, new = (" | ".join(sorted(ends.endings)) for ends in (recorded, live))
        yield make_change("terminator-changed", "stream", old, new)


def _compare_order(known: Structure, live: Structure) -> Iterator[Change]:
    """Yield the first pair of events that always came in one order, and now in the other."""
    for one, other in live.orders:
        count = known.orders.get((other, one), 0)
        if count >= KNOWN and (one, other) not in known.orders:
            yield make_change(
                "stream-order-changed", "stream", f"{other}, {one}", f"{one}, {other}"
            )
            return
