"""A learned structure as a flat map from path to observation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cachy.providers.response_fields import BACKENDS, ENUMS
from cachy.structure.discriminators import is_tag
from cachy.structure.node import Node

_TAGS = re.compile(r"\[[\w@]+=[^\]{}]*\]|\{[\w@]+=[^\]{}]*\}")
_VARIANT = re.compile(r"\{([^{}]*)\}")
_NOTHING = frozenset[str]()
_EMPTIABLE = frozenset({"string", "array", "object"})
_PLAIN = re.compile(r"[A-Za-z_$@][\w$@-]*")


@dataclass(slots=True)  # not frozen: a comparison makes thousands, and that costs twice as much
class Observation:
    """What stands at a path. A variant is `[type=x]` among an array's elements, else `{type=x}`.

    `count` is how often a value stood there, `chances` how many objects could have held one;
    `seen` is the number of recordings that it comes from, `objects` the number of objects that
    stood there and `hollows` how many of them were empty; `is_blank` where every value was
    (null, 0, false, "", [], {}), `writes_empty` where one was null, "", [] or {}. `tags` are the
    values of the field that tells an object's kind.
    """

    types: frozenset[str]
    count: int
    chances: int
    seen: int
    tokens: frozenset[str] = frozenset()
    backends: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    lengths: frozenset[int] = frozenset()
    is_opaque: bool = False
    is_variant: bool = False
    is_map: bool = False
    is_blank: bool = False
    writes_empty: bool = False
    tags: frozenset[str] = frozenset()
    objects: int = 0
    hollows: int = 0

    @property
    def is_optional(self) -> bool:
        """Return whether some object lacked it."""
        return self.count < self.chances

    @property
    def type(self) -> str:
        """The types as the report and the contract write them: "string | null"."""
        return " | ".join(sorted(self.types, key=lambda name: (name == "null", name)))


Paths = dict[str, Observation]


def flatten(node: Node, path: str = "$") -> Paths:
    """Return every path of a structure with its fact."""
    return dict(_walk(node, path, node.count))


class PathDisplay:
    """Paths as people read them: a variant without another beside it is not named."""

    def __init__(self, *maps: Paths) -> None:
        self._beside: dict[str, set[str]] = {}
        for path in (path for paths in maps for path in paths if path.endswith("}")):
            *_, found = _VARIANT.finditer(path)
            self._beside.setdefault(path[: found.start()], set()).add(found[1])

    def path(self, path: str) -> str:
        """Return a path as people read it."""
        shown, start = "", 0
        for found in _VARIANT.finditer(path):
            is_alone = len(self._beside.get(path[: found.start()], ())) < 2
            shown += path[start : found.start()] + ("" if is_alone else f"[{found[1]}]")
            start = found.end()
        return shown + path[start:]


def _walk(node: Node, path: str, chances: int) -> Iterator[tuple[str, Observation]]:
    yield path, _fact(node, path, chances)
    if node.is_opaque:
        return
    yield from _fields(node, path)
    for (key, name), variant in sorted(node.variants.items()):
        in_array = path.endswith("[*]")
        at = f"{path[:-3]}[{key}={name}]" if in_array else f"{path}{{{key}={name}}}"
        yield (
            at,
            Observation(
                *(frozenset({"object"}), variant.count, 0, variant.seen),
                is_variant=True,
                objects=variant.count,
            ),
        )
        yield from _fields(variant, at)
    if node.items is not None:
        at = f"{path}.*" if node.is_map else f"{path}[*]"
        yield from _walk(node.items, at, node.items.count)


def _fields(node: Node, path: str) -> Iterator[tuple[str, Observation]]:
    for name, child in sorted(node.fields.items()):
        step = f".{name}" if _PLAIN.fullmatch(name) else f"[{_quoted(name)}]"
        yield from _walk(child, path + step, node.objects)


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    printed = (one if one.isprintable() else json.dumps(one)[1:-1] for one in escaped)
    return f'"{"".join(printed)}"'


def _fact(node: Node, path: str, chances: int) -> Observation:
    named = path[path.rfind(".") + 1 :]
    names = frozenset(node.tokens) if node.tokens else _NOTHING
    return Observation(
        *(types_of(node), node.count, chances, node.seen),
        tokens=names if names and named in ENUMS else _NOTHING,
        backends=names if names and named in BACKENDS else _NOTHING,
        formats=frozenset(node.formats) if node.formats else _NOTHING,
        lengths=frozenset(node.lengths),
        is_opaque=node.is_opaque,
        is_map=node.is_map,
        is_blank=node.blanks == node.count,
        writes_empty="null" in node.kinds
        or bool(node.blanks and _EMPTIABLE.issuperset(node.kinds)),
        tags=names if names and is_tag(named) else _NOTHING,
        objects=node.objects,
        hollows=node.hollows,
    )


def types_of(node: Node) -> frozenset[str]:
    """Return the JSON types of a node; an integer beside a number is a number: 1 and 1.0."""
    types = frozenset(node.kinds)
    return types - {"integer"} if "number" in types else types


_STEP = re.compile(
    r"""\.\*|\[\*\]|\["(?:[^"\\]|\\.)*"\]|\.[A-Za-z_$@][\w$@-]*"""
    r"""|\[[\w@]+=[^\]{}]*\]|\{[\w@]+=[^\]{}]*\}"""
)
_ROOT = re.compile(r"\$|event\([^()\s]{1,128}\)")


