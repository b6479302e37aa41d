"""Messages as AWS streams them."""

from __future__ import annotations

from typing import Any

from aws_messages import CONVERSE, chunk, stream
from scripted_server import Script, ScriptedResponse
from sdks.provider.anthropic import MESSAGE

EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Sun"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ny."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 6},
    },
    {"type": "message_stop"},
]


BEDROCK: dict[str, tuple[Script, ...]] = {
    "/invoke-with-response-stream": (stream(*map(chunk, EVENTS)),),
}
CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Sunny."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12},
    "metrics": {"latencyMs": 321},
}
VOICE = ScriptedResponse(
    bytes(range(256)), 200, (("Content-Type", "application/octet-stream"), ("ETag", '"v"'))
)
BOTO3: dict[str, tuple[Script, ...]] = {
    "/model/amazon.nova-lite/converse-stream": (stream(*CONVERSE),),
    "/b/voice.bin": (VOICE,),
    "/b/notes.bin": (ScriptedResponse(b"", 200, (("ETag", '"n"'),)),),
}
