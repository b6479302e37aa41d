"""What distinguishes one record of data from another, and from its own earlier state.

An API of data shows what its users wrote. Another record has other optional fields, and so has the
same record after an edit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from cachy.compare.bodies.parents import Parent
from cachy.interaction import Json, JsonObject
from cachy.providers.response_fields import REVISIONS
from cachy.structure.paths import name_of

UNLIKELY = 0.05
_MANY_NULLS = 0.4  # share of the fields
_ENOUGH = 3  # equal values that show that a record is unchanged
_CREATED = frozenset({"created", *(made for made, _ in REVISIONS)})
_IDS = ("id", "uuid", "uid", "guid", "key", "_id", "Id", "ID", "name", "slug", "url", "self")
_STAMP = re.compile(
    r"(?:\w*_)?(?:updated|modified|changed|edited|revised|pushed)(?:_\w+)?"
    r"|\w*(?:[uU]pdated?|[mM]odified|[cC]hanged|[eE]dited)(?:At|On|Time|Date|Timestamp)?"
    r"|updated?|last_?(?:update|edit|modified)\w*|\w*[lL]ast_?[aA]ctivity\w*|modification_\w+|\w*[mM]odstamp"
    r"|\w*[vV]ersion|revision|rev|etag|sequence|generation",
)
# What recorders write for a value that they hide: "<REDACTED>", "[FILTERED]", "***".
_PLACEHOLDER = re.compile(
    r"[\[<({*_%]*(?:redacted|filtered|scrubbed|censored|masked|hidden|sanitized)[\w:-]*[\]>)}*_%]*"
    r"|\*{3,}|x{4,}",
    re.IGNORECASE,
)
Stamps = dict[str, set[str]]  # times and versions by the name of their field
# Where APIs keep a record's own id and times: Kubernetes, Contentful, JSON:API and others.
_SYSTEM = ("sys",)  # its id is the record's even where the record has a name
_ABOUT = (*_SYSTEM, "metadata", "meta", "attributes")


def is_chance(having: int, lacking: int) -> bool:
    """Return whether all objects here may have a field, and all there lack it, by chance."""
    total = having + lacking
    frequency = having / total if total else 0.0
    return bool(frequency**having * (1 - frequency) ** lacking > UNLIKELY)


def is_other_record(having: Sequence[Parent], lacking: Sequence[Parent]) -> bool:
    """Return whether so few records have a field, and lack it, that it may be optional.

    The body itself is not a record among others, and one record on both sides proves a change.
    """
    ids, others = {*map(_record_of, having)}, {*map(_record_of, lacking)}
    if "" in ids | others or not ids.isdisjoint(others):
        return False
    return is_chance(len(ids), len(others))


def _record_of(parent: Parent) -> str:
    """Return the id of the innermost record around a field; "" if only the body has one."""
    inside = parent.around if parent.is_listed else parent.around[1:]
    return next((named for one in reversed(inside) if (named := _id_of(one))), "")


def _id_of(value: JsonObject) -> str:
    """Return the id of a record; "" for none."""
    for one in _self_and_about(value):
        for name in _IDS:
            if isinstance(one.get(name), (str, int)) and one[name]:
                return f"{name} {one[name]}"
    return ""


def _self_and_about(value: JsonObject) -> Iterator[JsonObject]:
    inner = {name: item for name in _ABOUT if isinstance(item := value.get(name), dict)}
    yield from (inner.pop(name) for name in _SYSTEM if name in inner)
    yield value
    yield from inner.values()


def are_unchanged(own: Sequence[Parent], live: Sequence[Parent], name: str) -> bool:
    """Return whether objects hold just the values that were recorded, but for one field.

    It needs some values to compare: of small objects, those around them count too.
    """
    if not own or len(own) != len(live):
        return False
    counts = [_count_equal(*pair, name) for pair in zip(own, live, strict=True)]
    return None not in counts and sum(filter(None, counts)) >= _ENOUGH


def _count_equal(one: Parent, other: Parent, name: str) -> int | None:
    """Return how many values two objects share; None if a value of their own differs."""
    count = 0
    for before, after in zip(reversed(one.around), reversed(other.around), strict=False):
        shared = (before.keys() & after.keys()) - {name}
        if any(before[key] != after[key] for key in shared if _is_scalar(before[key])):
            return count or None
        count += sum(_count_values(before[key]) for key in shared if before[key] == after[key])
        if count >= _ENOUGH:
            break
    return count


def _is_scalar(value: Json) -> bool:
    return not isinstance(value, (dict, list))


def _count_values(value: Json) -> int:
    """Return how many values there are in a value, as far as it matters."""
    if _is_scalar(value):
        return int(value is not None)
    inner = value.values() if isinstance(value, dict) else value
    return sum(map(_count_values, islice(inner, _ENOUGH)))


def has_other_shape(
    fuller: Sequence[Parent], barer: Sequence[Parent], live: Sequence[Parent]
) -> bool:
    """Return whether a live list has records of the known shape and of another one.

    An event has a day or a time, a node a text or a file: one field replaces the other.
    """
    if not all(parent.is_listed for parent in live):
        return False
    names = [frozenset(parent.around[-1]) for parent in (*fuller, *barer)]
    ours, theirs = names[: len(fuller)], names[len(fuller) :]
    alone, others = frozenset.intersection(*ours), frozenset.intersection(*theirs)
    shown = [frozenset(parent.around[-1]) for parent in live]
    both = any(alone <= one for one in shown) and any(others <= one for one in shown)
    return (
        both
        and bool(alone - frozenset().union(*theirs))
        and bool(others - frozenset().union(*ours))
    )


def tells_records_apart(path: str) -> bool:
    """Return whether a field is an id, a time or a version: it cannot explain its own change."""
    name = name_of(path)
    return name in _IDS or _STAMP.fullmatch(name) is not None


def are_hidden(parents: Sequence[Parent], name: str) -> bool:
    """Return whether a recorder put a placeholder where a value was, which hides its type."""
    values = [parent.around[-1][name] for parent in parents if parent.has_field]
    return bool(values) and all(
        isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None for value in values
    )


def is_other_value(before: Sequence[Parent], after: Sequence[Parent]) -> bool:
    """Return whether a field may differ because the record is another, or was edited."""
    if not before or not after:
        return False
    recorded, live = {*map(_record_of, before)}, {*map(_record_of, after)}
    is_known = "" not in recorded | live
    return has_moved_on(before, after) or (is_known and recorded.isdisjoint(live))


def is_edited(fuller: Sequence[Parent], barer: Sequence[Parent]) -> bool:
    """Return whether a document changed that leaves out the fields it has no value for.

    A document that writes null for them shows all its fields.
    """
    if any(says_all(parent.around[-1]) for parent in (*fuller, *barer)):
        return False
    return has_moved_on(fuller, barer)


def says_all(value: JsonObject) -> bool:
    """Return whether an object has its fields at all times, null where there is nothing."""
    return sum(item is None for item in value.values()) > _MANY_NULLS * len(value)


def has_moved_on(one: Iterable[Parent], other: Iterable[Parent]) -> bool:
    """Return whether each document on both sides has another time or version than before.

    One that was created at another time is another document under the same name.
    """
    before, after = _stamps(one), _stamps(other)
    same = before.keys() & after.keys()
    return bool(same) and all(_is_later(before[key], after[key]) for key in same)


def _is_later(one: Stamps, other: Stamps) -> bool:
    moved = {name for name in one.keys() & other.keys() if one[name].isdisjoint(other[name])}
    return bool(moved) and moved.isdisjoint(_CREATED)


def _stamps(parents: Iterable[Parent]) -> dict[str, Stamps]:
    """Return the times and versions of documents by the document's id."""
    found: dict[str, Stamps] = {}
    for one in (one for parent in parents for one in parent.around):
        named = _id_of(one)
        for name, item in _stamps_of(one) if named else ():
            found.setdefault(named, {}).setdefault(name, set()).add(str(item))
    return found


def _stamps_of(value: JsonObject) -> Iterator[tuple[str, Json]]:
    for one in _self_and_about(value):
        for name, item in one.items():
            if isinstance(item, (str, int)) and (name in _CREATED or _STAMP.fullmatch(name)):
                yield name, item
