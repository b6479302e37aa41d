"""Which objects are members of a union, maps keyed by data, or schemas that are data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from cachy.interaction import Json
from cachy.providers.response_fields import GENERATED, OPEN_MAPS
from cachy.structure.json_types import is_token, kind_of
from cachy.structure.map_keys import are_codes, are_data_keys

DISCRIMINATORS = ("type", "object", "role", "kind")
MOST_FIELDS = 512  # more names than this in one object are data

# Fields like them: recordType, __typename, @type, resource_type, eventKind, class.
_TAG = re.compile(
    r"@?_*(?:type|typename|kind|class)|\w*(?:_(?:type|kind)|[a-z](?:Type|Kind|Class))"
)
_NO_TAG = re.compile(r".*(?:content|media|mime|token|grant|auth|data)_?type", re.IGNORECASE)


def find_discriminator(value: dict[str, Json]) -> tuple[str, str] | None:
    """Return the field that says which member of a union an object is, or None."""
    for key in DISCRIMINATORS:
        if key in value and _is_name(value[key]):
            return key, value[key]
    for key, name in value.items():
        if isinstance(name, str) and is_tag(key) and _is_name(name):
            return key, name
    return None


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and "/" not in value and is_token(value)


@lru_cache(maxsize=4096)
def is_tag(key: str) -> bool:
    """Return whether a field's name suggests that it classifies objects."""
    if key in DISCRIMINATORS:
        return True
    return _TAG.fullmatch(key) is not None and _NO_TAG.fullmatch(key) is None


def is_json_schema(value: dict[str, Json]) -> bool:
    """Return whether an object is a JSON Schema from the request, repeated in the response."""
    return isinstance(value.get("properties"), dict) and value.get("type") == "object"


def is_map_like(value: dict[str, Json]) -> bool:
    """Return whether an object's keys are data: ids, numbers, prose, or very many of one type."""
    if not value:
        return False
    if len(value) > MOST_FIELDS or are_data_keys(value):
        return True
    if "" in value or _repeats_its_keys(value):
        return True
    is_coded = are_codes(value)
    if len(value) < 20 and not is_coded:
        return False
    kinds = set(map(kind_of, value.values()))
    if is_coded:
        return len(kinds - {"null"}) < 2 or kinds == {"integer", "number"}
    return len(kinds) == 1 and (len(value) >= 50 or bool(kinds & {"object", "array"}))


def _repeats_its_keys(value: dict[str, Json]) -> bool:
    """Return whether each value is a record that holds its key: {"web1": {"hostname": "web1"}}."""
    return all(
        isinstance(record, dict) and len(record) > 1 and key in record.values()
        for key, record in value.items()
    )


def _rows(rows: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset((row.rpartition(".")[0], row.rpartition(".")[2]) for row in rows)


_OPAQUE, _MAPS = _rows(GENERATED), _rows(OPEN_MAPS)
MARKED = frozenset(key for _, key in _OPAQUE | _MAPS)


def find_mark(label: str, key: str) -> str | None:
    """Return what is documented of a field's objects: "opaque", "map" or None."""
    for rows, means in ((_OPAQUE, "opaque"), (_MAPS, "map")):
        if (label, key) in rows or ("*", key) in rows:
            return means
    return None
