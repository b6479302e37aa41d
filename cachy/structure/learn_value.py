"""The shape of values, learned by counting types, presence, variants and maps; no value is kept."""

from __future__ import annotations

from collections.abc import Sequence

from cachy.interaction import Json
from cachy.structure.discriminators import (
    DISCRIMINATORS,
    MARKED,
    MOST_FIELDS,
    find_discriminator,
    find_mark,
    is_json_schema,
    is_map_like,
)
from cachy.structure.json_types import find_format, is_token, kind_of
from cachy.structure.node import (
    MOST_TOKENS,
    Node,
    add_node,
    become_map,
    become_opaque,
    settle,
)

__all__ = ["DISCRIMINATORS", "Node", "add_node", "find_discriminator", "kind_of", "learn_value"]
DEEPEST = 48  # levels; what lies below counts by its type alone
_FLAT = frozenset({"boolean", "integer", "number", "null"})


def learn_value(node: Node, value: Json, mark: int, label: str = "$", depth: int = 0) -> None:
    """Count one value and all below it, in the recording whose bit `mark` is."""
    kind = kind_of(value)
    _count(node, kind, mark, 1)
    if not value:
        node.blanks += 1
    if kind in _FLAT:
        return
    if node.is_opaque:
        _learn_length(node, value)
    elif depth >= DEEPEST:
        return
    elif kind == "string":
        _learn_text(node, value if isinstance(value, str) else "")
    elif kind == "object":
        _learn_object(node, value, mark, label, depth)
    elif value:
        _learn_array(node, value, mark, label, depth)


def _count(node: Node, kind: str, mark: int, times: int) -> None:
    node.marks |= mark
    node.count += times
    node.kinds[kind] = node.kinds.get(kind, 0) + times


def _learn_length(node: Node, value: Json) -> None:
    """Count the dimensions of a vector."""
    is_vector = isinstance(value, list) and len(value) > 1
    if is_vector and set(map(type, value)) <= {int, float}:
        node.lengths[len(value)] = node.lengths.get(len(value), 0) + 1


def _learn_text(node: Node, text: str) -> None:
    tokens, formats = node.tokens, node.formats
    if tokens and text in tokens:  # as most are, in a stream
        tokens[text] += 1
        formats[""] += 1
        return
    form = find_format(text)
    if text:
        formats[form] = formats.get(form, 0) + 1
    if tokens is None:
        return
    if form or not is_token(text) or len(tokens) == MOST_TOKENS:
        node.tokens = None
        return
    tokens[text] = 1


def _learn_array(node: Node, value: Sequence[Json], mark: int, label: str, depth: int) -> None:
    items = node.items = node.items or Node()
    numbers = set(map(type, value))
    if numbers <= {int, float} and len(value) > 1:  # an embedding is one fact, not thousands
        whole = all(kind_of(item) == "integer" for item in value)
        _count(items, "integer" if whole else "number", mark, len(value))
        return
    for item in value:
        learn_value(items, item, mark, label, depth + 1)


def _learn_object(node: Node, value: dict[str, Json], mark: int, label: str, depth: int) -> None:
    if is_json_schema(value):
        become_opaque(node)
        return
    node.hollows += not value
    if not node.is_map and is_map_like(value):
        become_map(node)
    variant = find_discriminator(value)
    if variant:
        label = variant[1]
    if node.is_map:
        _learn_map(node, value, mark, label, depth)
        return
    if variant and not node.is_plain:
        part = node.variants.setdefault(variant, Node())
        _count(part, "object", mark, 1)
        _learn_fields(part, value, mark, label, depth)
    else:
        _learn_fields(node, value, mark, label, depth)
    if node.variants or len(node.fields) > MOST_FIELDS:
        settle(node)


def _learn_map(node: Node, value: dict[str, Json], mark: int, label: str, depth: int) -> None:
    items = node.items = node.items or Node()
    for key, item in value.items():
        _learn_child(items, key, item, mark, label, depth)


def _learn_fields(node: Node, value: dict[str, Json], mark: int, label: str, depth: int) -> None:
    fields = node.fields
    for key, item in value.items():
        child = fields.get(key)
        if child is None:
            child = fields[key] = Node()
        _learn_child(child, key, item, mark, label, depth)


def _learn_child(node: Node, key: str, item: Json, mark: int, label: str, depth: int) -> None:
    if key in MARKED and (means := find_mark(label, key)):
        if means == "opaque":
            become_opaque(node)
        elif (
            item and isinstance(item, dict) and "@type" not in item
        ):  # ProtoJSON's Any is not a map
            become_map(node)
    learn_value(node, item, mark, key, depth + 1)
