"""Documents of fixtures for tests of the comparison."""

from __future__ import annotations

from typing import Any

CHAT_URL = "https://api.openai.com/v1/chat/completions"
MESSAGES_URL = "https://api.anthropic.com/v1/messages"
GEMINI_URL = "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent"
DATA_URL = "https://api.example.com/v1/things"  # of an API that keeps data

Document = dict[str, Any]
CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1732400000,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


def body(value: Any, url: str = DATA_URL, method: str = "", status: int = 200) -> Document:
    """Return a fixture whose response is JSON."""
    verb = method or ("GET" if url == DATA_URL else "POST")
    return {
        "cachy": 1,
        "request": {"method": verb, "url": url},
        "response": {
            "status": status,
            "headers": {"content-type": "application/json"},
            "json": value,
        },
    }


def stream(*events: Any, url: str = GEMINI_URL) -> Document:
    """Return a fixture whose response is a stream; an event is its data, or a name and its data."""
    rows = [
        {"event": event[0], "data": event[1]} if isinstance(event, tuple) else {"data": event}
        for event in events
    ]
    return {
        "cachy": 1,
        "request": {"method": "POST", "url": url},
        "response": {
            "status": 200,
            "headers": {"content-type": "text/event-stream"},
            "sse": rows,
        },
    }
