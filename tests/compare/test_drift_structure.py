"""Structures do not depend on the order of learning, and any two bodies can be compared."""

from __future__ import annotations

import json
import random
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachy.config import Config
from cachy.drift import Change, NotComparable, compare
from cachy.fixture.compose import compose
from cachy.fixture.format.text import encode
from cachy.interaction import Request, Response
from cachy.structure.learn import Structure, learn
from cachy.structure.node import Node

NAMES = st.sampled_from(
    [
        *("a", "b", "c", "id", "type", "status", "embedding", "metadata", "properties", "input"),
        *("1", "2", "file-abcdef1234567890", "x y", "tool_use", "$d"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2**40)
    | st.sampled_from([0.5, 1.0])
    | st.sampled_from(["", "text", "tool_use", "object", "2026-11-24", "a longer text"])
)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=25,
)


def document(body: Any) -> dict[str, Any]:
    return {"cachy": 1, "request": {}, "response": {"status": 200, "json": encode(body)}}


def facts(node: Node | None) -> Any:
    """Everything that a node counted; which recording was which is nothing."""
    if node is None:
        return None
    names = ("count", "blanks", "hollows", "kinds", "formats", "lengths", "tokens")
    flags = (node.is_map, node.is_plain, node.is_opaque, node.seen)
    return (
        *(getattr(node, name) for name in names),
        *flags,
        {name: facts(child) for name, child in node.fields.items()},
        {name: facts(child) for name, child in node.variants.items()},
        facts(node.items),
    )


def all_of(structure: Structure) -> Any:
    return {name: facts(node) for name, node in structure.roots.items()}, structure.recordings


def shuffled(value: Any, draw: random.Random) -> Any:
    if isinstance(value, dict):
        pairs = [(key, shuffled(item, draw)) for key, item in value.items()]
        draw.shuffle(pairs)
        return dict(pairs)
    if isinstance(value, list):
        return draw.sample([shuffled(item, draw) for item in value], len(value))
    return value


@given(bodies=st.lists(BODIES, min_size=1, max_size=5), seed=st.integers(0, 999))
def test_the_order_of_keys_items_and_recordings_is_nothing(bodies: list[Any], seed: int) -> None:
    draw = random.Random(seed)
    other = draw.sample([shuffled(body, draw) for body in bodies], len(bodies))
    assert all_of(learn(map(document, bodies))) == all_of(learn(map(document, other)))


@given(
    bodies=st.lists(BODIES, min_size=2, max_size=6), at=st.integers(1, 5), second=st.integers(1, 5)
)
def test_structures_add_up_however_they_are_grouped(
    bodies: list[Any], at: int, second: int
) -> None:
    whole = all_of(learn(map(document, bodies)))
    first, middle, last = (
        learn(map(document, part)) for part in (bodies[:at], bodies[at : at + 2], bodies[at + 2 :])
    )
    middle.add(last)
    first.add(middle)
    assert all_of(first) == whole


@given(old=ANY, new=ANY)
def test_any_two_bodies_have_an_answer(old: Any, new: Any) -> None:
    changes = compare(document(old), document(new))
    assert all(isinstance(change, Change) for change in changes)
    json.dumps([change.to_json() for change in changes])
    assert compare(document(old), document(old)) == []


@given(
    old=st.binary(max_size=200),
    new=st.binary(max_size=200),
    media=st.sampled_from(
        ["application/json", "text/event-stream", "application/x-ndjson", "text/plain", ""]
    ),
)
def test_any_two_byte_strings_have_an_answer(old: bytes, new: bytes, media: str) -> None:
    request = Request(method="GET", url="https://api.example.com/a", headers=(), body=b"")
    headers = (("content-type", media),) if media else ()
    documents = [
        compose(request, Response(status=200, headers=headers, body=body), {}, Config(), ())[0]
        for body in (old, new)
    ]
    with suppress(NotComparable):
        assert isinstance(compare(*documents), list)
    assert compare(documents[0], documents[0]) == []


def chunks(count: int) -> dict[str, Any]:
    piece = {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "Hi"}}]}
    rows = [{"data": {**piece, "id": str(at)}} for at in range(count)]
    return {
        "cachy": 1,
        "request": {},
        "response": {"status": 200, "sse": [*rows, {"data": "[DONE]"}]},
    }


def seconds(count: int) -> float:
    taken = []
    stream = chunks(count)
    for _ in range(3):
        started = time.process_time()
        learn([stream])
        taken.append(time.process_time() - started)
    return min(taken)


def test_learning_is_linear_in_the_size_of_a_stream() -> None:
    assert seconds(8000) < 3 * 4 * seconds(2000)


@pytest.mark.slow
def test_two_large_bodies_that_share_nothing_are_compared_all_the_same() -> None:
    draw = random.Random(7)

    def wild(depth: int) -> Any:
        if depth == 0:
            return draw.choice([draw.random(), "text" * draw.randrange(40), None, True])
        names = [f"{draw.choice('abcdefgh')}{draw.randrange(400)}" for _ in range(9)]
        inner = {name: wild(depth - 1) for name in names}
        return inner if draw.random() < 0.6 else [*inner.values()]

    old, new = ({"a": [wild(4) for _ in range(10)]} for _ in range(2))
    assert len(json.dumps(old)) > 2_000_000
    started = time.process_time()
    changes = compare(document(old), document(new))
    assert changes
    assert time.process_time() - started < 60
