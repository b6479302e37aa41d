"""Requests to hosts that are not covered, through a gateway or a proxy on loopback."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import httpx
import httpx2
import pycurl
import pytest
import requests
from commands import start_cachy, start_module
from conftest import forgotten, refused
from scripted_server import ScriptedServer, json_response, serving

import cachy
from cachy.replay.coverage import describe_uncovered
from cachy.replay.scope import current_session

Send = Callable[[str, str], object]


def send_by_aiohttp(url: str, proxy: str) -> object:
    async def send() -> object:
        async with aiohttp.ClientSession() as client, client.get(url, proxy=proxy) as response:
            return await response.json()

    return asyncio.run(send())


def send_by(library: Any) -> Send:
    def send(url: str, proxy: str) -> object:
        with library.Client(proxy=proxy) as client:
            return client.get(url).json()

    return send


def send_by_requests(url: str, proxy: str) -> object:
    with requests.Session() as client:
        return client.get(url, proxies={"http": proxy}, timeout=60).json()


SENDERS: dict[str, Send] = {
    "httpx": send_by(httpx),
    "httpx2": send_by(httpx2),
    "requests": send_by_requests,
    "aiohttp": send_by_aiohttp,
}
every_client = pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)


def settings(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.cachy]\n{text}\n")


@every_client
@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("bücher.example", "bücher.example"),
        ("xn--bcher-kva.example", "bücher.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("api.example.com", "api.example.com."),
        ("API.example.com.", "Api.Example.com"),
    ],
)
def test_a_host_is_covered_however_it_is_written(
    entry: str, host: str, send: Send, project: Path, origin: ScriptedServer
) -> None:
    with cachy.cachy(doms=[entry], mode="replay"), refused():
        send(f"http://{host}/v1/n", origin.url)
    assert origin.count == 0


@every_client
def test_a_request_to_an_uncovered_host_is_counted(
    send: Send, project: Path, origin: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with cachy.cachy(doms=["api.example.com"], mode="replay", debug=True):
        session = current_session()
        for _ in range(2):
            send("http://other.example:8000/v1/n", origin.url)
    assert session is not None
    assert [host for host in session.journal.tally.uncovered if "other" in host] == [
        "other.example:8000"
    ] * 2
    assert capsys.readouterr().err.count("cachy: uncovered: other.example:8000") == 1


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
@pytest.mark.parametrize(
    ("setting", "count"), [("", 1), ("base_urls = false", 0), ('pass = ["127.0.0.1"]', 0)]
)
def test_what_goes_to_an_endpoint_of_aws_on_this_machine_is_counted(
    setting: str,
    count: int,
    variable: str,
    project: Path,
    origin: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings(project, setting)
    monkeypatch.setenv(variable, f"{origin.url}/")
    with serving() as other, cachy.cachy(mode="replay"):
        session = current_session()
        requests.get(origin.url, timeout=60)
        requests.get(other.url, timeout=60)
    assert session is not None
    host = f"127.0.0.1:{origin.port}"
    assert session.journal.tally.uncovered == [host] * count
    lines = "".join(describe_uncovered(session.journal.tally.uncovered))
    assert (f'extend-doms = ["{host}"] in [tool.cachy]' in lines) == bool(count)
    assert origin.count == 1


def test_many_servers_of_this_machine_are_named_as_one_host() -> None:
    fake, other = [f"127.0.0.1:{port}" for port in range(4)], [f"a.org:{n}" for n in range(4)]
    line, advice = describe_uncovered([*fake, *fake, "localhost:1", *other])
    assert line.startswith("13 requests")
    assert ": 127.0.0.1 (8), a.org:0 (1)," in line
    assert advice.endswith('"a.org:3", "localhost:1"]')


def send_by_urllib(url: str, proxy: str) -> None:
    handler = urllib.request.ProxyHandler({"http": proxy})
    with urllib.request.build_opener(handler).open(url, timeout=60) as response:
        response.read()


def send_by_pycurl(url: str, proxy: str) -> None:
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.PROXY, proxy)
    curl.setopt(pycurl.WRITEFUNCTION, lambda _: None)
    curl.perform()
    curl.close()


def open_grpc(url: str, proxy: str) -> None:
    host = url.removeprefix("http://").partition("/")[0]
    grpc.insecure_channel(host).close()


@pytest.mark.parametrize("send", [send_by_urllib, send_by_pycurl, open_grpc])
def test_a_client_that_is_not_intercepted_is_counted_too(
    send: Callable[[str, str], None], project: Path, origin: ScriptedServer
) -> None:
    with cachy.cachy(doms=["api.example.com"], mode="replay"):
        session = current_session()
        for _ in range(2):
            send("http://other.example:8000/v1/n", origin.url)
    assert session is not None
    assert session.journal.tally.uncovered == ["other.example:8000"] * 2


@every_client
def test_an_uncovered_host_can_be_refused(
    send: Send, project: Path, origin: ScriptedServer
) -> None:
    settings(project, 'uncovered = "refuse"\npass = ["elastic.example:9200"]')
    with cachy.cachy(mode="replay"):
        with refused(r'is not covered, and uncovered = "refuse"'):
            send("http://other.example/v1/n", origin.url)
        assert origin.count == 0
        send("http://elastic.example:9200/v1/n", origin.url)
        httpx.get(origin.url)
        double = httpx.MockTransport(lambda request: httpx.Response(204))
        assert httpx.Client(transport=double).get("http://testserver/").status_code == 204
    with cachy.cachy(mode="record"):
        send("http://other.example/v1/n", origin.url)
    assert origin.count == 3


def test_a_gateway_of_a_base_url_variable_is_recorded_and_replayed(
    project: Path, origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = origin.on("/v1/chat/completions", lambda _: json_response({"choices": []}))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{origin.url}/v1")
    with cachy.cachy(mode="record"):
        httpx.post(url, json={"model": "m"})
    monkeypatch.setenv("CI", "true")
    with cachy.cachy():
        monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.example")  # read once
        assert httpx.post(url, json={"model": "m"}).json() == {"choices": []}
        with refused("from CI; the host is covered because OPENAI_BASE_URL names it"):
            httpx.post(url, json={"model": "other"})
    assert origin.count == 1
    settings(project, "base_urls = false")
    with cachy.cachy():
        httpx.post(url, json={"model": "other"})
    assert origin.count == 2


def test_a_miss_at_a_gateway_names_the_alias_by_which_the_apis_fixture_answers(
    project: Path, origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.on("/v1/chat/completions", json_response({"choices": []}))
    setting = f'alias = {{"{origin.host}" = "api.openai.com"}}'
    settings(project, setting)
    with cachy.cachy(mode="record"):
        httpx.post(f"{origin.url}/v1/chat/completions", json={"model": "m"})
    monkeypatch.setenv("OPENAI_BASE_URL", f"{origin.url}/v1")
    settings(project, "")
    for model, is_there in (("m", True), ("other", False)):
        with cachy.cachy(mode="replay"), pytest.raises(cachy.UnrecordedRequest) as caught:
            httpx.post(f"{origin.url}/v1/chat/completions", json={"model": model})
        forgotten()
        line = f"A fixture of api.openai.com would answer this request: set {setting}"
        assert (line in str(caught.value)) is is_there


def test_a_miss_at_an_api_names_the_gateway_at_which_the_request_is_recorded(
    project: Path, origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = origin.on("/v1/chat/completions", json_response({"choices": []}))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{origin.url}/v1")
    with cachy.cachy(mode="record"):
        httpx.post(url, json={"model": "m"})
    monkeypatch.delenv("OPENAI_BASE_URL")
    for model, is_there in (("m", True), ("other", False)):
        with cachy.cachy(mode="replay"), pytest.raises(cachy.UnrecordedRequest) as caught:
            httpx.post("https://api.openai.com/v1/chat/completions", json={"model": model})
        forgotten()
        said = f'alias = {{"{origin.host}" = "api.openai.com"}} in [tool.cachy] and record it'
        assert (said in str(caught.value)) is is_there
    settings(project, f'alias = {{"{origin.host}" = "api.openai.com"}}')
    for asked in (url, "https://api.openai.com/v1/chat/completions"):
        with cachy.cachy(mode="replay"), pytest.raises(cachy.UnrecordedRequest) as caught:
            httpx.post(asked, json={"model": "m"})
        forgotten()
        assert f"recorded at {origin.host} before alias was set" in str(caught.value)
        assert "set alias" not in str(caught.value)


@every_client
def test_a_gateway_shares_the_fixtures_of_its_api(
    send: Send, project: Path, origin: ScriptedServer
) -> None:
    settings(project, 'alias = {"gateway.example:4000" = "api.openai.com"}')
    with cachy.cachy(mode="record"):
        recorded = send("http://gateway.example:4000/v1/models/m", origin.url)
    (path,) = (project / "cachy_fixtures").rglob("*.json")
    assert json.loads(path.read_text())["request"]["url"] == "https://api.openai.com/v1/models/m"
    with cachy.cachy(mode="replay"):
        assert send("http://gateway.example:4000/v1/models/m", origin.url) == recorded
        assert httpx.get("https://api.openai.com/v1/models/m").json() == recorded
        assert send("http://gateway.example:4000/v1/models/m", origin.url) == recorded
    assert origin.count == 1


PROGRAM = "import httpx\nhttpx.Client(proxy={proxy!r}).get('http://other.example/v1/n')\n"
SAID = "1 request went live to hosts that are not covered: other.example (1)"


@pytest.mark.slow  # processes of its own
def test_a_run_names_the_hosts_that_it_did_not_cover(project: Path, origin: ScriptedServer) -> None:
    (project / "ask.py").write_text(PROGRAM.format(proxy=origin.url))
    done = start_cachy("run", "--mode", "replay", "--", "python", "ask.py", folder=project)
    assert done.returncode == 0, done.stderr
    assert f"cachy: {SAID}" in done.stderr
    assert 'extend-doms = ["other.example"]' in done.stderr
    (project / "test_it.py").write_text("def test_it(cachy):\n    import ask\n")
    done = start_module(
        "pytest", "-q", "-p", "cachy.pytest_plugin", "--cachy=replay", folder=project
    )
    assert f"cachy: {SAID}" in done.stdout
    settings(project, 'pass = ["other.example"]')
    done = start_cachy("run", "--mode", "replay", "--", "python", "ask.py", folder=project)
    assert "not covered" not in done.stderr
