"""What those who speak openai's form answer."""

from __future__ import annotations

import base64
import struct
from typing import Any

from scripted_server import Script, ScriptedResponse, SeenRequest, text_response
from sdks.provider.words import FILE, JOB, MP3, TEXT, VECTOR, answer, jobs


def completion(model: str = "gpt-4.1", text: str = TEXT) -> dict[str, Any]:
    return {
        "id": "chatcmpl-AbC123",
        "object": "chat.completion",
        "created": 1764000000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15},
    }


RESPONSE = {
    "id": "resp_67cb32528d6881909eb2859a55e18a85",
    "object": "response",
    "created_at": 1764000000,
    "status": "completed",
    "model": "gpt-4.1",
    "output": [
        {
            "type": "message",
            "id": "msg_67cb3252cfac8190865744873aada798",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 6,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    },
}


def embeddings(form: str = "float") -> dict[str, Any]:
    packed = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
    vector = packed if form == "base64" else VECTOR
    return {
        "id": "b8a1f3c9",
        "object": "list",
        "model": "e",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": 6, "total_tokens": 6},
    }


def embed(asked: SeenRequest) -> ScriptedResponse:
    return answer(embeddings(asked.json.get("encoding_format", "float")))


def uploaded(asked: SeenRequest) -> ScriptedResponse:
    """Answer an upload with the size of the file that arrived."""
    return answer(
        {
            "id": "file-abc123",
            "object": "file",
            "bytes": asked.body.count(FILE) * len(FILE),
            "created_at": 1764000000,
            "filename": "notes.txt",
            "purpose": "user_data",
            "status": "processed",
        }
    )


def batch(status: str, **more: Any) -> ScriptedResponse:
    return answer(
        {
            "id": JOB,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": "file-1",
            "completion_window": "24h",
            "status": status,
            "created_at": 1764000000,
            **more,
        }
    )


OPENAI_LIKE: dict[str, tuple[Script, ...]] = {
    "/embeddings": (embed,),
    "/files": (uploaded,),
    "/audio/transcriptions": (answer({"text": TEXT}),),
    "/audio/speech": (text_response(MP3, kind="audio/mpeg"),),
    **jobs("/batches", batch("validating"), batch("in_progress"), batch("completed")),
}
