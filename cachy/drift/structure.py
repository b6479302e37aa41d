"""The shape of answers, learned by counting: types, presence, variants, maps; never a value.

What is counted adds up, so the order of learning does not matter: a shape learned from two
recordings is the sum of the shapes of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cachy.drift.formats import find_format
from cachy.interaction import Json
from cachy.providers import GENERATED, OPEN_MAPS

DISCRIMINATORS = ("type", "object", "role", "kind")
MOST_VARIANTS = 48  # more values than this under one discriminator are data
MOST_FIELDS = 512  # more names than this in one object are data
MOST_TOKENS = 24
DEEPEST = 48  # levels; what lies below counts by its type alone

_TOKEN = re.compile(r"[A-Za-z_][\w.:/#+-]{0,63}")
_ID_KEY = re.compile(
    r"\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}"
    r"|(?=[a-z]{2,12}[_-]\w*\d)[a-z]{2,12}[_-][A-Za-z0-9]{12,}|.{81,}|.*[\r\n].*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(slots=True, eq=False)
class Node:
    """What was seen at one place.

    `seen` counts recordings, `count` values, `kinds` values by JSON type. An object's fields
    lie in `fields`, or in those of its variant where a discriminator tells it apart; the values
    of a map and the items of an array share one node, `items`. `tokens` is None once the
    strings are too many or too long to be an enumeration's.
    """

    seen: int = 0
    count: int = 0
    mark: object = None
    kinds: dict[str, int] = field(default_factory=dict)
    fields: dict[str, Node] = field(default_factory=dict)
    variants: dict[tuple[str, str], Node] = field(default_factory=dict)
    items: Node | None = None
    tokens: dict[str, int] | None = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)
    is_map: bool = False
    is_plain: bool = False  # its discriminator turned out to be data
    is_opaque: bool = False

    @property
    def objects(self) -> int:
        """How many objects were seen here."""
        return self.kinds.get("object", 0)


def learn_value(node: Node, value: Json, mark: object, label: str = "$", depth: int = 0) -> None:
    """Count one value, and all below it, as part of the recording that `mark` stands for."""
    kind = kind_of(value)
    _count(node, kind, mark, 1)
    if depth >= DEEPEST or node.is_opaque:
        return
    if kind == "string":
        _learn_text(node, value if isinstance(value, str) else "")
    elif kind == "object":
        _learn_object(node, value, mark, label, depth)
    elif kind == "array" and value:
        _learn_array(node, value, mark, label, depth)


_KINDS = {
    str: "string",
    dict: "object",
    list: "array",
    bool: "boolean",
    int: "integer",
    type(None): "null",
}


def kind_of(value: Json) -> str:
    """Name a value's JSON type; 1.0 is an integer (JSON Schema 2020-12, section 4.2.3)."""
    kind = _KINDS.get(type(value))
    if kind == "object" and ("$lines" in value or "$blob" in value):
        return "string"  # the fixture format's way of writing long text and binary content
    if kind is None:
        is_whole = isinstance(value, float) and value.is_integer()
        return "integer" if is_whole else "number"
    return kind


def _count(node: Node, kind: str, mark: object, times: int) -> None:
    node.count += times
    node.kinds[kind] = node.kinds.get(kind, 0) + times
    if node.mark is not mark:
        node.mark = mark
        node.seen += 1


def _learn_text(node: Node, text: str) -> None:
    form = find_format(text)
    node.formats[form] = node.formats.get(form, 0) + 1
    if node.tokens is None:
        return
    if form or not is_token(text):
        node.tokens = None
        return
    node.tokens[text] = node.tokens.get(text, 0) + 1
    if len(node.tokens) > MOST_TOKENS:
        node.tokens = None


def is_token(text: str) -> bool:
    """Whether a string can be a name that an API chose: a word, no number, date, id or prose."""
    return _TOKEN.fullmatch(text) is not None and re.search(r"\d{4}", text) is None


def _learn_array(node: Node, value: list[Json], mark: object, label: str, depth: int) -> None:
    items = node.items = node.items or Node()
    numbers = set(map(type, value))
    if numbers <= {int, float} and len(value) > 1:  # an embedding is one fact, not thousands
        whole = all(kind_of(item) == "integer" for item in value)
        _count(items, "integer" if whole else "number", mark, len(value))
        return
    for item in value:
        learn_value(items, item, mark, label, depth + 1)


def _learn_object(node: Node, value: dict[str, Json], mark: object, label: str, depth: int) -> None:
    if is_json_schema(value):
        _seal(node)
        return
    if not node.is_map and is_map_like(value):
        _become_map(node)
    variant = None if node.is_map or node.is_plain else find_discriminator(value)
    if variant:
        label, node = variant[1], _variant(node, variant, mark)
    if node.is_map:
        _learn_map(node, value, mark, label, depth)
    else:
        _learn_fields(node, value, mark, label, depth)


