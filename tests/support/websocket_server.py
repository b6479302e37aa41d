"""A WebSocket server on loopback that follows a script, and the clients that talk to it."""

from __future__ import annotations

import asyncio
import importlib
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
import websockets.asyncio.client
import websockets.sync.client
import websockets.sync.server
from websockets.exceptions import ConnectionClosed

Message = str | bytes
Answer = Callable[[Any, Message], None]
"""Answers one message of a client over its connection."""


@dataclass
class ScriptedWebSockets:
    """What a server says: `greeting` first, then what `answer` sends for each message."""

    port: int = 0
    greeting: tuple[Message, ...] = ()
    answer: Answer = lambda connection, message: connection.send(message)
    refuse: int = 0  # the status of an opening that is refused
    subprotocols: tuple[str, ...] = ()
    context: ssl.SSLContext | None = None  # where it speaks TLS
    came: list[Message] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'wss' if self.context else 'ws'}://127.0.0.1:{self.port}"

    def handle(self, connection: Any) -> None:
        with suppress(ConnectionClosed):
            for message in self.greeting:
                connection.send(message)
            for message in connection:
                self.came.append(message)
                self.answer(connection, message)

    def look_at(self, connection: Any, request: Any) -> Any:
        self.paths.append(request.path)
        self.headers.append({name.lower(): value for name, value in request.headers.raw_items()})
        if self.refuse:
            return connection.respond(HTTPStatus(self.refuse), "no")
        return None

    def choose(self, connection: Any, offered: Any) -> Any:
        return next((name for name in self.subprotocols if name in offered), None)


@contextmanager
def serving_websockets(**script: Any) -> Iterator[ScriptedWebSockets]:
    """Serve a script; yields what came."""
    scripted = ScriptedWebSockets(**script)
    with websockets.sync.server.serve(
        scripted.handle,
        "127.0.0.1",
        scripted.port,
        process_request=scripted.look_at,
        select_subprotocol=scripted.choose,
        max_size=None,
        ssl=scripted.context,
    ) as server:
        scripted.port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield scripted
        finally:
            server.shutdown()
            thread.join()


class Receive:
    """A step of a talk: receive a message."""


class UntilClosed:
    """A step of a talk: receive until the server has closed."""


class Ping:
    """A step of a talk: send a ping and wait for its answer."""


class Close:
    """A step of a talk: close the connection, with another code than usual."""


Step = Message | Receive | UntilClosed | Ping | Close
Seen = list[Any]
"""What a program was given: messages, and `("closed", code, reason)`."""


class WebSocketAdapter:
    """One way of calling one client library."""

    name = ""

    def talk(self, url: str, *steps: Step, **options: Any) -> Seen:
        """Open a connection, take the steps, close it, and return what came."""
        raise NotImplementedError

    def talk_at_once(self, url: str, sends: list[Message], number: int, pause: float) -> Seen:
        """Send in one task or thread, with pauses, and receive so many messages in another."""
        raise NotImplementedError


class SyncWebsockets(WebSocketAdapter):
    """websockets.sync."""

    name = "websockets sync"

    def talk(self, url: str, *steps: Step, **options: Any) -> Seen:
        seen: Seen = []
        with websockets.sync.client.connect(url, max_size=None, **options) as connection:
            if connection.subprotocol:
                seen.append(connection.subprotocol)
            try:
                for step in steps:
                    self._take(connection, step, seen)
            except ConnectionClosed as error:
                seen.append(("closed", *_how(error)))
        return seen

    def _take(self, connection: Any, step: Step, seen: Seen) -> None:
        match step:
            case Receive():
                seen.append(connection.recv())
            case UntilClosed():
                while True:
                    seen.append(connection.recv())
            case Ping():
                seen.append(connection.ping().wait(60))
            case Close():
                connection.close(3000, "enough")
            case _:
                connection.send(step)

    def talk_at_once(self, url: str, sends: list[Message], number: int, pause: float) -> Seen:
        with websockets.sync.client.connect(url) as connection:
            wait = threading.Event().wait

            def send() -> None:
                for message in sends:
                    connection.send(message)
                    wait(pause)

            thread = threading.Thread(target=send)
            thread.start()
            seen = [connection.recv() for _ in range(number)]
            thread.join()
            return seen


