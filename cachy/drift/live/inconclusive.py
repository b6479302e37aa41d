"""The outcomes of a check, and the reasons why a response is not evidence of drift."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urljoin, urlsplit

from cachy.compare.envelope.api_error import name_error
from cachy.drift.live.error_words import cause_of, is_error, is_only_an_error
from cachy.drift.live.retry_after import PAUSE, parse_retry_after
from cachy.fixture.format.body import Body
from cachy.fixture.format.event import STREAM_TYPES, STREAMS, Event, exception_of, wire_name
from cachy.fixture.format.lossless_json import is_too_deep
from cachy.fixture.format.text import parse_body
from cachy.interaction import Json, Response, header
from cachy.providers import STREAM_ENDS
from cachy.providers.mcp.call_headers import refuses_headers
from cachy.providers.response_fields import FAILURE_EVENTS, KEEP_ALIVE_EVENTS
from cachy.structure.learn import event_name

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
    "websocket",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
SkipReason = Literal["not-allowed", "no-host", "cost", "reference", "truncated", "session", "skip"]


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Why a fixture could not be checked.

    `retry_after`: seconds until another try may fare better; None where it would not.
    `is_silence`: the host did not answer at all.
    """

    reason: Reason
    detail: str
    retry_after: float | None = None
    is_silence: bool = False


@dataclass(frozen=True, slots=True)
class NotExercised:
    """The API took another branch than the recorded one: no evidence in either direction."""

    detail: str


Obstacle = Unchecked | NotExercised

_NO_CONTENT = 204
_AUTH = frozenset({401, 403, 407})
_QUOTA = frozenset({402, 429})
# Statuses that blame the request, or that say that what it names does not exist; any other 4xx is
# about the moment, the route or the law.
_TELLING = frozenset({400, 404, 410, 422})
_PASSING = frozenset({408, 409, 425, *range(500, 600)})
_STRUCTURED = ("json", "ndjson", *STREAMS)


def find_obstacle(response: Response, body: Body, recorded: Mapping[str, Json]) -> Obstacle | None:
    """Return why a live response is not evidence of drift; None if it is evidence.

    `body` is the response's body, parsed. `recorded` is the fixture's response: an error that was
    recorded may be compared.
    """
    if response.truncated:
        return Unchecked("provider", "the response was cut off", PAUSE)
    before = recorded.get("status", 200)
    if response.status != before:
        if response.status >= 400:
            return _why_refused(response, body)
        if obstacle := _of_status(response, before):
            return obstacle
    return _of_body(response, body, recorded)


def _of_status(response: Response, before: Json) -> Obstacle | None:
    if 300 <= response.status < 400:
        return Unchecked("provider", f"{response.status} {_target(response)}".strip())
    if isinstance(before, int) and before >= 400:
        return NotExercised(f"the recorded {before} did not come: {response.status}")
    return None


def _target(response: Response) -> str:
    """Return where a redirect leads, without the query, which may hold anything."""
    location = header(response.headers, "location")
    try:
        place = urlsplit(urljoin("https://same-host/", location or ""))
    except ValueError:
        return ""
    if not location:
        return ""
    host = "" if place.netloc == "same-host" else place.hostname or ""
    return f"to {host}{place.path}"[:120]


def _why_refused(response: Response, body: Body) -> Unchecked | None:
    status, token = response.status, _named_in(response.body)
    detail = f"{status} {token}".strip()
    text = response.body[:4096].decode("utf-8", "replace")
    cause = cause_of(text) if status < 500 else ""
    if status in _QUOTA or cause in ("spent", "often"):
        is_spent = status == 402 or cause == "spent"
        pause = None if is_spent else parse_retry_after(response.headers)
        return Unchecked("quota", detail, pause)
    if status in _AUTH or cause == "access":
        return Unchecked("auth", detail)
    if status in _PASSING or cause == "passing":
        return Unchecked("provider", detail, parse_retry_after(response.headers))
    if status not in _TELLING:
        return Unchecked("provider", detail)
    if not _has_error(response.body) and find_failure(body) is None:
        return Unchecked("provider", f"{status} without an error body of the API")
    if body.kind == "json" and refuses_headers(body.content):
        return Unchecked("headers", f"{status}, because of a header that repeats the call's body")
    return None


