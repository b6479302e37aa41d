"""The objects of recorded and live bodies that have a field, or could have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from cachy.fixture.format.event import is_stream
from cachy.interaction import Json, JsonObject
from cachy.structure.learn import events_of
from cachy.structure.paths import Step, parse_path
from cachy.structure.plain_body import decode

Position = Literal["only", "first", "middle", "last", ""]


@dataclass(frozen=True, slots=True)
class Parent:
    """One object that could hold a field.

    `around` are the objects that it stands in, the outermost first, and itself. `position` is that
    of its event among the events of one kind in a stream. `is_listed` where it stands in a list or
    a map.
    """

    around: tuple[dict[str, Json], ...]
    has_field: bool
    position: Position = ""
    is_listed: bool = False


@dataclass(slots=True)
class Bodies:
    """The bodies of some responses, each decoded once, however many paths are looked up."""

    responses: Callable[[], Iterable[JsonObject]]
    _decoded: dict[str, list[tuple[Json, Position]]] = field(default_factory=dict)

    def find_parents(self, path: str) -> list[Parent]:
        """Return every object that has the field at a path, or could have it."""
        try:
            root, (*steps, last) = parse_path(path)
        except ValueError:
            return []
        if last.field is None:
            return []
        if steps and steps[-1].variant and steps[-1].variant[0] == last.field:
            steps[-1] = replace(steps[-1], variant=None)  # a tag that is gone tells no members
        is_listed = any(step.each for step in steps)
        return [
            Parent(around, last.field in around[-1], position, is_listed)
            for body, position in self._of(root)
            for around in _objects(body, steps, ())
        ]

    def _of(self, root: str) -> list[tuple[Json, Position]]:
        if root not in self._decoded:
            found = (pair for response in self.responses() for pair in _bodies(response, root))
            self._decoded[root] = [*found]
        return self._decoded[root]


def _bodies(response: JsonObject, root: str) -> Iterator[tuple[Json, Position]]:
    if root == "$":
        if "json" in response:
            yield decode(response["json"]), ""
        return
    if not is_stream(response):
        return
    bodies = [data for name, data in events_of(response) if f"event({name})" == root]
    for at, body in enumerate(bodies):
        yield body, _position(at, len(bodies))


@lru_cache(maxsize=4096)
def _position(at: int, count: int) -> Position:
    if count == 1:
        return "only"
    return "first" if at == 0 else "last" if at == count - 1 else "middle"


def _objects(
    value: Json, steps: Sequence[Step], around: tuple[dict[str, Json], ...]
) -> Iterator[tuple[dict[str, Json], ...]]:
    """Yield the objects at the end of some steps, each with those around it."""
    if isinstance(value, dict):
        around = (*around, value)
    if not steps:
        if isinstance(value, dict):
            yield around
        return
    step = steps[0]
    for item in _inside(value, step):
        if step.variant is None or _is_member(item, *step.variant):
            is_same = item is value
            yield from _objects(item, steps[1:], around[:-1] if is_same else around)


def _inside(value: Json, step: Step) -> Iterable[Json]:
    if step.each == "item":
        return value if isinstance(value, list) else ()
    if step.each == "value":
        return value.values() if isinstance(value, dict) else ()
    if step.field is not None:
        return [value[step.field]] if isinstance(value, dict) and step.field in value else ()
    return [value]


def _is_member(value: Json, key: str, name: str) -> bool:
    return isinstance(value, dict) and value.get(key) == name
