"""Record, replay and refuse: every mode, stream, scope and miss, through httpx and httpx2."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest
import requests
import trio
from conftest import refused
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    event,
    gzip_response,
    json_response,
    redirect,
    sse_response,
    text_response,
)

from cachy import CachyError, UnrecordedRequest, cachy, disable_cachy, enable_cachy, no_cachy
from cachy.replay import misses, placeholder_keys

DOMS = ["127.0.0.1"]
EVENTS = [*(event({"n": number}) for number in range(3)), event("[DONE]")]
ANSWERS = {
    "/redirect": redirect(307, "/json/after"),
    "/cookie": json_response({}, 200, ("Set-Cookie", "session=very-secret-value; Path=/")),
    "/gzip": gzip_response({"zipped": True}),
    "/bytes": text_response(bytes(range(256)), kind="application/octet-stream"),
    "/empty": ScriptedResponse(b"", 204),
    "/stream": sse_response(*EVENTS),
    "/open": sse_response(*EVENTS, end="open"),
    "/endless": sse_response(*[b"data: {}\n\n"] * 999, pause=0.05),
    "/cut": sse_response(EVENTS[0], end="cut"),
    **{
        f"/status/{status}": json_response({"error": {"message": "no"}}, status)
        for status in (401, 403, 404, 408, 429, 500, 503)
    },
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no setting in, and no miss that a test provoked out."""
    for name in ("CI", "CACHY_MODE", "CACHY_LOG"):
        monkeypatch.delenv(name, raising=False)
    yield
    misses.remembered.clear()


@pytest.fixture(autouse=True)
def scripted(origin: ScriptedServer) -> None:
    for path, answer in ANSWERS.items():
        origin.on(path, answer)


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    return tmp_path / "cachy_fixtures"


KINDS = ["sync", "async", "trio"]


def send(library: ModuleType, kind: str, method: str, url: str, **arguments: Any) -> Any:
    """Send a request in one of three ways, and give the response, read."""

    async def asynchronously() -> Any:
        async with library.AsyncClient(follow_redirects=True) as client:
            return await client.request(method, url, **arguments)

    if kind == "async":
        return asyncio.run(asynchronously())
    if kind == "trio":
        return trio.run(asynchronously)
    with library.Client(follow_redirects=True) as client:
        return client.request(method, url, **arguments)


def stream(library: ModuleType, kind: str, url: str, limit: int = 99) -> list[bytes]:
    """Read some chunks of a stream, and close it."""

    async def asynchronously() -> list[bytes]:
        chunks: list[bytes] = []
        async with (
            library.AsyncClient() as client,
            client.stream("POST", url) as response,
            aclosing(response.aiter_bytes()) as pieces,
        ):
            async for chunk in pieces:
                chunks.append(chunk)
                if len(chunks) >= limit:
                    break
        return chunks

    if kind != "sync":
        return asyncio.run(asynchronously()) if kind == "async" else trio.run(asynchronously)
    chunks = []
    with library.Client() as client, client.stream("POST", url) as response:
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            if len(chunks) >= limit:
                break
    return chunks


def recorded(fixtures: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(fixtures.rglob("*.json"))]


