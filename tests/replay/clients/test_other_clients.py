"""requests and aiohttp, each with what its users do; and one fixture whichever client recorded."""

from __future__ import annotations

import asyncio
import gc
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import cachecontrol
import pytest
import requests
import requests_toolbelt
from conftest import Scope, fixtures_in, refused
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    event,
    gzip_response,
    json_response,
    redirect,
    sse_response,
)

import cachy

EVENTS = sse_response(event({"n": 1}), event({"n": 2}, "named"), event("[DONE]"))


def replayed_by_requests(session: requests.Session, url: str) -> list[Any]:
    """Ask in the ways that users of requests do, and say all that they can see."""
    seen: list[Any] = []
    told = {"response": lambda response, **_: seen.append(response.status_code)}
    plain = session.get(f"{url}/json", hooks=told, auth=("ada", "a-long-secret-word"))
    seen += [plain.json(), plain.ok, plain.reason, plain.encoding, plain.headers["content-type"]]
    seen += [plain.request.method, plain.url, plain.elapsed.total_seconds() >= 0]
    moved = session.post(f"{url}/moved", json={"q": 1})
    seen += [moved.url, [hop.status_code for hop in moved.history], moved.json()]
    session.post(f"{url}/cookie")
    seen.append(sorted(session.cookies.keys()))
    with session.post(f"{url}/events", stream=True) as events:
        seen += [line for line in events.iter_lines() if line]
    with session.post(f"{url}/gzip", stream=True) as zipped:
        seen.append(json.loads(b"".join(zipped.iter_content(7))))
    with session.get(f"{url}/json?raw", stream=True) as raw:
        seen.append(json.loads(raw.raw.read()))
    body = requests_toolbelt.MultipartEncoder({"a": "1", "file": ("b.txt", io.BytesIO(b"text"))})
    uploaded = session.post(f"{url}/up", data=body, headers={"Content-Type": body.content_type})
    seen.append(uploaded.json())
    seen.append(session.post(f"{url}/up", data=(piece for piece in (b"a", b"b"))).json())
    seen.append(session.post(f"{url}/up", data=io.BytesIO(b"a file")).json())
    missing = session.get(f"{url}/missing")
    with pytest.raises(requests.HTTPError, match="404"):
        missing.raise_for_status()
    return seen


def provide(origin: ScriptedServer) -> str:
    answers = {
        "json": json_response({"text": "Grüße"}),
        "moved": redirect(307, "/v1/up"),
        "cookie": json_response({}, 200, ("Set-Cookie", "session=abcdef; Path=/")),
        "events": EVENTS,
        "gzip": gzip_response({"zipped": "text" * 100}),
        "missing": json_response({"error": "no"}, 404),
    }
    for name, answer in answers.items():
        origin.on(f"/v1/{name}", answer)
    return f"{origin.url}/v1"


def plain_session() -> requests.Session:
    return requests.Session()


def retrying_session() -> requests.Session:
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=3))
    return session


