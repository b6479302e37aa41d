"""What the conformance suite needs to know of each client library: an adapter of two functions.

`send` sends a request and reads the response whole; `stream` opens one and hands each piece to
`on_piece` until that returns True, then closes it. To put a new library under the suite, write a
subclass of `Adapter` and add it to `ADAPTERS`; `pytest tests/replay/clients/test_conformance.py`
then runs every test for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import aiohttp
import httpx
import httpx2
import pytest
import requests
import trio
import urllib3

CERTIFICATES = ssl.create_default_context()  # loaded once: each client would load them anew
OnPiece = Callable[[bytes], Any]
Body = bytes | Iterable[bytes] | None
File = tuple[str, bytes, str]
"""A file's name, its content and its type."""
Params = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Call:
    """A request, in the words that every adapter understands."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = None
    json: Any = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, File] | None = None
    params: Params = ()
    proxy: str | None = None
    timeout: float = 60.0  # seconds; only what tries it waits less


@dataclass(frozen=True)
class Answer:
    """What a program sees of a response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str
    history: tuple[int, ...] = ()

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


class Adapter:
    """One way of calling one client library."""

    name = ""
    errors: tuple[type[BaseException], ...] = ()
    is_async = False

    def send(self, call: Call) -> Answer:
        """Send a request, follow redirects, and read the response whole."""
        raise NotImplementedError

    def stream(self, call: Call, on_piece: OnPiece | None, *, close: bool = True) -> int:
        """Hand on the pieces until `on_piece` returns True; return the status.

        Without `on_piece` no piece is read; without `close` the response is dropped unclosed.
        """
        raise NotImplementedError

    def cancelled(self, call: Call, on_piece: OnPiece, seconds: float) -> None:
        """Stream inside a task that is cancelled after some seconds; of async libraries only."""
        raise NotImplementedError


def _pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in headers)


class Httpx(Adapter):
    """The sync client of httpx or httpx2."""

    def __init__(self, library: ModuleType) -> None:
        self.library = library
        self.name = library.__name__
        self.errors = (library.TransportError,)

    def _arguments(self, call: Call) -> dict[str, Any]:
        body = {"content": call.body, "json": call.json, "data": call.form, "files": call.files}
        others = {"headers": dict(call.headers), "timeout": call.timeout}
        params = {"params": call.params} if call.params else {}
        return {name: part for name, part in body.items() if part is not None} | others | params

    def _client(self, kind: Any, call: Call) -> Any:
        return kind(follow_redirects=True, verify=CERTIFICATES, proxy=call.proxy)

    def answer(self, response: Any) -> Answer:
        history = tuple(hop.status_code for hop in response.history)
        headers = _pairs(response.headers.multi_items())
        url = str(response.url)
        return Answer(response.status_code, headers, response.content, url, history)

    def send(self, call: Call) -> Answer:
        with self._client(self.library.Client, call) as client:
            return self.answer(client.request(call.method, call.url, **self._arguments(call)))

    def stream(self, call: Call, on_piece: OnPiece | None, *, close: bool = True) -> int:
        with self._client(self.library.Client, call) as client:
            request = client.build_request(call.method, call.url, **self._arguments(call))
            response = client.send(request, stream=True)
            if not close:
                return int(response.status_code)
            with contextlib.closing(response):
                any(on_piece(piece) for piece in response.iter_bytes()) if on_piece else None
                return int(response.status_code)


class AsyncHttpx(Httpx):
    """The async client of httpx or httpx2, under asyncio or trio."""

    is_async = True

    def __init__(self, library: ModuleType, backend: str) -> None:
        super().__init__(library)
        self.name = f"{library.__name__} on {backend}"
        self.is_trio = backend == "trio"

    def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        return trio.run(work) if self.is_trio else asyncio.run(_coroutine(work))

    def send(self, call: Call) -> Answer:
        async def sent() -> Answer:
            arguments = self._arguments(call)
            if "content" in arguments:
                arguments["content"] = _async_body(call.body)
            async with self._client(self.library.AsyncClient, call) as client:
                return self.answer(await client.request(call.method, call.url, **arguments))

        return self.run(sent)  # type: ignore[no-any-return]

    async def _streamed(self, call: Call, on_piece: OnPiece | None, close: bool) -> int:
        async with self._client(self.library.AsyncClient, call) as client:
            request = client.build_request(call.method, call.url, **self._arguments(call))
            response = await client.send(request, stream=True)
            if not close:
                return int(response.status_code)
            async with contextlib.aclosing(response):
                if on_piece:
                    async with contextlib.aclosing(response.aiter_bytes()) as pieces:
                        async for piece in pieces:
                            if on_piece(piece):
                                break
                return int(response.status_code)

    def stream(self, call: Call, on_piece: OnPiece | None, *, close: bool = True) -> int:
        return int(self.run(lambda: self._streamed(call, on_piece, close)))

    def cancelled(self, call: Call, on_piece: OnPiece, seconds: float) -> None:
        async def under_trio() -> None:
            with trio.move_on_after(seconds) as scope:
                await self._streamed(call, on_piece, True)
            assert scope.cancelled_caught

        if self.is_trio:
            trio.run(under_trio)
        else:
            asyncio.run(_timed_out(self._streamed(call, on_piece, True), seconds))


