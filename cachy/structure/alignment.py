"""Two structures of one surface brought into one layout: equal objects under equal names.

A tag that appears, disappears, is renamed or has another value must not turn its object into
another one; keys that turn out to be data must not be compared as fields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cachy.structure.discriminators import is_tag
from cachy.structure.map_keys import (
    are_codes,
    are_data_keys,
    are_mostly_data_keys,
    is_minted,
)
from cachy.structure.node import Node, add_node, become_map

_SAME = 0.8  # share of common fields that makes two members of a union one and the same
_ALIKE = 0.5  # the same where the tag itself is another field, or is missing
_OTHER = 1 / 3  # below it, a body has nothing to do with the recorded one
Tag = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Aligner:
    """Brings what a live response shows into the layout of what is known.

    `is_closed`: the unions are the provider's own, so that a new tag of a known object is a change;
    elsewhere it is data, such as a list of records of several kinds.
    """

    is_closed: bool = False

    def align(self, known: Node, live: Node, name: str = "", *, is_root: bool = False) -> None:
        """Align two nodes at the same place, in the field `name`."""
        if known.is_opaque or live.is_opaque:
            return
        if self._is_map(known, live, name, is_root):
            become_map(known)
            become_map(live)
        if not (known.is_map or known.is_plain or live.is_map or live.is_plain):
            self._align_tags(known, live, is_root)
        for field in known.fields.keys() & live.fields.keys():
            self.align(known.fields[field], live.fields[field], field)
        for tag in known.variants.keys() & live.variants.keys():
            one, other = known.variants[tag], live.variants[tag]
            for field in one.fields.keys() & other.fields.keys():
                self.align(one.fields[field], other.fields[field], field)
        if known.items and live.items:
            self.align(known.items, live.items, name if known.is_map else "")

    def _align_tags(self, known: Node, live: Node, is_root: bool) -> None:
        if live.variants and not known.variants and known.fields:
            for tag in [*live.variants]:
                if is_root or _likeness(live.variants[tag], known) >= _ALIKE:
                    _untag(live, tag)
        elif known.variants and (live.fields or (is_root and not live.variants)):
            self._tag_the_loose(known, live, is_root)
        elif live.variants.keys().isdisjoint(known.variants) or self.is_closed:
            self._rename_tags(known, live, is_root)

    def _tag_the_loose(self, known: Node, live: Node, is_root: bool) -> None:
        """Tag objects that lost their tag like the known objects that they resemble."""
        gone = {tag: node for tag, node in known.variants.items() if tag not in live.variants}
        if not gone or known.objects > _tagged(known) or live.objects == _tagged(live):
            return
        tag, found = _nearest(Node(fields=live.fields), gone)
        if is_root or found >= _ALIKE:
            _tag(live, tag)

    def _rename_tags(self, known: Node, live: Node, is_root: bool) -> None:
        for tag in [tag for tag in live.variants if tag not in known.variants]:
            gone = {
                name: known.variants[name] for name in known.variants if name not in live.variants
            }
            if not gone:
                return
            old, found = _nearest(live.variants[tag], gone)
            if self._is_same(old, tag, found, is_root):
                add_node(live.variants.setdefault(old, Node()), live.variants.pop(tag))

    def _is_same(self, old: Tag, new: Tag, likeness: float, is_root: bool) -> bool:
        if is_root and (self.is_closed or likeness < _OTHER):
            return True  # nothing excuses the body itself
        if old[0] != new[0]:
            return likeness >= _ALIKE
        return self.is_closed and likeness >= _SAME

    def _is_map(self, known: Node, live: Node, name: str, is_root: bool) -> bool:
        if known.is_map or live.is_map or known.variants or live.variants:
            return known.is_map or live.is_map
        if not known.fields or not live.fields:
            return False
        names = known.fields.keys() | live.fields.keys()
        values = [*known.fields.values(), *live.fields.values()]
        kinds = {kind for value in values for kind in value.kinds if kind != "null"}
        if len(kinds - {"integer"}) > 1 or (len(kinds) > 1 and "number" not in kinds):
            return False
        if known.fields.keys() == live.fields.keys():
            return False
        if (
            are_data_keys(names)
            or are_codes(names)
            or all(" " in one for one in names)
            or (not self.is_closed and are_mostly_data_keys(names))
        ):
            return True
        if is_root and (self.is_closed or min(len(known.fields), len(live.fields)) < 2):
            return False
        if kinds <= {"object", "array"}:
            return _holds_records(known, live, name)
        return not self.is_closed and _holds_counts(known, live, name)


def _names(node: Node) -> set[str]:
    """Return the names of an object's fields, of all its variants, without the tags."""
    return {name for name in _all_names(node) if not is_tag(name)}


