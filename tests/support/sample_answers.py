"""Answers for what learns from them: sample ones, and any that hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from cachy.structure.contract import Contract, contract_of
from cachy.structure.learn import learn

SURFACE = "POST api.example.com/v1/things"
NAMES = ("id", "type", "role", "status", "a b", "metadata", "arguments", "0123456789abcdef")
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([1.5, "a", "b c", "x"])
BODIES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=12,
)
EVENTS = st.fixed_dictionaries(
    {"event": st.sampled_from(["start", "delta", "stop", "a (b)"]), "data": BODIES}
)


def answer(body: Any) -> dict[str, Any]:
    return {"request": {}, "response": {"status": 200, "json": body}}


def stream(events: list[Any]) -> dict[str, Any]:
    return {"request": {}, "response": {"status": 200, "sse": events}}


DOCUMENTS = st.lists(BODIES.map(answer), min_size=1, max_size=5) | st.lists(
    st.lists(EVENTS, max_size=4).map(stream), min_size=1, max_size=4
)


def contract(documents: Iterable[Any]) -> Contract:
    return contract_of(learn(documents), SURFACE)


CHAT = {
    "object": "chat.completion",
    "created": 1.0,
    "choices": [
        {
            "message": {"role": "assistant", "content": None},
            "finish_reason": "stop",
        }
    ],
}
WITH_TOOLS = {
    "object": "chat.completion",
    "created": 2,
    "service_tier": "default",
    "choices": [
        {
            "message": {
                "role": "assistant",
                "content": "Hi",
                "tool_calls": [{"type": "function", "function": {"arguments": '{"a": 1}'}}],
            },
            "finish_reason": "tool_calls",
        }
    ],
}
