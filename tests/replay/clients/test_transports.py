"""What carries a request: HTTP/2, TLS, proxies, retries, foreign transports, and test clients."""

from __future__ import annotations

import asyncio
import inspect
import json
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import httpx
import httpx2
import httpx_aiohttp
import openai
import pytest
import requests
import starlette.testclient
import trio
import wire
from conftest import Scope, fixtures_in, forgotten
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    event,
    gzip_response,
    json_response,
    serving,
    sse_response,
    text_response,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import cachy
from cachy.replay.clients import httpx_client

Send = Callable[..., Any]


def test_what_came_over_http_2_is_recorded_and_replayed(
    send: Send, project: Path, recording: Scope, replaying: Scope
) -> None:
    with wire.serving_http2() as server:
        url = server.on("/v1/items", ScriptedResponse((b'{"a"', b": 1}")))
        with recording():
            live = send("POST", url, json={"q": 1}, http2=True, http1=False)
    assert (live.http_version, live.json()) == ("HTTP/2", {"a": 1})
    assert [request.version for request in server.requests] == ["2"]
    with replaying():
        for more in ({"http2": True, "http1": False}, {}):
            replayed = send("POST", url, json={"q": 1}, **more)
            assert (replayed.http_version, replayed.json()) == ("HTTP/2", {"a": 1})
    (path,) = fixtures_in(project)
    path.write_text(path.read_text(encoding="utf-8").replace("{", "{ ", 1), encoding="utf-8")
    with replaying():  # as it is read where somebody edited it
        assert send("POST", url, json={"q": 1}).http_version == "HTTP/2"


@pytest.fixture
def secure() -> Iterator[ScriptedServer]:
    """A provider behind TLS."""
    with serving(name="localhost", context=wire.server_context()) as origin:
        yield origin


def test_what_came_through_a_tunnel_replays_without_it(
    send: Send, project: Path, secure: ScriptedServer
) -> None:
    url = f"{secure.url}/v1/items"
    with wire.proxying() as proxy:
        with cachy.cachy(doms=["localhost"], mode="record"):
            live = send("POST", url, json={"q": 1}, proxy=proxy.url, verify=wire.TRUSTING).json()
        assert proxy.asked == [f"CONNECT localhost:{secure.port} HTTP/1.1"]
    with cachy.cachy(doms=["localhost"], mode="replay"):
        assert send("POST", url, json={"q": 1}, proxy=proxy.url).json() == live
        assert send("POST", url, json={"q": 1}).json() == live
    assert secure.count == 1


def test_requests_and_aiohttp_go_through_a_tunnel_too(
    project: Path, secure: ScriptedServer, tmp_path: Path
) -> None:
    url = f"{secure.url}/v1/items"
    trusted = tmp_path / "authority.pem"
    wire.AUTHORITY.cert_pem.write_to_path(trusted)

    def by_requests(proxy: str) -> Any:
        return requests.get(url, proxies={"https": proxy}, verify=str(trusted), timeout=60).json()

    async def by_aiohttp(proxy: str) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}?two", proxy=proxy, ssl=wire.TRUSTING) as response,
        ):
            return await response.json()

    def both(proxy: str) -> list[Any]:
        return [by_requests(proxy), asyncio.run(by_aiohttp(proxy))]

    with wire.proxying() as proxy, cachy.cachy(doms=["localhost"], mode="record"):
        live = both(proxy.url)
    assert len(proxy.asked) == 2
    with cachy.cachy(doms=["localhost"], mode="replay"):
        assert both(proxy.url) == live
    assert secure.count == 2


def test_a_client_that_trusts_nobody_still_trusts_nobody(
    library: ModuleType, project: Path, secure: ScriptedServer
) -> None:
    """The lazy context of replay mode is as strict towards hosts that are not covered."""
    with (
        cachy.cachy(mode="replay"),
        library.Client() as client,
        pytest.raises(library.ConnectError, match="certificate verify failed"),
    ):
        client.get(f"{secure.url}/v1/items")