PATHS = ["/json", "/status/404", "/redirect", "/gzip", "/bytes", "/empty", "/cookie"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", PATHS)
def test_what_was_recorded_replays_the_same(
    library: ModuleType, kind: str, path: str, origin: ScriptedServer, fixtures: Path
) -> None:
    url = origin.url + path
    with cachy(fixtures, DOMS, mode="record"):
        live = send(library, kind, "POST", url, json={"q": "Hey!"})
    asked = list(origin.requests)
    with cachy(fixtures, DOMS, mode="replay"):
        replayed = send(library, kind, "POST", url, json={"q": "Hey!"})
    assert origin.requests == asked
    assert replayed.status_code == live.status_code
    assert replayed.content == live.content or replayed.json() == live.json()
    assert str(replayed.url) == str(live.url)
    assert len(replayed.history) == len(live.history)
    assert list(replayed.cookies) == list(live.cookies)
    assert replayed.elapsed.total_seconds() >= 0
    assert "very-secret-value" not in json.dumps(recorded(fixtures))


# Under trio, httpx itself warns of whoever stops reading early.
@pytest.mark.parametrize(
    ("kind", "path", "limit"),
    [*((kind, "/stream", 99) for kind in KINDS), ("sync", "/open", 4), ("async", "/open", 4)],
)
def test_a_stream_replays_one_event_a_chunk(
    library: ModuleType, kind: str, path: str, limit: int, origin: ScriptedServer, fixtures: Path
) -> None:
    started = time.monotonic()
    with cachy(fixtures, DOMS, mode="record"):
        live = stream(library, kind, origin.url + path, limit)
    assert time.monotonic() - started < 4  # [DONE] ends it, though the connection is open
    with cachy(fixtures, DOMS, mode="replay"):
        replayed = stream(library, kind, origin.url + path)
    assert b"".join(live) == b"".join(replayed) == b"".join(EVENTS)
    assert replayed == EVENTS


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_early_close_keeps_the_rest_of_a_short_stream(
    library: ModuleType, kind: str, origin: ScriptedServer, fixtures: Path
) -> None:
    with cachy(fixtures, DOMS, mode="record"):
        stream(library, kind, f"{origin.url}/stream", limit=1)
    assert len(recorded(fixtures)[0]["response"]["sse"]) == 4


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_endless_stream_is_cut_and_reading_on_is_a_miss(
    library: ModuleType, kind: str, origin: ScriptedServer, fixtures: Path
) -> None:
    with cachy(fixtures, DOMS, mode="record"):
        stream(library, kind, f"{origin.url}/endless", limit=2)
    assert recorded(fixtures)[0]["response"]["truncated"] is True
    with cachy(fixtures, DOMS, mode="replay"):
        assert len(stream(library, kind, f"{origin.url}/endless", limit=2)) == 2
        with pytest.raises(UnrecordedRequest, match="The recorded stream ends here"):
            stream(library, kind, f"{origin.url}/endless", limit=10_000)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_nothing_is_recorded_where_the_network_fails(
    library: ModuleType, kind: str, origin: ScriptedServer, fixtures: Path
) -> None:
    with cachy(fixtures, DOMS, mode="record"), pytest.raises(library.TransportError):
        stream(library, kind, f"{origin.url}/cut")
    assert recorded(fixtures) == []


def test_the_first_token_comes_when_it_is_sent(
    library: ModuleType, origin: ScriptedServer, fixtures: Path
) -> None:
    with (
        cachy(fixtures, DOMS, mode="record"),
        library.Client() as client,
        client.stream("POST", f"{origin.url}/endless") as response,
    ):
        assert next(response.iter_bytes()) == b"data: {}\n\n"


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
def test_what_would_not_last_is_not_recorded(
    status: int, library: ModuleType, origin: ScriptedServer, fixtures: Path
) -> None:
    with cachy(fixtures, DOMS, mode="record"):
        assert send(library, "sync", "GET", f"{origin.url}/status/{status}").status_code == status
    assert recorded(fixtures) == []
    with cachy(fixtures, DOMS, mode="record", record_status=[status]):
        send(library, "sync", "GET", f"{origin.url}/status/{status}")
    assert [fixture["response"]["status"] for fixture in recorded(fixtures)] == [status]


def test_the_same_fixture_whichever_client_recorded_it(
    origin: ScriptedServer, fixtures: Path
) -> None:
    import httpx
    import httpx2

    async def by_aiohttp() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{origin.url}/json", json={"q": 1}) as response,
        ):
            return await response.json()

    with cachy(fixtures, DOMS):
        answers = [
            httpx.post(f"{origin.url}/json", json={"q": 1}).json(),
            httpx2.post(f"{origin.url}/json", json={"q": 1.0}).json(),
            requests.post(f"{origin.url}/json", json={"q": 1}).json(),
            asyncio.run(by_aiohttp()),
        ]
    assert answers == [answers[0]] * 4
    assert [f"{one.method} {one.path}" for one in origin.requests] == ["POST /json"]
    assert len(recorded(fixtures)) == 1


