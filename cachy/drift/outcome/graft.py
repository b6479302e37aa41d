"""Put structural changes into a recorded answer, keeping its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cachy.compare.compare import Change
from cachy.compare.rules import RULES
from cachy.interaction import Json
from cachy.structure.discriminators import DISCRIMINATORS
from cachy.structure.json_types import written_kind_of
from cachy.structure.paths import Step, parse_path


@dataclass(frozen=True, slots=True)
class _PendingChange:
    """A change that is still some steps below the place where we stand."""

    steps: tuple[Step, ...]
    token: str | None  # the new word of an enumeration, which has the old one's type
    is_farewell: bool = False  # the member of a union that is here no more

    def below(self) -> _PendingChange:
        return replace(self, steps=self.steps[1:])

    def ends(self, item: Json) -> bool:
        """Whether this item is the member that goes."""
        return self.is_farewell and len(self.steps) == 1 and _chooses(self.steps[0], item)


def graft(
    recorded: Mapping[str, Json], live: Mapping[str, Json], changes: Iterable[Change]
) -> dict[str, Json]:
    """Give the recorded document with these changes of the live one, its other values as they are.

    Both are documents in the fixture format. An answer that is no JSON, or whose status or media
    type is another, is taken whole and is then a recording of the day that `live` names.
    """
    old, new, wanted = recorded["response"], live["response"], list(changes)
    before = recorded.get("recorded", {})
    provenance = {key: value for key, value in before.items() if key != "grafted"}
    if not _is_alike(old, new):
        return {**recorded, "recorded": provenance | live["recorded"], "response": new}
    body = _merged(old["json"], new["json"], [wish for wish in map(_parse_pending, wanted) if wish])
    response = {**_with_headers(old, new, wanted), "json": body}
    return {**recorded, "recorded": provenance | {"grafted": True}, "response": response}


def _is_alike(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    return "json" in old and "json" in new and old.get("status") == new.get("status")


def _with_headers(
    old: Mapping[str, Json], new: Mapping[str, Json], changes: Sequence[Change]
) -> dict[str, Json]:
    headers = dict(old.get("headers", {}))
    for change in changes:
        place, _, name = change.path.partition(".")
        if place == "headers":
            headers.pop(name, None)
            headers |= {key: value for key, value in new.get("headers", {}).items() if key == name}
    named = {"status": old["status"], "headers": headers} if headers else {}
    return {**named, **{key: value for key, value in old.items() if key != "headers"}}


def _parse_pending(change: Change) -> _PendingChange | None:
    """Read a change's path; one that does not lead into a JSON body is none of ours."""
    try:
        root, steps = parse_path(change.path)
    except ValueError:
        return None
    way = RULES[change.rule].graft
    token = change.new if way == "token" else None
    written = tuple(map(_as_written, steps))
    return _PendingChange(written, token, way == "drop-member") if root == "$" else None


def _as_written(step: Step) -> Step:
    """Name a field as the fixture format writes it."""
    return replace(step, field=f"${step.field}") if (step.field or "")[:1] == "$" else step


def _chooses(step: Step, item: Json) -> bool:
    """Whether a step leads into an item of an array or map."""
    if step.variant is None:
        return step.field is None
    return isinstance(item, dict) and item.get(step.variant[0]) == step.variant[1]


def _merged(old: Json, new: Json, wishes: Sequence[_PendingChange]) -> Json:
    """Give `old` with what is wished at this place and below it."""
    here = [wish for wish in wishes if not wish.steps]
    is_other = written_kind_of(old) != written_kind_of(new)
    if here and (is_other or any(wish.token == new for wish in here)):
        return new
    if isinstance(old, dict) and isinstance(new, dict):
        return _merged_union(old, new, wishes)
    if isinstance(old, list) and isinstance(new, list) and new:
        return _merged_array(old, new, wishes)
    return old


def _merged_union(
    old: dict[str, Json], new: dict[str, Json], wishes: Sequence[_PendingChange]
) -> dict[str, Json]:
    """Take the steps that only name a variant off, where an object is nobody's item."""
    named = [wish for wish in wishes if wish.steps and wish.steps[0].variant]
    if any(
        wish.ends(old) or (len(wish.steps) == 1 and _chooses(wish.steps[0], new)) for wish in named
    ):
        return new
    inner = [wish.below() for wish in named if _chooses(wish.steps[0], old)]
    return _merged_object(old, new, inner + [wish for wish in wishes if wish not in named])


def _merged_object(
    old: dict[str, Json], new: dict[str, Json], wishes: Sequence[_PendingChange]
) -> dict[str, Json]:
    merged: dict[str, Json] = {}
    for name, value in old.items():
        inner = _into(name, wishes)
        if name in new:
            merged[name] = _merged(value, new[name], inner) if inner else value
        elif all(wish.steps for wish in inner):
            merged[name] = value
    return _with_added(merged, new, wishes)


def _into(name: str, wishes: Iterable[_PendingChange]) -> list[_PendingChange]:
    return [wish.below() for wish in wishes if wish.steps and wish.steps[0].field in (name, None)]


def _with_added(
    merged: dict[str, Json], new: Mapping[str, Json], wishes: Sequence[_PendingChange]
) -> dict[str, Json]:
    """Put new fields where the live answer has them: after the field before them."""
    wanted = {wish.steps[0].field for wish in wishes if len(wish.steps) == 1}
    placed = list(merged.items())
    for at, name in enumerate(new):
        if name in wanted and name not in merged:
            before = set(list(new)[:at])
            spot = max((i + 1 for i, (key, _) in enumerate(placed) if key in before), default=0)
            placed.insert(spot, (name, new[name]))
    return dict(placed)


def _merged_array(old: list[Json], new: list[Json], wishes: Sequence[_PendingChange]) -> list[Json]:
    merged = []
    for item, partner in zip(old, _partners(old, new), strict=True):
        if any(wish.ends(item) for wish in wishes):
            continue
        inner = [wish.below() for wish in wishes if wish.steps and _chooses(wish.steps[0], item)]
        merged.append(_merged(item, partner, inner) if inner else item)
    wanted = [wish.steps[0] for wish in wishes if len(wish.steps) == 1]
    for item in new if old else ():
        is_new = _variant(item) not in map(_variant, merged)
        if is_new and any(_chooses(step, item) for step in wanted):
            merged.append(item)
    return merged


def _partners(old: Sequence[Json], new: Sequence[Json]) -> list[Json]:
    """Find for each recorded item the live one that stands for it: of its variant, in its turn."""
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
