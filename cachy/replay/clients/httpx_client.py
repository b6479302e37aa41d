"""The door to httpx and httpx2: a thin transport around the one that a client has chosen.

A client asks `_transport_for_url` for the transport of each single request, below redirects,
auth flows, event hooks and cookies, and above mounts, proxies and foreign transports.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cachy.errors import NetworkFault
from cachy.interaction import Headers, Request, Response
from cachy.replay import respond
from cachy.replay.clients import dns_guard, tls
from cachy.replay.clients.httpx_response import response_classes
from cachy.replay.clients.other_recorders import are_sockets_replaced, is_replaced
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.clients.reentrancy import is_inside, sending
from cachy.replay.clients.transports import answers_by_itself
from cachy.replay.session import Session

if TYPE_CHECKING:
    from cachy.replay.recorder import Recording

__tracebackhide__ = True  # pytest shows the caller, not what is in between


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch the clients of httpx or httpx2."""
    for client, kind in ((library.Client, "Sync"), (library.AsyncClient, "Async")):
        patches.replace(client, "_transport_for_url", _chooser(library, current, kind))
    tls.open_door(library, current, patches)


def _chooser(library: ModuleType, current: CurrentSession, kind: str) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        @wraps(original)
        def _transport_for_url(self: Any, url: Any) -> Any:
            transport = original(self, url)
            session = current()
            if session is None or is_inside() or isinstance(transport, _Shim):
                return transport
            is_ours = session.covers(url.host, _port(url))
            if _stands_aside(library, transport, session):
                return transport
            shim = _shims(library)[kind == "Async"]
            return shim(session, transport, library, is_ours)

        return _transport_for_url

    return make


def _port(url: Any) -> int | None:
    port: int | None = url.port
    return port if port is not None else {"http": 80, "https": 443}.get(url.scheme)


def _stands_aside(library: ModuleType, transport: Any, session: Session) -> bool:
    """Return whether a test double is at work: a transport of its own, or a recorder's patch."""
    if answers_by_itself(library, transport, session.config.transports) or are_sockets_replaced():
        return True
    core = sys.modules.get("httpcore") if library.__name__ == "httpx" else None
    return core is not None and is_replaced(core.ConnectionPool, "handle_request")


@cache
def _shims(library: ModuleType) -> tuple[type[Any], type[Any]]:
    class Shim(_SyncShim, library.BaseTransport):  # type: ignore[name-defined,misc]
        pass

    class AsyncShim(_AsyncShim, library.AsyncBaseTransport):  # type: ignore[name-defined,misc]
        pass

    return Shim, AsyncShim


class _Shim:
    def __init__(self, session: Session, inner: Any, library: ModuleType, is_ours: bool) -> None:
        self.is_ours = is_ours
        self.session = session
        self.inner = inner
        self.library = library


class _SyncShim(_Shim):
    def handle_request(self, outgoing: Any) -> Any:
        if not self.is_ours:
            _pass_by(self.session, outgoing)
            return self.inner.handle_request(outgoing)
        counted = _counted(self.session, outgoing)
        if _is_upgrade(counted):
            dns_guard.check(self.session, outgoing.url.host, _port(outgoing.url))
            return self.inner.handle_request(outgoing)
        try:
            answer = _answer(self.session, outgoing, counted, outgoing.read())
        except NetworkFault as fault:
            raise _own_error(self.library, fault, outgoing) from fault.as_os_error()
        if isinstance(answer, Response):
            return _replayed(self.library, answer, outgoing)
        with sending(answer):
            incoming = self.inner.handle_request(outgoing)
        return taped(self.library, answer, incoming, is_async=False)


