"""The door to urllib3, and so to requests, botocore and what else rides on it.

A pool asks for a connection after redirects, retries and rewinding have been dealt with. For a
recorded request it gets one whose socket holds the response; a live one is taped as
`http.client` reads it.
"""

from __future__ import annotations

import http.client
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from types import ModuleType
from typing import Any

from cachy.errors import NetworkFault
from cachy.interaction import Headers, Request, Response, header, host_and_port
from cachy.replay import respond
from cachy.replay.clients.http_wire import TapedBody, make_begin, taping
from cachy.replay.clients.other_recorders import are_sockets_replaced, is_replaced, is_theirs
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.clients.reentrancy import inside, is_inside, sending
from cachy.replay.clients.replayed_wire import ReplayedResponse, ReplaySocket
from cachy.replay.recorder import Recording

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_PIECE = 2**14  # bytes of a file at a time, as urllib3 reads it
_PORTS = {"http": 80, "https": 443}


_Found = Response | Recording | NetworkFault


class _Turn:
    """What was decided for the request that a pool is about to send; each half is taken once."""

    def __init__(self, found: _Found) -> None:
        self.found: _Found | None = found

    def take(self, *kinds: type[Any]) -> Any:
        """Return what was decided if it is of one of these kinds."""
        if not isinstance(self.found, kinds):
            return None
        found, self.found = self.found, None
        return found


_turn: ContextVar[_Turn | None] = ContextVar("cachy_urllib3_turn", default=None)


