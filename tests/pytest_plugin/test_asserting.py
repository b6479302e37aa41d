"""What a test sees of its own requests by the pytest fixture `cachy`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from plugin_project import prepare
from sample_credentials import KINDS
from scripted_server import ScriptedServer, event, json_response, serving, sse_response

pytest_plugins = ["pytester"]


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    """An API that counts its requests, streams, redirects, refuses and gives a secret."""
    with serving(otherwise=lambda seen: json_response({"at": seen.path})) as server:
        server.on("/stream", sse_response(event({"n": 1}), event({"n": 2}), event("[DONE]")))
        server.on("/busy", json_response({"error": "busy"}, 429), json_response({"ok": True}))
        yield server


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> pytest.Pytester:
    prepare(pytester, monkeypatch)
    key = KINDS["openai"].make("asserting")
    pytester.makeconftest(f"URL = {origin.url!r}\nKEY = {key!r}\n")
    return pytester


def passes_recorded_and_replayed(project: pytest.Pytester, tests: int) -> None:
    for mode in ("record", "replay"):
        done = project.runpytest_subprocess(f"--cachy={mode}")
        done.assert_outcomes(passed=tests)


DOORS = """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    import aiohttp, httpx, httpx2, pytest, requests, urllib3
    from conftest import KEY, URL

    async def by_aiohttp(path, body):
        async with aiohttp.ClientSession() as session:
            async with session.post(URL + path, json=body) as response:
                await response.read()

    async def by_httpx(library, path, body):
        async with library.AsyncClient() as client:
            await client.post(URL + path, json=body)

    def by_thread(path, body):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(httpx.post, URL + path, json=body).result()

    DOORS = {
        "httpx": lambda path, body: httpx.post(URL + path, json=body),
        "httpx2": lambda path, body: httpx2.post(URL + path, json=body),
        "httpx async": lambda path, body: asyncio.run(by_httpx(httpx, path, body)),
        "httpx2 async": lambda path, body: asyncio.run(by_httpx(httpx2, path, body)),
        "aiohttp": lambda path, body: asyncio.run(by_aiohttp(path, body)),
        "requests": lambda path, body: requests.post(URL + path, json=body),
        "urllib3": lambda path, body: urllib3.request("POST", URL + path, json=body),
        "thread": by_thread,
    }

    @pytest.mark.parametrize("door", DOORS)
    def test_it(cachy, door):
        assert len(cachy) == 0 and cachy.requests == cachy.responses == ()
        DOORS[door]("/one", {"q": 1, "key": KEY})
        DOORS[door]("/stream", {"q": "Grüße"})
        assert len(cachy) == 2
        first, second = cachy.requests
        assert (first.method, first.url) == ("POST", URL + "/one")
        assert first.json["q"] == 1 and KEY not in first.text and "redacted" in first.text
        assert second.json == {"q": "Grüße"} == cachy.last.request.json
        assert [response.status for response in cachy.responses] == [200, 200]
        assert cachy.responses[0].json == {"at": "/one"}
        assert cachy.responses[0].headers["Content-Type"] == "application/json"
        assert cachy.last.response.text.endswith("data: [DONE]\\n\\n")
"""


@pytest.mark.slow
def test_each_client_shows_the_same_recorded_and_replayed(project: pytest.Pytester) -> None:
    project.makepyfile(DOORS)
    passes_recorded_and_replayed(project, 8)


FACTS = """
    import dataclasses, os, threading

    import httpx, pytest
    from conftest import URL

    @pytest.fixture(scope="module", autouse=True)
    def server_version():
        return httpx.get(URL + "/version").json()

    @pytest.fixture
    def logged_in():
        httpx.get(URL + "/login")

    def test_requests_of_its_own_setup_are_there_and_those_of_a_wider_scope_are_not(
        logged_in, cachy
    ):
        assert [request.url for request in cachy.requests] == [URL + "/login"]

    def test_what_others_sent_is_not_there(cachy):
        assert len(cachy) == 0
        with pytest.raises(IndexError, match="has not sent a request"):
            cachy.last

    def test_it_is_frozen(cachy):
        httpx.post(URL + "/frozen", json={"a": [1]})
        request, response = cachy[0]
        with pytest.raises(dataclasses.FrozenInstanceError):
            request.url = "https://example.com"
        with pytest.raises(TypeError):
            request.headers["x"] = "y"
        with pytest.raises(TypeError):
            cachy[0] = None
        request.json["a"].append(2)
        assert request.json == {"a": [1]}

    def test_a_value_of_the_environment_is_redacted(cachy, monkeypatch):
        monkeypatch.setenv("SHOP_PASSWORD", "Xk29vLq8Zr5TnW3p")
        httpx.post(URL + "/pay", content=b"pay with Xk29vLq8Zr5TnW3p")
        assert "Xk29vLq8" not in cachy.requests[0].text + repr(cachy)

    def test_a_body_that_is_not_json_says_so(cachy):
        httpx.post(URL + "/text", content=b"plain words")
        with pytest.raises(ValueError, match="POST .*/text> is not JSON: 'plain words'"):
            cachy.last.request.json

    def test_without_the_argument_it_can_be_asked_for_later(request):
        found = request.getfixturevalue("cachy")
        httpx.get(URL + "/later")
        assert len(found) == 1
"""


def test_it_holds_what_this_test_sent_frozen_and_redacted(project: pytest.Pytester) -> None:
    project.makepyfile(FACTS)
    passes_recorded_and_replayed(project, 6)


def test_a_response_that_is_not_recorded_is_seen_too(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import httpx
        from conftest import URL

        def test_it(cachy):
            while httpx.get(URL + "/busy").status_code == 429: pass
            assert [response.status for response in cachy.responses] == [429, 200]
        """
    )
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1)


def test_a_test_that_is_run_again_begins_with_none(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import httpx
        from conftest import URL
        tries = []

        def test_it(cachy):
            tries.append(httpx.get(URL + "/again"))
            assert len(cachy) == 1
            assert len(tries) == 2
        """
    )
    done = project.runpytest_subprocess(
        "--cachy=record", "-p", "pytest_rerunfailures", "--reruns=1"
    )
    done.assert_outcomes(passed=1)


@pytest.mark.slow
def test_nothing_is_loaded_for_tests_that_do_not_ask(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys, httpx
        from conftest import URL
        from cachy.replay.process import PROCESS

        def test_it():
            httpx.get(URL + "/plain")
            assert PROCESS.interactions is None
            assert "cachy.replay.testing.interactions" not in sys.modules
        """
    )
    passes_recorded_and_replayed(project, 1)


VARIANT = """
    import httpx
    from conftest import URL

    def test_it(cachy):
        httpx.get(URL + "/one")
        with cachy(variant="wrong password"):
            httpx.get(URL + "/one")
        assert len(cachy) == 2
"""


@pytest.mark.slow
def test_the_fixture_opens_a_scope_as_the_import_of_its_name_does(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(VARIANT)
    passes_recorded_and_replayed(project, 1)
