"""What changed in the body of an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cachy.compare.catalogue.change import Change
from cachy.compare.catalogue.rules import RULES
from cachy.compare.envelope.api_error import name_error
from cachy.compare.envelope.envelope_rules import status_of
from cachy.interaction import Json, JsonObject
from cachy.structure.plain_body import decode

# Where an error says what it is, in the usual ways of APIs (RFC 9457, OAuth 2.0, JSON:API).
_CONTAINERS = ("error", "errors", "message", "detail", "title", "code", "error_description")
_MESSAGES = ("message", "detail", "title", "error_description", "error")


def as_error_changes(
    changes: Iterable[Change], before: JsonObject, after: JsonObject, *, is_closed: bool
) -> list[Change]:
    """Return what changed in an error's shape; another error of an API of data has other fields."""
    is_other = not is_closed and _is_other_error(before, after)
    return [
        _as_error(change)
        for change in changes
        if not is_other or _top_name(change.path) in _CONTAINERS or change.path == "$"
    ]


def _as_error(change: Change) -> Change:
    if RULES[change.rule].severity == "compatible":
        return change
    return replace(
        change, rule="error-shape-changed", severity=RULES["error-shape-changed"].severity
    )


def _top_name(path: str) -> str:
    """Return the name of a field of the body itself; "" for one further down."""
    name = path.removeprefix("$.")
    return name if "." not in name and "[" not in name else ""


def _is_other_error(before: JsonObject, after: JsonObject) -> bool:
    if status_of(before) != status_of(after):
        return True
    old, new = (decode(one.get("json")) for one in (before, after))
    return name_error(old) != name_error(new) or {*_messages(old)} != {*_messages(new)}


def _messages(body: Json) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    for name in _MESSAGES:
        item = body.get(name)
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from _messages(item)