def _learn_map(node: Node, value: dict[str, Json], mark: object, label: str, depth: int) -> None:
    items = node.items = node.items or Node()
    for item in value.values():
        learn_value(items, item, mark, label, depth + 1)


def _variant(node: Node, variant: tuple[str, str], mark: object) -> Node:
    found = node.variants.get(variant)
    if found is None:
        found = node.variants[variant] = Node()
    _count(found, "object", mark, 1)
    if len(node.variants) <= MOST_VARIANTS:
        return found
    _become_plain(node)
    return node


def _learn_fields(node: Node, value: dict[str, Json], mark: object, label: str, depth: int) -> None:
    fields = node.fields
    for key, item in value.items():
        child = fields.get(key)
        if child is None:
            name = key[1:] if key.startswith("$$") else key
            child = fields.setdefault(name, Node())
        if key in _MARKED and (generated := _generated(label, key)):
            child.is_opaque = child.is_opaque or generated == "opaque"
            if generated == "map" and not child.is_map:
                _become_map(child)
        learn_value(child, item, mark, key, depth + 1)
    if len(fields) > MOST_FIELDS:
        _become_map(node)


def _rows(rows: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset((row.rpartition(".")[0], row.rpartition(".")[2]) for row in rows)


_GENERATED, _OPEN_MAPS = _rows(GENERATED), _rows(OPEN_MAPS)
_MARKED = frozenset(key for _, key in _GENERATED | _OPEN_MAPS)


def _generated(label: str, key: str) -> str | None:
    for rows, means in ((_GENERATED, "opaque"), (_OPEN_MAPS, "map")):
        if (label, key) in rows or ("*", key) in rows:
            return means
    return None


def find_discriminator(value: dict[str, Json]) -> tuple[str, str] | None:
    """Find the field that says which member of a union an object is, or None."""
    for key in DISCRIMINATORS:
        name = value.get(key)
        if isinstance(name, str) and "/" not in name and is_token(name):
            return key, name
    return None


def is_json_schema(value: dict[str, Json]) -> bool:
    """Whether an object is a JSON Schema that the request sent and the answer repeats."""
    return isinstance(value.get("properties"), dict) and value.get("type") == "object"


def is_map_like(value: dict[str, Json]) -> bool:
    """Whether an object's keys are data: ids, numbers, prose, or a great many of one type."""
    if not value:
        return False
    if len(value) > MOST_FIELDS or all(map(_ID_KEY.fullmatch, value)):
        return True
    if len(value) < 20:
        return False
    kinds = set(map(kind_of, value.values()))
    return len(kinds) == 1 and (len(value) >= 50 or bool(kinds & {"object", "array"}))


def _become_map(node: Node) -> None:
    _become_plain(node)
    node.is_map = True
    node.items = node.items or Node()
    for child in node.fields.values():
        add_node(node.items, child)
    node.fields = {}


def _become_plain(node: Node) -> None:
    node.is_plain = True
    for variant in node.variants.values():
        for name, child in variant.fields.items():
            add_node(node.fields.setdefault(name, Node()), child)
    node.variants = {}


def _seal(node: Node) -> None:
    node.is_opaque = True
    node.fields, node.variants, node.items, node.tokens = {}, {}, None, None


def add_node(into: Node, other: Node) -> None:
    """Add what `other` counted to `into`; `other` stays as it is."""
    into.seen += other.seen
    into.count += other.count
    _add_counts(into.kinds, other.kinds)
    _add_counts(into.formats, other.formats)
    _add_tokens(into, other)
    if into.is_opaque or other.is_opaque:
        _seal(into)
        return
    if other.is_map or into.is_map:
        _become_map(into)
    if (other.is_plain or into.is_plain) and not into.is_map:
        _become_plain(into)
    _add_children(into, other)


def _add_children(into: Node, other: Node) -> None:
    for child in _children(other, into.is_map):
        add_node(into.items or Node(), child)
    if other.items is not None:
        into.items = into.items or Node()
        add_node(into.items, other.items)
    if into.is_map:
        return
    for name, child in other.fields.items():
        add_node(into.fields.setdefault(name, Node()), child)
    for variant, child in other.variants.items():
        add_node(into.variants.setdefault(variant, Node()), child)
    if into.is_plain or len(into.variants) > MOST_VARIANTS:
        _become_plain(into)
    if len(into.fields) > MOST_FIELDS:
        _become_map(into)


def _children(node: Node, wanted: bool) -> Iterator[Node]:
    """Every field's node, of every variant: what a map's values are."""
    if wanted:
        yield from node.fields.values()
        for variant in node.variants.values():
            yield from variant.fields.values()


def _add_counts(into: dict[str, int], other: dict[str, int]) -> None:
    for key, count in other.items():
        into[key] = into.get(key, 0) + count


def _add_tokens(into: Node, other: Node) -> None:
    if into.tokens is None or other.tokens is None:
        into.tokens = None
        return
    _add_counts(into.tokens, other.tokens)
    if len(into.tokens) > MOST_TOKENS:
        into.tokens = None
