"""Test doubles: what one answers is not what the API said, so no fixture is made of it."""

from __future__ import annotations

import asyncio
import http.client
import io
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import aiohttp
import httpretty
import httpx
import mocket
import mocket.mocks.mockhttp
import pook
import pytest
import requests
import urllib3
from conftest import Scope, fixtures_in, forgotten, refused
from scripted_server import ScriptedServer, json_response

import cachy

URL = "http://api.openai.com/v1/models"
SAID = '{"said": "by the double"}'


@contextmanager
def by_pook() -> Iterator[None]:
    with pook.use():
        for _ in range(2):
            pook.get(URL).reply(200).json({"said": "by the double"})
        yield


@contextmanager
def by_mocket() -> Iterator[None]:
    with mocket.Mocketizer():
        mocket.mocks.mockhttp.Entry.single_register("GET", URL, SAID)
        yield


@contextmanager
def by_httpretty() -> Iterator[None]:
    with httpretty.enabled(allow_net_connect=False):
        httpretty.register_uri(httpretty.GET, URL, body=SAID)
        yield


def ask_httpx() -> str:
    return httpx.get(URL).text


def ask_requests() -> str:
    return requests.get(URL, timeout=60).text


def ask_urllib3() -> str:
    return str(urllib3.request("GET", URL).data.decode())


def ask_aiohttp() -> str:
    async def asked() -> str:
        async with aiohttp.ClientSession() as client, client.get(URL) as answer:
            return await answer.text()

    return asyncio.run(asked())


def ask_urllib() -> str:
    return str(urllib.request.urlopen(URL).read().decode())


Double = Callable[[], AbstractContextManager[None]]
ALL: list[tuple[Double, Callable[[], str]]] = [
    (by_pook, ask_httpx),
    (by_pook, ask_requests),
    (by_pook, ask_urllib3),
    (by_mocket, ask_httpx),
    (by_mocket, ask_requests),
    (by_mocket, ask_urllib3),
    (by_mocket, ask_urllib),
    # httpretty's sockets do not work with the newest urllib3, nor pook with the newest aiohttp
    (by_httpretty, ask_urllib),
]


@pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")  # of httpretty
@pytest.mark.parametrize("mode", ["record", "replay"])
@pytest.mark.parametrize("order", ["cachy first", "double first"])
@pytest.mark.parametrize(("double", "ask"), ALL)
def test_a_double_answers_while_it_is_active_and_is_not_recorded(
    double: Double, ask: Callable[[], str], order: str, mode: str, project: Path
) -> None:
    with ExitStack() as stack:
        scopes = [lambda: cachy.cachy(mode=mode), double]
        for scope in scopes if order == "cachy first" else reversed(scopes):
            stack.enter_context(scope())
        assert "by the double" in ask()
    assert fixtures_in(project) == []
    with cachy.cachy(mode="replay"), pytest.raises(cachy.UnrecordedRequest):
        ask()
    assert len(forgotten()) == 1


def made(library: ModuleType, *_: Any, **__: Any) -> Any:
    return library.Response(200, json={"said": "by the double"})


def test_a_mock_in_the_place_of_a_transports_method_is_not_recorded(
    library: ModuleType, project: Path
) -> None:
    def answer(*_: Any) -> Any:
        return made(library)

    double = mock.patch.object(library.HTTPTransport, "handle_request", answer)
    with cachy.cachy(mode="record"), double:
        assert library.get(URL).json() == {"said": "by the double"}
    with double, cachy.cachy(mode="record"):
        assert library.get(URL).json() == {"said": "by the double"}
    for arguments in ({"return_value": made(library)}, {"autospec": True}):
        double = mock.patch.object(library.HTTPTransport, "handle_request", **arguments)
        with cachy.cachy(mode="record"), double as patched:
            patched.return_value = made(library)
            assert library.get(URL).json() == {"said": "by the double"}
    assert fixtures_in(project) == []