def test_modes(library: ModuleType, origin: ScriptedServer, fixtures: Path) -> None:
    def number(mode: str) -> int:
        with cachy(fixtures, DOMS, mode=mode):
            return int(send(library, "sync", "GET", f"{origin.url}/json").json()["number"])

    assert [number(mode) for mode in ("record", "record", "replay")] == [1, 1, 1]
    assert [number(mode) for mode in ("off", "refresh", "replay", "record")] == [2, 3, 3, 3]


def test_equal_requests_are_answered_in_turn_where_asked(
    library: ModuleType, origin: ScriptedServer, fixtures: Path
) -> None:
    def numbers(mode: str, count: int) -> list[int]:
        with cachy(fixtures, DOMS, mode=mode, repeats="sequence"):
            sent = (send(library, "sync", "GET", f"{origin.url}/json") for _ in range(count))
            return [answer.json()["number"] for answer in sent]

    assert numbers("record", 3) == [1, 2, 3]
    assert numbers("replay", 3) == [1, 2, 3]
    with pytest.raises(UnrecordedRequest, match="only 3 answers to it are recorded"):
        numbers("replay", 4)


def miss(library: ModuleType, kind: str = "sync", **body: Any) -> None:
    send(library, kind, "POST", "http://127.0.0.1:9/v1/chat", json=body)


@pytest.mark.parametrize("kind", KINDS)
def test_a_miss_names_the_nearest_fixture_and_what_differs(
    kind: str, library: ModuleType, origin: ScriptedServer, fixtures: Path
) -> None:
    turns = [{"role": "user", "content": text} for text in ("one", "two", "three")]
    with cachy(fixtures, DOMS, mode="record"):
        send(library, kind, "POST", f"{origin.url}/json", json={"messages": turns})
    changed = [*turns[:2], {"role": "user", "content": "four"}]
    with cachy(fixtures, DOMS, mode="replay"), pytest.raises(UnrecordedRequest) as caught:
        send(library, kind, "POST", f"{origin.url}/json", json={"messages": changed})
    assert not isinstance(caught.value, Exception)
    assert caught.value.differences == (
        'messages[2].content changed: "three" -> "four"',
        "messages[0] to [1] match",
    )
    assert caught.value.nearest is not None
    assert caught.value.method == "POST"
    assert "pytest --cachy=record" in str(caught.value)
    assert [f"{one.method} {one.path}" for one in origin.requests] == ["POST /json"]


def test_a_miss_names_no_difference_that_the_settings_ignore(
    library: ModuleType,
    origin: ScriptedServer,
    fixtures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = '[tool.cachy.match]\nignore = ["run"]\n'
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    with cachy(fixtures, DOMS, mode="record"):
        send(library, "sync", "POST", f"{origin.url}/json", json={"run": 1, "q": "one"})
    with cachy(fixtures, DOMS, mode="replay"), pytest.raises(UnrecordedRequest) as caught:
        send(library, "sync", "POST", f"{origin.url}/json", json={"run": 2, "q": "two"})
    assert caught.value.differences == ('q changed: "one" -> "two"',)


def test_a_miss_comes_through_gather_groups_threads_and_pools(
    library: ModuleType, fixtures: Path
) -> None:
    async def in_group() -> None:
        async with library.AsyncClient() as client, asyncio.TaskGroup() as group:
            group.create_task(client.post("http://127.0.0.1:9/x"))

    async def gathered() -> None:
        async with library.AsyncClient() as client:
            await asyncio.gather(*(client.post(f"http://127.0.0.1:9/{n}") for n in range(3)))

    with cachy(fixtures, DOMS, mode="replay"):
        with pytest.raises(BaseExceptionGroup) as grouped:
            asyncio.run(in_group())
        assert grouped.group_contains(UnrecordedRequest)
        with pytest.raises(UnrecordedRequest):
            asyncio.run(gathered())
        with ThreadPoolExecutor() as pool, pytest.raises(UnrecordedRequest):
            pool.submit(miss, library).result(10)
        with ThreadPool(1) as workers, pytest.raises(UnrecordedRequest):
            workers.apply_async(miss, (library,)).get(10)
        thread = threading.Thread(target=swallow, args=(library,))
        before = len(misses.remembered)
        thread.start()
        thread.join()
        assert len(misses.remembered) == before + 1


def swallow(library: ModuleType) -> None:
    try:
        miss(library)
    except BaseException:
        return


def test_a_miss_pickles() -> None:
    import pickle

    error = UnrecordedRequest("No fixture", method="GET", url="u", differences=["a"])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.method, again.differences) == ("No fixture", "GET", ("a",))


