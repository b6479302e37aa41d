"""What changed around a body: status, media type, headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from cachy.compare.catalogue.change import Change, make_change
from cachy.compare.catalogue.rule_type import RuleId, Severity
from cachy.compare.envelope.api_error import name_error
from cachy.fixture.format.dates import parse_date
from cachy.fixture.format.event import STREAM_TYPES, STREAMS, is_stream
from cachy.fixture.format.text import BODY_KINDS
from cachy.fixture.identity.fixture_path import parse_target
from cachy.interaction import Json, JsonObject
from cachy.providers.response_fields import GONE, JUDGED_HEADERS, VERSION_HEADERS

_VERSION = re.compile(r"v?\d[\d.-]{0,15}")
_PARAMETER = re.compile(r"(?=.{1,64}$)[A-Za-z]+(?:[_.][A-Za-z]+)*")  # no digit: no secret fits
_IMPLIED = {
    "json": "application/json",
    **dict(zip(STREAMS, STREAM_TYPES, strict=True)),
}
_LINK = re.compile(r"""<([\w.:/~%-]{1,120})>[^,<]*;\s*rel="?([a-z-]+)""", re.ASCII | re.I)
_LINKS = {"successor-version": "successor:", "deprecation": "see", "sunset": "see"}
_NOT_DEPRECATED = ("false", "?0")
_VAGUE = ("text/plain", "application/octet-stream")  # they say no more than "text" and "bytes"


def compare_exchange(
    before: JsonObject,
    after: JsonObject,
    others: Iterable[JsonObject] = (),
    now: datetime | None = None,
    headers: Iterable[str] = (),
) -> tuple[list[Change], bool]:
    """Return what changed around the bodies, and whether they can still be compared.

    `others` are responses that show which headers come and go; `now` is when the live response
    came: a sunset that is near breaks soon. `headers` are compared besides those that clients read.
    """
    status, media = _compare_status(before, after), _compare_media(before, after)
    if (media and not status) or (status and not _is_same_result(before, after)):
        return [one for one in (status or media,) if one], False
    return [
        *([status] if status else []),
        *_compare_announcements(before, after, now),
        *_compare_headers(before, after, others, (*JUDGED_HEADERS, *map(str.lower, headers))),
    ], True


def status_of(response: JsonObject) -> int:
    """Return the status; 200 if a document has none."""
    status = response.get("status", 200)
    return status if isinstance(status, int) else 200


def kind_of_body(response: JsonObject) -> str:
    """Return the kind of a body."""
    return next((kind for kind in BODY_KINDS if kind in response), "none")


def is_alike(document: JsonObject, before: JsonObject) -> bool:
    """Return whether a response shows what varies in another: both errors, both streams, or not."""
    response = document["response"]
    is_same_class = status_of(response) // 100 == status_of(before) // 100
    return is_same_class and is_stream(response) == is_stream(before)


def _compare_status(before: JsonObject, after: JsonObject) -> Change | None:
    old, new = status_of(before), status_of(after)
    if old == new or old >= 400:
        return None
    if new >= 400:
        is_gone = new in (404, 410) or not _error_codes(after).isdisjoint(GONE)
        rule: RuleId = "model-retired" if is_gone else "request-rejected"
        return replace(make_change(rule, "status", str(old), str(new)), hint=_said(after))
    is_lost = kind_of_body(after) == "none" != kind_of_body(before)
    severity: Severity | None = "breaking" if is_lost else None
    return make_change("status-changed", "status", str(old), str(new), severity)


def _is_same_result(before: JsonObject, after: JsonObject) -> bool:
    """Return whether two statuses of success have bodies of one kind, which can be compared."""
    return status_of(after) < 300 and kind_of_body(before) == kind_of_body(after) != "none"


def _error_of(response: JsonObject) -> dict[str, Json]:
    body = response.get("json")
    error = body.get("error", body) if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _error_codes(response: JsonObject) -> set[str]:
    error = _error_of(response)
    return {value for key in ("code", "type") if isinstance(value := error.get(key), str)}


def _said(response: JsonObject) -> str:
    """Return which error it is, and about which parameter: names only, no free text."""
    code, param = name_error(response.get("json")), _error_of(response).get("param")
    is_named = isinstance(param, str) and _PARAMETER.fullmatch(param)
    return f"{code}: {param}" if code and is_named else code


