"""The responses of the demo's provider, in OpenAI's formats; version 2 differs.

Source: https://platform.openai.com/docs/api-reference (chat, chat-streaming, responses,
responses-streaming).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

JsonBody = dict[str, Any]
_CAPITALS = {"France": "Paris", "Italy": "Rome", "Japan": "Tokyo"}


def chat_completion(question: str, model: str, version: int) -> JsonBody:
    """Return a response to POST /v1/chat/completions; version 2 has another shape."""
    text = _reply(question, version)
    message: JsonBody = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    answer = {
        "id": f"chatcmpl-{token_hex(12)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            **_counts("prompt_tokens", question, "completion_tokens", text),
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": f"fp_{token_hex(5)}",
    }
    if version > 1:
        answer["created"] = datetime.now(UTC).isoformat(timespec="seconds")
        del answer["system_fingerprint"]
    return answer


def chat_chunks(question: str, model: str, version: int) -> Iterator[JsonBody]:
    """Yield the same with "stream": true; equal in both versions."""
    shared = {
        "id": f"chatcmpl-{token_hex(12)}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "service_tier": "default",
        "system_fingerprint": f"fp_{token_hex(5)}",
    }
    yield shared | _delta({"role": "assistant", "content": "", "refusal": None})
    for word in _words(_reply(question, version)):
        yield shared | _delta({"content": word})
    yield shared | _delta({}, "stop")


def _delta(delta: JsonBody, finish_reason: str | None = None) -> JsonBody:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {"choices": [choice]}


def response(question: str, model: str, version: int) -> JsonBody:
    """Return a response to POST /v1/responses; version 2 also says when it was completed."""
    text = _reply(question, version)
    begun = _begun(model, version)
    return _completed(begun, [_message(f"msg_{token_hex(16)}", text)], question, text)


def response_events(question: str, model: str, version: int) -> Iterator[JsonBody]:
    """Yield the same with "stream": true; version 2 has one event more, response.queued."""
    events = _response_events(question, model, version)
    for number, event in enumerate(events):
        yield {"type": event.pop("type"), "sequence_number": number, **event}


def _response_events(question: str, model: str, version: int) -> Iterator[JsonBody]:
    text, item_id = _reply(question, version), f"msg_{token_hex(16)}"
    begun = _begun(model, version)
    place: JsonBody = {"item_id": item_id, "output_index": 0, "content_index": 0}
    item = _message(item_id, text)
    part = item["content"][0]
    yield {"type": "response.created", "response": begun}
    if version > 1:
        yield {"type": "response.queued", "response": begun | {"status": "queued"}}
    yield {"type": "response.in_progress", "response": begun}
    opened = item | {"status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
    yield {"type": "response.content_part.added", **place, "part": part | {"text": ""}}
    for word in _words(text):
        yield {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": _completed(begun, [item], question, text)}


_UNSET = (
    *("error", "incomplete_details", "instructions", "max_output_tokens", "max_tool_calls"),
    *("previous_response_id", "prompt_cache_key", "safety_identifier", "usage", "user"),
)


def _begun(model: str, version: int) -> JsonBody:
    answer: JsonBody = {
        "id": f"resp_{token_hex(24)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "metadata": {},
        **dict.fromkeys(_UNSET),
    }
    return answer | ({"completed_at": None} if version > 1 else {})


def _completed(begun: JsonBody, output: list[JsonBody], question: str, text: str) -> JsonBody:
    usage = {
        **_counts("input_tokens", question, "output_tokens", text),
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    done = begun | {"status": "completed", "output": output, "usage": usage}
    return done | ({"completed_at": int(time.time())} if "completed_at" in begun else {})


def _message(item_id: str, text: str) -> JsonBody:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    head = {"id": item_id, "type": "message", "status": "completed"}
    return {**head, "role": "assistant", "content": [part]}


def _counts(asked: str, question: str, answered: str, text: str) -> JsonBody:
    first, second = len(question.split()) + 6, len(text.split()) + 1
    return {asked: first, answered: second, "total_tokens": first + second}


def _reply(question: str, version: int) -> str:
    country = next((name for name in _CAPITALS if name in question), "")
    capital = _CAPITALS.get(country, "a city that this demo has never heard of")
    # Another wording is another value, and no drift.
    return f"{capital}." if version > 1 else f"The capital of {country or 'that'} is {capital}."


def _words(text: str) -> list[str]:
    first, *others = text.split(" ")
    return [first, *(f" {word}" for word in others)]
