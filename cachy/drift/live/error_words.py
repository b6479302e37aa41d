"""What the words of an error say of its cause, where its status does not.

Providers send the same status for a spent budget, a wrong key and a refused request.
"""

from __future__ import annotations

import re
from typing import Literal

from cachy.interaction import Json

_SPENT = re.compile(
    r"insufficient[_ ](quota|balance|credits?|funds)|credit balance|exhausted|billing"
    r"|exceeded your|\bquota\b|(usage|spend|spending)[_ ](limit|cap)|余额不足|欠费",
    re.I,
)
_TOO_OFTEN = re.compile(r"rate[_ -]?limit|throttl|too many requests|限流", re.I)
_NO_ACCESS = re.compile(
    r"(invalid|incorrect|expired)[_ ](x-)?api[_ -]?key"
    r"|api[_ ]key[_ ](not[_ ]valid|(has[_ ])?expired|invalid|not[_ ]found)"
    r"|location is not supported|unsupported[_ ]country|not available in your (country|region)"
    r"|data policy",
    re.I,
)
_PASSING = re.compile(
    r"overloaded|temporar(y|il)|try again later|service[_ ]unavailable|maintenance"
    r"|internal[_ ](server[_ ])?error|server_error|timed out",
    re.I,
)
# Under which names APIs put what went wrong: their own, RFC 9457, FastAPI, Google and others.
ERROR_FIELDS = frozenset(
    {
        *("error", "errors", "message", "detail", "details", "title", "code", "type", "fault"),
        *("reason", "msg", "error_message", "error_code", "errorMessage", "errorCode", "Message"),
    }
)
_AROUND = frozenset(
    {
        *("status", "success", "ok", "path", "instance", "timestamp", "status_code", "status_msg"),
        *("statusCode", "request_id", "requestId", "trace_id", "traceId", "error_msg", "errorMsg"),
    }
)
Cause = Literal["spent", "often", "access", "passing", ""]


def cause_of(text: str) -> Cause:
    """Return what an error's text blames, other than the request: "" where it says nothing."""
    if _SPENT.search(text):
        return "spent"
    if _TOO_OFTEN.search(text):
        return "often"
    if _NO_ACCESS.search(text):
        return "access"
    return "passing" if _PASSING.search(text) else ""


def is_error(value: Json) -> bool:
    """Return whether a JSON value is an error as APIs write it, and gateways do not."""
    if isinstance(value, list) and value:
        value = value[0]  # Gemini's streams
    return isinstance(value, dict) and not ERROR_FIELDS.isdisjoint(value)


def is_only_an_error(value: Json) -> bool:
    """Return whether a body says nothing but what went wrong, as `{"code": 1113, "msg": "…"}`."""
    if not isinstance(value, dict) or not value:
        return False
    inner = [item for item in value.values() if isinstance(item, dict)]
    if inner and len(value) == 1:
        return is_only_an_error(inner[0])
    words = [value[name] for name in value.keys() & _SAYING]
    is_said = any(isinstance(word, str) and word for word in words)
    return is_said and value.keys() <= ERROR_FIELDS | _AROUND


_SAYING = frozenset({"message", "msg", "detail", "error_message", "errorMessage", "status_msg"})
