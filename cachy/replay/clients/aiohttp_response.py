"""Responses of aiohttp that no server sent: their readers are fed what a fixture holds."""

from __future__ import annotations

import inspect
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from cachy.interaction import Response, header
from cachy.replay.clients import dns_guard

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_UNLIMITED = 2**30  # bytes: what is replayed lies in memory already
_CODINGS = ("gzip", "deflate", "br", "zstd")  # what aiohttp undoes


class AiohttpSession(NamedTuple):
    """A session of aiohttp, and whether it undoes the content-encoding of this response."""

    library: ModuleType
    client: Any
    unpacks: bool
    timeout: Any = None  # of this request: a ClientTimeout, or seconds


def make_reader(library: ModuleType, *pieces: bytes, is_cut: bool = False) -> Any:
    """Return a reader of these pieces; one that is cut raises after the last of them."""
    import asyncio

    loop = asyncio.get_running_loop()
    connection = _open_connection(library)(loop)
    made = _reader_class(library)(connection, _UNLIMITED, loop=loop)
    made.pieces, made.is_cut = iter(pieces), is_cut
    return made


@cache
def _open_connection(library: ModuleType) -> type[Any]:
    class Open(library.base_protocol.BaseProtocol):  # type: ignore[name-defined,misc]
        """A connection that a reader of ours takes for open."""

        connected = True

    return Open


def _feed(reader: Any) -> None:
    """Feed the next piece, or the end."""
    piece = next(reader.pieces, None)
    if piece is not None:
        reader.feed_piece(piece, is_chunk=True)
    elif reader.own_end is not None:
        raise reader.own_end
    elif reader.is_cut:
        raise dns_guard.past_the_end()
    else:
        reader.feed_eof()


@cache
def _reader_class(library: ModuleType) -> type[Any]:
    class Reader(library.StreamReader):  # type: ignore[name-defined,misc]
        """A reader that is fed one piece where it would have to wait for more."""

        is_replayed = False
        delay = 0.0
        patience: float | None = None
        own_end: Exception | None = None

        async def _wait(self, func_name: str) -> None:
            if not self.is_replayed:
                return await super()._wait(func_name)  # type: ignore[no-any-return]
            if self.delay:
                delay, self.delay = self.delay, 0.0
                await _wait_as_a_fault_says(library, delay, self.patience)
            self.feed()

        feed = _feed

        def feed_piece(self, piece: bytes, *, is_chunk: bool) -> None:
            self.feed_data(piece)
            if is_chunk and self._http_chunk_splits is not None:
                self.end_http_chunk_receiving()

    return Reader


def make_response(asking: AiohttpSession, outgoing: Any, answer: Response) -> Any:
    """Return a recorded response as the client's own response to a request."""
    import multidict  # aiohttp's own dependency, so it is loaded already

    library = asking.library
    response = _empty_response(library, asking.client, outgoing)
    pairs = [(name, value) for name, value in answer.headers]
    response.version = library.http.HttpVersion11
    response.status = answer.status
    response.reason = _reason(answer.status)
    response._headers = multidict.CIMultiDictProxy(multidict.CIMultiDict(pairs))
    response._raw_headers = tuple((name.encode(), value.encode()) for name, value in pairs)
    response._raw_cookie_headers = tuple(value for name, value in pairs if name == "set-cookie")
    response.content = _replayed_content(asking, answer)
    response._closed = False
    response.content.on_eof(response._response_eof)
    if len(answer.chunks) < 2 and not answer.truncated and not answer.delay:
        response.content.feed_eof()
    return response


def _replayed_content(asking: AiohttpSession, answer: Response) -> Any:
    pieces = answer.chunks or (answer.body,)
    coding = header(answer.headers, "content-encoding")
    if coding and asking.unpacks:
        pieces = (unpack(asking.library, coding, b"".join(pieces)),)
    content = make_reader(asking.library, *pieces[1:], is_cut=answer.truncated)
    content.is_replayed = True
    if len(pieces) > 1 or answer.truncated:
        content.begin_http_chunk_receiving()
    if answer.is_cut:
        content.own_end = asking.library.ClientPayloadError("Response payload is not completed")
    if answer.delay:
        content.delay, content.pieces = answer.delay, iter(pieces)
        content.patience = _patience(asking)
    else:
        content.feed_piece(pieces[0], is_chunk=bool(pieces[0]))
    return content


def _patience(asking: AiohttpSession) -> float | None:
    timeout = asking.timeout
    found = getattr(timeout, "sock_read", None) or getattr(timeout, "total", timeout)
    return None if found is None else float(found)


async def _wait_as_a_fault_says(library: ModuleType, delay: float, patience: float | None) -> None:
    """Wait, but no longer than the client does."""
    import asyncio

    await asyncio.sleep(delay if patience is None else min(delay, patience))
    if patience is not None and patience < delay:
        kind = getattr(library, "SocketTimeoutError", library.ServerTimeoutError)
        raise kind("Timeout on reading data from socket")


def unpack(library: ModuleType, coding: str, raw: bytes) -> bytes:
    """Return a body without its content-encoding, undone as aiohttp undoes it."""
    if coding not in _CODINGS or not raw:
        return raw
    reader = make_reader(library)
    unpacking = library.http_parser.DeflateBuffer(reader, coding)
    unpacking.feed_data(raw, len(raw))
    unpacking.feed_eof()
    return bytes(reader.read_nowait())


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
