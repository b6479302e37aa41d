"""When a field that comes or goes is not a change: another branch, an empty parent, a default.

No excuse here knows a provider's field: each looks at what the two responses show. None applies to
the body itself: below a union another branch may differ, but the root may not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cachy.compare.bodies.records import UNLIKELY, is_chance
from cachy.providers.response_fields import ENDINGS, STATES
from cachy.structure.paths import Observation, Paths, parent_of

KNOWN = 3  # recordings that make a regularity worth a word
SURE = 10  # recordings that make it a fact, where one response alone says otherwise

_TOP = re.compile(r"\$(\{[^}]*\})?\.\w+$")
_ROOT = re.compile(r"\$(\{[^}]*\})?")
_CAMEL = re.compile(r"[a-z]+[A-Z]\w*")
_SNAKE = re.compile(r"[a-z]+_\w*")
_WORD = re.compile(r"[A-Z]?[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a surface and of its API before its responses are compared.

    `is_closed`: the provider is known, and the unions of its responses are its own; elsewhere a
    list may hold records of any kind. `omits_defaults`: the API leaves out a field that holds its
    type's default. `demands_call`: the request requires the model to call a tool.
    """

    is_closed: bool = False
    omits_defaults: bool = False
    demands_call: bool = False


def _never(path: str) -> bool:
    return False


@dataclass(slots=True)
class Comparison:
    """What the recorded response shows, what all recordings show, and what the live one shows.

    `is_unchanged` says of a path whether the objects around it hold the same values as recorded, so
    that no other content explains a difference there.
    """

    own: Paths
    known: Paths
    live: Paths
    recordings: int = 1
    traits: Traits = Traits()
    is_unchanged: Callable[[str], bool] = _never
    is_rerouted: bool | None = None
    _writes_empty: bool | None = None
    _children: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    def children(self, paths: Paths, parent: str) -> dict[str, Observation]:
        """Return the fields of an object with what was observed of them."""
        index = self._children.get(id(paths))
        if index is None:
            index = self._children[id(paths)] = {}
            for path in paths:
                index.setdefault(parent_of(path), []).append(path)
        return {path: paths[path] for path in index.get(parent, ())}

    @property
    def writes_empty(self) -> bool:
        """Return whether the API writes null, "", [] or {} for what is not there."""
        if self._writes_empty is None:
            sides = (self.known, self.live)
            self._writes_empty = any(one.writes_empty for side in sides for one in side.values())
        return self._writes_empty


def is_root(path: str) -> bool:
    """Return whether a path is the body itself."""
    return _ROOT.fullmatch(path) is not None


def is_root_lost(comparison: Comparison) -> bool:
    """Return whether a body keeps less than half of the fields that every recorded one had."""
    needed = [
        path
        for path, known in comparison.known.items()
        if is_root(parent_of(path)) and not (known.is_optional or known.is_variant or known.is_map)
        if not path.endswith((".*", "[*]"))
    ]
    kept = [path for path in needed if path in comparison.live]
    root = comparison.live.get("$")
    return root is not None and "object" in root.types and 2 * len(kept) < len(needed)


def is_replaced(path: str, comparison: Comparison) -> bool:
    """Return whether a field is one of a body that became another one.

    A job that is not far yet shows few fields, all of them known.
    """
    if not is_root(parent_of(path)) or not is_root_lost(comparison):
        return False
    top = {at for at in comparison.live if is_root(parent_of(at))}
    return not top or not top <= comparison.known.keys()


def is_proto_json(paths: Paths) -> bool:
    """Return whether fields have names in lowerCamelCase."""
    names = {path.rpartition(".")[2] for path in paths}
    return any(map(_CAMEL.fullmatch, names)) and not any(map(_SNAKE.fullmatch, names))


def is_silent(path: str, comparison: Comparison) -> bool:
    """Return whether the responses' content alone explains that a field comes or goes."""
    parent = parent_of(path)
    holders = comparison.own.get(parent), comparison.live.get(parent)
    if any(holder is None or not holder.objects for holder in holders):
        return True  # null, another type or another branch: it says nothing of its fields
    was_empty, is_empty = (one and one.objects == one.hollows for one in holders)
    if was_empty or (is_empty and not is_root(parent) and not comparison.is_unchanged(path)):
        return True
    return (
        (not is_root(parent) and is_other_ending(parent, comparison))
        or is_tagged_by_key(parent, comparison)
        or is_switched(path, parent, comparison)
    )


def is_other_ending(parent: str, comparison: Comparison) -> bool:
    """Return whether the response, or a job, ended in a way that no recording shows.

    A choice that calls tools has other fields than one that is text.
    """
    return any(
        _is_new(f"{holder}.{name}", comparison) for holder in _upwards(parent) for name in ENDINGS
    )


def is_other_state(parent: str, comparison: Comparison) -> bool:
    """Return whether a job is further on, or less far, than any recording shows."""
    return any(
        _is_new(f"{holder}.{name}", comparison) for holder in _upwards(parent) for name in STATES
    )