def _has_error(raw: bytes) -> bool:
    """Return whether a body is an error in JSON, as APIs write and gateways do not."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return is_error(value)


def _of_body(response: Response, body: Body, recorded: Mapping[str, Json]) -> Unchecked | None:
    media = header(response.headers, "content-type") or ""
    before = parse_body(recorded)
    is_meant = response.status == _NO_CONTENT  # a lost body that the API itself speaks of
    if not is_meant and (obstacle := _why_unreadable(media, body, before)):
        return obstacle
    failure = find_failure(body)
    if failure is not None and find_failure(before) is None:
        return _failed(failure)
    if _has_become_an_error(body, before):
        return _failed(body.content)
    is_cut = _has_end(before) and not _has_end(body) and not is_meant
    if is_cut and not _is_delimited(response):
        return Unchecked("provider", "the response was cut off", PAUSE)
    return None


def _has_become_an_error(body: Body, before: Body) -> bool:
    """Return whether a body says nothing but what went wrong, and nothing that was recorded."""
    known, live = (one.content if one.kind == "json" else None for one in (before, body))
    if not isinstance(known, dict) or not isinstance(live, dict):
        return False
    is_new = not is_error(known) and known.keys().isdisjoint(live)
    return is_new and is_only_an_error(live)


def _why_unreadable(media: str, body: Body, before: Body) -> Unchecked | None:
    if is_stream(media) and body.kind in ("text", "base64"):
        return Unchecked("provider", "the response was cut off", PAUSE)
    if "json" in media and body.kind != "none" and not _is_json(body):
        return Unchecked("unparsed", "the body is not valid JSON", PAUSE)
    if not _is_data(before) or body.kind in _STRUCTURED:
        return Unchecked("unparsed", "the stream is empty", PAUSE) if _is_idle(body) else None
    if body.kind == "none":
        return Unchecked("unparsed", "the body is empty", PAUSE)
    return _page(media, body) if "json" not in media else None


def _is_idle(body: Body) -> bool:
    """Return whether a stream says nothing but that it is alive, or that it ends."""
    return body.kind in STREAMS and not any(map(_says_something, body.content))


def _says_something(event: Event) -> bool:
    kind = event_name(wire_name(dict(event.fields)), event.data)
    is_end = isinstance(event.data, str) and _is_end(event)
    return bool(event.text) and kind not in KEEP_ALIVE_EVENTS and not is_end


def _page(media: str, body: Body) -> Unchecked | None:
    """Return why a body that is not data, such as a maintenance or login page, is not evidence."""
    is_text = body.kind == "text"
    if "html" in media or (is_text and str(body.content).lstrip()[:1] == "<"):
        return Unchecked("provider", "an HTML page instead of data", PAUSE)
    if _is_data(body):
        return None  # under another name, which is a change of the content type
    kind = media.partition(";")[0].strip() or "no content type"
    found = "text" if is_text else "bytes"
    return Unchecked("unparsed", f"{found} instead of data ({kind})", PAUSE)


def _is_data(body: Body) -> bool:
    """Return whether a body is data, also where a number's spelling keeps it as text."""
    is_json = body.kind == "text" and str(body.content).lstrip()[:1] in ("{", "[")
    return is_json or body.kind in _STRUCTURED


def is_stream(media: str) -> bool:
    """Return whether a content type is that of server-sent events, or of messages of AWS."""
    return media.partition(";")[0].strip().lower() in STREAM_TYPES


def _failed(failure: Json) -> Unchecked:
    """Return what an error means that a response contains although its status is a success."""
    text = json.dumps(failure, ensure_ascii=False)
    detail = f"an error inside the response {name_error(failure)}".strip()
    if cause_of(text) in ("spent", "often"):
        return Unchecked("quota", detail)
    return Unchecked("provider", detail, PAUSE)


def _is_json(body: Body) -> bool:
    if body.kind != "text":
        return body.kind in ("json", "ndjson")
    try:
        value = json.loads(
            body.content, parse_constant=_refuse_name, object_pairs_hook=_refuse_twins
        )
    except (ValueError, RecursionError):
        return False
    return not is_too_deep(value, body.content)


def _refuse_name(name: str) -> Json:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _refuse_twins(pairs: list[tuple[str, Json]]) -> Json:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def find_failure(body: Body) -> Json:
    """Return the error that a response contains; None if it contains none."""
    for event in body.events:
        if name := exception_of(dict(event.fields)):
            return {"code": name, "message": event.data}
    for value in _values(body):
        if not isinstance(value, dict):
            continue
        if value.get("type") in FAILURE_EVENTS:
            return value
        if isinstance(value.get("error"), (dict, str)) and value["error"]:
            return value["error"]
        if value.get("object") == "response" and value.get("status") == "failed":
            return value
    return None


def _values(body: Body) -> Iterator[Json]:
    if body.kind == "json":
        yield body.content
    yield from (event.data for event in body.events)
    if body.kind == "ndjson":
        yield from (value for value, _ in body.content)


def _has_end(body: Body) -> bool:
    return body.kind == "sse" and any(map(_is_end, body.content))


def _is_end(event: Event) -> bool:
    data = event.data
    kind = data.get("type") if isinstance(data, dict) else None
    return (data if isinstance(data, str) else kind) in STREAM_ENDS


def _is_delimited(response: Response) -> bool:
    """Return whether HTTP itself tells a whole body from a cut one (RFC 9112 section 6.3)."""
    names = {name.lower() for name, _ in response.headers}
    return bool(names & {"content-length", "transfer-encoding"})


def _named_in(body: bytes) -> str:
    try:
        return name_error(json.loads(body))
    except (ValueError, RecursionError):
        return ""
