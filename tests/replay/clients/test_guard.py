"""Clients that cachy doesn't see: refused while replaying, named once while recording."""

from __future__ import annotations

import asyncio
import http.client
import subprocess
import sys
import threading
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import httpx
import httpx2
import pycurl
import pytest
import requests
import trio
import uvloop
import websockets
import websockets.sync.client
from conftest import forgotten
from scripted_server import ScriptedServer, serving

import cachy
from cachy.interaction import host_and_port
from cachy.replay.clients import dns_guard

UNSEEN = "A connection to localhost was left by a client that cachy doesn't see"


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    with serving(name="localhost") as origin:
        yield origin


@pytest.fixture(autouse=True)
def _not_warned_yet(project: Path) -> None:
    dns_guard._warned.clear()


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


def by_websockets(url: str) -> None:
    with websockets.sync.client.connect(url.replace("http", "ws")):
        pass


async def websockets_async(url: str) -> None:
    async with websockets.connect(url.replace("http", "ws")):
        pass


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
    async with aiohttp.ClientSession() as session, session.ws_connect(url):
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
    by_websockets,
    upgraded_httpx,
    under(by_asyncio, websockets_async),
    under(by_uvloop, websockets_async),
    under(by_asyncio, upgraded_aiohttp),
]


@pytest.mark.parametrize("call", [*CLIENTS, *UPGRADED], ids=lambda call: call.__name__)
def test_replaying_refuses_it_at_once_and_nothing_is_sent(
    call: Callable[[str], None], origin: ScriptedServer
) -> None:
    with (
        cachy.cachy(doms=["localhost"], mode="replay"),
        pytest.raises(cachy.UnrecordedRequest, match=UNSEEN) as caught,
    ):
        call(f"{origin.url}/v1/items")
    assert forgotten() == [str(caught.value)]
    assert "Use httpx, httpx2, aiohttp or requests" in str(caught.value)
    assert origin.count == 0


@pytest.mark.parametrize("call", CLIENTS, ids=lambda call: call.__name__)
def test_recording_warns_once_and_lets_it_through(
    call: Callable[[str], None], origin: ScriptedServer
) -> None:
    with cachy.cachy(doms=["localhost"], mode="record"):
        with pytest.warns(RuntimeWarning, match=f"{UNSEEN}: it is not recorded") as seen:
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


async def by_aiohttp(url: str) -> None:
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(url) as response:
        await response.read()


async def httpx2_async(url: str) -> None:
    async with httpx2.AsyncClient() as client:
        await client.get(url)


SEEN: list[Callable[[str], Any]] = [
    httpx.get,
    httpx2.get,
    requests.get,
    under(by_asyncio, by_aiohttp),
    under(by_asyncio, httpx2_async),
    under(by_uvloop, httpx2_async),
    under(trio.run, httpx2_async),
]


@pytest.mark.parametrize("call", SEEN, ids=lambda call: call.__name__)
def test_our_own_doors_set_it_not_off(
    call: Callable[[str], Any], origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", origin.url)  # a proxy that is covered, too
    with cachy.cachy(doms=["*"], mode="record"), warnings.catch_warnings():
        warnings.simplefilter("error")
        call(f"{origin.url}/v1/items")
        call("http://nowhere.example/x")
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
        pytest.raises(cachy.UnrecordedRequest, match=UNSEEN),
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
        pytest.raises(cachy.UnrecordedRequest, match=r"A connection to api\.example\.com was left"),
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