def is_other_backend(comparison: Comparison) -> bool:
    """Return whether a router chose another back end than for the recordings."""
    if comparison.is_rerouted is None:
        known, live = (_backends(paths) for paths in (comparison.known, comparison.live))
        comparison.is_rerouted = bool(known and live and live.isdisjoint(known))
    return comparison.is_rerouted


def _backends(paths: Paths) -> frozenset[str]:
    found = [one.backends for path, one in paths.items() if one.backends and _TOP.match(path)]
    return frozenset[str]().union(*found)


def _is_new(path: str, comparison: Comparison) -> bool:
    known, live = comparison.known.get(path), comparison.live.get(path)
    if not known or not live or not known.tokens or not live.tokens:
        return False
    return known.tokens.isdisjoint(live.tokens)


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = parent_of(path)


def is_tagged_by_key(parent: str, comparison: Comparison) -> bool:
    """Return whether each object of an array or stream has one field, its variant's name."""
    if not parent.endswith("[*]") and not (parent.startswith("event(") and parent_of(parent)):
        return False
    tags = set[str]()
    for paths in (comparison.own, comparison.live):
        fields = comparison.children(paths, parent)
        if sum(one.count for one in fields.values()) != paths[parent].objects:
            return False
        tags |= set(fields)
    return len(tags) > 1


def is_sparse(path: str, comparison: Comparison) -> bool:
    """Return whether so few live items have a field that the recorded ones may lack it by chance.

    It is the chance that this many recorded objects lack the field if it is as frequent as now.
    """
    live, parent = comparison.live[path], parent_of(path)
    if path.startswith("event("):
        return False
    holders = comparison.known[parent].objects
    if live.is_optional:
        is_likely = (1 - live.count / live.chances) ** holders > UNLIKELY
        is_likely = is_likely or _is_listed(path, comparison)
    else:
        is_likely = _is_of_record(path, comparison) and is_chance(live.count, holders)
    return is_likely and not comparison.is_unchanged(path)


def is_record_without(path: str, comparison: Comparison) -> bool:
    """Return whether so few records were recorded that all may have a field by chance."""
    parent = parent_of(path)
    if not _is_of_record(path, comparison) or parent not in comparison.live:
        return False
    is_likely = is_chance(comparison.known[path].count, comparison.live[parent].objects)
    return is_likely and not comparison.is_unchanged(path)


def lacks_it_by_chance(
    known: Observation, live: Observation, path: str, comparison: Comparison
) -> bool:
    """Return whether all recorded records may have a field that few of the live ones lack."""
    if comparison.traits.is_closed or "[" not in parent_of(path):
        return False
    return bool((live.count / live.chances) ** known.count > UNLIKELY)


def _is_of_record(path: str, comparison: Comparison) -> bool:
    """Return whether a field is one of records in a list or map of data, and may vary by record."""
    return _is_listed(path, comparison) and not comparison.writes_empty


def _is_listed(path: str, comparison: Comparison) -> bool:
    """Return whether a field is one of records in a list or map of an API of data."""
    parent = parent_of(path)
    return not comparison.traits.is_closed and ("[" in parent or ".*" in parent)


def leaves_out_empty(path: str, comparison: Comparison) -> bool:
    """Return whether an API seems to leave out what is empty, and few recordings disagree."""
    if comparison.traits.is_closed or comparison.writes_empty or is_root_lost(comparison):
        return False
    known = comparison.known.get(path) or comparison.known.get(parent_of(path))
    return known is not None and known.seen < KNOWN and not comparison.is_unchanged(path)


def is_switched(path: str, parent: str, comparison: Comparison) -> bool:
    """Return whether a field beside it with the same first word became empty or full.

    The details of a counter appear with the first count.
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
    """Return whether an object never held anything but nulls, so that null means the same."""
    fields = comparison.children(comparison.known, path)
    return bool(fields) and all(one.types == {"null"} for one in fields.values())


def is_spelling(path: str, comparison: Comparison) -> bool:
    """Return whether one side writes [] and the other an object for the same map."""
    sides = [paths[path].types - {"null"} for paths in (comparison.known, comparison.live)]
    if sorted(map(sorted, sides)) != [["array"], ["object"]]:
        return False
    listed = comparison.known if "array" in sides[0] else comparison.live
    return not any(at in listed and listed[at].count for at in (f"{path}[*]", f"{path}.*"))


def is_counter_of_a_varying_group(path: str, comparison: Comparison) -> bool:
    """Return whether a counter is beside counters that some recordings lack."""
    parent = parent_of(path)
    group = comparison.children(comparison.known, parent)
    one = comparison.known[path]
    if "usage" not in parent.lower() or not one.types <= {"integer", "number", "object", "null"}:
        return False
    return any(
        other.is_optional and other.types <= {"integer", "number", "object", "null"}
        for name, other in group.items()
        if name != path and _is_detail(name) and _is_detail(path)
    )


def _is_detail(path: str) -> bool:
    """Return whether a counter is a part of another one, which back ends may leave out."""
    name = path.rpartition(".")[2].lower()
    return any(
        word in name for word in ("cache", "detail", "reasoning", "audio", "accepted", "tool")
    )
