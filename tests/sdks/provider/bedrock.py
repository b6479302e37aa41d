"""Messages as AWS streams them."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

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


def aws_header(name: str, value: str) -> bytes:
    kind = b"\x07"  # text
    size = struct.pack(">H", len(value))
    return bytes([len(name)]) + name.encode() + kind + size + value.encode()


def aws_event(event: dict[str, Any]) -> bytes:
    """Frame an event as AWS does: lengths, headers, payload, each guarded by a CRC-32."""
    named = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(name)])
        + name.encode()
        + b"\x07"
        + struct.pack(">H", len(value))
        + value.encode()
        for name, value in named.items()
    )
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


BEDROCK: dict[str, tuple[Script, ...]] = {
    "/invoke-with-response-stream": (
        ScriptedResponse(
            tuple(map(aws_event, EVENTS)),
            200,
            (("Content-Type", "application/vnd.amazon.eventstream"),),
        ),
    ),
}
