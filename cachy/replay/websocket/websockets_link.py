"""What the sync and the async connections of `websockets` share: they notify a link."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from cachy.interaction import SWITCHING, Headers
from cachy.replay.websocket import wire
from cachy.replay.websocket.conversation import Conversation
from cachy.replay.websocket.opening import Link

if TYPE_CHECKING:
    from cachy.replay.websocket.message_tape import MessageTape

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_CUT, _NO_STATUS = 1006, 1005


def watch_sends(protocol: Any, link: Link) -> None:
    """Notify a link of each whole message that a program sends, before its frame is made.

    `protocol` is the sans-I/O connection below a connection of either kind.
    """
    parts: list[bytes] = []
    opcode = [wire.TEXT]

    def watch(name: str, kind: int | None) -> None:
        original = getattr(protocol, name)

        def send(data: Any, fin: bool = True) -> Any:
            if kind is not None:
                parts.clear()
                opcode[0] = kind
            parts.append(bytes(data))
            if fin:
                link.sent(_message(opcode[0], b"".join(parts)))
                parts.clear()
            return original(data, fin)

        setattr(protocol, name, send)

    watch("send_text", wire.TEXT)
    watch("send_binary", wire.BINARY)
    watch("send_continuation", None)
    if not isinstance(link, Conversation):
        link.finish = partial(end_of, protocol, link)
        _watch_close(protocol, link)


def _watch_close(protocol: Any, tape: MessageTape) -> None:
    send_close = protocol.send_close

    def closed(*args: Any, **kwargs: Any) -> Any:
        tape.closing()
        return send_close(*args, **kwargs)

    protocol.send_close = closed


def _message(opcode: int, raw: bytes) -> str | bytes:
    return raw.decode("utf-8", "surrogatepass") if opcode == wire.TEXT else raw


class Arrivals:
    """The messages of a connection that the program has not been given yet."""

    def __init__(self, connection: Any, link: Link) -> None:
        self._protocol, self._link, self._closed = connection.protocol, link, _closed_error()
        self._messages: deque[str | bytes] = deque()
        self._parts: list[bytes] = []
        self._opcode = wire.TEXT
        process_event = connection.process_event

        def watched(event: Any) -> Any:
            if hasattr(event, "opcode"):
                self._add(event)
            elif not isinstance(link, Conversation):
                _note_opening(event, link)
            return process_event(event)

        connection.process_event = watched

    def _add(self, frame: Any) -> None:
        opcode = int(frame.opcode)
        if opcode in (wire.TEXT, wire.BINARY):
            self._opcode, self._parts = opcode, []
        elif opcode != wire.CONTINUATION:
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            self._messages.append(_message(self._opcode, b"".join(self._parts)))

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Notify the link that a program is given the next message, or how the connection ended."""
        try:
            yield
        except self._closed:
            end_of(self._protocol, self._link)
            raise
        if self._messages:
            self._link.received(self._messages.popleft())


def _note_opening(response: Any, tape: MessageTape) -> None:
    if response.status_code == SWITCHING:
        tape.opened(headers_of(response.headers))
    elif response.status_code >= 400:  # a redirect is followed by another opening
        tape.refused(response.status_code)


def headers_of(given: Any) -> Headers:
    """Return headers, as `websockets` takes or gives them, as pairs."""
    if given is None:
        return ()
    headers = sys.modules["websockets.datastructures"].Headers(given)
    return tuple((str(name), str(value)) for name, value in headers.raw_items())


def asked_headers(given: Any) -> Headers:
    """Return the headers that a program adds to its opening, and the library's user agent."""
    headers = headers_of(given)
    agent = getattr(sys.modules.get("websockets.http11"), "USER_AGENT", "")
    is_own = not agent or any(name.lower() == "user-agent" for name, _ in headers)
    return headers if is_own else (*headers, ("user-agent", agent))


def _closed_error() -> type[Exception]:
    """Return the exception by which a program learns that its connection is closed."""
    kind: type[Exception] = sys.modules["websockets.exceptions"].ConnectionClosed
    return kind


def note_lost(link: Link) -> None:
    """Notify a link that its connection is gone, if it was never opened."""
    if not isinstance(link, Conversation) and not link.is_opened:
        link.lost(None)


def end_of(protocol: Any, link: Link) -> None:
    """Notify a link how its connection has ended."""
    if isinstance(link, Conversation):
        return link.ended()
    received, sent = protocol.close_rcvd, protocol.close_sent
    if received is not None and (sent is None or protocol.close_rcvd_then_sent):
        link.ended(int(received.code), received.reason, by_server=True)
    elif sent is not None:
        link.ended(int(sent.code), sent.reason, by_server=False)
    else:
        is_open = protocol.state.name == "OPEN"
        link.ended(_NO_STATUS if is_open else _CUT, by_server=False)


def offered(names: Sequence[str] | None) -> Headers:
    """Return the header that offers the subprotocols of a connection; nothing where it has none."""
    return (("sec-websocket-protocol", ", ".join(names)),) if names else ()