@pytest.mark.parametrize("is_held", [False, True], ids=["derived", "held"])
def test_a_transport_on_top_of_a_mock_is_not_recorded(
    *,
    is_held: bool,
    library: ModuleType,
    project: Path,
    origin: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Derived(library.HTTPTransport):  # type: ignore[name-defined,misc]
        def handle_request(self, request: Any) -> Any:
            response = super().handle_request(request)
            response.headers["x-seen"] = "yes"
            return response

    class Holder(library.BaseTransport):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            self.inner = library.HTTPTransport()

        def handle_request(self, request: Any) -> Any:
            response = self.inner.handle_request(request)
            response.headers["x-seen"] = "yes"
            return response

    def double(self: Any, request: Any) -> Any:
        return library.Response(200, json={"from": "a double"})

    monkeypatch.setattr(library.HTTPTransport, "handle_request", double)
    transport = Holder() if is_held else Derived()
    with cachy.cachy(doms=["127.0.0.1"], mode="record"):
        client = library.Client(transport=transport)
        response = client.get(f"{origin.url}/v1/x")
    assert (response.json(), response.headers["x-seen"]) == ({"from": "a double"}, "yes")
    assert (origin.count, fixtures_in(project)) == (0, [])


def test_a_mock_on_one_transport_is_not_recorded(library: ModuleType, project: Path) -> None:
    with library.Client() as client, cachy.cachy(mode="record"):
        client._transport.handle_request = lambda request: made(library)
        assert client.get(URL).json() == {"said": "by the double"}
    assert fixtures_in(project) == []


def fake_request(pool: Any, connection: Any, method: str, url: str, *_: Any, **given: Any) -> Any:
    return urllib3.HTTPResponse(io.BytesIO(SAID.encode()), status=200, preload_content=False)


def test_a_mock_inside_urllib3_is_not_recorded(project: Path) -> None:
    pool = urllib3.connectionpool.HTTPConnectionPool
    doubles: list[Any] = [
        mock.patch.object(pool, "_make_request", fake_request),
        mock.patch.object(pool, "urlopen", return_value=fake_request(0, 0, "", "")),
    ]
    for double in doubles:
        with cachy.cachy(mode="record"), double:
            assert "by the double" in requests.get(URL, timeout=60).text
        with double, cachy.cachy(mode="record"):
            assert requests.get(URL, timeout=60).status_code == 200
    assert fixtures_in(project) == []


def test_a_mock_of_aiohttps_session_is_not_recorded(project: Path) -> None:
    async def answered(self: Any, *_: Any, **__: Any) -> Any:
        answer = mock.AsyncMock()
        answer.__aenter__.return_value.text.return_value = SAID
        return answer

    for first in ("cachy", "mock"):
        with ExitStack() as stack:
            scopes: list[Callable[[], Any]] = [
                lambda: cachy.cachy(mode="record"),
                lambda: mock.patch.object(aiohttp.ClientSession, "_request", answered),
            ]
            for scope in scopes if first == "cachy" else reversed(scopes):
                stack.enter_context(scope())
            assert ask_aiohttp() == SAID
    assert fixtures_in(project) == []


def test_a_spy_that_passes_requests_on_is_not_a_double(
    library: ModuleType,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen, original = [], library.HTTPTransport.handle_request

    def spy(self: Any, request: Any) -> Any:
        seen.append(request.url)
        return original(self, request)

    monkeypatch.setattr(library.HTTPTransport, "handle_request", spy)
    with recording():
        live = library.get(f"{origin.url}/v1/items").json()
    with replaying():
        assert library.get(f"{origin.url}/v1/items").json() == live
    assert (len(seen), origin.count) == (1, 1)


class Counting:
    """What a transport may hold."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner


def transports(library: ModuleType) -> dict[str, Any]:
    class Answering(library.BaseTransport):  # type: ignore[name-defined,misc]
        inner: Any = None

        def handle_request(self, request: Any) -> Any:
            return made(library)

    class Posing(library.HTTPTransport):  # type: ignore[name-defined,misc]
        def handle_request(self, request: Any) -> Any:
            return made(library)

    class Holding(Answering):
        def handle_request(self, request: Any) -> Any:
            return self.inner.inner.handle_request(request)

    double = Holding()
    double.inner = Counting(library.MockTransport(lambda request: made(library)))
    return {"its own": Answering(), "a subclass": Posing(), "one that holds a double": double}


@pytest.mark.parametrize("name", ["its own", "a subclass", "one that holds a double"])
def test_a_transport_that_answers_by_itself_is_not_recorded(
    name: str, library: ModuleType, project: Path
) -> None:
    for mode in ("record", "replay"):
        transport = transports(library)[name]
        with cachy.cachy(mode=mode), library.Client(transport=transport) as client:
            assert client.get(URL).json() == {"said": "by the double"}
    assert fixtures_in(project) == []


def sending(library: ModuleType) -> dict[str, Any]:
    class Base(library.BaseTransport):  # type: ignore[name-defined,misc]
        inner: Any = None

        def close(self) -> None:
            inner = getattr(self.inner, "inner", self.inner)
            if inner is not None:
                inner.close()

    class Holding(Base):
        def handle_request(self, request: Any) -> Any:
            return self.inner.handle_request(request)

    class Deeper(Base):
        def handle_request(self, request: Any) -> Any:
            return self.inner.inner.handle_request(request)

    class Inheriting(library.HTTPTransport):  # type: ignore[name-defined,misc]
        def handle_request(self, request: Any) -> Any:
            return super().handle_request(request)

    class Another(Base):
        def handle_request(self, request: Any) -> Any:
            answer = requests.request(request.method, str(request.url), timeout=60)
            return library.Response(answer.status_code, content=answer.content)

    holding, deeper = Holding(), Deeper()
    holding.inner = library.HTTPTransport()
    deeper.inner = Counting(library.HTTPTransport())
    found = {"holding": holding, "deeper": deeper, "a subclass": Inheriting()}
    return found | {"another client": Another()}


@pytest.mark.parametrize("name", ["holding", "deeper", "a subclass", "another client"])
def test_a_transport_that_sends_is_recorded_and_replayed(
    name: str,
    library: ModuleType,
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    url = origin.on("/v1/items", json_response({"a": 1}))
    for scope in (recording, replaying):
        with scope(), library.Client(transport=sending(library)[name]) as client:
            assert client.get(url).json() == {"a": 1}
    assert (origin.count, len(fixtures_in(project))) == (1, 1)


class ByHand(httpx.BaseTransport):
    """A transport that sends, and shows it nowhere."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        connection = http.client.HTTPConnection(request.url.host, request.url.port)
        connection.request(request.method, request.url.path)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return httpx.Response(answer.status, content=content)


def test_a_setting_names_transports_that_send(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    setting = f'[tool.cachy]\ntransports = ["{ByHand.__module__}.ByHand"]\n'
    (project / "pyproject.toml").write_text(setting, encoding="utf-8")
    for scope in (recording, replaying):
        with scope(), httpx.Client(transport=ByHand()) as client:
            assert client.get(f"{origin.url}/v1/items").json()["number"] == 1
    assert (origin.count, len(fixtures_in(project))) == (1, 1)


def test_without_it_such_a_transport_is_refused_while_replaying(
    project: Path, origin: ScriptedServer, replaying: Scope
) -> None:
    with replaying(), httpx.Client(transport=ByHand()) as client, refused("Blocked a connection"):
        client.get(f"{origin.url}/v1/items")
    assert origin.count == 0
