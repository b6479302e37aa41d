"""Which error an API names in its response."""

from __future__ import annotations

import re

from cachy.interaction import Json

_TOKEN = re.compile(r"(?=.{1,64}$)[A-Za-z]+(_[A-Za-z]+)*")


def name_error(value: Json) -> str:
    """Return an error's code: letters and underscores only, so that no secret fits; "" for none."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return ""
    inner = name_error(value.get("error") or value.get("response"))
    found = (value.get(key) for key in ("code", "status", "type"))
    tokens = (text for text in found if isinstance(text, str) and _TOKEN.fullmatch(text))
    return inner or next((text for text in tokens if text not in ("error", "failed")), "")