def _media(response: JsonObject) -> str:
    """Return the media type; one that the kind of body implies counts too."""
    named = _headers(response).get("content-type", "").partition(";")[0].strip().lower()
    return named or _IMPLIED.get(kind_of_body(response), "")


def _compare_media(before: JsonObject, after: JsonObject) -> Change | None:
    old, new = _media(before), _media(after)
    if not old or not new or old == new or _is_one_language(before, after):
        return None
    return make_change("content-type-changed", "headers.content-type", old, new)


def _is_one_language(before: JsonObject, after: JsonObject) -> bool:
    """Return whether a client of one body can read the other, under another media type."""
    kinds = {kind_of_body(before), kind_of_body(after)}
    if kinds.isdisjoint(("text", "base64", "blob")):
        return len(kinds) == 1
    media = _media(before), _media(after)
    is_page = any("html" in name for name in media)
    is_text = kinds == {"text"}
    is_bytes = kinds <= {"base64", "blob"}
    return (is_text or is_bytes) and not is_page and any(name in _VAGUE for name in media)


def _compare_announcements(
    before: JsonObject, after: JsonObject, now: datetime | None
) -> Iterator[Change]:
    old, new = _headers(before), _headers(after)
    hint = _find_successor(new.get("link", ""))
    is_new = new.get("deprecation") and new["deprecation"] != old.get("deprecation")
    if is_new and new["deprecation"].lower() not in _NOT_DEPRECATED:
        day = _day(new["deprecation"])
        change = make_change("deprecation-announced", "headers.deprecation", None, day)
        yield replace(change, hint=hint)
    if new.get("sunset") and new["sunset"] != old.get("sunset"):
        severity: Severity | None = "breaking" if _is_near(new["sunset"], now) else None
        change = make_change(
            "sunset-announced", "headers.sunset", None, _day(new["sunset"]), severity
        )
        yield replace(change, hint=hint)


def _find_successor(link: str) -> str:
    """Return what a Link header says of a successor (RFC 5829), or of the end (RFC 8594)."""
    found = {kind: url for url, kind in _LINK.findall(link)}
    for kind, means in _LINKS.items():
        if kind in found:
            return f"{means} {found[kind]}"
    return ""


def _compare_headers(
    before: JsonObject, after: JsonObject, others: Iterable[JsonObject], judged: Iterable[str]
) -> Iterator[Change]:
    old, new = _headers(before), _headers(after)
    for name in VERSION_HEADERS:
        if name in old and name in new and old[name] != new[name]:
            versions = (_version(old[name]), _version(new[name]))
            yield make_change("api-version-changed", f"headers.{name}", *versions)
    moved = [name for name in dict.fromkeys(judged) if (name in old) != (name in new)]
    known = [_headers(one) for one in others] if moved and old and new else []
    for name in moved if old and new else ():
        if all((name in one) == (name in old) for one in known):
            yield make_change(
                "header-removed" if name in old else "header-added", f"headers.{name}"
            )
    if 300 <= status_of(before) < 400:
        yield from _compare_redirects(old.get("location"), new.get("location"))


def _headers(response: JsonObject) -> dict[str, str]:
    headers = response.get("headers") or {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _version(text: str) -> str | None:
    """Return a version that is a date or a number; anything else may be a secret."""
    return text if _VERSION.fullmatch(text) else None


def _is_near(sunset: str, now: datetime | None) -> bool:
    """Return whether a date (RFC 8594: an HTTP-date) is past, or less than 30 days away."""
    day = parse_date(sunset)
    return day is not None and now is not None and day - now < timedelta(days=30)


def _day(text: str) -> str:
    """Return the day that a header names, in UTC: "2026-10-31"; "announced" where it names none."""
    day = parse_date(text)
    return day.date().isoformat() if day else "announced"


def _compare_redirects(old: str | None, new: str | None) -> Iterator[Change]:
    if not old or not new:
        return
    try:
        before, after = parse_target(old), parse_target(new)
    except ValueError:
        return
    if (before.authority, before.template) != (after.authority, after.template):
        is_same_host = before.authority == after.authority
        old, new = (None if is_same_host else one.authority for one in (before, after))
        yield make_change("redirect-host-changed", "headers.location", old, new)
