"""The body of a fixture's response as plain JSON values, whatever form the fixture keeps it in."""

from __future__ import annotations

from collections.abc import Mapping

from cachy.fixture.format.lossless_json import is_too_deep, load_exactly
from cachy.fixture.format.text import encode
from cachy.interaction import Json

_NESTING = (dict, list)
_BINARY = "(binary content)"  # neither empty, nor a token, nor of any format


def decode(value: Json) -> Json:
    """Return what a value of a document stands for; binary content is some text."""
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
    """Return the media type that a response's headers name, in lower case; "" where none does."""
    headers = response.get("headers") or {}
    named = (value for name, value in headers.items() if str(name).lower() == "content-type")
    return str(next(named, "")).partition(";")[0].strip().lower()


def parse_text(response: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a response whose JSON is kept as text with that JSON parsed.

    A text that is not JSON, or that says a thing twice or not at all (duplicate keys, NaN), stays.
    """
    text = response.get("text")
    if not isinstance(text, str) or not media_type(response).endswith("json"):
        return response
    try:
        value = load_exactly(text, floats=float)
    except (ValueError, RecursionError):
        return response
    if is_too_deep(value, text):
        return response
    others = {key: item for key, item in response.items() if key != "text"}
    return {**others, "json": encode(value)}