def _take(*kinds: type[Any]) -> Any:
    turn = _turn.get()
    return turn.take(*kinds) if turn else None


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch the pools of urllib3; `library` is `urllib3.connectionpool`."""
    pool = library.HTTPConnectionPool
    patches.replace(pool, "urlopen", lambda original: _make_urlopen(library, original, current))
    patches.replace(pool, "_get_conn", lambda original: _make_get_conn(library, original))
    patches.replace(pool, "_put_conn", _make_put_conn)
    patches.replace(pool, "_make_request", lambda original: _make_make_request(library, original))
    patches.replace(library.HTTPSConnectionPool, "_prepare_proxy", _make_prepare_proxy)
    patches.replace(http.client.HTTPResponse, "begin", make_begin)


def _make_urlopen(library: ModuleType, original: Any, current: CurrentSession) -> Any:
    @wraps(original)
    def urlopen(
        self: Any,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        *args: Any,
        **kw: Any,
    ) -> Any:
        session = current()
        target = "" if session is None or is_inside() else _absolute(library, self, url)
        if session is None or not target or is_theirs(original) or _stands_aside(type(self)):
            return original(self, method, url, body, headers, *args, **kw)
        pairs = _pairs(self.headers if headers is None else headers)
        if not session.covers(*host_and_port(target)):
            respond.pass_by(session, method, target, pairs)
            return original(self, method, url, body, headers, *args, **kw)
        body, raw = _whole(library, body)
        try:
            found: _Found = respond.answer(session, Request(method, target, pairs, raw))
        except NetworkFault as fault:
            found = fault
        with _decided(found):
            response = original(self, method, url, body, headers, *args, **kw)
        return _without_framing(response)

    return urlopen


def _stands_aside(pool: type[Any]) -> bool:
    names = ("ConnectionCls", "urlopen", "_make_request", "_get_conn")
    if is_replaced(pool, *names) or are_sockets_replaced():
        return True
    return is_replaced(pool.ConnectionCls, "connect", "request", "getresponse")


@contextmanager
def _decided(found: _Found) -> Iterator[None]:
    turn = _Turn(found)
    token = _turn.set(turn)
    try:
        yield
    finally:
        _turn.reset(token)
        if unsent := turn.take(Recording):
            unsent.abandon()


def _make_get_conn(library: ModuleType, original: Any) -> Any:
    @wraps(original)
    def _get_conn(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = _take(Response, NetworkFault)
        if answer is None:
            return original(self, *args, **kwargs)
        return _replaying(library)(self.host, self.port, answer)

    return _get_conn


def _make_put_conn(original: Any) -> Any:
    @wraps(original)
    def _put_conn(self: Any, conn: Any) -> Any:
        return None if hasattr(conn, "is_cachy") else original(self, conn)

    return _put_conn


def _make_prepare_proxy(original: Any) -> Any:
    @wraps(original)
    def _prepare_proxy(self: Any, conn: Any) -> Any:
        turn = _turn.get()
        recording = turn.take(Recording) if turn else None
        if turn is None or recording is None:
            return original(self, conn)
        with sending(recording):
            original(self, conn)
        turn.found = recording

    return _prepare_proxy


def _make_make_request(library: ModuleType, original: Any) -> Any:
    @wraps(original)
    def _make_request(self: Any, *args: Any, **kwargs: Any) -> Any:
        recording = _take(Recording)
        if recording is None:
            return original(self, *args, **kwargs)

        def tape(incoming: http.client.HTTPResponse) -> TapedBody:
            return _tape(library, recording, incoming)

        with sending(recording), taping(tape):
            return original(self, *args, **kwargs)

    return _make_request


def _absolute(library: ModuleType, pool: Any, url: str) -> str:
    """Return the URL that goes over the wire; through a proxy that forwards it is one already."""
    if "://" in url.partition("?")[0]:
        return str(library.parse_url(url).url)
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    port = f":{pool.port}" if pool.port and pool.port != _PORTS.get(pool.scheme) else ""
    origin = f"{pool.scheme}://{host}{port}"
    return origin + str(library.parse_url(origin + url).request_uri)


def _pairs(headers: Any) -> Headers:
    return tuple([(_text(name), _text(value)) for name, value in headers.items()])


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _whole(library: ModuleType, body: Any) -> tuple[Any, bytes]:
    """Read a body once; return it as it can be sent in the same pieces, and as its bytes."""
    if body is None or isinstance(body, (bytes, str)):
        return body, _bytes(body or b"")
    try:
        return body, bytes(memoryview(body))
    except TypeError:
        pieces = list(_file_pieces(body) if hasattr(body, "read") else body)
    return pieces, b"".join(map(_bytes, pieces))


def _file_pieces(file: Any) -> Iterable[Any]:
    while piece := file.read(_PIECE):
        yield piece


def _bytes(piece: Any) -> bytes:
    return piece.encode("utf-8") if isinstance(piece, str) else bytes(piece)


def _tape(
    library: ModuleType, recording: Recording, incoming: http.client.HTTPResponse
) -> TapedBody:
    headers = tuple((name.lower(), str(value)) for name, value in incoming.headers.items())
    status, version = incoming.status, "HTTP/1.0" if incoming.version == 10 else "HTTP/1.1"

    def respond(raw: bytes, whole: bool) -> Response:
        body = _decoded(library, headers, raw)
        packed = raw if body != raw and buffer.is_read_packed else b""
        facts = {"truncated": not whole, "http_version": version, "packed": packed}
        return Response(status, headers, body, **facts)  # type: ignore[arg-type]

    buffer = TapedBody(recording, respond)
    return buffer


def _decoded(library: ModuleType, headers: Headers, raw: bytes) -> bytes:
    coding = header(headers, "content-encoding")
    if not coding or not raw:
        return raw
    response = sys.modules["urllib3.response"].HTTPResponse(
        io.BytesIO(raw), {"content-encoding": coding}, preload_content=False
    )
    return bytes(response.read(decode_content=True))


@cache
def _replaying(library: ModuleType) -> type[Any]:
    class Replaying(sys.modules["urllib3.connection"].HTTPConnection):  # type: ignore[misc]
        """A connection that is open, trusted, and holds one recorded response."""

        is_cachy = is_verified = proxy_is_verified = True
        response_class = ReplayedResponse

        def __init__(self, host: str, port: int | None, answer: Response | NetworkFault) -> None:
            super().__init__(host, port)
            self.fault = answer if isinstance(answer, NetworkFault) else None
            self.sock = ReplaySocket(Response(200) if isinstance(answer, NetworkFault) else answer)

        def getresponse(self, *args: Any, **kwargs: Any) -> Any:
            if self.fault:
                raise self.fault.as_os_error()
            return super().getresponse(*args, **kwargs)

        def request(self, *args: Any, **kwargs: Any) -> None:
            with inside():  # else the guard of `http.client` would refuse it
                super().request(*args, **kwargs)

        def request_chunked(self, *args: Any, **kwargs: Any) -> None:
            with inside():
                super().request_chunked(*args, **kwargs)

    return Replaying


def _without_framing(response: Any) -> Any:
    """Remove the header that made urllib3 read a recorded stream piece by piece."""
    if isinstance(getattr(response, "_original_response", None), ReplayedResponse):
        response.headers.pop("transfer-encoding", None)
    return response
