"""What the responses of a surface are known to look like: a map from path to fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import takewhile

from cachy.structure.learn import Structure
from cachy.structure.node import Node
from cachy.structure.paths import Observation, Step, parse_path, split_path

FIRM = 3  # recordings that make a fact more than new


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a contract: what is at its path.

    `tokens` are an enumeration's values. `is_last`: a stream may end with this event. `is_new`:
    fewer than three recordings show it. `is_opaque`: generated text; only its type counts.
    """

    types: frozenset[str]
    tokens: frozenset[str] = frozenset()
    is_optional: bool = False
    is_opaque: bool = False
    is_last: bool = False
    is_new: bool = False


Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Contract:
    """The structure that a surface is known to have; `surface` is its name."""

    surface: str
    facts: Facts


def contract_of(structure: Structure, surface: str) -> Contract:
    """Return what a structure has learned as a contract."""
    return Contract(surface, _facts(structure))


def merge(one: Contract, other: Contract) -> Contract:
    """Return what two contracts of a surface know together: each saw what the other did not."""
    structure = structure_of(one)
    structure.add(structure_of(other))
    sides = (one.facts, other.facts)
    facts = {
        path: replace(fact, is_new=all(_is_new(side, path) for side in sides))
        for path, fact in _facts(structure).items()
    }
    return Contract(min(one.surface, other.surface), facts)


def structure_of(contract: Contract, recordings: int = FIRM) -> Structure:
    """Return a structure that has learned just this, from as many recordings as that takes."""
    structure = Structure(recordings=recordings)
    for path, fact in sorted(contract.facts.items()):
        root, steps = parse_path(path)
        if fact.is_last:
            structure.streams = structure.endings[root[6:-1]] = recordings
        if "text" in fact.types:
            continue
        node = reduce(_step_into, steps, structure.roots.setdefault(root, Node()))
        _teach(node, fact, recordings)
        if not steps:  # a kind of event: there in every stream, or not
            node.marks = 0 if fact.is_optional else _marks(recordings)
    return structure


def _facts(structure: Structure) -> dict[str, Fact]:
    paths = structure.paths().items()  # a map that never held a value has a path without types
    found = {path: _fact(fact) for path, fact in paths if fact.types and is_path(path)}
    facts = {path: replace(fact, is_new=_is_new(found, path)) for path, fact in found.items()}
    for root, node in structure.roots.items():
        if root in facts and root != "$":
            facts[root] = replace(facts[root], is_optional=node.seen < structure.recordings)
    for name, count in structure.endings.items() if structure.streams else ():
        root = f"event({name})"
        if is_path(root):
            text = Fact(frozenset({"text"}), is_new=count < FIRM)
            facts[root] = replace(facts.get(root, text), is_last=True)
    return dict(sorted(facts.items()))


def _fact(fact: Observation) -> Fact:
    is_enum = fact.tokens and fact.types <= {"string", "null"} and "null" not in fact.tokens
    return Fact(
        types=fact.types,
        tokens=fact.tokens if is_enum else frozenset(),
        is_optional=fact.is_optional,
        is_opaque=fact.is_opaque,
        is_new=fact.seen < FIRM,
    )


def is_path(path: str) -> bool:
    """Return whether a path can be written to a file; an event may have any name."""
    try:
        return bool(split_path(path)) and path.isprintable()
    except ValueError:
        return False


def _is_new(facts: Facts, path: str) -> bool:
    """Return whether a fact is new; the values of a map are as well known as the map."""
    if ".*" in path:
        path = "".join(takewhile(lambda step: step != ".*", split_path(path)))
    fact = facts.get(path)
    return fact is None or fact.is_new


def _step_into(node: Node, step: Step) -> Node:
    """Go one step down and create what is missing: a fact may be without its parent's."""
    if step.each != "value" or not node.kinds:
        _imply(node, "array" if step.each == "item" else "object")
    if step.field is not None:
        return node.fields.setdefault(step.field, Node())
    if step.each:
        node.is_map = node.is_map or step.each == "value"
        node.items = node = node.items or Node()
    if step.variant is None:
        return node
    _imply(node, "object")
    return node.variants.setdefault(step.variant, Node())


def _imply(node: Node, kind: str) -> None:
    node.kinds.setdefault(kind, 2)
    node.count = node.count or 2


def _teach(node: Node, fact: Fact, recordings: int) -> None:
    """Count what a fact says: a value twice, or once if an object may lack it."""
    node.kinds.update(dict.fromkeys(fact.types, 2))
    node.count = 1 if fact.is_optional else 2
    node.marks = 0 if fact.is_new else _marks(recordings)
    node.is_opaque = fact.is_opaque
    if "string" in fact.types:
        node.tokens = dict.fromkeys(fact.tokens, 1) if fact.tokens else None


def _marks(recordings: int) -> int:
    return (1 << recordings) - 1


def merge_all(contracts: Iterable[Contract]) -> Contract:
    """Return several contracts merged; their order does not matter."""
    return reduce(merge, contracts)
