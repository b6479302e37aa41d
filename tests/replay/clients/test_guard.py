"""Clients that cachy doesn't see: refused while replaying, named once while recording."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import subprocess
import sys
import threading
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import grpc
import grpc.aio
import httpx
import pycurl
import pytest
import trio
import uvloop
import websockets.sync.server
from conftest import forgotten
from scripted_server import ScriptedServer, serving

import cachy
from cachy.interaction import host_and_port
from cachy.replay.clients import grpc_client
from cachy.replay.process import PROCESS

BLOCKED = (
    "Blocked a connection to localhost: it was opened by a client that cachy does not intercept"
)
WARNED = "A connection to localhost was opened by a client that cachy does not intercept"


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    with serving(name="localhost") as origin:
        yield origin


@pytest.fixture(autouse=True)
def _not_warned_yet(project: Path) -> None:
    PROCESS.warned.clear()


def by_urllib(url: str) -> None:
    urllib.request.urlopen(url).read()


def by_http_client(url: str) -> None:
    connection = http.client.HTTPConnection(url.split("/")[2])
    connection.request("GET", "/v1/items")
    connection.getresponse().read()
    connection.close()


def by_pycurl(url: str) -> None:
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEFUNCTION, lambda piece: None)
    curl.perform()
    curl.close()


def by_pycurl_without_scheme(url: str) -> None:
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url.removeprefix("http://"))
    curl.perform_rs()


def by_pycurl_multi(url: str) -> None:
    multi, curl = pycurl.CurlMulti(), pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEFUNCTION, lambda piece: None)
    multi.add_handle(curl)
    while multi.perform()[1]:
        multi.select(1)


async def websockets_legacy(url: str) -> None:
    async with legacy_connect()(url.replace("http", "ws")):
        pass


def legacy_connect() -> Any:
    """Return the former client of websockets, which warns where it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("websockets.legacy.client").connect


