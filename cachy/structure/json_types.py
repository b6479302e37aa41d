"""What one value is: its JSON type, a string's format, whether a string can be a token."""

from __future__ import annotations

import re
from functools import lru_cache

from cachy.interaction import Json

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[T ]\d\d:\d\d.*)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TOKEN = re.compile(r"[A-Za-z_][\w.:/#+-]*")
_LONGEST = 64  # letters of a token
_KINDS = {
    str: "string",
    dict: "object",
    list: "array",
    bool: "boolean",
    int: "integer",
    type(None): "null",
}


def written_kind_of(value: Json) -> str:
    """Return the JSON type of what a value in a document stands for."""
    if isinstance(value, dict) and ("$lines" in value or "$blob" in value):
        return "string"  # the fixture format's way of writing long text and binary content
    return kind_of(value)


def kind_of(value: Json) -> str:
    """Return a value's JSON type; 1.0 is an integer (JSON Schema 2020-12, section 4.2.3)."""
    kind = _KINDS.get(type(value))
    if kind is None:
        is_whole = isinstance(value, float) and value.is_integer()
        return "integer" if is_whole else "number"
    return kind


def find_format(text: str) -> str:
    """Return a string's format, a change of which breaks clients; "" for none.

    Dates (RFC 3339), UUIDs (RFC 9562), URLs (RFC 3986).
    """
    first = text[:1]
    if first.isdigit() and len(text) < 40 and (found := _DATE.fullmatch(text)):
        return "date-time" if found["time"] else "date"
    if len(text) == 36 and _UUID.fullmatch(text):
        return "uuid"
    if first == "h" and text.startswith(("http://", "https://")) and " " not in text:
        return "uri"
    return ""


def is_token(text: str) -> bool:
    """Return whether a string can be a name that an API chose: not a number, id, date or prose."""
    return len(text) <= _LONGEST and _is_token(text)


@lru_cache(maxsize=4096)
def _is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None and re.search(r"\d{4}", text) is None