def test_what_a_user_put_in_the_transports_place_is_left_alone(
    library: ModuleType, fixtures: Path
) -> None:
    answer = library.MockTransport(lambda request: library.Response(200, json={"mock": 1}))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"asgi"})

    async def asked() -> Any:
        async with library.AsyncClient(transport=library.ASGITransport(app)) as client:
            return (await client.get("http://127.0.0.1/x")).text

    with cachy(fixtures, DOMS, mode="replay"):
        with library.Client(transport=answer) as client:
            assert client.get("http://127.0.0.1/x").json() == {"mock": 1}
        assert asyncio.run(asked()) == "asgi"
    assert recorded(fixtures) == []


def test_hosts_that_are_not_covered_pass_through(
    library: ModuleType, origin: ScriptedServer, fixtures: Path
) -> None:
    with cachy(fixtures, ["api.example.com"], mode="replay"):
        assert send(library, "sync", "GET", f"{origin.url}/json").json()["number"] == 1
    assert recorded(fixtures) == []


def test_scopes_nest_and_each_task_sees_its_own(
    library: ModuleType, origin: ScriptedServer, fixtures: Path, tmp_path: Path
) -> None:
    url = f"{origin.url}/json"

    async def live() -> int:
        with no_cachy():
            await asyncio.sleep(0.01)
            async with library.AsyncClient() as client:
                return int((await client.get(url)).json()["number"])

    async def replayed() -> int:
        await asyncio.sleep(0.02)
        async with library.AsyncClient() as client:
            return int((await client.get(url)).json()["number"])

    async def both() -> list[int]:
        return list(await asyncio.gather(live(), replayed()))

    with cachy(fixtures, DOMS):
        assert send(library, "sync", "GET", url).json()["number"] == 1
        assert asyncio.run(both()) == [2, 1]
        with cachy(tmp_path / "other", DOMS):
            assert send(library, "sync", "GET", url).json()["number"] == 3
        assert send(library, "sync", "GET", url).json()["number"] == 1
    assert send(library, "sync", "GET", url).json()["number"] == 4


def test_a_thread_that_inherits_nothing_sees_the_process_scope(
    library: ModuleType, origin: ScriptedServer, fixtures: Path
) -> None:
    numbers: list[int] = []
    url = f"{origin.url}/json"

    def ask() -> None:
        numbers.append(send(library, "sync", "GET", url).json()["number"])

    enable_cachy(str(fixtures), doms=DOMS)
    enable_cachy(str(fixtures), doms=DOMS)  # a notebook cell that runs twice
    try:
        for _ in range(2):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
    finally:
        disable_cachy()
        disable_cachy()
    ask()
    assert numbers == [1, 1, 2]