def adapted_session() -> requests.Session:
    class Signing(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            request.headers["X-Signed"] = "yes"
            return super().send(request, *args, **kwargs)

    session = requests.Session()
    session.mount("http://", Signing())
    return session


def caching_session() -> requests.Session:
    return cachecontrol.CacheControl(requests.Session())


@pytest.mark.parametrize(
    "make", [plain_session, retrying_session, adapted_session, caching_session]
)
def test_requests_and_what_rides_on_its_adapter(
    make: Callable[[], requests.Session],
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    project: Path,
) -> None:
    url = provide(origin)
    with recording(), make() as session:
        live = replayed_by_requests(session, url)
    asked = origin.count
    with replaying(), make() as session:
        assert replayed_by_requests(session, url) == live
    with replaying(), make() as session, refused():
        session.get(f"{url}/unasked")
    assert origin.count == asked
    assert "a-long-secret-word" not in "".join(path.read_text() for path in fixtures_in(project))


async def replayed_by_aiohttp(session: aiohttp.ClientSession, url: str) -> list[Any]:
    """Ask in the ways that users of aiohttp do, and say all that they can see."""
    seen: list[Any] = []
    async with session.get(f"{url}/json", headers={"Authorization": "Basic YTpi"}) as plain:
        seen += [await plain.json(), plain.ok, plain.status, plain.reason, plain.content_type]
        seen += [plain.charset, plain.method, str(plain.url), str(plain.request_info.real_url)]
    async with session.post(f"{url}/moved", json={"q": 1}) as moved:
        seen += [str(moved.url), [hop.status for hop in moved.history], await moved.json()]
    async with session.post(f"{url}/cookie"):
        seen.append(sorted(cookie.key for cookie in session.cookie_jar))
    async with session.post(f"{url}/events") as events:
        seen += [line async for line in events.content if line.strip()]
    async with session.post(f"{url}/gzip") as zipped:
        seen.append(json.loads(b"".join([piece async for piece in zipped.content.iter_any()])))
    async with session.post(f"{url}/up", data={"a": "1"}) as form:
        seen.append(await form.json())
    async with session.post(f"{url}/up", data=io.BytesIO(b"a file")) as upload:
        seen.append(await upload.json())
    with pytest.raises(aiohttp.ClientResponseError, match="404"):
        await session.get(f"{url}/missing", raise_for_status=True)
    async with session.head(f"{url}/json") as head:
        seen += [head.status, await head.read()]
    return seen


Make = Callable[[], aiohttp.ClientSession]


def plain_client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


def middleware_client() -> aiohttp.ClientSession:
    async def signing(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        request.headers["X-Signed"] = "yes"
        return await handler(request)

    return aiohttp.ClientSession(middlewares=(signing,))


def subclassed_client() -> aiohttp.ClientSession:
    class Response(aiohttp.ClientResponse):
        pass

    return aiohttp.ClientSession(response_class=Response, raise_for_status=False)


@pytest.mark.parametrize("make", [plain_client, middleware_client, subclassed_client])
def test_aiohttp_and_what_its_users_set(
    make: Make, origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    url = provide(origin)

    async def asked() -> list[Any]:
        async with make() as session:
            return await replayed_by_aiohttp(session, url)

    async def unasked() -> None:
        async with make() as session:
            await session.get(f"{url}/unasked")

    with recording():
        live = asyncio.run(asked())
    count = origin.count
    with replaying():
        assert asyncio.run(asked()) == live
    with replaying(), refused():
        asyncio.run(unasked())
    assert origin.count == count
    assert "YTpi" not in "".join(path.read_text() for path in fixtures_in(project))


def test_aiohttps_digest_auth_is_replayed_without_its_challenge(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="abc", qop="auth", algorithm=MD5')
    who = json_response({"error": "who?"}, 401, challenge)
    url = origin.on("/v1/items", who, json_response({"a": 1}))

    async def asked() -> Any:
        digest = aiohttp.DigestAuthMiddleware("ada", "word")
        async with (
            aiohttp.ClientSession(middlewares=(digest,)) as session,
            session.get(url) as response,
        ):
            return await response.json()

    with recording():
        assert asyncio.run(asked()) == {"a": 1}
    with replaying():
        assert asyncio.run(asked()) == {"a": 1}
    assert origin.count == 2


def test_requests_digest_auth_is_replayed_without_its_challenge(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="abc", qop="auth", algorithm=MD5')
    who = json_response({"error": "who?"}, 401, challenge)
    url = origin.on("/v1/items", who, json_response({"a": 1}))
    for scope in (recording, replaying):
        with scope():
            digest = requests.auth.HTTPDigestAuth("ada", "word")
            assert requests.get(url, auth=digest, timeout=60).json() == {"a": 1}
    assert origin.count == 2


def test_a_session_of_aiohttp_in_no_scope_is_as_it_was(origin: ScriptedServer) -> None:
    async def asked() -> Any:
        async with aiohttp.ClientSession() as session:
            with cachy.cachy(doms=["127.0.0.1"], mode="replay"), cachy.no_cachy():
                async with session.get(f"{origin.url}/x") as response:
                    return await response.json()

    assert json.dumps(asyncio.run(asked())) == '{"number": 1, "path": "/x"}'


SLOW = ScriptedResponse((b'{"a"', b": 1}"), pause=0.1)


@pytest.mark.parametrize("end", ["context", "release", "close", "redirect"])
def test_aiohttps_answers_that_nobody_reads_are_recorded_whole(
    end: str, origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    url = origin.on("/v1/slow", SLOW)
    slow_hop = ScriptedResponse(SLOW.body, 307, (("Location", "/v1/slow"),), pause=0.1)
    moved = origin.on("/v1/moved", slow_hop)

    async def asked() -> int:
        async with aiohttp.ClientSession() as session:
            if end in ("context", "redirect"):
                async with session.post(moved if end == "redirect" else url) as response:
                    return response.status
            response = await session.post(url)
            getattr(response, end)()
            await response.wait_for_close()
            return response.status

    with recording():
        assert asyncio.run(asked()) == 200
    assert all("truncated" not in path.read_text() for path in fixtures_in(project))
    with replaying():
        assert asyncio.run(asked()) == 200
    assert origin.count == len(fixtures_in(project)) == 1 + (end == "redirect")


@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")  # aiohttp's own
@pytest.mark.parametrize("end", ["whole", "close"])
@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_an_answer_of_aiohttps_that_is_left_with_its_session_is_whole_or_cut(
    *, end: Any, pause: float, origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    """Where the connection's end is the body's, the client's closing looks like the server's."""
    url = origin.on("/v1/left", ScriptedResponse(SLOW.body, pause=pause, end=end))

    async def asked() -> int:
        async with aiohttp.ClientSession() as session:
            response = await session.post(url)
            await asyncio.sleep(0.2)
            return response.status

    with recording():
        assert asyncio.run(asked()) == 200
    gc.collect()
    answers = [json.loads(path.read_text())["response"] for path in fixtures_in(project)]
    assert all(answer.get("json") == {"a": 1} or answer["truncated"] for answer in answers)
    assert pause or len(answers) == 1


def test_aiohttp_gets_packed_bytes_back_packed(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    packed = gzip_response({"a": 1})
    url = origin.on("/v1/packed", packed)

    async def asked(*, unpacks: bool) -> tuple[bytes, str | None]:
        async with (
            aiohttp.ClientSession(auto_decompress=unpacks) as session,
            session.get(url) as response,
        ):
            return await response.read(), response.headers.get("content-encoding")

    with recording():
        assert asyncio.run(asked(unpacks=False)) == (packed.body, "gzip")
    with replaying():
        assert asyncio.run(asked(unpacks=False)) == (packed.body, "gzip")
        assert asyncio.run(asked(unpacks=True))[0] == b'{"a": 1}'
    assert origin.count == 1


def test_aiohttp_says_where_chunks_end_as_it_does_live(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    ticks = [event({"n": number}) for number in range(3)]
    url = origin.on("/v1/chat", sse_response(*ticks, pause=0.05))

    async def chunks() -> list[bytes]:
        found, rest = [], b""
        async with aiohttp.ClientSession() as session, session.post(url) as response:
            async for piece, is_end in response.content.iter_chunks():
                rest += piece
                if is_end and rest:
                    found.append(rest)
                    rest = b""
        return found

    for scope in (recording, replaying):
        with scope():
            assert asyncio.run(chunks()) == ticks
    assert origin.count == 1


class Pipe(io.RawIOBase):
    """A file that can be read only once."""

    def __init__(self, raw: bytes) -> None:
        self._file = io.BytesIO(raw)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        return self._file.readinto(target)


def in_a_form(file: Any) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", file, filename="a.txt")
    return form


@pytest.mark.parametrize(
    "make",
    [
        lambda: io.BufferedReader(Pipe(b"text")),
        lambda: in_a_form(io.BufferedReader(Pipe(b"text"))),
        lambda: memoryview(b"text"),
        lambda: bytearray(b"text"),
        lambda: io.StringIO("text"),
    ],
)
def test_aiohttp_sends_a_body_that_can_be_read_only_once(
    make: Callable[[], Any], origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    async def uploaded(url: str) -> Any:
        async with aiohttp.ClientSession() as client, client.post(url, data=make()) as answer:
            return await answer.json()

    url = origin.on("/v1/up", lambda asked: json_response({"is_there": b"text" in asked.body}))
    for scope in (recording, replaying):
        with scope():
            assert asyncio.run(uploaded(url)) == {"is_there": True}
    assert origin.count == 1
