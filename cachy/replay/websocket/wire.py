"""The server's side of the WebSocket protocol, in bytes: RFC 6455, without extensions."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
_LENGTHS = {126: 2, 127: 8}  # bytes that hold a longer length (section 5.2)
_END = b"\r\n\r\n"


class WireFrame(NamedTuple):
    """One frame as it was sent; a message may come in several."""

    opcode: int
    payload: bytes
    is_last: bool


def accept_key(key: str) -> str:
    """Return what a server answers to a key of the opening handshake."""
    return base64.b64encode(hashlib.sha1(key.encode() + _KEY).digest()).decode("ascii")


def handshake_response(key: str, subprotocol: str = "") -> bytes:
    """Return the response that opens a connection."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(key)}",
    ]
    if subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return "\r\n".join(lines).encode("latin-1") + _END


def take_handshake(buffer: bytearray) -> str | None:
    """Take the opening request from a buffer and return its key; None while it is not whole."""
    head, end, _ = bytes(buffer).partition(_END)
    if not end:
        return None
    del buffer[: len(head) + len(end)]
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "sec-websocket-key":
            return value.strip()
    return ""


def take_frames(buffer: bytearray) -> Iterator[WireFrame]:
    """Take the whole frames that a client has sent from a buffer."""
    while (size := _size(buffer)) is not None:
        start, length = size
        if len(buffer) < start + length:
            return
        mask = bytes(buffer[start - 4 : start])
        payload = _unmasked(bytes(buffer[start : start + length]), mask)
        first = buffer[0]
        del buffer[: start + length]
        yield WireFrame(first & 0x0F, payload, bool(first & 0x80))


def _size(buffer: bytearray) -> tuple[int, int] | None:
    """Return where a client's frame has its payload, and the length; None while unknown."""
    if len(buffer) < 2:
        return None
    length, more = buffer[1] & 0x7F, _LENGTHS.get(buffer[1] & 0x7F, 0)
    if len(buffer) < 2 + more:
        return None
    if more:
        length = int.from_bytes(buffer[2 : 2 + more], "big")
    return 2 + more + 4, length


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """Return a payload without its mask, as one large number: far quicker than by bytes."""
    size = len(payload)
    whole = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")


def frame_bytes(opcode: int, payload: bytes) -> bytes:
    """Return a frame as a server sends it: whole, and without a mask (section 5.1)."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, size))
    elif size < 2**16:
        head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


def close_payload(code: int, reason: str = "") -> bytes:
    """Return the payload of a close; 1005 stands for one without a code (section 7.4.1)."""
    if code in (0, 1005):
        return b""
    return code.to_bytes(2, "big") + reason.encode("utf-8")[:123]