async def _coroutine(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()


async def _timed_out(work: Awaitable[Any], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work, seconds)
        raise AssertionError("it was not cancelled")


def _async_body(body: Body) -> Any:
    if body is None or isinstance(body, bytes):
        return body

    async def pieces() -> Any:
        for piece in body:
            yield piece

    return pieces()


class Aiohttp(Adapter):
    """aiohttp under asyncio."""

    name = "aiohttp"
    errors = (aiohttp.ClientError, TimeoutError)
    is_async = True

    def _session(self, call: Call) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(call.timeout))

    def _arguments(self, call: Call) -> dict[str, Any]:
        data = call.form or _async_body(call.body)
        if call.files:
            data = aiohttp.FormData()
            for name, (filename, content, kind) in call.files.items():
                data.add_field(name, content, filename=filename, content_type=kind)
        body = {"data": data} if call.json is None else {"json": call.json}
        headers = {"headers": dict(call.headers), "proxy": call.proxy}
        return body | headers | ({"params": call.params} if call.params else {})

    def send(self, call: Call) -> Answer:
        async def sent() -> Answer:
            async with (
                self._session(call) as session,
                session.request(call.method, call.url, **self._arguments(call)) as response,
            ):
                history = tuple(hop.status for hop in response.history)
                headers = _pairs(response.headers.items())
                body = await response.read()
                return Answer(response.status, headers, body, str(response.url), history)

        return asyncio.run(sent())

    async def _streamed(self, call: Call, on_piece: OnPiece | None) -> int:
        async with (
            self._session(call) as session,
            session.request(call.method, call.url, **self._arguments(call)) as response,
        ):
            if on_piece:
                async for piece in response.content.iter_any():
                    if on_piece(piece):
                        break
            return response.status

    async def _dropped(self, call: Call) -> int:
        async with self._session(call) as session:
            response = await session.request(call.method, call.url, **self._arguments(call))
            return response.status

    def stream(self, call: Call, on_piece: OnPiece | None, *, close: bool = True) -> int:
        return asyncio.run(self._streamed(call, on_piece) if close else self._dropped(call))

    def cancelled(self, call: Call, on_piece: OnPiece, seconds: float) -> None:
        asyncio.run(_timed_out(self._streamed(call, on_piece), seconds))


class Requests(Adapter):
    """requests."""

    name = "requests"
    errors = (requests.RequestException,)

    def _open(self, call: Call) -> requests.Response:
        session = requests.Session()
        if call.proxy:
            session.proxies = {"http": call.proxy, "https": call.proxy}
        return session.request(
            call.method,
            call.url,
            headers=dict(call.headers),
            data=call.form or call.body,
            json=call.json,
            files=call.files,
            params=call.params,
            timeout=call.timeout,
            stream=True,
        )

    def send(self, call: Call) -> Answer:
        with self._open(call) as response:
            history = tuple(hop.status_code for hop in response.history)
            headers = _pairs(response.raw.headers.items())
            return Answer(response.status_code, headers, response.content, response.url, history)

    def stream(self, call: Call, on_piece: OnPiece | None, *, close: bool = True) -> int:
        response = self._open(call)
        if not close:
            return response.status_code
        with response:
            any(on_piece(piece) for piece in response.iter_content(None)) if on_piece else None
            return response.status_code


class Urllib3(Adapter):
    """urllib3."""

    name = "urllib3"
    errors = (urllib3.exceptions.HTTPError,)

    @contextlib.contextmanager
    def _pool(self, call: Call) -> Iterator[Any]:
        with urllib3.ProxyManager(call.proxy) if call.proxy else urllib3.PoolManager() as pool:
            yield pool

    def _open(self, pool: Any, call: Call, **more: Any) -> Any:
        retries = urllib3.Retry(connect=0, read=0, status=0, other=0, redirect=5)
        url = call.url + ("?" + urlencode(call.params) if call.params else "")
        given = {"headers": dict(call.headers), "timeout": call.timeout, "retries": retries}
        if call.json is not None:
            given["json"] = call.json
        elif call.form or call.files:
            files = {name: (*row,) for name, row in (call.files or {}).items()}
            given |= {"fields": call.form or files, "encode_multipart": not call.form}
        else:
            given["body"] = call.body
        return pool.request(call.method, url, **given, **more)

    def send(self, call: Call) -> Answer:
        with self._pool(call) as pool:
            response = self._open(pool, call)
            hops = tuple(hop.status or 0 for hop in response.retries.history)
            url = str(httpx.URL(call.url).join(response.geturl() or ""))
            return Answer(
                response.status, _pairs(response.headers.items()), response.data, url, hops
            )

    def stream(self, call: Call, on_piece: OnPiece | None, *, close: bool = True) -> int:
        with self._pool(call) as pool:
            response = self._open(pool, call, preload_content=False)
            if not close:
                return int(response.status)
            with contextlib.closing(response):
                pieces = response.stream(2**16, decode_content=True) if on_piece else ()
                any(on_piece(piece) for piece in pieces) if on_piece else None
                return int(response.status)


ADAPTERS: tuple[Adapter, ...] = (
    Httpx(httpx),
    AsyncHttpx(httpx, "asyncio"),
    AsyncHttpx(httpx, "trio"),
    Httpx(httpx2),
    AsyncHttpx(httpx2, "asyncio"),
    Aiohttp(),
    Requests(),
    Urllib3(),
)
# Under trio, httpx itself warns of those who stop reading early.
_EARLY = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PARAMS = [
    pytest.param(one, id=one.name, marks=[_EARLY] if one.name.endswith("trio") else [])
    for one in ADAPTERS
]
