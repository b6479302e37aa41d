"""What was counted at one place of a body, and how counts add up.

The counts of two structures add up to the counts of both, so the order of learning does not matter.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cachy.structure.discriminators import MOST_FIELDS

MOST_VARIANTS = 48  # more values than this under one discriminator are data
MOST_TOKENS = 24
_Name = TypeVar("_Name", bound=Hashable)


@dataclass(slots=True, eq=False)
class Node:
    """What was seen at one place.

    `marks` has a bit for each recording, `count` counts values, `kinds` values by JSON type,
    `blanks` the empty ones (null, 0, false, "", [], {}), `hollows` the empty objects.
    An object's fields lie in `fields`, or in those of its variant where a discriminator tells
    it apart; the values of a map and the items of an array share one node, `items`. `tokens` is
    None once the strings are too many or too long to be an enumeration's. `lengths` are those
    of opaque arrays of numbers.
    """

    marks: int = 0
    count: int = 0
    blanks: int = 0
    hollows: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    fields: dict[str, Node] = field(default_factory=dict)
    variants: dict[tuple[str, str], Node] = field(default_factory=dict)
    items: Node | None = None
    tokens: dict[str, int] | None = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    is_map: bool = False
    is_plain: bool = False  # its discriminator turned out to be data
    is_opaque: bool = False

    @property
    def seen(self) -> int:
        """In how many recordings a value was here."""
        return self.marks.bit_count()

    @property
    def objects(self) -> int:
        """How many objects were here."""
        return self.kinds.get("object", 0)


def become_map(node: Node) -> None:
    """Treat an object's keys as data: all of its values share one node."""
    if node.is_map:
        return
    become_plain(node)
    node.is_map = True
    node.items = node.items or Node()
    fields, node.fields = node.fields, {}
    for child in fields.values():
        add_node(node.items, child)
    node.is_plain = False


def become_plain(node: Node) -> None:
    """Treat an object's discriminator as data: its variants become one object."""
    node.is_plain = True
    variants, node.variants = node.variants, {}
    for variant in variants.values():
        for name, child in variant.fields.items():
            add_node(node.fields.setdefault(name, Node()), child)


def become_opaque(node: Node) -> None:
    """Forget all but the types at this place: it is generated, or the caller's."""
    node.is_opaque, node.is_map, node.is_plain = True, False, False
    node.fields, node.variants, node.items = {}, {}, None
    node.tokens, node.formats, node.hollows = None, {}, 0


def add_node(into: Node, other: Node, shift: int = 0) -> None:
    """Add what `other` counted to `into`; `other` stays as it is.

    `shift`: how many recordings `into` knows already, where those of `other` are further ones.
    """
    into.marks |= other.marks << shift
    into.count += other.count
    into.blanks += other.blanks
    into.hollows += other.hollows
    add_counts(into.kinds, other.kinds)
    add_counts(into.lengths, other.lengths)
    if into.is_opaque or other.is_opaque:
        become_opaque(into)
        return
    add_counts(into.formats, other.formats)
    _add_tokens(into, other)
    if other.is_map or into.is_map:
        become_map(into)
    elif other.is_plain or into.is_plain:
        become_plain(into)
    _add_children(into, other, shift)


def _add_children(into: Node, other: Node, shift: int) -> None:
    if other.items is not None:
        into.items = into.items or Node()
        add_node(into.items, other.items, shift)
    if into.is_map:
        for child in _values(other):
            add_node(into.items or Node(), child, shift)
        return
    for name, child in other.fields.items():
        add_node(into.fields.setdefault(name, Node()), child, shift)
    for variant, child in other.variants.items():
        add_node(into.variants.setdefault(variant, Node()), child, shift)
    settle(into)


def settle(node: Node) -> None:
    """Treat as data what has too many names to be anything else."""
    if node.variants and (node.is_plain or len(node.variants) > MOST_VARIANTS):
        become_plain(node)
    parts = (node, *node.variants.values())
    if any(len(part.fields) > MOST_FIELDS for part in parts):
        become_map(node)


def _values(node: Node) -> Iterator[Node]:
    """Yield every field's node, of every variant: the values of a map."""
    yield from node.fields.values()
    for variant in node.variants.values():
        yield from variant.fields.values()


def add_counts(into: dict[_Name, int], other: Mapping[_Name, int]) -> None:
    """Add counts by name."""
    for key, count in other.items():
        into[key] = into.get(key, 0) + count


def _add_tokens(into: Node, other: Node) -> None:
    if into.tokens is None or other.tokens is None:
        into.tokens = None
        return
    add_counts(into.tokens, other.tokens)
    if len(into.tokens) > MOST_TOKENS:
        into.tokens = None


def align_nodes(one: Node, other: Node) -> None:
    """Bring two nodes into one layout: what is a map, plain or opaque in either is so in both."""
    if one.is_opaque or other.is_opaque:
        become_opaque(one)
        become_opaque(other)
        return
    if one.is_map or other.is_map:
        become_map(one)
        become_map(other)
    elif one.is_plain or other.is_plain:
        become_plain(one)
        become_plain(other)
    for name in one.fields.keys() & other.fields.keys():
        align_nodes(one.fields[name], other.fields[name])
    for variant in one.variants.keys() & other.variants.keys():
        align_nodes(one.variants[variant], other.variants[variant])
    if one.items and other.items:
        align_nodes(one.items, other.items)
