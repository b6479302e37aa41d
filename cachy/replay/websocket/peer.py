"""The server of a replayed connection: it answers the handshake, pings, messages and the close."""

from __future__ import annotations

from collections.abc import Iterator

from cachy.interaction import Frame
from cachy.replay.websocket import wire
from cachy.replay.websocket.conversation import Conversation


class Peer:
    """What a client's bytes are answered with, over whatever transport.

    Args:
        conversation: what is recorded; it has matched each message before its bytes come here.
        is_open: the handshake is not a part of what comes here.
    """

    def __init__(self, conversation: Conversation, *, is_open: bool = False) -> None:
        self._conversation = conversation
        self._buffer = bytearray()
        self._is_open = is_open
        self.is_over = False

    def greeting(self) -> Iterator[bytes]:
        """Yield what the server sends before the program sends anything."""
        yield from self._answer()

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Yield the pieces with which the server answers some bytes, a message each."""
        self._buffer += data
        if not self._is_open:
            key = wire.take_handshake(self._buffer)
            if key is None:
                return
            self._is_open = True
            yield wire.handshake_response(key, self._conversation.subprotocol)
            yield from self.greeting()
        for frame in wire.take_frames(self._buffer):
            yield from self._answer_frame(frame)

    def _answer_frame(self, frame: wire.WireFrame) -> Iterator[bytes]:
        match frame.opcode:
            case wire.PING:
                yield wire.frame_bytes(wire.PONG, frame.payload)
            case wire.CLOSE if not self.is_over:
                self.is_over = True
                yield wire.frame_bytes(wire.CLOSE, frame.payload)
            case wire.TEXT | wire.BINARY | wire.CONTINUATION if frame.is_last:
                yield from self._answer()

    def _answer(self) -> Iterator[bytes]:
        for frame in self._conversation.take_replies():
            if not self.is_over:
                yield self._render(frame)

    def _render(self, frame: Frame) -> bytes:
        payload = frame.payload
        if frame.way == "closed":
            self.is_over = True
            return wire.frame_bytes(wire.CLOSE, wire.close_payload(frame.code, str(payload)))
        if isinstance(payload, str):
            return wire.frame_bytes(wire.TEXT, payload.encode("utf-8"))
        return wire.frame_bytes(wire.BINARY, payload)
