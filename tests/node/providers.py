"""Providers of the node tests: what OpenAI, Anthropic and Gemini answer, plain and streamed."""

from __future__ import annotations

import json
from typing import Any

from scripted_server import ScriptedResponse, SeenRequest, json_response, sse_response
from sdks.provider.anthropic import MESSAGE
from sdks.provider.google import CONTENT
from sdks.provider.openai import RESPONSE, completion
from sdks.provider.words import TEXT

PIECES = ("The capital ", "is ", "Paris.")


def answer(asked: SeenRequest) -> ScriptedResponse:
    """Answer as the API that the request is for."""
    provider = {"api.openai.com": openai, "api.anthropic.com": anthropic}
    return provider.get(asked.headers["host"], gemini)(asked)


def openai(asked: SeenRequest) -> ScriptedResponse:
    """Answer as OpenAI does."""
    if asked.path == "/v1/models":
        return json_response({"object": "list", "data": []})
    is_streamed = asked.json.get("stream")
    if asked.path == "/v1/chat/completions":
        return sse_response(*_chunks(), "[DONE]") if is_streamed else json_response(completion())
    return sse_response(*_events()) if is_streamed else json_response(RESPONSE)


def _chunks() -> list[str]:
    base: dict[str, Any] = {**completion(), "object": "chat.completion.chunk"}
    del base["usage"]
    choices = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in PIECES]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [json.dumps({**base, "choices": [choice]}) for choice in (*choices, end)]


def _events() -> list[dict[str, Any]]:
    whole: dict[str, Any] = dict(RESPONSE)
    (item,) = whole["output"]
    where = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    begun = {**item, "status": "in_progress", "content": []}
    rows: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        *(
            {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
            for piece in PIECES
        ),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": RESPONSE},
    ]
    return [{**row, "sequence_number": number} for number, row in enumerate(rows)]


def anthropic(asked: SeenRequest) -> ScriptedResponse:
    """Answer as Anthropic does."""
    if not asked.json.get("stream"):
        return json_response(MESSAGE)
    block = {"type": "text", "text": ""}
    texts = [{"type": "text_delta", "text": piece} for piece in PIECES]
    end = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}}
    return sse_response(
        {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in texts),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", **end},
        {"type": "message_stop"},
    )


def gemini(asked: SeenRequest) -> ScriptedResponse:
    """Answer as Gemini does."""
    if ":generateContent" in asked.path:
        return json_response(CONTENT)
    parts = [{"role": "model", "parts": [{"text": piece}]} for piece in PIECES]
    return sse_response(*(json.dumps({"candidates": [{"content": part}]}) for part in parts))


STREAMED, PLAIN = "".join(PIECES), TEXT
