"""What an API says in its own words, redacted, on one line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cachy.display import printable
from cachy.fixture.format.text import plain
from cachy.interaction import Json

_LONGEST = 200  # characters
_WORDS = ("message", "detail", "error_description", "title", "msg", "error", "errors", "details")
_PARAMETER = re.compile(r"(?=.{1,64}$)[A-Za-z]+(?:[_.\[][A-Za-z0-9_\]]+)*")


def find_message(response: Mapping[str, Json]) -> str:
    """Return the message of a document's error response, redacted as the document is."""
    text = " ".join(_message(plain(response.get("json"))).split())
    shown = printable(text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _message(value: Json, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _message(value[0], depth + 1) if value and depth < 4 else ""
    if not isinstance(value, dict) or depth > 4:
        return ""
    inner = value.get("error")
    if isinstance(inner, (dict, list)) and (found := _message(inner, depth + 1)):
        return found
    return next((found for key in _WORDS if (found := _message(value.get(key), depth + 1))), "")


def find_parameter(response: Mapping[str, Json]) -> str:
    """Return the request parameter that an error names; "" for none."""
    body = plain(response.get("json"))
    error = body.get("error", body) if isinstance(body, dict) else None
    named = error.get("param") if isinstance(error, dict) else None
    return named if isinstance(named, str) and _PARAMETER.fullmatch(named) else ""
