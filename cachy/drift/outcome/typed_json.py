"""Frozen dataclasses as JSON, and JSON that others wrote as frozen dataclasses, checked."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from cachy.interaction import Json

_Kind = TypeVar("_Kind")
_LONGEST = 4096  # characters of one text that somebody else wrote


def dump(value: Any) -> Json:
    """Return a dataclass as JSON; a field that has its default is left out where it says so."""
    if is_dataclass(value):
        shown = [entry for entry in fields(value) if not _is_left_out(entry, value)]
        return {entry.name: dump(getattr(value, entry.name)) for entry in shown}
    if isinstance(value, tuple):
        return [dump(item) for item in value]
    return value


def _is_left_out(entry: Field[Any], owner: Any) -> bool:
    """Return whether a field is optional in the JSON form, and empty."""
    return entry.metadata.get("optional", False) and not getattr(owner, entry.name)


def parse(kind: type[_Kind], value: Json, at: str = "$") -> _Kind:
    """Return JSON as an instance of a dataclass.

    Raises:
        ValueError: a field is missing, unknown or of another type; the message says where.
    """
    found = _parse(kind, value, at)
    assert isinstance(found, kind)
    return found


def _parse(kind: Any, value: Json, at: str) -> Any:
    if is_dataclass(kind):
        return _parse_fields(kind, value, at)
    origin = get_origin(kind)
    if origin is Literal:
        return _expect(value in get_args(kind) and isinstance(value, str), value, at, kind)
    if origin is types.UnionType:
        return None if value is None else _parse(get_args(kind)[0], value, at)
    if origin is tuple:
        _expect(isinstance(value, list), value, at, "a list")
        inner = get_args(kind)[0]
        return tuple(_parse(inner, item, f"{at}[{n}]") for n, item in enumerate(value))
    return _expect(_SCALARS[kind](value), value, at, kind.__name__)


_SCALARS: dict[Any, Callable[[Json], bool]] = {
    str: lambda value: isinstance(value, str) and len(value) <= _LONGEST,
    int: lambda value: type(value) is int and value >= 0,
    bool: lambda value: isinstance(value, bool),
}


def _parse_fields(kind: Any, value: Json, at: str) -> Any:
    _expect(isinstance(value, dict), value, at, "an object")
    known = {entry.name: entry for entry in fields(kind)}
    if unknown := sorted(value.keys() - known.keys()):
        raise ValueError(f"{at} has an unknown field {unknown[0][:40]!r}")
    given = {}
    for name, entry in known.items():
        if name in value:
            given[name] = _parse(_hints(kind)[name], value[name], f"{at}.{name}")
        elif entry.default is MISSING:
            raise ValueError(f"{at} has no field {name!r}")
    return kind(**given)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _expect(is_right: bool, value: Json, at: str, wanted: object) -> Json:
    if is_right:
        return value
    shown = ", ".join(get_args(wanted)) if get_origin(wanted) is Literal else wanted
    raise ValueError(f"{at}: expected {shown}")
