"""What a consumer sees on replay is what it saw while recording, value for value."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import bodies
import httpx
import httpx2
import pytest
import requests
from conftest import CERTIFICATES, Scope, fixtures_in
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from openai._streaming import SSEDecoder
from scripted_server import ScriptedResponse, ScriptedServer, event, json_response, sse_response


def value_of(content: bytes | str) -> Any:
    """JSON with all that a reader can tell apart: pairs in order, numbers as they are."""
    try:
        found = json.loads(
            content, object_pairs_hook=lambda pairs: ("object", pairs), parse_float=number
        )
    except ValueError:
        return content
    return repr(found)


def number(text: str) -> Any:
    value = Decimal(text)
    return ("float", value.normalize())


def events_of(content: bytes) -> Any:
    """Return the events of a stream, decoded by the openai SDK's own decoder."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return content
    found = SSEDecoder().iter_bytes(iter([content.removeprefix(b"\xef\xbb\xbf")]))
    return [(one.event, one.id, one.retry, value_of(one.data)) for one in found if one.data]


def meaning(content: bytes, media: str) -> Any:
    """What a body says: bytes but for JSON, lines of it, and events."""
    if media.startswith("text/event-stream"):
        return events_of(content)
    if media.endswith(("ndjson", "jsonl")):
        return [value_of(line) for line in content.removesuffix(b"\n").split(b"\n")]
    return value_of(content) if "json" in media else content


Views = dict[str, Any]
_UTF8 = ("utf-8", "surrogatepass")


def seen(response: Any) -> Views:
    """All that httpx's response tells, read at once."""
    media = response.headers.get("content-type", "")
    said = ("status_code", "reason_phrase", "encoding", "charset_encoding", "http_version")
    facts = {name: getattr(response, name) for name in said}
    text = response.text.encode("utf-8", "surrogatepass")
    return {
        **facts,
        "type": media,
        "url": str(response.url),
        "content": meaning(response.content, media),
        "text": meaning(text, media),
        "closed": (response.is_closed, response.is_stream_consumed, response.is_success),
        "sent": (response.request.method, str(response.request.url), response.request.content),
        "history": response.history,
        "timed": response.elapsed.total_seconds() >= 0,
    }


def streamed(response: Any, pieces: list[Any], how: str) -> Views:
    """What a consumer of a stream has seen."""
    media = response.headers.get("content-type", "")
    if how.endswith("lines") and not ("json" in media or media.startswith("text/event-stream")):
        return {how: pieces}
    if how.endswith("lines"):
        return {how: meaning("".join(f"{line}\n" for line in pieces).encode(), media)}
    empty = "" if how.endswith("text") else b""
    joined = empty.join(pieces)
    raw = joined.encode("utf-8", "surrogatepass") if isinstance(joined, str) else joined
    return {how: meaning(raw, media)}


def through_sync(library: ModuleType, url: str) -> Views:
    with library.Client(verify=CERTIFICATES) as client:
        views = seen(client.post(url, json={}))
        for how in ("iter_bytes", "iter_text", "iter_lines"):
            with client.stream("POST", url, json={}) as response:
                views |= streamed(response, list(getattr(response, how)()), how)
    return views


async def through_async(library: ModuleType, url: str) -> Views:
    async with library.AsyncClient(verify=CERTIFICATES) as client:
        views = seen(await client.post(url, json={}))
        for how in ("aiter_bytes", "aiter_text", "aiter_lines"):
            async with client.stream("POST", url, json={}) as response:
                pieces = [piece async for piece in getattr(response, how)()]
                views |= streamed(response, pieces, how)
    return views


async def through_aiohttp(url: str) -> Views:
    async with aiohttp.ClientSession() as session, session.post(url, json={}) as response:
        content = await response.read()
        media = response.headers.get("content-type", "")
        return {"aiohttp": (response.status, response.charset, meaning(content, media))}


def through_requests(url: str) -> Views:
    response = requests.post(url, json={}, timeout=60)
    media = response.headers.get("content-type", "")
    text = response.text if response.encoding else ""
    # A byte order mark, which event streams may begin with and fixtures drop, is text in Latin-1.
    text = text.removeprefix("\u00ef\u00bb\u00bf")
    try:
        value = repr(response.json())
    except ValueError:
        value = ""
    facts = (response.status_code, response.encoding, value)
    return {
        "requests": (*facts, meaning(response.content, media), meaning(text.encode(*_UTF8), media))
    }


