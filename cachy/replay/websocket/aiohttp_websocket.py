"""The door to aiohttp's `ws_connect`: its opening request comes by the middleware of our door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from cachy.interaction import SWITCHING, Response, header
from cachy.replay.clients.aiohttp_response import AiohttpSession, make_response
from cachy.replay.clients.reentrancy import inside
from cachy.replay.session import Session
from cachy.replay.websocket import wire
from cachy.replay.websocket.conversation import Conversation
from cachy.replay.websocket.opening import Link, open_link, request_of
from cachy.replay.websocket.peer import Peer
from cachy.replay.websocket.transport import ReplayedTransport
from cachy.replay.websocket.waiting import wait_for

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_CUT = 1006
_opened: ContextVar[list[Link] | None] = ContextVar("cachy_opened_websocket", default=None)


async def connect(library: ModuleType, opening: Awaitable[Any]) -> Any:
    """Return the WebSocket that `_ws_connect` opens, whose messages a link is notified of."""
    links: list[Link] = []
    token = _opened.set(links)
    try:
        websocket = await opening
    except BaseException as error:
        for link in links:
            if not isinstance(link, Conversation):
                link.lost(error)
        raise
    finally:
        _opened.reset(token)
    for link in links[:-1]:
        if not isinstance(link, Conversation):
            link.lost(None)
    if links:
        _attach(library, websocket, links[-1])
    return websocket


def is_ours() -> bool:
    """Return whether `_ws_connect` sends what is being sent, and not a program by itself."""
    return _opened.get() is not None


async def answer(
    asking: AiohttpSession,
    session: Session,
    outgoing: Any,
    send: Callable[[Any], Awaitable[Any]],
) -> Any:
    """Return the response to the opening request of a connection, recorded or live."""
    headers = tuple((str(name), str(value)) for name, value in outgoing.headers.items())
    link = open_link(session, request_of(str(outgoing.url), headers))
    links = _opened.get()
    if links is not None:
        links.append(link)
    if isinstance(link, Conversation):
        return _replayed(asking, outgoing, link)
    with inside():
        incoming = await send(outgoing)
    if incoming.status == SWITCHING:
        link.opened(tuple((str(name), str(value)) for name, value in incoming.headers.items()))
    elif incoming.status >= 400:  # a redirect is followed by another opening
        link.refused(incoming.status)
    return incoming


def _replayed(asking: AiohttpSession, outgoing: Any, link: Conversation) -> Any:
    import asyncio  # slow to import, and loaded by every program that comes here

    key = header([(str(name), value) for name, value in outgoing.headers.items()], _KEY) or ""
    accepted = (
        *(("upgrade", "websocket"), ("connection", "upgrade")),
        ("sec-websocket-accept", wire.accept_key(key)),
        *((("sec-websocket-protocol", link.subprotocol),) if link.subprotocol else ()),
    )
    response = make_response(asking, outgoing, Response(SWITCHING, accepted))
    loop, library = asyncio.get_running_loop(), asking.library
    protocol = library.client_proto.ResponseHandler(loop)
    peer = Peer(link, is_open=True)
    transport = ReplayedTransport(loop, protocol, peer)
    protocol.connection_made(transport)
    response._connection = _Connection(protocol, transport, asking.client._connector)
    response._closed = False
    transport.feed(peer.greeting())
    return response


_KEY = "sec-websocket-key"


class _Connection:
    """What a response of aiohttp takes for its connection in a pool."""

    def __init__(self, protocol: Any, transport: ReplayedTransport, connector: Any) -> None:
        self.protocol = protocol
        self.transport = transport
        self._connector = connector

    @property
    def closed(self) -> bool:
        return self.transport.is_closing()

    def add_callback(self, callback: Any) -> None:
        """Ignore it: no pool waits for this connection."""

    def close(self) -> None:
        self.transport.close()

    release = close


def _attach(library: ModuleType, websocket: Any, link: Link) -> None:
    websocket._writer = _Writer(library, websocket._writer, link)
    watch = _Watch(library, websocket, link)
    websocket.receive, websocket.close = watch.receive, watch.close


class _Watch:
    """What takes the place of two methods of a WebSocket, and notifies a link of what they do."""

    def __init__(self, library: ModuleType, websocket: Any, link: Link) -> None:
        self._kinds = library.WSMsgType
        self._websocket = websocket
        self._link = link
        self._receive, self._close = websocket.receive, websocket.close
        self._receivers: set[Any] = set()  # tasks: `receive` itself closes after the server

    async def receive(self, timeout: float | None = None) -> Any:
        message = await wait_for(self._link, self._received, timeout)
        if message.type in (self._kinds.TEXT, self._kinds.BINARY):
            self._link.received(_payload(message))
        elif message.type is self._kinds.CLOSE:
            _end(self._link, message.data, message)
        elif message.type is not self._kinds.CLOSING:
            _end(self._link, _CUT, message)
        return message

    async def _received(self, timeout: float | None) -> Any:
        task = _current_task()
        self._receivers.add(task)
        try:
            return await self._receive(timeout)
        finally:
            self._receivers.discard(task)

    async def close(self, *args: Any, **kwargs: Any) -> Any:
        is_ours = not self._websocket.closed and _current_task() not in self._receivers
        if is_ours and not isinstance(self._link, Conversation):
            self._link.closing()
        done = await self._close(*args, **kwargs)
        if is_ours:
            _end(self._link, self._websocket.close_code or _CUT)
        return done


def _current_task() -> Any:
    import asyncio  # slow to import, and loaded by every program that comes here

    return asyncio.current_task()


def _payload(message: Any) -> str | bytes:
    is_text = message.type.name == "TEXT"
    data = message.data
    return data if is_text is isinstance(data, str) else bytes(data).decode()


def _end(link: Link, code: int, message: Any = None) -> None:
    """Notify a link how its connection has ended; `message` is what the server said last."""
    if isinstance(link, Conversation):
        return link.ended()
    reason = str(message.extra or "") if message is not None else ""
    link.ended(code, reason, by_server=message is not None)


class _Writer:
    """A writer of aiohttp that notifies a link of each message before it is sent."""

    def __init__(self, library: ModuleType, writer: Any, link: Link) -> None:
        self._writer = writer
        self._link = link
        self._text, self._binary = library.WSMsgType.TEXT, library.WSMsgType.BINARY

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    async def send_frame(self, message: Any, opcode: int, *args: Any, **kwargs: Any) -> None:
        if opcode == self._text:
            self._link.sent(bytes(message).decode("utf-8", "surrogatepass"))
        elif opcode == self._binary:
            self._link.sent(bytes(message))
        await self._writer.send_frame(message, opcode, *args, **kwargs)
