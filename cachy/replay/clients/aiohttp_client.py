"""The door to aiohttp: a client middleware, which sees each request of a redirect by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial, wraps
from types import ModuleType
from typing import Any

from cachy.errors import NetworkFault
from cachy.interaction import Headers, Request, Response, header
from cachy.replay import respond
from cachy.replay.clients import dns_guard
from cachy.replay.clients.aiohttp_response import AiohttpSession, make_reader, make_response, unpack
from cachy.replay.clients.other_recorders import is_replaced
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.clients.reentrancy import is_inside, sending
from cachy.replay.clients.tee import DRAIN_SECONDS, RecordingBuffer, is_cancelled
from cachy.replay.process import PROCESS
from cachy.replay.recorder import Recording
from cachy.replay.streams.event_loop import after

__tracebackhide__ = True  # pytest shows the caller, not what is in between
Handler = Callable[[Any], Awaitable[Any]]


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch `aiohttp.ClientSession._request`; versions before 3.12 have no middlewares."""

    def make(original: Any) -> Any:
        @wraps(original)
        async def _request(self: Any, method: str, url: Any, **kwargs: Any) -> Any:
            is_off = current() is None or is_inside()
            if is_off or is_replaced(library.ClientSession, "_request"):
                return await original(self, method, url, **kwargs)
            given = kwargs.get("middlewares")
            own = getattr(self, "_middlewares", ()) if given is None else given
            # Another wrapper may have kept one of ours alive below this one.
            if not any(getattr(middleware, "is_cachy", False) for middleware in own):
                chosen = kwargs.get("auto_decompress")
                unpacks = getattr(self, "_auto_decompress", True) if chosen is None else chosen
                timeout = kwargs.get("timeout", getattr(self, "_timeout", None))
                asking = AiohttpSession(library, self, unpacks, timeout)
                middleware = _middleware(asking, current)
                kwargs["middlewares"] = (*own, middleware)
            return await original(self, method, url, **kwargs)

        return _request

    if hasattr(library, "ClientMiddlewareType"):
        patches.replace(library.ClientSession, "_request", make)
        patches.replace(library.ClientSession, "_ws_connect", partial(_make_ws, library, current))


def _make_ws(library: ModuleType, current: CurrentSession, original: Any) -> Any:
    """Return `_ws_connect`, whose opening request comes by the middleware."""

    @wraps(original)
    async def _ws_connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        if current() is None or is_inside():
            return await original(self, *args, **kwargs)
        from cachy.replay.websocket import aiohttp_websocket  # few programs open one

        return await aiohttp_websocket.connect(library, original(self, *args, **kwargs))

    return _ws_connect


def _middleware(asking: AiohttpSession, current: CurrentSession) -> Any:
    async def answer(outgoing: Any, send: Handler) -> Any:
        session = current()
        is_ours = session is not None and session.covers(outgoing.url.host, outgoing.url.port)
        if session is None or not is_ours:
            if session is not None:
                headers = _headers_of(outgoing)
                respond.pass_by(session, outgoing.method, str(outgoing.url), headers)
            return await send(outgoing)
        if websocket_answer := _websocket_answer(outgoing):
            return await websocket_answer(asking, session, outgoing, send)
        if "upgrade" in outgoing.headers:
            dns_guard.check(session, outgoing.url.host, outgoing.url.port)
            return await send(outgoing)
        try:
            found = respond.answer(session, await _to_request(asking.library, outgoing))
        except NetworkFault as fault:
            raise _own_error(asking.library, fault) from None
        if isinstance(found, Response):
            return make_response(asking, outgoing, found)
        with sending(found):
            incoming = await send(outgoing)
        return _taped(asking, incoming, found)

    answer.is_cachy = True  # type: ignore[attr-defined]
    return answer


def _websocket_answer(outgoing: Any) -> Any:
    """Return what answers the opening request of a WebSocket; None for any other request."""
    if str(outgoing.headers.get("upgrade", "")).lower() != "websocket":
        return None
    from cachy.replay.websocket import aiohttp_websocket  # few programs open one

    return aiohttp_websocket.answer if aiohttp_websocket.is_ours() else None


def _own_error(library: ModuleType, fault: NetworkFault) -> Exception:
    error: Exception
    if fault.is_timeout:
        kind = getattr(library, "SocketTimeoutError", library.ServerTimeoutError)
        error = kind("Timeout on reading data from socket")
    else:
        error = library.ClientOSError(*fault.as_os_error().args)
    return error


