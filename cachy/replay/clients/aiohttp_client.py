"""The door to aiohttp: a client middleware, which sees each request of a redirect by itself."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from functools import cache, wraps
from types import ModuleType
from typing import Any

from cachy.interaction import Request, Response
from cachy.replay.clients import dns_guard
from cachy.replay.clients.other_recorders import is_replaced
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.clients.reentrancy import is_inside, sending
from cachy.replay.clients.tee import DRAIN_SECONDS, Copy, is_cancelled
from cachy.replay.session import Recording

__tracebackhide__ = True  # pytest shows whoever asked, not what is in between
_UNLIMITED = 2**30  # bytes: what is replayed lies in memory already
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
                kwargs["middlewares"] = (*own, _middleware(library, self, current))
            return await original(self, method, url, **kwargs)

        return _request

    if hasattr(library, "ClientMiddlewareType"):
        patches.replace(library.ClientSession, "_request", make)


def _middleware(library: ModuleType, client: Any, current: CurrentSession) -> Any:
    async def answer(outgoing: Any, send: Handler) -> Any:
        session = current()
        is_ours = session is not None and session.covers(outgoing.url.host, outgoing.url.port)
        if session is None or not is_ours:
            return await send(outgoing)
        if "upgrade" in outgoing.headers:
            dns_guard.check(session, outgoing.url.host, outgoing.url.port)
            return await send(outgoing)
        found = session.answer(await _to_request(outgoing))
        if isinstance(found, Response):
            return _replayed(library, client, outgoing, found)
        with sending(found):
            incoming = await send(outgoing)
        return _taped(library, client, incoming, found)

    answer.is_cachy = True  # type: ignore[attr-defined]
    return answer


async def _to_request(outgoing: Any) -> Request:
    body = outgoing.body
    raw = body if isinstance(body, bytes) else await body.as_bytes()
    headers = tuple((str(name), str(value)) for name, value in outgoing.headers.items())
    return Request(outgoing.method, str(outgoing.url), headers, raw)


def _taped(library: ModuleType, client: Any, incoming: Any, recording: Recording) -> Any:
    """Put a reader of our own before the response's; a task fills both it and the copy."""
    headers = tuple((name.lower(), value) for name, value in incoming.headers.items())

    def finish(raw: bytes, whole: bool) -> None:
        recording.save(Response(incoming.status, headers, raw, truncated=not whole))

    def is_cut() -> bool:  # the end of the connection is the body's: of whose doing was it?
        has_end = any(name in ("content-length", "transfer-encoding") for name, _ in headers)
        return client.closed and not has_end

    import asyncio  # dear, and loaded by whoever comes here

    live = incoming.content
    reader = _reader(library)
    incoming.content = reader
    copy = Copy(finish, recording.abandon)
    task = asyncio.ensure_future(_pump(live, reader, copy, is_cut))
    _pumps.add(task)
    task.add_done_callback(_pumps.discard)
    _hold_open(incoming, task, copy)
    return incoming


_pumps: set[Any] = set()  # the loop itself keeps no task alive


async def _pump(live: Any, reader: Any, copy: Copy, is_cut: Callable[[], bool]) -> None:
    try:
        async for piece in live.iter_any():
            reader.feed_data(copy.add(piece))
            if copy.is_complete_stream:
                copy.end(whole=True)
        if is_cut():
            copy.give_up()
        copy.end(whole=True)
        reader.feed_eof()
    except BaseException as error:
        copy.give_up()
        reader.set_exception(error)
        if not isinstance(error, Exception):
            raise


def _hold_open(incoming: Any, pump: Any, copy: Copy) -> None:
    """Let the rest of an answer that nobody reads come in before its connection is given back."""

    def after_the_rest(act: Callable[[], Any]) -> Callable[[], Any]:
        def later() -> Any:
            _stop_if_over(pump, copy)
            if pump.done() or copy.is_over:
                return act()
            pump.get_loop().call_later(DRAIN_SECONDS, _cut, pump, copy)
            pump.add_done_callback(lambda _: act())
            return _Nothing()

        return later

    wait_for_close = incoming.wait_for_close

    async def waited() -> None:
        import asyncio

        _stop_if_over(pump, copy)
        if not copy.is_over:
            await asyncio.wait({pump}, timeout=DRAIN_SECONDS)
            _cut(pump, copy)
        await wait_for_close()

    incoming.release = after_the_rest(incoming.release)
    incoming.close = after_the_rest(incoming.close)
    incoming.wait_for_close = waited


def _stop_if_over(pump: Any, copy: Copy) -> None:
    if is_cancelled():
        copy.give_up()
    if copy.is_over:
        pump.cancel()


def _cut(pump: Any, copy: Copy) -> None:
    copy.end(whole=False)
    pump.cancel()


class _Nothing:
    """What releasing gives to whoever awaits it."""

    def __await__(self) -> Iterator[None]:
        return iter(())


def _reader(library: ModuleType) -> Any:
    import asyncio

    loop = asyncio.get_running_loop()
    return library.StreamReader(_open_protocol(library)(loop), _UNLIMITED, loop=loop)


@cache
def _open_protocol(library: ModuleType) -> type[Any]:
    class Open(library.base_protocol.BaseProtocol):  # type: ignore[name-defined,misc]
        """A connection that a reader of ours takes for open."""

        connected = True

    return Open


def _replayed(library: ModuleType, client: Any, outgoing: Any, answer: Response) -> Any:
    import multidict  # aiohttp's own dependency, so it is loaded already

    response = _empty_response(library, client, outgoing)
    pairs = [(name, value) for name, value in answer.headers]
    response.version = library.http.HttpVersion11
    response.status = answer.status
    response.reason = _reason(answer.status)
    response._headers = multidict.CIMultiDictProxy(multidict.CIMultiDict(pairs))
    response._raw_headers = tuple((name.encode(), value.encode()) for name, value in pairs)
    response._raw_cookie_headers = tuple(value for name, value in pairs if name == "set-cookie")
    response.content = _reader(library)
    response._closed = False
    response.content.on_eof(response._response_eof)
    for chunk in answer.chunks or (answer.body,):
        response.content.feed_data(chunk)
    if answer.truncated:
        response.content.set_exception(dns_guard.past_the_end())
    else:
        response.content.feed_eof()
    return response


def _empty_response(library: ModuleType, client: Any, outgoing: Any) -> Any:
    class Written:
        output_size = 0

    facts = {
        "writer": None,
        "continue100": None,
        "timer": library.helpers.TimerNoop(),
        "request_info": outgoing.request_info,
        "traces": [],
        "loop": client._loop,
        "session": client,
        "stream_writer": Written(),
    }
    known = inspect.signature(library.ClientResponse.__init__).parameters
    kept = {name: value for name, value in facts.items() if name in known}
    return client._response_class(outgoing.method, outgoing.original_url, **kept)


def _reason(status: int) -> str:
    from http import HTTPStatus

    return HTTPStatus(status).phrase if status in list(HTTPStatus) else ""
