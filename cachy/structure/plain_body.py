"""The body of a fixture's response as plain JSON values, from any form that a fixture has."""

from __future__ import annotations

from collections.abc import Mapping

from cachy.interaction import Json

_NESTING = (dict, list)
_BINARY = "(binary content)"  # neither empty, nor a token, nor of any format


def decode(value: Json) -> Json:
    """Return what a value in a document stands for; binary content becomes some text."""
    if isinstance(value, list):
        return [decode(item) if isinstance(item, _NESTING) else item for item in value]
    if not isinstance(value, dict):
        return value
    if "$blob" in value:
        return _BINARY
    if len(value) == 1 and isinstance(value.get("$lines"), list):
        return "\n".join(map(str, value["$lines"]))
    return {
        key[1:] if key[:2] == "$$" else key: decode(item) if isinstance(item, _NESTING) else item
        for key, item in value.items()
    }


def media_type(response: Mapping[str, Json]) -> str:
    """Return the media type in a response's headers, in lower case; "" for none."""
    headers = response.get("headers") or {}
    named = (value for name, value in headers.items() if str(name).lower() == "content-type")
    return str(next(named, "")).partition(";")[0].strip().lower()
