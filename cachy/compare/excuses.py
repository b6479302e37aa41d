"""When a field that comes or goes says nothing: another branch, an empty parent, a default.

No rule here knows a provider's field: each asks what the two answers themselves show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cachy.providers.response_fields import ENDINGS, STATES
from cachy.structure.paths import Observation, Paths, parent_of

_UNLIKELY = 0.05
_TOP = re.compile(r"\$(\{[^}]*\})?\.\w+$")
_WORD = re.compile(r"[A-Z]?[a-z]{3,}")


@dataclass(slots=True)
class Comparison:
    """What the recorded answer shows, what all recordings do, and what the live answer does.

    `omits_defaults`: the API leaves out a field that holds its type's default.
    `demands_call`: the request leaves the model no choice but to call a tool.
    """

    own: Paths
    known: Paths
    live: Paths
    recordings: int = 1
    omits_defaults: bool = False
    demands_call: bool = False
    is_rerouted: bool | None = None
    _children: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    def children(self, paths: Paths, parent: str) -> dict[str, Observation]:
        """Give the fields of an object with their facts."""
        index = self._children.get(id(paths))
        if index is None:
            index = self._children[id(paths)] = {}
            for path in paths:
                index.setdefault(parent_of(path), []).append(path)
        return {path: paths[path] for path in index.get(parent, ())}


def is_silent(path: str, comparison: Comparison) -> bool:
    """Whether a field's coming or going can be told from the answers' content alone."""
    parent = parent_of(path)
    holders = comparison.own.get(parent), comparison.live.get(parent)
    if any(holder is None or not holder.objects for holder in holders):
        return True  # null, another type or another branch: it tells nothing of its fields
    if any(holder.objects == holder.hollows for holder in holders if holder):
        return True
    return (
        is_other_ending(parent, comparison)
        or is_tagged_by_key(parent, comparison)
        or is_switched(path, parent, comparison)
    )


def is_other_ending(parent: str, comparison: Comparison) -> bool:
    """Whether an answer around here ended, or a job stood, in a way that no recording shows.

    A choice that calls tools has other fields than one that is text.
    """
    return any(
        _is_new(f"{holder}.{name}", comparison) for holder in _upwards(parent) for name in ENDINGS
    )


def is_other_state(parent: str, comparison: Comparison) -> bool:
    """Whether a job around here is further on, or less far, than any recording shows."""
    return any(
        _is_new(f"{holder}.{name}", comparison) for holder in _upwards(parent) for name in STATES
    )


def is_other_backend(comparison: Comparison) -> bool:
    """Whether a router asked another back end than it did for the recordings."""
    if comparison.is_rerouted is None:
        known, live = (_backends(paths) for paths in (comparison.known, comparison.live))
        comparison.is_rerouted = bool(known and live and live.isdisjoint(known))
    return comparison.is_rerouted


def _backends(paths: Paths) -> frozenset[str]:
    found = [fact.backends for path, fact in paths.items() if fact.backends and _TOP.match(path)]
    return frozenset[str]().union(*found)


def _is_new(path: str, comparison: Comparison) -> bool:
    known, live = comparison.known.get(path), comparison.live.get(path)
    if not known or not live or not known.tokens or not live.tokens:
        return False
    return known.tokens.isdisjoint(live.tokens)


def writes_null(parent: str, comparison: Comparison) -> bool:
    """Whether an object says null of what it does not have, and so leaves nothing out."""
    fields = comparison.children(comparison.own, parent)
    return any("null" in fact.types for fact in fields.values())


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = parent_of(path)


def is_tagged_by_key(parent: str, comparison: Comparison) -> bool:
    """Whether the objects of an array or stream hold one field each: its name is the variant's."""
    if not parent.endswith("[*]") and not (parent.startswith("event(") and parent_of(parent)):
        return False
    tags = set[str]()
    for paths in (comparison.own, comparison.live):
        fields = comparison.children(paths, parent)
        if sum(fact.count for fact in fields.values()) != paths[parent].objects:
            return False
        tags |= set(fields)
    return len(tags) > 1


def is_sparse(path: str, comparison: Comparison) -> bool:
    """Whether so few items of the live answer have a field that the recorded ones may have none.

    The chance that as many recorded objects lack it, were it always as frequent as it is now.
    """
    live, parent = comparison.live[path], parent_of(path)
    if not live.is_optional or path.startswith("event("):
        return False
    holders = comparison.known[parent].objects
    return bool((1 - live.count / live.chances) ** holders > _UNLIKELY)


def is_switched(path: str, parent: str, comparison: Comparison) -> bool:
    """Whether a field beside it, of the same first word, went from empty to full or back.

    The details of a counter come with the first count.
    """
    word = _first_word(path)
    own, live = (comparison.children(paths, parent) for paths in (comparison.own, comparison.live))
    return bool(word) and any(
        own[name].is_blank != live[name].is_blank
        for name in own.keys() & live.keys()
        if _first_word(name) == word
    )


def _first_word(path: str) -> str:
    found = _WORD.match(path.rpartition(".")[2])
    return found[0].lower() if found else ""


def is_all_null(path: str, comparison: Comparison) -> bool:
    """Whether an object never held anything but nulls: it says no more than null does."""
    fields = comparison.children(comparison.known, path)
    return bool(fields) and all(fact.types == {"null"} for fact in fields.values())