def test_placeholder_keys_are_set_and_taken_back_and_never_sent(
    library: ModuleType, origin: ScriptedServer, fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "mine")
    with cachy(fixtures, DOMS, mode="record"):
        key = os.environ["OPENAI_API_KEY"]
        assert os.environ["ANTHROPIC_API_KEY"] == "mine"
        with refused("and OPENAI_API_KEY isn't set(.|\n)*: set OPENAI_API_KEY, then pytest "):
            send(
                *(library, "sync", "GET", f"{origin.url}/json"),
                headers={"authorization": f"Bearer {key}"},
            )
    assert "OPENAI_API_KEY" not in os.environ
    assert os.environ["ANTHROPIC_API_KEY"] == "mine"
    assert origin.requests == []


@pytest.mark.parametrize(
    ("mode", "source", "maker", "is_set"),
    [
        ("record", None, "QEMU", True),
        ("record", "AWS_PROFILE", "QEMU", False),
        ("record", None, "Amazon EC2", False),  # it may have a role, which only the network tells
        ("replay", None, "Amazon EC2", True),
        ("replay", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "QEMU", False),
    ],
)
def test_an_aws_placeholder_hides_no_source_of_credentials(
    mode: str,
    source: str | None,
    maker: str,
    is_set: bool,
    fixtures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    if source:
        monkeypatch.setenv(source, "x")
    (tmp_path / "sys_vendor").write_text(f"{maker}\n", encoding="utf-8")
    monkeypatch.setattr(placeholder_keys, "_MAKER", tmp_path / "sys_vendor")
    with cachy(fixtures, DOMS, mode=mode):
        assert ("AWS_ACCESS_KEY_ID" in os.environ) is is_set
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_the_guard_stops_clients_that_cachy_does_not_see(fixtures: Path) -> None:
    import http.client
    import urllib.request

    calls: list[Callable[[], object]] = [
        lambda: urllib.request.urlopen("http://localhost:9/x"),
        lambda: http.client.HTTPConnection("localhost", 9).connect(),
    ]
    with cachy(fixtures, ["localhost"], mode="replay"):
        for call in calls:
            with pytest.raises(UnrecordedRequest, match="a client that cachy doesn't see"):
                call()
    with cachy(fixtures, ["localhost"], mode="record"):
        with (
            pytest.warns(RuntimeWarning, match="it is not recorded"),
            pytest.raises(OSError, match="refused"),
        ):
            calls[0]()
        with pytest.raises(OSError, match="refused"):  # once is enough
            calls[1]()


def test_our_own_door_sets_off_no_guard(origin: ScriptedServer, fixtures: Path) -> None:
    import httpx

    url = origin.url.replace("127.0.0.1", "localhost")
    with cachy(fixtures, ["localhost"], mode="record"):
        assert httpx.get(f"{url}/json").status_code == 200


def test_no_tls_context_is_built_for_a_client_that_only_replays(
    library: ModuleType, fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with cachy(fixtures, DOMS, mode="replay"), library.Client() as client:
        context = client._transport._pool._ssl_context
        assert isinstance(context, ssl.SSLContext)
        assert "_context" not in object.__getattribute__(context, "__dict__")
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname is True
        assert type(object.__getattribute__(context, "_context")) is ssl.SSLContext


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"doms": ["https://api.x.org/v1"]}, "use 'api.x.org'"),
        ({"doms": ["a b"]}, "is not a host name"),
        ({"mode": "sometimes"}, "'sometimes' is not one of"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named(arguments: Any, words: str) -> None:
    with pytest.raises(CachyError, match=words):
        enable_cachy(**arguments)


def test_an_unreadable_fixture_is_said_and_not_replaced(
    library: ModuleType, origin: ScriptedServer, fixtures: Path
) -> None:
    with cachy(fixtures, DOMS):
        send(library, "sync", "GET", f"{origin.url}/json")
    path = next(fixtures.rglob("*.json"))
    path.write_text("{")
    with cachy(fixtures, DOMS), refused("is not valid JSON"):
        send(library, "sync", "GET", f"{origin.url}/json")
    assert path.read_text() == "{"
