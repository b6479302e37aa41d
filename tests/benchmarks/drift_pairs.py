"""Pairs in which nothing drifted: streams cut in other pieces, jobs in another state."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

Document = dict[str, Any]
_TEXTS = ("content", "text", "delta", "partial_json", "arguments", "thinking")
_LAST = ("finishReason", "finish_reason", "finishMessage")
_STATES = ("status", "state", "processing_status")


def find_text(value: Any) -> tuple[Any, Any] | None:
    """Find where the text of a piece stands: its holder and its key."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items if isinstance(value, (dict, list)) else ():
        if key in _TEXTS and isinstance(item, str) and len(item) > 1:
            return value, key
        if isinstance(item, (dict, list)) and (found := find_text(item)):
            return found
    return None


def split(event: Any, draw: random.Random) -> list[Any] | None:
    """Cut a piece of text in two; why the response ended stands in the second only."""
    first, second = copy.deepcopy(event), copy.deepcopy(event)
    at, then = find_text(first["data"]), find_text(second["data"])
    if at is None or then is None:
        return None
    text = at[0][at[1]]
    cut = draw.randrange(1, len(text))
    at[0][at[1]], then[0][then[1]] = text[:cut], text[cut:]
    for choice in first["data"].get("candidates") or ():
        for name in _LAST:
            choice.pop(name, None)
    return [first, second]


def join(one: Any, other: Any) -> list[Any] | None:
    """Put two pieces of text of one shape together."""
    at, then = find_text(one.get("data")), find_text(other.get("data"))
    if at is None or then is None or _shape(one["data"]) != _shape(other["data"]):
        return None
    joined = copy.deepcopy(other)
    place = find_text(joined["data"])
    if place is None:
        return None
    place[0][place[1]] = at[0][at[1]] + then[0][then[1]]
    return [joined]


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    return [_shape(item) for item in value] if isinstance(value, list) else type(value)


def stream_pairs(documents: Iterable[Document], draw: random.Random) -> Iterator[tuple[Any, Any]]:
    """Split or join one piece of each recorded stream that has any."""
    for document in documents:
        events = document["response"].get("sse") or []
        at = [spot for spot, event in enumerate(events) if find_text(event.get("data"))]
        if not at:
            continue
        other = copy.deepcopy(document)
        spots = [(one, two) for one, two in pairwise(at) if two == one + 1]
        joined = [join(events[one], events[two]) for one, two in spots]
        if any(joined) and draw.random() < 0.5:
            (one, two), pieces = next(
                (spot, found) for spot, found in zip(spots, joined, strict=True) if found
            )
            other["response"]["sse"][one : two + 1] = pieces
        else:
            spot = draw.choice(at)
            other["response"]["sse"][spot : spot + 1] = split(events[spot], draw) or []
        yield (document, other) if draw.random() < 0.5 else (other, document)


def state_of(document: Document) -> tuple[Any, str]:
    """Return the object of a resource that names its state, and the name; "" where none does."""
    body: Any = document["response"].get("json")
    if not isinstance(body, dict):
        return None, ""
    for one in filter(lambda one: isinstance(one, dict), (body, *body.values())):
        for name in _STATES:
            if isinstance(one.get(name), str):
                return one, name
    return None, ""


def state_pairs(groups: Iterable[list[Document]], draw: random.Random) -> Iterator[tuple[Any, Any]]:
    """Pair recordings of one resource in two states, or one with itself as it was earlier."""
    for group in groups:
        polled = [document for document in group if state_of(document)[1]]
        for one, other in pairwise(polled):
            (was, name), (now, same) = state_of(one), state_of(other)
            is_polled = name == same and _resource(one) == _resource(other)
            if is_polled and was[name] != now[name]:
                yield one, other
                yield other, one
        for document in (*polled, *polled):
            yield earlier(document, draw), document


def _resource(document: Document) -> tuple[str, str]:
    """Return which resource was polled on which day."""
    return document["request"]["url"], document["recorded"]["at"][:10]


def earlier(document: Document, draw: random.Random) -> Document:
    """Return a resource as it was before it moved on: some of what it has was not there."""
    before = copy.deepcopy(document)
    holder, name = state_of(before)
    holder[name] = "in_an_earlier_state"
    says_all = sum(item is None for item in holder.values()) > 3
    fixed = ("id", "object", "type", "kind", "name", name)
    names = [key for key in holder if key not in fixed and holder[key] is not None]
    for key in draw.sample(names, min(len(names) // 2, 3)):
        if says_all:
            holder[key] = None
        else:
            del holder[key]
    return before
