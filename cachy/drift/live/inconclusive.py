"""What became of a check, and why an answer says nothing about drift."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from cachy.compare.api_error import name_error
from cachy.fixture.format.body import Body, Event, parse_response_body
from cachy.fixture.format.lossless_json import is_too_deep
from cachy.fixture.format.text import parse_body
from cachy.interaction import Json, Response, header
from cachy.providers import STREAM_ENDS
from cachy.providers.response_fields import FAILURE_EVENTS

Outcome = Literal["drift", "inconclusive", "clean", "not_exercised", "skipped"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)  # of a surface: the first that any case has
Reason = Literal[
    "auth",
    "quota",
    "provider",
    "unparsed",
    "unsafe",
    "headers",
    "redacted",
    "budget",
    "not-allowed",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
SkipReason = Literal["not-allowed", "no-host", "cost", "reference", "truncated", "skip"]


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Why a fixture could not be checked.

    `retry_after`: seconds until another try may fare better; None where it would not.
    """

    reason: Reason
    detail: str
    retry_after: float | None = None


_AUTH = frozenset({401, 403, 407})
_QUOTA = frozenset({402, 429})
_PROVIDER = frozenset({408, 425, *range(500, 600)})
PAUSE = 1.0  # seconds before the second try, where the provider names none
# Providers send these with 400, 403 and 429 alike.
_NO_MONEY = re.compile(
    r"insufficient[_ ](quota|balance|credits)|credit balance|exhausted|billing|exceeded your", re.I
)
_NO_KEY = re.compile(
    r"(invalid|incorrect)[_ ](x-)?api[_ -]?key|api[_ ]key[_ ](not[_ ]valid|invalid)", re.I
)


def why_unchecked(response: Response, recorded: Mapping[str, Json]) -> Unchecked | None:
    """Say why a live response is no evidence of drift; None where it is.

    `recorded` is the fixture's response: an error that was recorded may be compared.
    """
    if response.truncated:
        return Unchecked("provider", "the answer was cut", PAUSE)
    if response.status >= 400 and response.status != recorded.get("status"):
        return _why_refused(response)
    return _why_unreadable(response, recorded)


def _why_refused(response: Response) -> Unchecked | None:
    status, token = response.status, _named_in(response.body)
    detail = f"{status} {token}".strip()
    text = response.body[:4096].decode("utf-8", "replace")
    if status in _QUOTA or (400 <= status < 500 and _NO_MONEY.search(text)):
        is_spent = status == 402 or bool(_NO_MONEY.search(text))
        return Unchecked("quota", detail, None if is_spent else _pause(response))
    if status in _AUTH or (400 <= status < 500 and _NO_KEY.search(text)):
        return Unchecked("auth", detail)
    if status in _PROVIDER:
        return Unchecked("provider", detail, _pause(response))
    return None


def _why_unreadable(response: Response, recorded: Mapping[str, Json]) -> Unchecked | None:
    media = header(response.headers, "content-type") or ""
    body = parse_response_body(media, response.body)
    if is_stream(media) and body.kind == "text":
        return Unchecked("provider", "the answer was cut", PAUSE)
    if "json" in media and not _is_json(body):
        return Unchecked("unparsed", "the body is no JSON", PAUSE)
    before = parse_body(recorded)
    failure = _failure(body)
    if failure is not None and _failure(before) is None:
        return _failed(failure)
    if _has_end(before) and not _has_end(body) and not _is_delimited(response):
        return Unchecked("provider", "the answer was cut", PAUSE)
    return None


def is_stream(media: str) -> bool:
    """Whether a content type is that of server-sent events (WHATWG HTML section 9.2)."""
    return media.partition(";")[0].strip().lower() == "text/event-stream"


def _failed(failure: Json) -> Unchecked:
    """An error inside an answer that began well: OpenRouter, Responses and every stream."""
    text = json.dumps(failure)
    token = name_error(failure)
    if _NO_MONEY.search(text) or "rate_limit" in text:
        return Unchecked("quota", f"an error inside the answer {token}".strip())
    return Unchecked("provider", f"an error inside the answer {token}".strip(), PAUSE)


def _is_json(body: Body) -> bool:
    if body.kind != "text":
        return body.kind in ("json", "ndjson")
    try:
        value = json.loads(body.content)
    except (ValueError, RecursionError):
        return False
    return not is_too_deep(value, body.content)


def _failure(body: Body) -> Json:
    """Find the error that an answer carries; None where it carries none."""
    for value in _values(body):
        if not isinstance(value, dict):
            continue
        if value.get("type") in FAILURE_EVENTS:
            return value
        if isinstance(value.get("error"), dict) and value["error"]:
            return value["error"]
        if value.get("object") == "response" and value.get("status") == "failed":
            return value
    return None


def _values(body: Body) -> Iterator[Json]:
    if body.kind == "json":
        yield body.content
    elif body.kind == "sse":
        yield from (event.data for event in body.content)
    elif body.kind == "ndjson":
        yield from (value for value, _ in body.content)


def _has_end(body: Body) -> bool:
    return body.kind == "sse" and any(map(_is_end, body.content))


def _is_end(event: Event) -> bool:
    data = event.data
    kind = data.get("type") if isinstance(data, dict) else None
    return (data if isinstance(data, str) else kind) in STREAM_ENDS


def _is_delimited(response: Response) -> bool:
    """Whether HTTP itself tells a whole body from a cut one (RFC 9112 section 6.3)."""
    names = {name.lower() for name, _ in response.headers}
    return bool(names & {"content-length", "transfer-encoding"})


def _pause(response: Response) -> float:
    wanted = header(response.headers, "retry-after") or ""
    return float(wanted) if wanted.isdigit() else PAUSE


def _named_in(body: bytes) -> str:
    try:
        return name_error(json.loads(body))
    except (ValueError, RecursionError):
        return ""