class _AsyncShim(_Shim):
    async def handle_async_request(self, outgoing: Any) -> Any:
        if not self.is_ours:
            _pass_by(self.session, outgoing)
            return await self.inner.handle_async_request(outgoing)
        counted = _counted(self.session, outgoing)
        if _is_upgrade(counted):
            dns_guard.check(self.session, outgoing.url.host, _port(outgoing.url))
            return await self.inner.handle_async_request(outgoing)
        try:
            answer = _answer(self.session, outgoing, counted, await outgoing.aread())
        except NetworkFault as fault:
            raise _own_error(self.library, fault, outgoing) from fault.as_os_error()
        if isinstance(answer, Response):
            return _replayed(self.library, answer, outgoing)
        with sending(answer):
            incoming = await self.inner.handle_async_request(outgoing)
        return taped(self.library, answer, incoming, is_async=True)


def _counted(session: Session, outgoing: Any) -> _Pairs:
    names = session.counted
    return tuple([pair for pair in _raw(outgoing) if pair[0].lower() in names])


@lru_cache(maxsize=256)
def _is_upgrade(counted: _Pairs) -> bool:
    return any([name.lower() == b"upgrade" for name, _ in counted])


def _answer(session: Session, outgoing: Any, counted: _Pairs, body: bytes) -> Response | Recording:
    method, url = outgoing.method, str(outgoing.url)
    recalled = respond.recall(session, (method, url, body, counted))
    if recalled is not None:
        return recalled
    return respond.answer(session, Request(method, url, _headers_of(outgoing), body))


def _pass_by(session: Session, outgoing: Any) -> None:
    respond.pass_by(session, outgoing.method, str(outgoing.url), _headers_of(outgoing))


def _headers_of(outgoing: Any) -> Headers:
    pairs = _raw(outgoing)
    return tuple([(key.decode("latin-1"), value.decode("latin-1")) for key, value in pairs])


_Pairs = tuple[tuple[bytes, bytes], ...]


def _raw(message: Any) -> list[tuple[bytes, bytes]]:
    pairs: list[tuple[bytes, bytes]] = message.headers.raw
    return pairs


def taped(library: ModuleType, recording: Recording, incoming: Any, *, is_async: bool) -> Any:
    """Put the tee under a live response; one that is read already is saved at once."""
    from cachy.replay.clients.tee import RecordingBuffer, tee_classes  # replay needs none

    def respond(raw: bytes, whole: bool) -> Response:
        return _decoded(library, incoming, raw, whole)

    if hasattr(incoming, "_content"):
        recording.save(_decoded(library, incoming, incoming.content, True, is_decoded=True))
        return incoming
    buffer = RecordingBuffer(recording, respond)
    incoming.stream = tee_classes(library)[is_async](incoming.stream, buffer)
    return incoming


def _decoded(
    library: ModuleType, incoming: Any, raw: bytes, whole: bool, *, is_decoded: bool = False
) -> Response:
    headers = [
        (key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in _raw(incoming)
    ]
    if not is_decoded:
        same = library.Response(incoming.status_code, headers=_raw(incoming), content=raw)
        raw = same.content
    return Response(
        incoming.status_code,
        tuple(headers),
        raw,
        truncated=not whole,
        http_version=incoming.http_version,
    )


def _own_error(library: ModuleType, fault: NetworkFault, outgoing: Any) -> Exception:
    kind = library.ReadTimeout if fault.is_timeout else library.ReadError
    error: Exception = kind(str(fault.as_os_error()), request=outgoing)
    return error


def _replayed(library: ModuleType, answer: Response, outgoing: Any) -> Any:
    response, stream = response_classes(library)
    headers, extensions = _head(library, answer.status, answer.headers, answer.http_version)
    replayed = response(
        answer.status, headers=headers, stream=stream(answer, outgoing), extensions=extensions
    )
    replayed.headers.encoding = headers.encoding
    return replayed


@lru_cache(maxsize=256)
def _head(
    library: ModuleType, status: int, headers: Headers, version: str
) -> tuple[Any, dict[str, bytes]]:
    """Return what stands before a body in the library's own form: the client copies it."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    extensions = {"http_version": version.encode("ascii")}
    if version.startswith("HTTP/1"):  # later versions have none
        extensions["reason_phrase"] = library.codes.get_reason_phrase(status).encode("ascii")
    return library.Headers(pairs), extensions
