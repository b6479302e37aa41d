"""AWS event streams as AWS sends them, by https://smithy.io/2.0/aws/amazon-eventstream.html."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from scripted_server import ScriptedResponse

EVENT_STREAM = (("Content-Type", "application/vnd.amazon.eventstream"),)
Typed = tuple[str, bytes]  # a header's name, and its value after its type


def text_header(name: str, value: str) -> Typed:
    raw = value.encode()
    return name, b"\x07" + struct.pack(">H", len(raw)) + raw


def message(headers: Sequence[Typed], payload: bytes = b"") -> bytes:
    """Frame a message: lengths, headers, payload, guarded by two CRC-32."""
    head = b"".join(bytes([len(name.encode())]) + name.encode() + value for name, value in headers)
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    framed = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return framed + struct.pack(">I", zlib.crc32(framed))


def event(name: str, value: Any, kind: str = "event") -> bytes:
    """Frame an event with JSON, as Bedrock does; `kind` may be "exception"."""
    headers = (
        text_header(f":{kind}-type", name),
        text_header(":content-type", "application/json"),
        text_header(":message-type", kind),
    )
    return message(headers, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def chunk(value: Any, padding: str = "abcdefgh") -> bytes:
    """Frame a piece of what InvokeModelWithResponseStream sends."""
    raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return event("chunk", {"bytes": base64.b64encode(raw).decode(), "p": padding})


def stream(*messages: bytes, **how: Any) -> ScriptedResponse:
    """Return a response that sends each message as a piece of its own."""
    return ScriptedResponse(messages, 200, EVENT_STREAM, **how)


CONVERSE = (
    event("messageStart", {"p": "abcd", "role": "assistant"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Sunny"}, "p": "ab"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " and ünlit."}}),
    event("contentBlockStop", {"contentBlockIndex": 0, "p": "abcde"}),
    event("messageStop", {"stopReason": "end_turn"}),
    event(
        "metadata",
        {
            "metrics": {"latencyMs": 412},
            "usage": {"inputTokens": 9, "outputTokens": 5, "totalTokens": 14},
        },
    ),
)
SELECTED = (
    message(
        (
            text_header(":message-type", "event"),
            text_header(":content-type", "application/octet-stream"),
            text_header(":event-type", "Records"),
        ),
        b"1,Ada\n2,Alan\n3,Grace\n",
    ),
    message((text_header(":message-type", "event"), text_header(":event-type", "Cont"))),
    message((text_header(":message-type", "event"), text_header(":event-type", "End"))),
)
