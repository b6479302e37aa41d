"""Structural changes are put into a recorded response, whose values stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cachy.compare.catalogue.rules import RULES
from cachy.compare.compare import Change
from cachy.fixture.format.text import BODY_KINDS
from cachy.interaction import Json
from cachy.providers.mcp import tools_of
from cachy.structure.discriminators import DISCRIMINATORS
from cachy.structure.json_types import written_kind_of
from cachy.structure.paths import Step, parse_path


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change whose path has steps left below the current place."""

    steps: tuple[Step, ...]
    token: str | None  # the new word of an enumeration, which has the old one's type
    removes: bool = False  # the member of a union that is here no more

    def below(self) -> PendingChange:
        return replace(self, steps=self.steps[1:])

    def ends(self, item: Json) -> bool:
        """Return whether this item is the union's member that goes."""
        return self.removes and len(self.steps) == 1 and _chooses(self.steps[0], item)


def is_writable(recorded: Mapping[str, Json], live: Mapping[str, Json]) -> bool:
    """Return whether a live response may replace a recorded one: equal kind and status class.

    Text over JSON, an error over a result, a page over a stream and null over a body are never
    written.
    """
    old, new = recorded["response"], live["response"]
    bodies = (isinstance(one.get("json"), (dict, list)) for one in (old, new))
    is_lost = (*bodies,) == (True, False)
    is_same_class = old["status"] // 100 == new["status"] // 100
    return _kind(old) == _kind(new) and is_same_class and not is_lost


def _kind(response: Mapping[str, Json]) -> str:
    return next((kind for kind in BODY_KINDS if kind in response), "none")


def graft(
    recorded: Mapping[str, Json],
    live: Mapping[str, Json],
    changes: Iterable[Change],
    *,
    take_whole: bool = False,
) -> dict[str, Json]:
    """Return the recorded document with these changes of the live one, its other values kept.

    Both are documents in the fixture format. What is not JSON is taken whole, and so is a list of
    tools, as everything is with `take_whole`; it is then a recording of the day that `live` names.
    """
    old, new, wanted = recorded["response"], live["response"], list(changes)
    before = recorded.get("recorded", {})
    provenance = {key: value for key, value in before.items() if key != "grafted"}
    is_grafted = "json" in old and "json" in new and tools_of(old["json"]) is None
    if take_whole or not is_grafted:
        return {**recorded, "recorded": provenance | live["recorded"], "response": new}
    pending = [change for change in map(_parse_change, wanted) if change]
    body = _merged(old["json"], new["json"], pending)
    response = {**_with_headers(old, new, wanted), "json": body}
    return {**recorded, "recorded": provenance | {"grafted": True}, "response": response}


def _with_headers(
    old: Mapping[str, Json], new: Mapping[str, Json], changes: Sequence[Change]
) -> dict[str, Json]:
    headers, status = dict(old.get("headers", {})), old["status"]
    for change in changes:
        place, _, name = change.path.partition(".")
        if place == "headers":
            headers.pop(name, None)
            headers |= {key: value for key, value in new.get("headers", {}).items() if key == name}
        if place == "status":
            status = new["status"]
    kept = {key: value for key, value in old.items() if key not in ("status", "headers")}
    return {"status": status, **({"headers": headers} if headers else {}), **kept}


def _parse_change(change: Change) -> PendingChange | None:
    """Return a change with its parsed path; None if that does not lead into a JSON body."""
    try:
        root, steps = parse_path(change.path)
    except ValueError:
        return None
    way = RULES[change.rule].graft
    token = change.new if way == "token" else None
    written = tuple(map(_as_written, steps))
    return PendingChange(written, token, way == "drop-member") if root == "$" else None


def _as_written(step: Step) -> Step:
    """Return a field's name as the fixture format writes it."""
    return replace(step, field=f"${step.field}") if (step.field or "")[:1] == "$" else step


