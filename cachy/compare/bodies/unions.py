"""Fields of a union's members: in lists of data, one kind of record may have what another has."""

from __future__ import annotations

import re

from cachy.compare.bodies.excuses import Comparison
from cachy.structure.paths import parent_of


def is_own_tag(path: str) -> bool:
    """Return whether a field is the one that classifies the object around it."""
    parent, _, name = path.rpartition(".")
    return (
        parent.endswith(("]", "}"))
        and re.search(rf"[\[{{]{re.escape(name)}=[^\[{{]*$", parent) is not None
    )


def is_optional_tag(path: str, comparison: Comparison) -> bool:
    """Return whether a field is the tag of a union of data, and some recorded objects lack it."""
    if comparison.traits.is_closed or not is_own_tag(path):
        return False
    union = _union_of(path)
    members = comparison.children(comparison.known, union.removesuffix("[*]")).values()
    tagged = sum(one.count for one in members if one.is_variant)
    return tagged < comparison.known[union].objects and not comparison.is_unchanged(path)


def is_of_sibling(path: str, comparison: Comparison) -> bool:
    """Return whether another recorded member of a union of data has the field, or it is the tag.

    A tag whose value is not a name does not tell members apart.
    """
    parent = parent_of(path)
    if comparison.traits.is_closed or parent not in comparison.live:
        return False
    is_member = comparison.live[parent].is_variant
    union = _union_of(path) if is_member else parent
    at, name = union.removesuffix("[*]"), path[len(parent) :]
    members = comparison.children(comparison.known, at).items()
    others = [member for member, one in members if one.is_variant and member != parent]
    if any(name == f".{member[len(at) + 1 :].partition('=')[0]}" for member in others):
        return True
    known = {f"{member}{name}" for member in others} | ({f"{union}{name}"} if is_member else set())
    return not known.isdisjoint(comparison.known) and not comparison.is_unchanged(path)


def _union_of(path: str) -> str:
    """Return the path of the objects that the member of a union around a field belongs to."""
    parent = parent_of(path)
    union = parent_of(parent)
    return f"{union}[*]" if parent.endswith("]") else union
