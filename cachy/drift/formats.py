"""The few string formats whose change breaks a client: dates, UUIDs, URLs, JSON in a string."""

from __future__ import annotations

import re

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[T ]\d\d:\d\d.*)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def find_format(text: str) -> str:
    """Name a string's format (RFC 3339, RFC 9562, RFC 3986), "" where it has none."""
    first = text[:1]
    if first.isdigit() and len(text) < 40 and (found := _DATE.fullmatch(text)):
        return "date-time" if found["time"] else "date"
    if len(text) == 36 and _UUID.fullmatch(text):
        return "uuid"
    if first == "h" and text.startswith(("http://", "https://")) and " " not in text:
        return "uri"
    return ""
