"""Which objects are members of a union, maps keyed by data, or schemas that are data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from cachy.interaction import Json
from cachy.providers.response_fields import GENERATED, OPEN_MAPS
from cachy.structure.json_types import is_token, kind_of

DISCRIMINATORS = ("type", "object", "role", "kind")
MOST_FIELDS = 512  # more names than this in one object are data

_ID_KEY = re.compile(
    r"\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}"
    r"|(?=[a-z]{2,12}[_-]\w*\d)[a-z]{2,12}[_-][A-Za-z0-9]{12,}|.{81,}|.*[\r\n].*",
    re.IGNORECASE | re.DOTALL,
)


@lru_cache(maxsize=4096)
def _is_id(key: str) -> bool:
    return _ID_KEY.fullmatch(key) is not None


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
    if len(value) > MOST_FIELDS or all(map(_is_id, value)):
        return True
    if len(value) < 20:
        return False
    kinds = set(map(kind_of, value.values()))
    return len(kinds) == 1 and (len(value) >= 50 or bool(kinds & {"object", "array"}))


def _rows(rows: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset((row.rpartition(".")[0], row.rpartition(".")[2]) for row in rows)


_OPAQUE, _MAPS = _rows(GENERATED), _rows(OPEN_MAPS)
MARKED = frozenset(key for _, key in _OPAQUE | _MAPS)


def find_mark(label: str, key: str) -> str | None:
    """Say what documentation tells of a field of the object named so: "opaque", "map" or None."""
    for rows, means in ((_OPAQUE, "opaque"), (_MAPS, "map")):
        if (label, key) in rows or ("*", key) in rows:
            return means
    return None
