"""Others that hook into httpx: recorders and test doubles answer while they are active."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import httpx
import pytest
import pytest_httpx
import requests
import requests_mock
import responses
import respx
import trio
import urllib3
import vcr
from cassetter import use_cassette
from conftest import Scope, fixtures_in, refused
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from scripted_server import ScriptedServer

import cachy
from cachy.replay.process import PROCESS

URL = "https://api.openai.com/v1/models"
SAID = {"said": "by the double"}
Recorder = Callable[[Path, str], AbstractContextManager[Any]]


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
@pytest.mark.parametrize("order", ["cachy first", "respx first"])
def test_respx_answers_while_it_is_active(project: Path, using: str, order: str) -> None:
    double = respx.mock(using=using)
    double.get(URL).respond(json=SAID)
    scope = cachy.cachy(mode="replay")
    first, second = (scope, double) if order == "cachy first" else (double, scope)
    with first, second:
        assert httpx.get(URL).json() == SAID
    with cachy.cachy(mode="replay"), refused():
        httpx.get(URL)


def test_pytest_httpx_answers_while_it_is_active(
    project: Path, httpx_mock: pytest_httpx.HTTPXMock
) -> None:
    httpx_mock.add_response(url=URL, json=SAID)
    with cachy.cachy(mode="replay"):
        assert httpx.get(URL).json() == SAID


def of_vcrpy(file: Path, mode: str) -> AbstractContextManager[Any]:
    play = "none" if mode == "replay" else "once"
    cassette: AbstractContextManager[Any] = vcr.use_cassette(str(file), record_mode=play)
    return cassette


def of_cassetter(file: Path, mode: str) -> AbstractContextManager[Any]:
    return use_cassette(file, record_mode="none" if mode == "replay" else "once")


@pytest.mark.parametrize("recorder", [of_vcrpy, of_cassetter])
def test_another_recorder_records_and_replays_while_it_is_active(
    project: Path,
    origin: ScriptedServer,
    replaying: Scope,
    library: ModuleType,
    recorder: Recorder,
) -> None:
    file, url = project / "cassette.yaml", f"{origin.url}/v1/items"
    with recorder(file, "record"):
        live = library.get(url).json()
    assert origin.count == 1
    with replaying(), recorder(file, "replay"):
        assert library.get(url).json() == live
    with recorder(file, "replay"), replaying():
        assert library.get(url).json() == live
    with replaying(), refused():
        library.get(url)
    assert origin.count == 1


def test_vcrpy_answers_requests_while_it_is_active(
    project: Path, origin: ScriptedServer, replaying: Scope
) -> None:
    file, url = project / "cassette.yaml", f"{origin.url}/v1/items"
    with of_vcrpy(file, "record"):
        live = requests.get(url, timeout=60).json()
    assert origin.count == 1
    with replaying(), of_vcrpy(file, "replay"):
        assert requests.get(url, timeout=60).json() == live
    with replaying(), refused():
        requests.get(url, timeout=60)


def by_httpx_async(url: str) -> str:
    async def asked() -> str:
        async with httpx.AsyncClient() as client:
            return (await client.get(url)).text

    return asyncio.run(asked())


def by_trio(url: str) -> str:
    async def asked() -> str:
        async with httpx.AsyncClient() as client:
            return (await client.get(url)).text

    return trio.run(asked)


def by_aiohttp(url: str) -> str:
    async def asked() -> str:
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            return await answer.text()

    return asyncio.run(asked())


def by_http_client(url: str) -> str:
    target = httpx.URL(url)
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.request("GET", target.path)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


CLIENTS: list[Callable[[str], str]] = [
    lambda url: httpx.get(url).text,
    by_httpx_async,
    by_trio,
    by_aiohttp,
    lambda url: requests.get(url, timeout=60).text,
    lambda url: urllib3.request("GET", url).data.decode(),
    by_http_client,
]


@pytest.mark.parametrize("order", ["cachy first", "vcrpy first"])
@pytest.mark.parametrize(
    "ask", CLIENTS, ids=["httpx", "async", "trio", "aiohttp", "requests", "urllib3", "http.client"]
)
def test_what_vcrpy_records_is_left_to_it_without_a_word(
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[str], str],
    order: str,
) -> None:
    """A warning would be an error here; once it has ended, cachy sees the next request."""
    monkeypatch.setattr(PROCESS, "warned", set())
    file, url = project / "cassette.yaml", f"{origin.url.replace('127.0.0.1', 'localhost')}/v1/x"
    with ExitStack() as stack:
        if order == "cachy first":
            stack.enter_context(recording(doms=["localhost"]))
        stack.enter_context(of_vcrpy(file, "record"))
        if order == "vcrpy first":
            stack.enter_context(recording(doms=["localhost"]))
        live = ask(url)
    with recording(doms=["localhost"]), of_vcrpy(file, "replay"):
        assert ask(url) == live
    assert (origin.count, fixtures_in(project)) == (1, [])


@pytest.mark.parametrize("order", ["cachy first", "responses first"])
def test_doubles_of_requests_answer_while_they_are_active(project: Path, order: str) -> None:
    scope, double = cachy.cachy(mode="replay"), responses.RequestsMock()
    first, second = (scope, double) if order == "cachy first" else (double, scope)
    with first, second:
        double.get(URL, json=SAID)
        assert requests.get(URL, timeout=60).json() == SAID
    with cachy.cachy(mode="replay"), requests_mock.Mocker() as mocked:
        mocked.get(URL, json=SAID)
        assert requests.get(URL, timeout=60).json() == SAID
    with cachy.cachy(mode="replay"), refused():
        requests.get(URL, timeout=60)


@contextmanager
def traced() -> Iterator[InMemorySpanExporter]:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    try:
        yield spans
    finally:
        HTTPXClientInstrumentor().uninstrument()


@pytest.mark.parametrize("order", ["cachy first", "tracing first"])
def test_tracing_changes_no_fixture_and_no_answer(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope, order: str
) -> None:
    url = f"{origin.url}/v1/items"

    async def asked() -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.post(f"{url}?async", json={"a": 1})).json()

    def traced_in(scope: Scope) -> tuple[list[Any], list[Any]]:
        with ExitStack() as stack:
            if order == "cachy first":
                stack.enter_context(scope())
            spans = stack.enter_context(traced())
            if order == "tracing first":
                stack.enter_context(scope())
            answers = [httpx.post(url, json={"a": 1}).json(), asyncio.run(asked())]
            found = [span.attributes or {} for span in spans.get_finished_spans()]
            return answers, [attributes["http.url"] for attributes in found]

    live, spans = traced_in(recording)
    assert spans == [url, f"{url}?async"]
    assert all("traceparent" in asked.headers for asked in origin.requests)
    assert traced_in(replaying)[0] == live
    with replaying():
        assert httpx.post(url, json={"a": 1}).json() == live[0]
    assert (origin.count, len(fixtures_in(project))) == (2, 2)
    assert httpx.post(url, json={"a": 1}).json()["number"] == 3