async def streams(url: str) -> None:
    reader, writer = await asyncio.open_connection(
        "localhost", int(url.split(":")[2].split("/")[0])
    )
    writer.write(b"GET /v1/items HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def anyio_stream(url: str) -> None:
    host, port = host_and_port(url)
    async with await anyio.connect_tcp(host, port or 80) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await stream.receive()


async def upgraded_aiohttp(url: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers):
        pass


def upgraded_httpx(url: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    httpx.get(url, headers=headers)


def in_thread(url: str) -> None:
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            by_urllib(url)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    for error in caught:
        raise error


def under(run: Any, function: Callable[[str], Any]) -> Callable[[str], None]:
    def call(url: str) -> None:
        run(function, url)

    call.__name__ = f"{function.__name__}_under_{run.__module__.partition('.')[0]}"
    return call


def by_asyncio(function: Any, url: str) -> None:
    asyncio.run(function(url))


def by_uvloop(function: Any, url: str) -> None:
    uvloop.run(function(url))


by_uvloop.__module__ = "uvloop"
CLIENTS: list[Callable[[str], None]] = [
    by_urllib,
    by_http_client,
    by_pycurl,
    by_pycurl_without_scheme,
    by_pycurl_multi,
    in_thread,
    under(by_asyncio, streams),
    under(by_uvloop, streams),
    under(trio.run, anyio_stream),
    under(by_uvloop, anyio_stream),
]
UPGRADED: list[Callable[[str], None]] = [
    upgraded_httpx,
    under(by_asyncio, websockets_legacy),
    under(by_uvloop, websockets_legacy),
    under(by_asyncio, upgraded_aiohttp),
]


@pytest.mark.parametrize("call", [*CLIENTS, *UPGRADED], ids=lambda call: call.__name__)
def test_replaying_refuses_it_at_once_and_nothing_is_sent(
    call: Callable[[str], None], origin: ScriptedServer
) -> None:
    with (
        cachy.cachy(doms=["localhost"], mode="replay"),
        pytest.raises(cachy.UnrecordedRequest, match=BLOCKED) as caught,
    ):
        call(f"{origin.url}/v1/items")
    assert forgotten() == [str(caught.value)]
    assert "Use httpx, httpx2, aiohttp, requests, urllib3 or websockets (" in str(caught.value)
    assert origin.count == 0


@pytest.mark.parametrize("call", CLIENTS, ids=lambda call: call.__name__)
def test_recording_warns_once_and_lets_it_through(
    call: Callable[[str], None], origin: ScriptedServer
) -> None:
    with cachy.cachy(doms=["localhost"], mode="record"):
        with pytest.warns(RuntimeWarning, match=f"{WARNED}: it is not recorded") as seen:
            call(f"{origin.url}/v1/items")
        call(f"{origin.url}/v1/items")
    assert len(seen) == 1
    assert origin.count == 2


@pytest.mark.parametrize("call", CLIENTS, ids=lambda call: call.__name__)
def test_outside_of_every_scope_nothing_is_looked_at(
    call: Callable[[str], None], origin: ScriptedServer
) -> None:
    with cachy.cachy(doms=["localhost"], mode="replay"), cachy.no_cachy():
        call(f"{origin.url}/v1/items")
    with cachy.cachy(doms=["api.example.com"], mode="replay"):
        call(f"{origin.url}/v1/items")
    assert origin.count == 2


def test_one_tasks_replay_refuses_nothing_of_a_task_that_is_live(origin: ScriptedServer) -> None:
    url = f"{origin.url}/v1/items"

    async def live(entered: asyncio.Event, left: asyncio.Event) -> None:
        with cachy.no_cachy():
            await entered.wait()
            async with httpx.AsyncClient() as client:
                assert (await client.get(url)).json()["number"] == 1
            left.set()

    async def replaying(entered: asyncio.Event, left: asyncio.Event) -> None:
        with cachy.cachy(doms=["localhost"], mode="replay"):
            entered.set()
            await left.wait()

    async def both() -> None:
        entered, left = asyncio.Event(), asyncio.Event()
        await asyncio.gather(live(entered, left), replaying(entered, left))

    asyncio.run(both())
    assert origin.count == 1


def test_a_connection_that_is_open_already_is_refused(origin: ScriptedServer) -> None:
    connection = http.client.HTTPConnection("localhost", origin.port)
    connection.request("GET", "/v1/items")
    connection.getresponse().read()
    with (
        cachy.cachy(doms=["localhost"], mode="replay"),
        pytest.raises(cachy.UnrecordedRequest, match=BLOCKED),
    ):
        connection.request("GET", "/v1/items")
    connection.close()
    assert len(forgotten()) == origin.count == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_hides_no_host(
    scheme: str, origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy resolves the name for its client."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, origin.url)
    with (
        cachy.cachy(doms=["api.example.com"], mode="replay"),
        pytest.raises(cachy.UnrecordedRequest, match=r"connection to api\.example\.com: "),
    ):
        by_urllib(f"{scheme}://api.example.com/v1/items")
    assert len(forgotten()) == 1
    assert origin.count == 0


LATER = """
import sys
import cachy
cachy.enable_cachy(doms=["localhost"], mode="replay")
import pycurl, uvloop, asyncio
curl = pycurl.Curl()
curl.setopt(pycurl.URL, sys.argv[1])
refused = 0
for call in (curl.perform, lambda: uvloop.run(ask())):
    async def ask():
        await asyncio.open_connection("localhost", 9)
    try:
        call()
    except cachy.UnrecordedRequest:
        refused += 1
print(refused)
"""


def test_what_is_imported_later_is_guarded_too(origin: ScriptedServer) -> None:
    command = [sys.executable, "-c", LATER, f"{origin.url}/v1/items"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "2\n"
    assert origin.count == 0


IP = "Blocked a connection to 127.0.0.1: it was opened by a client"


@contextmanager
def websocket_server() -> Iterator[tuple[str, list[str]]]:
    """Serve WebSockets on loopback; yields the URL, and what came."""
    came: list[str] = []

    def echo(connection: Any) -> None:
        for message in connection:
            came.append(message)
            connection.send(message)

    with websockets.sync.server.serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}", came
        finally:
            server.shutdown()
            thread.join()


async def say(url: str) -> str:
    async with legacy_connect()(url) as connection:
        await connection.send("hello")
        return str(await connection.recv())


def say_asyncio(url: str) -> str:
    return asyncio.run(say(url))


def say_uvloop(url: str) -> str:
    return uvloop.run(say(url))


@pytest.mark.parametrize("call", [say_asyncio, say_uvloop])
def test_websockets_to_a_covered_address_are_refused_while_replaying(
    call: Callable[[str], str], project: Path
) -> None:
    with websocket_server() as (url, came):
        with (
            cachy.cachy(doms=["127.0.0.1"], mode="replay"),
            pytest.raises(cachy.UnrecordedRequest, match=IP),
        ):
            call(url)
        assert len(forgotten()) == 1
        assert came == []
        with cachy.cachy(doms=["127.0.0.1"], mode="record"):
            with pytest.warns(RuntimeWarning, match="it is not recorded") as seen:
                assert call(url) == "hello"
            assert call(url) == "hello"
        assert len(seen) == 1
        with cachy.cachy(doms=["api.example.com"], mode="replay"):
            assert call(url) == "hello"


@pytest.fixture(scope="module")
def grpc_port() -> Iterator[int]:
    """Serve one method of gRPC on loopback; yields the port."""
    handler = grpc.method_handlers_generic_handler(
        "cachy.Echo", {"Say": grpc.unary_unary_rpc_method_handler(lambda said, context: said)}
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def by_grpc(target: str) -> bytes:
    with grpc.insecure_channel(target) as channel:
        return bytes(channel.unary_unary("/cachy.Echo/Say")(b"hello", timeout=60))


def by_secure_grpc(target: str) -> bytes:
    credentials = grpc.local_channel_credentials()
    with grpc.secure_channel(target, credentials) as channel:
        return bytes(channel.unary_unary("/cachy.Echo/Say")(b"hello", timeout=60))


def by_grpc_aio(target: str) -> bytes:
    async def said() -> bytes:
        async with grpc.aio.insecure_channel(target) as channel:
            return bytes(await channel.unary_unary("/cachy.Echo/Say")(b"hello", timeout=60))

    return asyncio.run(said())


GRPC = [by_grpc, by_secure_grpc, by_grpc_aio]


@pytest.mark.parametrize("call", GRPC)
@pytest.mark.parametrize(
    ("doms", "target"),
    [
        (["localhost"], "localhost:{port}"),
        (["localhost"], "dns:///localhost:{port}"),
        (["127.0.0.1"], "127.0.0.1:{port}"),
        (["127.0.0.1:{port}"], "ipv4:127.0.0.1:{port}"),
        (["*"], "LocalHost.:{port}"),
    ],
)
def test_grpc_to_a_covered_target_is_refused_while_replaying(
    call: Callable[[str], bytes], doms: list[str], target: str, grpc_port: int, project: Path
) -> None:
    target = target.format(port=grpc_port)
    with (
        cachy.cachy(doms=[dom.format(port=grpc_port) for dom in doms], mode="replay"),
        pytest.raises(cachy.UnrecordedRequest, match="Blocked a connection to "),
    ):
        call(target)
    assert len(forgotten()) == 1


@pytest.mark.parametrize("call", [by_grpc, by_grpc_aio])
def test_grpc_is_named_once_while_recording_and_left_alone_elsewhere(
    call: Callable[[str], bytes], grpc_port: int, project: Path
) -> None:
    target = f"localhost:{grpc_port}"
    with cachy.cachy(doms=["localhost"], mode="record"):
        with pytest.warns(RuntimeWarning, match=f"{WARNED}: it is not recorded") as seen:
            assert call(target) == b"hello"
        assert call(target) == b"hello"
    assert len(seen) == 1
    with cachy.cachy(doms=["localhost:9"], mode="replay"):
        assert call(target) == b"hello"
    with cachy.cachy(doms=["localhost"], mode="replay"), cachy.no_cachy():
        assert call(target) == b"hello"


def test_a_channel_that_is_older_than_the_scope_is_refused(grpc_port: int, project: Path) -> None:
    with (
        grpc.insecure_channel(f"localhost:{grpc_port}") as channel,
        cachy.cachy(doms=["localhost"], mode="replay"),
        pytest.raises(cachy.UnrecordedRequest, match=BLOCKED),
    ):
        channel.unary_unary("/cachy.Echo/Say")
    assert len(forgotten()) == 1


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("api.example.com", [("api.example.com", 443)]),
        ("dns://8.8.8.8/api.example.com:50051", [("api.example.com", 50051)]),
        ("ipv4:10.0.0.1:50051,10.0.0.2", [("10.0.0.1", 50051), ("10.0.0.2", 443)]),
        ("ipv6:[::1]:50051", [("::1", 50051)]),
        ("unix:/run/api.sock", []),
    ],
)
def test_targets_of_grpc_are_read_as_grpc_reads_them(
    target: str, found: list[tuple[str, int]]
) -> None:
    assert list(grpc_client.addresses(target)) == found