def _how(error: ConnectionClosed) -> tuple[int, str]:
    return (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")


class AsyncWebsockets(WebSocketAdapter):
    """websockets.asyncio, on the event loop of asyncio or uvloop."""

    def __init__(self, name: str, run: Callable[[Any], Any]) -> None:
        self.name = name
        self.run = run

    def talk(self, url: str, *steps: Step, **options: Any) -> Seen:
        seen: Seen = self.run(self._talk(url, steps, options))
        return seen

    async def _talk(self, url: str, steps: tuple[Step, ...], options: dict[str, Any]) -> Seen:
        seen: Seen = []
        connecting = websockets.asyncio.client.connect(url, max_size=None, **options)
        async with connecting as connection:
            if connection.subprotocol:
                seen.append(connection.subprotocol)
            try:
                for step in steps:
                    await self._take(connection, step, seen)
            except ConnectionClosed as error:
                seen.append(("closed", *_how(error)))
        return seen

    async def _take(self, connection: Any, step: Step, seen: Seen) -> None:
        match step:
            case Receive():
                seen.append(await connection.recv())
            case UntilClosed():
                while True:
                    seen.append(await connection.recv())
            case Ping():
                await (await connection.ping())
                seen.append(True)
            case Close():
                await connection.close(3000, "enough")
            case _:
                await connection.send(step)

    def talk_at_once(self, url: str, sends: list[Message], number: int, pause: float) -> Seen:
        async def both() -> Seen:
            async with websockets.asyncio.client.connect(url) as connection:

                async def send() -> None:
                    for message in sends:
                        await connection.send(message)
                        await asyncio.sleep(pause)

                sending = asyncio.create_task(send())
                seen = [await connection.recv() for _ in range(number)]
                await sending
                return seen

        seen: Seen = self.run(both())
        return seen


class AiohttpWebSockets(WebSocketAdapter):
    """aiohttp's `ws_connect`."""

    name = "aiohttp"

    def talk(self, url: str, *steps: Step, **options: Any) -> Seen:
        return asyncio.run(self._talk(url, steps, options))

    async def _talk(self, url: str, steps: tuple[Step, ...], options: dict[str, Any]) -> Seen:
        given = {"protocols": options.get("subprotocols", ())}
        given |= {"headers": options.get("additional_headers"), "max_msg_size": 0}
        seen: Seen = []
        async with aiohttp.ClientSession() as session, session.ws_connect(url, **given) as socket:
            if socket.protocol:
                seen.append(socket.protocol)
            for step in steps:
                await self._take(socket, step, seen)
        return seen

    async def _take(self, socket: Any, step: Step, seen: Seen) -> None:
        match step:
            case Receive() | UntilClosed():
                is_on = True
                while is_on:
                    is_on = await self._receive(socket, seen) and isinstance(step, UntilClosed)
            case Ping():
                await socket.ping()
                seen.append(True)
            case Close():
                await socket.close(code=3000, message=b"enough")
            case str():
                await socket.send_str(step)
            case _:
                await socket.send_bytes(step)

    async def _receive(self, socket: Any, seen: Seen) -> bool:
        message = await socket.receive()
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            seen.append(message.data)
            return True
        is_close = message.type is aiohttp.WSMsgType.CLOSE
        code = message.data if is_close else socket.close_code
        seen.append(("closed", code, (message.extra or "") if is_close else ""))
        return False

    def talk_at_once(self, url: str, sends: list[Message], number: int, pause: float) -> Seen:
        async def both() -> Seen:
            async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:

                async def send() -> None:
                    for message in sends:
                        await socket.send_str(str(message))
                        await asyncio.sleep(pause)

                sending = asyncio.create_task(send())
                seen: Seen = [(await socket.receive()).data for _ in range(number)]
                await sending
                return seen

        return asyncio.run(both())


def _on_uvloop() -> list[WebSocketAdapter]:
    """Return the adapter for uvloop, which Windows does not have."""
    if sys.platform == "win32":
        return []
    return [AsyncWebsockets("websockets on uvloop", importlib.import_module("uvloop").run)]


WEBSOCKET_ADAPTERS: tuple[WebSocketAdapter, ...] = (
    SyncWebsockets(),
    AsyncWebsockets("websockets asyncio", asyncio.run),
    *_on_uvloop(),
    AiohttpWebSockets(),
)
