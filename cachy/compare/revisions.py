"""Fields that a resource has from its first revision on: its own history, not the API's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cachy.compare.change import Change
from cachy.interaction import Json
from cachy.providers.response_fields import REVISIONS
from cachy.structure.body import decode
from cachy.structure.paths import Step, parse_path

Response = Mapping[str, Json]


def is_first_revision(change: Change, recorded: Sequence[Response], live: Response) -> bool:
    """Whether only resources that were changed since they were made have a field.

    Those on the side that lacks it were never changed, by the times that they tell themselves.
    """
    if change.rule == "field-added":
        barer, fuller = [*recorded], [live]
    elif change.rule == "field-removed":
        barer, fuller = [live], [*recorded]
    else:
        return False
    without, among = _holders(change.path, barer), _holders(change.path, fuller)
    revised = [is_revised for has_field, is_revised in among if has_field]
    return (
        bool(without and revised)
        and all(revised)
        and all(is_revised is False for _, is_revised in without)
    )


def _holders(path: str, responses: Iterable[Response]) -> list[tuple[bool, bool | None]]:
    """Give of each object that could hold the field whether it does, and whether it is revised."""
    try:
        root, (*steps, last) = parse_path(path)
    except ValueError:
        return []
    bodies = [decode(one["json"]) for one in responses if root == "$" and "json" in one]
    objects = [value for body in bodies for value in _values(body, steps)]
    return [(last.field in one, _is_revised(one)) for one in objects if isinstance(one, dict)]


def _is_revised(resource: Mapping[str, Json]) -> bool | None:
    """Whether a resource was changed since it was made; None where it doesn't say."""
    for made, changed in REVISIONS:
        if resource.get(made) and resource.get(changed):
            return bool(resource[made] != resource[changed])
    return None


def _values(value: Json, steps: Sequence[Step]) -> Iterator[Json]:
    """Give what stands at a path, wherever it leads."""
    if not steps:
        yield value
        return
    step = steps[0]
    if step.each and isinstance(value, (list, dict)):
        inner = value if isinstance(value, list) else list(value.values())
    elif step.field is not None:
        inner = [value[step.field]] if isinstance(value, dict) and step.field in value else []
    else:
        inner = [value]
    for item in inner:
        if step.variant is None or _is_member(item, *step.variant):
            yield from _values(item, steps[1:])


def _is_member(value: Json, key: str, name: str) -> bool:
    return isinstance(value, dict) and value.get(key) == name