def through_everything(library: ModuleType, url: str) -> Views:
    views = through_sync(library, url) | through_requests(url)
    return views | asyncio.run(through_async(library, url)) | asyncio.run(through_aiohttp(url))


def served(raw: bytes, kind: str, **fields: Any) -> bodies.Served:
    answer = ScriptedResponse(raw, 200, (("Content-Type", kind),), **fields)
    return bodies.Served(answer, raw, kind)


@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(one=bodies.answers(), library=st.sampled_from([httpx, httpx2]))
@example(one=served(b'{"a":1}\n\n{"a":2}\n', "application/x-ndjson"), library=httpx)
@example(one=served(b'{"a":"\\ud800"}\n', "application/x-ndjson"), library=httpx)
@example(one=served(b'{"$a":"\\u2028"}\n{"b":1}\n', "application/x-ndjson"), library=httpx)
@example(one=served(b'data: {"$a":"\\ud800"}\n\n', "text/event-stream"), library=httpx2)
@example(one=served(b'data: {"$a":1,"$a":1e5}\n\n', "text/event-stream"), library=httpx2)
@example(one=served(b'{"no": "events"}\n\n', "text/event-stream"), library=httpx)
@example(one=served(b'{"a":"\\u00e9"}', "application/json; charset=latin-1"), library=httpx)
@example(one=served(b'["\\u00e9"]', "text/json"), library=httpx2)
@example(one=served(b"\xef\xbb\xbfdata:NaN\n\n", "text/event-stream"), library=httpx)
@example(one=served(b'"\\u2028"', "application/json"), library=httpx)
def test_every_response_is_replayed_the_same_through_every_client(
    one: bodies.Served,
    library: ModuleType,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    project: Path,
) -> None:
    url = origin.on("/v1/any", one.answer)
    live = through_everything(library, url)
    with recording():
        assert through_everything(library, url) == live
    asked = origin.count
    with replaying():
        assert through_everything(library, url) == live
    assert origin.count == asked
    origin.requests.clear()
    for path in fixtures_in(project):
        path.unlink()


EVENTS = [event({"n": number}) for number in range(5)] + [event("[DONE]")]


@pytest.mark.parametrize("how", ["iter_raw", "iter_bytes", "iter_text"])
def test_a_stream_comes_back_one_event_a_piece_however_it_is_read(
    library: ModuleType, how: str, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/v1/any", sse_response(b"".join(EVENTS)[:30], b"".join(EVENTS)[30:]))
    with recording():
        library.get(url)
    with replaying():
        with library.Client() as client, client.stream("GET", url) as response:
            pieces = list(getattr(response, how)())
            counted = response.num_bytes_downloaded
        found = asyncio.run(read_async(library, url, f"a{how}"))
    wanted = [piece.decode() for piece in EVENTS] if how == "iter_text" else EVENTS
    assert pieces == found == wanted
    assert counted == len(b"".join(EVENTS))


async def read_async(library: ModuleType, url: str, how: str) -> list[Any]:
    async with library.AsyncClient() as client, client.stream("GET", url) as response:
        return [piece async for piece in getattr(response, how)()]


def test_a_body_is_cut_as_its_reader_asks(
    library: ModuleType, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on(
        "/v1/any", ScriptedResponse(bytes(range(100)), 200, (("Content-Type", "audio/mpeg"),))
    )
    lengths = []
    for scope in (recording, replaying):
        with scope(), library.stream("GET", url) as response:
            lengths.append([len(piece) for piece in response.iter_bytes(chunk_size=33)])
    assert lengths == [[33, 33, 33, 1]] * 2


def test_a_replayed_stream_is_used_up_and_closed_as_a_live_one(
    library: ModuleType, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/v1/any", sse_response(*EVENTS))

    def outcomes() -> Iterator[str]:
        with library.stream("GET", url) as response:
            yield str(response.is_stream_consumed)
            with pytest.raises(library.ResponseNotRead):
                yield response.text
            list(response.iter_bytes())
            with pytest.raises(library.StreamConsumed):
                list(response.iter_bytes())
        yield f"{response.is_stream_consumed} {response.is_closed}"
        with library.stream("GET", url) as response:
            response.close()
        with pytest.raises(library.StreamClosed):
            list(response.iter_bytes())
        yield str(response.is_closed)
        with pytest.raises(library.HTTPStatusError) as caught:
            library.get(f"{url}/missing").raise_for_status()
        yield str(caught.value)

    origin.on("/v1/any/missing", json_response({}, 404))
    found = []
    for scope in (recording, replaying):
        with scope():
            found.append(list(outcomes()))
    assert found[0] == found[1]
