"""How long an API asks its callers to wait."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from cachy.fixture.format.dates import parse_date
from cachy.interaction import Headers, header

PAUSE = 1.0  # seconds before the second try, where the API names none


def parse_retry_after(headers: Headers, now: datetime | None = None) -> float:
    """Return the seconds that a response asks for: its headers in every spelling, else `PAUSE`.

    `retry-after-ms` is Azure's; `retry-after` is a number of seconds, with a fraction too, or a
    date in any zone (RFC 9110 section 10.2.3).
    """
    milliseconds = _number(header(headers, "retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    wanted = header(headers, "retry-after") or ""
    seconds = _number(wanted.strip().removesuffix("s"))
    if seconds is None:
        seconds = _until(wanted, now or datetime.now(UTC))
    return PAUSE if seconds is None else seconds


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _until(text: str, now: datetime) -> float | None:
    day = parse_date(text)
    return None if day is None else max(0.0, (day - now).total_seconds())