def _chooses(step: Step, item: Json) -> bool:
    """Return whether a step leads into an item of an array or map."""
    if step.variant is None:
        return step.field is None
    return isinstance(item, dict) and item.get(step.variant[0]) == step.variant[1]


def _merged(old: Json, new: Json, pending: Sequence[PendingChange]) -> Json:
    """Return `old` with the changes at this place and below it."""
    here = [one for one in pending if not one.steps]
    is_other = written_kind_of(old) != written_kind_of(new)
    if here and (is_other or any(one.token == new for one in here)):
        return new
    if isinstance(old, dict) and isinstance(new, dict):
        return _merged_union(old, new, pending)
    if isinstance(old, list) and isinstance(new, list) and new:
        return _merged_array(old, new, pending)
    return old


def _merged_union(
    old: dict[str, Json], new: dict[str, Json], pending: Sequence[PendingChange]
) -> dict[str, Json]:
    """Merge an object that is not an item; steps that only name its variant are dropped."""
    named = [one for one in pending if one.steps and one.steps[0].variant]
    if any(one.ends(old) or (len(one.steps) == 1 and _chooses(one.steps[0], new)) for one in named):
        return new
    inner = [one.below() for one in named if _chooses(one.steps[0], old)]
    return _merged_object(old, new, inner + [one for one in pending if one not in named])


def _merged_object(
    old: dict[str, Json], new: dict[str, Json], pending: Sequence[PendingChange]
) -> dict[str, Json]:
    merged: dict[str, Json] = {}
    for name, value in old.items():
        inner = _into(name, pending)
        if name in new:
            merged[name] = _merged(value, new[name], inner) if inner else value
        elif all(one.steps for one in inner):
            merged[name] = value
    return _with_added(merged, new, pending)


def _into(name: str, pending: Iterable[PendingChange]) -> list[PendingChange]:
    return [one.below() for one in pending if one.steps and one.steps[0].field in (name, None)]


def _with_added(
    merged: dict[str, Json], new: Mapping[str, Json], pending: Sequence[PendingChange]
) -> dict[str, Json]:
    """Return an object with new fields where the live one has them: after their neighbour."""
    wanted = {one.steps[0].field for one in pending if len(one.steps) == 1}
    placed = list(merged.items())
    for at, name in enumerate(new):
        if name in wanted and name not in merged:
            before = set(list(new)[:at])
            spot = max((i + 1 for i, (key, _) in enumerate(placed) if key in before), default=0)
            placed.insert(spot, (name, new[name]))
    return dict(placed)


def _merged_array(old: list[Json], new: list[Json], pending: Sequence[PendingChange]) -> list[Json]:
    merged = []
    for item, partner in zip(old, _partners(old, new), strict=True):
        if any(one.ends(item) for one in pending):
            continue
        inner = [one.below() for one in pending if one.steps and _chooses(one.steps[0], item)]
        merged.append(_merged(item, partner, inner) if inner else item)
    wanted = [one.steps[0] for one in pending if len(one.steps) == 1]
    for item in new if old else ():
        is_new = _variant(item) not in map(_variant, merged)
        if is_new and any(_chooses(step, item) for step in wanted):
            merged.append(item)
    return merged


def _partners(old: Sequence[Json], new: Sequence[Json]) -> list[Json]:
    """Return for each recorded item the live one of its variant, in its turn."""
    found, turns = [], dict[tuple[Json, ...], int]()
    for item in old:
        variant = _variant(item)
        like = [candidate for candidate in new if _variant(candidate) == variant] or list(new)
        turn = turns.get(variant, 0)
        turns[variant] = turn + 1
        found.append(like[min(turn, len(like) - 1)])
    return found


def _variant(item: Json) -> tuple[Json, ...]:
    if not isinstance(item, dict):
        return (written_kind_of(item),)
    return tuple(str(item[key]) for key in DISCRIMINATORS if key in item)
