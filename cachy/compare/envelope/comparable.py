"""Return whether two responses can be compared: not after an outage or with an unreadable body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from cachy.compare.envelope.api_error import name_error
from cachy.compare.envelope.envelope_rules import kind_of_body, status_of
from cachy.errors import NotComparable
from cachy.fixture.format.event import STREAM_TYPES, STREAMS, exception_of, stream_of, wire_name
from cachy.fixture.format.lossless_json import parse_data
from cachy.fixture.format.text import BODY_KINDS
from cachy.interaction import Json, JsonObject
from cachy.providers.response_fields import FAILURE_EVENTS
from cachy.structure.learn import event_name
from cachy.structure.plain_body import media_type

_SIDES = {"old": "the recorded response", "new": "the live response"}
_PARSED = ("json", "ndjson", *STREAMS)
_RESULTS = ("data", "result", "results", "items", "records")
_GRAPHQL = frozenset({"data", "errors", "extensions"})  # https://spec.graphql.org, section 7.1
_SUCCESS = ("ok", "success", "succeeded")
_FAILED = frozenset({"error", "fail", "failed", "failure"})
_SAYING = ("message", "msg", "reason", "detail", "description", "statusDescription")


def refuse_incomparable(
    before: JsonObject, after: JsonObject, others: Iterable[JsonObject] = ()
) -> None:
    """Raise NotComparable for two responses that say nothing about drift.

    They have one status class and media type; `others` are further recordings of the surface.

    Raises:
        NotComparable: a body does not parse as its media type, or a response of success carries an
            error, and no recording does.
    """
    if _body_of(before) == _body_of(after):
        return
    for side, response in (("old", before), ("new", after)):
        if problem := _find_problem(response):
            raise NotComparable(f"{_SIDES[side]} {problem}", _reason(response))
    kinds = {side: kind_of_body(one) for side, one in (("old", before), ("new", after))}
    if len({*kinds.values()}) > 1:
        raise NotComparable(_other_kind(kinds["old"], kinds["new"]), "unparsed")
    failure = next(_failures(after), None) if status_of(after) < 400 else None
    if failure is not None and not any(map(_has_failed, (before, *others))):
        named = name_error(failure)
        said = f" ({named})" if named else ""
        raise NotComparable(
            f"the live response is an error under a status of success{said}", "provider"
        )


def _body_of(response: JsonObject) -> JsonObject:
    return {kind: response[kind] for kind in (*BODY_KINDS, "truncated") if kind in response}


def _find_problem(response: JsonObject) -> str:
    media, kind = media_type(response), kind_of_body(response)
    if response.get("truncated"):
        return "was cut short"
    is_empty = kind in STREAMS and not response[kind]
    if is_empty or (media in STREAM_TYPES and kind not in _PARSED):
        return "is an event stream without any event"
    if kind == "sse" and any(_is_broken(event.get("data")) for event in response["sse"]):
        return "has an event that is not valid JSON"
    if media.endswith("json") and kind not in _PARSED:
        return "says that it is JSON, and is not JSON that can be compared"
    return ""


def _is_broken(data: Json) -> bool:
    """Return whether an event's data begins as JSON and is not."""
    return isinstance(data, str) and data.startswith("{") and isinstance(parse_data(data), str)


def _reason(response: JsonObject) -> Literal["provider", "unparsed"]:
    is_broken = any(response.get(kind) for kind in STREAMS)
    is_cut = response.get("truncated") or (media_type(response) in STREAM_TYPES and not is_broken)
    return "provider" if is_cut else "unparsed"


def _other_kind(old: str, new: str) -> str:
    if "none" in (old, new):
        return f"{_SIDES['old' if old == 'none' else 'new']} has no body"
    return f"the recorded response is {old}, and the live response is {new} that does not say so"


def _has_failed(response: JsonObject) -> bool:
    return next(_failures(response), None) is not None


def _failures(response: JsonObject) -> Iterator[Any]:
    """Yield the errors in a response, at the top of its body or of its events.

    The top of a body reads the same whether or not it is decoded, so this does not walk it.
    """
    if "json" in response:
        yield from _failure_of(response["json"])
    for event in stream_of(response):
        data = event.get("data")
        if event_name(wire_name(event), data) in FAILURE_EVENTS or exception_of(event):
            yield data or exception_of(event)
        yield from _failure_of(data)
    for line in response.get("ndjson", ()):
        yield from _failure_of(line)


def _failure_of(body: Json) -> Iterator[Any]:
    if not isinstance(body, dict):
        return
    if body.get("error") or str(body.get("type")) in FAILURE_EVENTS:
        yield body
    elif body.get("errors") and (
        body.keys() <= _GRAPHQL or not any(body.get(name) for name in _RESULTS)
    ):
        yield body["errors"]
    elif any(body.get(name) is False for name in _SUCCESS) or _has_failed_status(body):
        yield body


def _has_failed_status(body: JsonObject) -> bool:
    """Return whether a body is only a failure and its reason; a failed resource has an id."""
    if "id" in body or str(body.get("status")).lower() not in _FAILED:
        return False
    return any(isinstance(body.get(name), str) for name in _SAYING)
