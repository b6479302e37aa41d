"""Fields that come and go with the history of a resource or a stream, not with the API.

A job shows more fields the further it is, an edited document shows others, the last event of a
stream others than the first. Each excuse looks at what the recorded and live bodies themselves say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cachy.compare.bodies.parents import Bodies, Parent
from cachy.compare.bodies.records import (
    are_hidden,
    are_unchanged,
    has_moved_on,
    has_other_shape,
    is_edited,
    is_other_record,
    is_other_value,
    says_all,
    tells_records_apart,
)
from cachy.compare.bodies.unions import is_own_tag
from cachy.compare.catalogue.change import Change
from cachy.interaction import Json
from cachy.providers.response_fields import REVISIONS
from cachy.structure.paths import name_of

_STATE = re.compile(
    r"(?:\w*_)?(?:status|state|phase|stage|lifecycle)(?:_(?:detail|reason|message|text|code|name))?"
    r"|(?:\w*[a-z])?(?:Status|State|Phase)"
)
_STATES = re.compile(r"(?:\w*_)?(?:statuses|states|conditions)|\w*[a-z](?:Statuses|Conditions)")
_FLAGS = frozenset(
    [
        "done",
        "completed",
        "complete",
        "finished",
        "ready",
        "closed",
        "merged",
        "draft",
        "archived",
        "paid",
        "captured",
        "refunded",
        "canceled",
        "cancelled",
        "deleted",
        "expired",
        "published",
        "active",
        "online",
        "enabled",
        "available",
        "locked",
        "verified",
        "suspended",
    ]
)
_OF_TYPE = frozenset({"type-changed", "type-widened"})
_OF_PRESENCE = frozenset({"field-added", "field-removed", "field-became-optional"})
# What a record shows may be null, or of another type, for no other reason than its content.
_OF_CONTENT = frozenset(
    {"null-added", "null-resolved", "absent-null-swapped", "type-widened", "format-changed"}
)


@dataclass(frozen=True, slots=True)
class Histories:
    """What the recorded responses and the live one show of their progress.

    `own` is the recorded response that the live one is compared with.
    """

    recorded: Bodies
    live: Bodies
    is_closed: bool = False
    own: Bodies | None = None

    def explain(self, change: Change, *, is_repeated: bool = False) -> bool:
        """Return whether a field comes or goes for a reason that the bodies show.

        `is_repeated`: some field does so in several places, as where an API changed.
        """
        is_of_content = not self.is_closed and change.rule in _OF_CONTENT
        is_of_type = change.rule in _OF_TYPE
        if change.rule not in _OF_PRESENCE and not is_of_content and not is_of_type:
            return False
        before = self.recorded.find_parents(change.path)
        after = self.live.find_parents(change.path)
        if is_of_type and any(are_hidden(side, name_of(change.path)) for side in (before, after)):
            return True
        if is_of_content:
            if tells_records_apart(change.path):
                return False
            return is_other_value(before, after) or _is_other_state(before, after)
        if is_of_type:
            return False
        return self._explain_presence(change, before, after, is_repeated)

    def _explain_presence(
        self, change: Change, before: list[Parent], after: list[Parent], is_repeated: bool
    ) -> bool:
        if change.rule == "field-added":
            fuller, barer = _with(after), _without(before)
        else:
            fuller, barer = _with(before), _without(after)
        if not fuller or not barer:
            return False
        if is_own_tag(change.path) and self.is_unchanged(change.path):
            return False  # without its tag an object is in no other state
        if _is_other_position(change, fuller, barer, before) or _is_other_state(fuller, barer):
            return True
        if _is_first_revision(fuller, barer):
            return True
        is_of_data = not self.is_closed and not is_repeated
        return is_of_data and (is_edited(fuller, barer) or _is_content(before, after))

    def is_unchanged(self, path: str) -> bool:
        """Return whether the objects around a path hold the same values as recorded."""
        if self.own is None:
            return False
        before, after = self.own.find_parents(path), self.live.find_parents(path)
        return are_unchanged(before, after, name_of(path)) and not has_moved_on(before, after)


def _is_content(before: Sequence[Parent], after: Sequence[Parent]) -> bool:
    """Return whether some records of an API of data have a field, and others do not."""
    every = (*before, *after)
    having, lacking = _with(every), _without(every)
    return is_other_record(having, lacking) or has_other_shape(having, lacking, after)


def _with(parents: Iterable[Parent]) -> list[Parent]:
    return [parent for parent in parents if parent.has_field]


def _without(parents: Iterable[Parent]) -> list[Parent]:
    return [parent for parent in parents if not parent.has_field]


def _is_other_position(
    change: Change, fuller: Sequence[Parent], barer: Sequence[Parent], recorded: Sequence[Parent]
) -> bool:
    """Return whether no recorded stream has an event where the live one differs.

    A stream of one event does not show what its first and its last event have in common.
    """
    if change.rule == "field-added":
        shown = {parent.position for parent in recorded}
        shown |= {"first", "last"} if "only" in shown else set()
        return shown.isdisjoint({parent.position for parent in fuller})
    proven = {parent.position for parent in fuller}
    proven |= {"only"} if proven - {"", "only"} else set()
    return proven.isdisjoint({parent.position for parent in barer})


def _is_other_state(fuller: Sequence[Parent], barer: Sequence[Parent]) -> bool:
    """Return whether objects with a field are in other states than those without it."""
    if any(says_all(parent.around[-1]) for parent in barer):
        return False
    having, lacking = _states(fuller), _states(barer)
    return any(having[key].isdisjoint(lacking[key]) for key in having.keys() & lacking.keys())


def _states(parents: Iterable[Parent]) -> dict[tuple[int, str, str], set[str]]:
    """Return the states of some objects by level and name; a flag that is missing is not set."""
    found: dict[tuple[int, str, str], set[str]] = {}
    for parent in parents:
        for level, one in enumerate(parent.around):
            is_set = {name.lower() for name, item in one.items() if item is True}
            for flag in _FLAGS:
                found.setdefault((level, "", flag), set()).add(str(flag in is_set))
            for inner, name, state in _states_of(one):
                found.setdefault((level, inner, name), set()).add(state)
    return found


def _states_of(value: dict[str, Json]) -> Iterator[tuple[str, str, str]]:
    """Yield an object's states: its own, and those of the objects directly below it."""
    for name, item in value.items():
        if isinstance(item, str) and _STATE.fullmatch(name):
            yield "", name, item
        elif isinstance(item, list) and _STATES.fullmatch(name):
            yield "", name, _combined(item)
        elif isinstance(item, dict):
            for inner, state in item.items():
                if isinstance(state, str) and _STATE.fullmatch(inner):
                    yield name, inner, state


def _combined(conditions: Sequence[Json]) -> str:
    """Return the state that a list of conditions describes, as one text.

    Kubernetes has `{"type": "Ready", "status": "True"}`, Azure `{"code": "PowerState/running"}`.
    """
    found = [
        "=".join(str(one[name]) for name in ("type", "code", "status") if name in one)
        for one in conditions
        if isinstance(one, dict)
    ]
    return "; ".join(sorted(found))


def _is_first_revision(fuller: Sequence[Parent], barer: Sequence[Parent]) -> bool:
    """Return whether only resources that were changed after their creation have a field."""
    return all(_is_revised(parent.around[-1]) for parent in fuller) and all(
        _is_revised(parent.around[-1]) is False for parent in barer
    )


def _is_revised(resource: dict[str, Json]) -> bool | None:
    """Return whether a resource was changed after its creation; None if it does not say."""
    for made, changed in REVISIONS:
        if resource.get(made) and resource.get(changed):
            return bool(resource[made] != resource[changed])
    return None