def _all_names(node: Node) -> Iterator[str]:
    yield from node.fields
    for variant in node.variants.values():
        yield from variant.fields


def _likeness(one: Node, other: Node) -> float:
    """Return the share of fields that two objects have in common."""
    mine, others = _names(one), _names(other)
    common = len(mine & others)
    if common > 1 and mine < others:  # the known object has fields that are optional
        return 1.0
    return common / max(len(mine | others), 1)


def _nearest(node: Node, variants: Mapping[Tag, Node]) -> tuple[Tag, float]:
    found = {tag: _likeness(node, variant) for tag, variant in variants.items()}
    best = max(sorted(found), key=lambda tag: found[tag])
    return best, found[best]


def _tagged(node: Node) -> int:
    return sum(variant.count for variant in node.variants.values())


def _untag(node: Node, tag: Tag) -> None:
    for name, child in node.variants.pop(tag).fields.items():
        add_node(node.fields.setdefault(name, Node()), child)


def _tag(node: Node, tag: Tag) -> None:
    count = node.objects - _tagged(node)
    node.variants[tag] = Node(marks=node.marks, count=count, kinds={"object": count})
    node.variants[tag].fields, node.fields = node.fields, {}


def _holds_records(known: Node, live: Node, name: str) -> bool:
    """Return whether an object holds records of one shape under changing keys."""
    shapes = [*_shapes(known.fields.values()), *_shapes(live.fields.values())]
    first = shapes[0] if shapes else set()
    if not first or any(len(first & shape) < _SAME * len(first | shape) for shape in shapes):
        return False
    new, gone = live.fields.keys() - known.fields.keys(), known.fields.keys() - live.fields.keys()
    if len(first) < 2 and not _is_index(name):
        return False
    return bool(new and gone) or len(known.fields) > 2 or all(map(is_minted, new | gone))


def _shapes(nodes: Iterable[Node]) -> Iterator[set[str]]:
    for node in nodes:
        inner = node.items if "array" in node.kinds else node
        if inner is not None and inner.objects:
            yield {*_all_names(inner)}
        elif "object" in node.kinds:
            yield set()


def _are_counted(names: Iterable[str], kinds: Collection[str]) -> bool:
    """Return whether an object counts named things: {"Python": 3, "Shell": 1}."""
    return {"integer", "number"}.issuperset(kinds) and all(name[:1].isupper() for name in names)


def _is_index(name: str) -> bool:
    """Return whether a field's name says that its keys are data: "by_user"."""
    return name.startswith(("by_", "per_")) or "_by_" in name


def _holds_counts(known: Node, live: Node, name: str) -> bool:
    """Return whether an object holds scalars of one type under changing keys."""
    if known.objects > 2 and len(known.fields) > 3:
        return all(child.count < known.objects for child in known.fields.values())
    shared = len(known.fields.keys() & live.fields.keys())
    is_replaced = shared < len(known.fields) and shared < len(live.fields)
    is_plural = name.endswith("s") or _is_index(name)
    sizes = len(known.fields), len(live.fields)
    if is_plural:
        return is_replaced and sum(sizes) > 2
    return is_replaced and sum(sizes) > 4 and 2 * shared <= min(sizes)