def split_path(path: str) -> tuple[str, ...]:
    """Return the root and the steps of a path, as they are written.

    Raises:
        ValueError: it is not a path.
    """
    root = _ROOT.match(path)
    steps, at = [root[0] if root else ""], root.end() if root else 0
    while at < len(path) or not root:
        found = _STEP.match(path, at) if root else None
        if found is None:
            raise ValueError("not a path")
        steps.append(found[0])
        at = found.end()
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: into a field, an array's items, a map's values, or a union's member.

    `each` is "item" for an array and "value" for a map; the members of a union among an array's
    items have both `each` and `variant`.
    """

    field: str | None = None
    each: Literal["item", "value"] | None = None
    variant: tuple[str, str] | None = None


def parse_path(path: str) -> tuple[str, tuple[Step, ...]]:
    """Return the root and the steps of a path.

    Raises:
        ValueError: it is not a path.
    """
    root, *steps = split_path(path)
    return root, tuple(map(_parse_step, steps))


def _parse_step(step: str) -> Step:
    if step in (".*", "[*]"):
        return Step(each="value" if step == ".*" else "item")
    if step.startswith((".", '["')):
        return Step(step[1:] if step[0] == "." else json.loads(step[1:-1]))
    key, _, name = step[1:-1].partition("=")
    return Step(each="item" if step[0] == "[" else None, variant=(key, name))


def without_tags(path: str) -> str:
    """Return a path with the members of each union as one."""
    return _TAGS.sub(lambda found: "[*]" if found[0][0] == "[" else "", path)


def name_of(path: str) -> str:
    """Return the name of the field that a path leads to; "" for no field."""
    if path.endswith('"]'):
        return str(json.loads(path[path.rfind('["') + 1 : -1]))
    return "" if path.endswith(("]", "}", "*")) else path[path.rfind(".") + 1 :]


def parent_of(path: str) -> str:
    """Return the path of the object, array or map around a path; "" for a root."""
    if path.endswith(".*"):
        return path[:-2]
    if path.endswith('"]'):
        return path[: path.rfind('["')]
    if path.endswith(("]", "}")):
        return path[: max(path.rfind("["), path.rfind("{"))]
    head, dot, _ = path.rpartition(".")
    return head if dot and not _is_inside_event(head) else ""


def _is_inside_event(head: str) -> bool:
    return head.startswith("event(") and ")" not in head