async def _to_request(library: ModuleType, outgoing: Any) -> Request:
    body = outgoing.body
    raw = body if isinstance(body, bytes) else bytes(await body.as_bytes())
    if _is_read_up(body):
        outgoing._body = library.payload.BytesPayload(raw)
    return Request(outgoing.method, str(outgoing.url), _headers_of(outgoing), raw)


def _is_read_up(body: Any) -> bool:
    """Return whether a body, or a part of it, is a file that can be read only once."""
    if any(_is_read_up(part) for part, *_ in getattr(body, "_parts", ())):
        return True
    file: Any = getattr(body, "_value", None)
    return hasattr(file, "read") and not (hasattr(file, "seekable") and file.seekable())


def _headers_of(outgoing: Any) -> Headers:
    return tuple((str(name), str(value)) for name, value in outgoing.headers.items())


def _taped(asking: AiohttpSession, incoming: Any, recording: Recording) -> Any:
    """Put a reader of our own before the response's; a task fills both it and the buffer."""
    headers = tuple((name.lower(), value) for name, value in incoming.headers.items())
    names = {name for name, _ in headers}
    coding = "" if asking.unpacks else header(headers, "content-encoding") or ""

    def respond(raw: bytes, whole: bool) -> Response:
        body = unpack(asking.library, coding, raw) if coding else raw
        packed = raw if coding else b""
        return Response(incoming.status, headers, body, truncated=not whole, packed=packed)

    import asyncio  # slow to import, and loaded by every program that comes here

    live = incoming.content
    reader = make_reader(asking.library)
    if "transfer-encoding" in names:
        reader.begin_http_chunk_receiving()
    incoming.content = reader
    buffer = RecordingBuffer(recording, respond)
    has_end = bool(names & {"content-length", "transfer-encoding"})
    pump = _pump(live, reader, buffer, asking.client, has_end=has_end)
    task = asyncio.ensure_future(pump)
    PROCESS.tasks.add(task)
    task.add_done_callback(PROCESS.tasks.discard)
    _hold_open(incoming, task, buffer)
    return incoming


async def _pump(
    live: Any, reader: Any, buffer: RecordingBuffer, client: Any, *, has_end: bool
) -> None:
    try:
        while not live.at_eof():
            piece, is_chunk = await live.readchunk()
            reader.feed_piece(buffer.add(piece), is_chunk=is_chunk)
            if buffer.is_complete_stream:
                buffer.end(whole=True)
        # Where a body ends with its connection, a client that is closed ends it like the server.
        buffer.end(whole=has_end or not client.closed)
        reader.feed_eof()
    except Exception as error:
        if client.closed:
            buffer.end(whole=buffer.is_complete_stream)
        buffer.give_up(error)
        reader.set_exception(error)
    except BaseException as error:  # nobody but this module and the end of the loop cancels it
        buffer.end(whole=buffer.is_complete_stream)
        reader.set_exception(error)
        raise


def _hold_open(incoming: Any, pump: Any, buffer: RecordingBuffer) -> None:
    """Let the rest of a response that nobody reads come in before its connection is given back."""

    def after_the_rest(act: Callable[[], Any]) -> Callable[[], Any]:
        def later() -> Any:
            _stop_if_over(pump, buffer)
            if pump.done() or buffer.is_over:
                return act()
            _cut_later(pump, buffer)
            pump.add_done_callback(lambda _: act())
            return _Nothing()

        return later

    wait_for_close = incoming.wait_for_close

    async def waited() -> None:
        import asyncio

        _stop_if_over(pump, buffer)
        if not buffer.is_over:
            _cut_later(pump, buffer)
            await asyncio.wait({pump})
        await wait_for_close()

    incoming.release = after_the_rest(incoming.release)
    incoming.close = after_the_rest(incoming.close)
    incoming.wait_for_close = waited


def _stop_if_over(pump: Any, buffer: RecordingBuffer) -> None:
    if is_cancelled():
        buffer.give_up()
    if buffer.is_over:
        pump.cancel()


def _cut_later(pump: Any, buffer: RecordingBuffer) -> None:
    timer = after(DRAIN_SECONDS, lambda: _cut(pump, buffer))
    pump.add_done_callback(lambda _: timer.cancel())


def _cut(pump: Any, buffer: RecordingBuffer) -> None:
    buffer.end(whole=False)
    pump.cancel()


class _Nothing:
    """What `release` returns, for those who await it."""

    def __await__(self) -> Iterator[None]:
        return iter(())