def test_every_function_of_the_module_is_a_door(
    library: ModuleType, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    names = ["get", "options", "head", "post", "put", "patch", "delete"]
    url = f"{origin.url}/v1/items"

    def asked() -> list[str]:
        texts = [getattr(library, name)(f"{url}?by={name}").text for name in names]
        texts.append(library.request("QUERY", url).text)
        with library.stream("GET", f"{url}?streamed") as response:
            texts += response.iter_text()
        return texts

    origin.on("/v1/items", lambda asked: text_response(f"{asked.method} {asked.path}"))
    with recording():
        live = asked()
    with replaying():
        assert asked() == live
    assert (origin.count, len(set(live))) == (9, 9)


def test_an_async_subclass_that_overrides_send_is_a_door(
    library: ModuleType, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    class PerLoop(library.AsyncClient):  # type: ignore[name-defined,misc]
        """Delegates to an inner client, as google-genai's does."""

        async def send(self, request: Any, **kwargs: Any) -> Any:
            async with library.AsyncClient() as inner:
                return await inner.send(request, **kwargs)

    async def asked() -> Any:
        async with PerLoop() as client:
            return (await client.get(f"{origin.url}/v1/items")).json()

    with recording():
        live = asyncio.run(asked())
    with replaying():
        assert asyncio.run(asked()) == trio.run(asked) == live
    assert origin.count == 1


def retrying(library: ModuleType) -> Any:
    """A transport that tries again, as replicate's does."""

    class Retrying(library.BaseTransport):  # type: ignore[name-defined,misc]
        inner = library.HTTPTransport()

        def handle_request(self, request: Any) -> Any:
            while (response := self.inner.handle_request(request)).status_code == 503:
                response.close()
            return response

        def close(self) -> None:
            self.inner.close()

    return Retrying()


def retrying_async(library: ModuleType) -> Any:
    class Retrying(library.AsyncBaseTransport):  # type: ignore[name-defined,misc]
        inner = library.AsyncHTTPTransport()

        async def handle_async_request(self, request: Any) -> Any:
            while (response := await self.inner.handle_async_request(request)).status_code == 503:
                await response.aclose()
            return response

        async def aclose(self) -> None:
            await self.inner.aclose()

    return Retrying()


def test_a_transport_that_retries_is_recorded_once(
    send: Send,
    way: str,
    library: ModuleType,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    busy = json_response({"error": "busy"}, 503)
    url = origin.on("/v1/items", busy, busy, json_response({"a": 1}))
    make = retrying_async if way.startswith("async") else retrying
    for scope in (recording, replaying):
        with scope():
            assert send("GET", url, transport=make(library)).json() == {"a": 1}
    assert origin.count == 3


def over_httpx_aiohttp() -> Any:
    return httpx_aiohttp.HttpxAiohttpClient()


def over_openais_aiohttp() -> Any:
    return openai.DefaultAioHttpClient()


@pytest.mark.parametrize("make", [over_httpx_aiohttp, over_openais_aiohttp])
def test_an_aiohttp_transport_under_httpx_is_recorded_once(
    make: Callable[[], Any],
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    url = origin.on("/v1/gzip", gzip_response({"a": 1}))
    events = sse_response(event({"n": 1}), event("[DONE]"))
    streamed = origin.on("/v1/events", events)

    async def asked() -> tuple[Any, list[str]]:
        async with make() as client:
            plain = (await client.post(url, json={"q": 1})).json()
            async with client.stream("POST", streamed) as response:
                return plain, [line async for line in response.aiter_lines() if line]

    with recording(repeats="sequence"):
        live = asyncio.run(asked())
    with replaying():
        assert asyncio.run(asked()) == live
        assert httpx2.post(url, json={"q": 1}).json() == live[0]
    assert (origin.count, len(fixtures_in(project))) == (2, 2)


async def ask_provider(request: Request) -> JSONResponse:
    async with httpx.AsyncClient() as client:
        answer = await client.get(request.query_params["url"])
    return JSONResponse(answer.json())


APP = Starlette(routes=[Route("/ask", ask_provider)])


def by_test_client(library: ModuleType, url: str) -> Any:
    return starlette.testclient.TestClient(APP).get("/ask", params={"url": url}).json()


def by_open_test_client(library: ModuleType, url: str) -> Any:
    with starlette.testclient.TestClient(APP) as client:
        return client.get("/ask", params={"url": url}).json()


def by_asgi_transport(library: ModuleType, url: str) -> Any:
    async def asked() -> Any:
        transport = library.ASGITransport(APP)
        async with library.AsyncClient(transport=transport, base_url="http://app") as client:
            return (await client.get("/ask", params={"url": url})).json()

    return asyncio.run(asked())


def by_wsgi_transport(library: ModuleType, url: str) -> Any:
    def app(environ: Any, start: Any) -> Any:
        start("200 OK", [("Content-Type", "application/json")])
        return [requests.get(url, timeout=60).content]

    transport = library.WSGITransport(app)
    with library.Client(transport=transport, base_url="http://app") as client:
        return client.get("/ask").json()


def by_mock_transport(library: ModuleType, url: str) -> Any:
    transport = library.MockTransport(lambda _: library.Response(200, json=httpx.get(url).json()))
    with library.Client(transport=transport, base_url="http://app") as client:
        return client.get("/ask").json()


APPS = [
    by_test_client,
    by_open_test_client,
    by_asgi_transport,
    by_wsgi_transport,
    by_mock_transport,
]


@pytest.mark.parametrize("by", APPS)
def test_an_app_in_the_process_is_left_alone_and_its_own_calls_are_not(
    by: Callable[[ModuleType, str], Any],
    library: ModuleType,
    project: Path,
    origin: ScriptedServer,
) -> None:
    url = f"{origin.url}/v1/items"
    with cachy.cachy(doms=["*"], mode="record"):
        live = by(library, url)
    assert [path.parts[-4][:9] for path in fixtures_in(project)] == ["127.0.0.1"]
    with cachy.cachy(doms=["*"], mode="replay"):
        assert by(library, url) == live == {"number": 1, "path": "/v1/items"}
    assert origin.count == 1


@pytest.mark.parametrize("by", APPS)
def test_a_miss_inside_an_app_reaches_its_test(
    by: Callable[[ModuleType, str], Any], library: ModuleType, project: Path
) -> None:
    expected = (cachy.UnrecordedRequest, RuntimeError, CancelledError)
    with cachy.cachy(doms=["*"], mode="replay"), pytest.raises(expected) as caught:
        by(library, "http://127.0.0.1:9/x")
    known = forgotten()
    assert len(known) == 1
    assert known[0].startswith("No fixture answers GET http://127.0.0.1:9/x")
    is_hidden = by in (by_test_client, by_open_test_client)  # anyio's portal dies of it
    assert isinstance(caught.value, cachy.UnrecordedRequest) or is_hidden


def test_a_wrapper_above_ours_counts_nothing_twice(
    library: ModuleType,
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a wrapper keeps one of ours alive when a scope ends; the next scope puts one on top."""

    def wrap(owner: Any, name: str) -> None:
        wrapped = getattr(owner, name)
        setattr(owner, name, lambda *args, **kwargs: wrapped(*args, **kwargs))

    owners = [
        (library.Client, "_transport_for_url"),
        (aiohttp.ClientSession, "_request"),
        (requests.adapters.HTTPAdapter, "send"),
    ]
    for owner, name in owners:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    url = f"{origin.url}/v1/items"

    async def by_aiohttp() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{url}?3") as response:
            await response.read()

    def all_three() -> None:
        library.get(f"{url}?1")
        requests.get(f"{url}?2", timeout=60)
        asyncio.run(by_aiohttp())

    with recording():
        for owner, name in owners:
            wrap(owner, name)
    all_three()
    assert fixtures_in(project) == []
    with recording(repeats="sequence"):
        all_three()
    assert (origin.count, len(fixtures_in(project))) == (6, 3)


def test_each_client_is_patched_once(project: Path, recording: Scope) -> None:
    before = httpx.Client._transport_for_url
    with recording(), recording():
        patched = httpx.Client._transport_for_url
        assert inspect.unwrap(patched, stop=lambda one: one is before) is before
        assert patched.__module__ == before.__module__
    assert httpx.Client._transport_for_url is before
    assert httpx_client.__name__ not in str(before)


def test_websockets_through_httpx2_are_refused_while_replaying(
    project: Path, origin: ScriptedServer
) -> None:
    with (
        cachy.cachy(doms=["127.0.0.1"], mode="replay"),
        httpx2.Client() as client,
        pytest.raises(cachy.UnrecordedRequest, match="a client that cachy does not intercept"),
        client.websocket(f"{origin.url}/v1/realtime"),
    ):
        pass
    assert len(forgotten()) == 1
    assert json.dumps(origin.count) == "0"


def test_no_tls_context_is_built_for_a_client_that_only_replays(
    library: ModuleType, replaying: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with replaying(), library.Client() as client:
        context = client._transport._pool._ssl_context
        assert isinstance(context, ssl.SSLContext)
        assert "_context" not in object.__getattribute__(context, "__dict__")
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname is True
        assert type(object.__getattribute__(context, "_context")) is ssl.SSLContext
