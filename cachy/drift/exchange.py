"""What changed around a body: status, media type, headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cachy.drift.change import Change, make_change
from cachy.fixtures.format import BODY_KINDS
from cachy.interaction import Json

Response = Mapping[str, Json]


def compare_exchange(before: Response, after: Response) -> list[Change]:
    """Give the change of status or media type; where there is none, those of headers."""
    if changed := _compare_status(before, after) or _compare_media(before, after):
        return [changed]
    return [*_compare_headers(before, after)]


def status_of(response: Response) -> int:
    """Give the status; 200 where a document has none."""
    status = response.get("status", 200)
    return status if isinstance(status, int) else 200


def kind_of_body(response: Response) -> str:
    """Name the body's kind; one that says JSON and is none has its own."""
    return next((kind for kind in BODY_KINDS if kind in response), "none")


def is_alike(document: Mapping[str, Json], before: Response) -> bool:
    """Whether an answer can teach what varies in another: both errors or not, streams or not."""
    response = document["response"]
    is_same_class = status_of(response) // 100 == status_of(before) // 100
    return is_same_class and ("sse" in response) == ("sse" in before)


def _compare_status(before: Response, after: Response) -> Change | None:
    old, new = status_of(before), status_of(after)
    if old == new or old >= 400:
        return None
    rule = "status-changed" if new < 400 else "request-rejected"
    if new in (404, 410):
        rule = "model-retired"
    return make_change(rule, "status", str(old), str(new))


def _media(response: Response) -> str:
    headers = response.get("headers") or {}
    named = next((value for key, value in headers.items() if key.lower() == "content-type"), "")
    return str(named).partition(";")[0].strip().lower()


def _compare_media(before: Response, after: Response) -> Change | None:
    old, new = _media(before), _media(after)
    if not old or not new or old == new or kind_of_body(before) == kind_of_body(after):
        return None
    return make_change("content-type-changed", "headers.content-type", old, new)


_ANNOUNCING = {"deprecation": "deprecation-announced", "sunset": "sunset-announced"}


def _compare_headers(before: Response, after: Response) -> Iterator[Change]:
    old, new = before.get("headers") or {}, after.get("headers") or {}
    for name, rule in _ANNOUNCING.items():
        if name in new and new[name] != old.get(name):
            yield make_change(rule, f"headers.{name}", None, "announced")
