"""What `replay.py` asks, and what its provider responds: the shapes that users' suites send."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple


class Shape(NamedTuple):
    """One kind of request, each number a request of its own, and the response to all of them."""

    method: str
    path: Callable[[int], str]
    body: Callable[[int], Any]
    content_type: str
    chunks: tuple[bytes, ...]

    @property
    def is_stream(self) -> bool:
        return self.content_type == "text/event-stream"


CHAT = "/v1/chat/completions"
SYSTEM = {"role": "system", "content": "Be brief. " * 30}


def _small_chat(number: int, *, stream: bool = False) -> dict[str, Any]:
    turn = {"role": "user", "content": f"Question {number}"}
    return {"model": "gpt-4.1", "messages": [SYSTEM, turn], "stream": stream}


def _completion(content: str) -> bytes:
    message = {"role": "assistant", "content": content, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 80, "completion_tokens": 300, "total_tokens": 380}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000}
    return json.dumps({**head, "model": "gpt-4.1", "choices": [choice], "usage": usage}).encode()


def _long_chat(number: int) -> dict[str, Any]:
    """Return a request of about 22 KB: 31 turns and 8 tools."""
    turns = [
        {"role": ("user", "assistant")[at % 2], "content": f"Turn {at}.\n" + "A few words. " * 46}
        for at in range(30)
    ]
    field = {"type": "string", "description": "Words that say what this parameter is for."}
    schema = {"type": "object", "properties": {"city": field, "unit": field}, "required": ["city"]}
    tools = [
        {"type": "function", "function": {"name": f"tool_{at}", "parameters": schema}}
        for at in range(8)
    ]
    asked = {"role": "user", "content": f"Question {number}"}
    return {"model": "gpt-4.1", "messages": [SYSTEM, *turns, asked], "tools": tools}


def _items() -> bytes:
    rows = [{"id": f"item_{at}", "name": f"Item {at}", "tags": ["a", "b"]} for at in range(20)]
    return json.dumps({"object": "list", "data": rows, "has_more": True}).encode()


def _embedding() -> bytes:
    random = Random(1)
    vector = [random.uniform(-0.1, 0.1) for _ in range(1536)]
    row = {"object": "embedding", "index": 0, "embedding": vector}
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    model = "text-embedding-3-small"
    return json.dumps({"object": "list", "data": [row], "model": model, "usage": usage}).encode()


def _same(path: str) -> Callable[[int], str]:
    return lambda _: path


_JSON = "application/json"
_LINES = "\n\n".join(f"{at}. A line of the response, some words long." for at in range(30))
_EVENTS = tuple(
    b'data: {"choices":[{"index":0,"delta":{"content":"%d"}}]}\n\n' % at for at in range(60)
)
SHAPES = {
    "chat": Shape("POST", _same(CHAT), _small_chat, _JSON, (_completion("word " * 300),)),
    "get": Shape(
        "GET", lambda number: f"/v1/items?after=item_{number}", lambda _: None, _JSON, (_items(),)
    ),
    "long-chat": Shape("POST", _same(CHAT), _long_chat, _JSON, (_completion(_LINES),)),
    "embedding": Shape(
        "POST",
        _same("/v1/embeddings"),
        lambda number: {"model": "text-embedding-3-small", "input": f"Text {number}"},
        _JSON,
        (_embedding(),),
    ),
    "stream": Shape(
        "POST",
        _same(CHAT),
        lambda number: _small_chat(number, stream=True),
        "text/event-stream",
        _EVENTS,
    ),
}
