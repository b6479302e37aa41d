"""What the answers of all our providers are made of."""

from __future__ import annotations

import json
from typing import Any

from scripted_server import Script, ScriptedResponse

FILE = b"some text\x00\xff"  # as the programs upload it
VECTOR = [0.1, -0.25, 0.5]
MP3 = b"ID3\x04" + bytes(range(256))
TEXT = "Sunny, with a light wind."


def answer(value: Any, status: int = 200, *headers: tuple[str, str]) -> ScriptedResponse:
    """Answer with JSON that is as compact as the providers send it."""
    kind = (("Content-Type", "application/json"), *headers)
    return ScriptedResponse(json.dumps(value, separators=(",", ":")).encode(), status, kind)


WORDS = {
    400: ("invalid_request_error", "INVALID_ARGUMENT", "Invalid value for 'temperature'."),
    404: ("not_found_error", "NOT_FOUND", "The model does not exist."),
    422: ("unprocessable_entity", "INVALID_ARGUMENT", "Input should be a valid list."),
    429: ("rate_limit_error", "RESOURCE_EXHAUSTED", "Rate limit reached."),
}


def refusal(family: str, status: int) -> ScriptedResponse:
    """Write an error as a provider of this family does."""
    kind, google, words = WORDS[status]
    bodies: dict[str, Any] = {
        "openai": {"error": {"message": words, "type": kind, "param": None, "code": None}},
        "anthropic": {
            "type": "error",
            "error": {"type": kind, "message": words},
            "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
        },
        "google": {"error": {"code": status, "message": words, "status": google}},
        "mistral": {"object": "error", "message": words, "type": kind, "param": None, "code": "1"},
        "cohere": {"id": "d5f9b8a1-0000-4000-8000-5a1e3d8d0001", "message": words},
        "ollama": {"error": words},
        "replicate": {"title": kind, "detail": words, "status": status},
        "bedrock": {"message": words},
    }
    body = bodies[family]
    if family == "mistral" and status == 422:
        where = ["body", "messages"]
        body = {"detail": [{"type": "list_type", "loc": where, "msg": words, "input": "x"}]}
    waits = (("Retry-After", "1"), ("retry-after-ms", "20")) if status == 429 else ()
    return answer(body, status, *waits)


JOB = "batch_67cb32528d6881909eb2859a55e18a85"


def jobs(path: str, *states: ScriptedResponse) -> dict[str, tuple[Script, ...]]:
    """A job that is created at a path, and polled below it."""
    return {path: states[:1], f"{path}/{JOB}": states}
