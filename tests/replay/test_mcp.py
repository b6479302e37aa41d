"""The Model Context Protocol over HTTP, in the words of the protocol itself."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Scope, fixtures_in
from mcp_server import EVENTS, SESSION, VERSION, McpServer, message, text_result
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, event

from cachy import UnrecordedRequest
from cachy.replay.process import PROCESS

ACCEPT = {"accept": "application/json, text/event-stream"}


class Client:
    """A client of the protocol, as small as one can be; it counts its calls from `first`."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, first: int = 1, version: str = "1"
    ) -> None:
        self.http = http
        self.url = url
        self.number = first
        self.version = version
        self.headers: dict[str, str] = {**ACCEPT}
        self.heard: list[str] = []  # on the standing stream

    async def post(self, said: dict[str, Any]) -> httpx.Response:
        body = {"jsonrpc": "2.0", **said}
        return await self.http.post(self.url, json=body, headers=self.headers)

    async def call(self, method: str, **params: Any) -> Any:
        number = self.number
        self.number += 1
        if method == "tools/call":
            params["_meta"] = {"progressToken": number}
        response = await self.post({"id": number, "method": method, "params": params})
        if SESSION in response.headers:
            self.headers |= {SESSION: response.headers[SESSION], "mcp-protocol-version": VERSION}
        got = messages(response)
        assert [one["id"] for one in got if "result" in one] == [number]
        tokens = [
            one["params"]["progressToken"] for one in got if "progress" in str(one.get("method"))
        ]
        assert set(tokens) <= {number}
        return got[-1]["result"]

    async def add(self, a: int, b: int) -> str:
        result = await self.call("tools/call", name="add", arguments={"a": a, "b": b})
        return str(result["content"][0]["text"])

    async def open(self) -> None:
        info = {"name": "test", "version": self.version}
        await self.call("initialize", protocolVersion=VERSION, capabilities={}, clientInfo=info)
        await self.post({"method": "notifications/initialized"})

    async def listen(self) -> None:
        async with self.http.stream("GET", self.url, headers=self.headers) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    self.heard.append(json.loads(line[6:])["method"])

    async def close(self) -> int:
        return (await self.http.delete(self.url, headers=self.headers)).status_code


def messages(response: httpx.Response) -> list[Any]:
    if "event-stream" not in response.headers.get("content-type", ""):
        return [response.json()] if response.content else []
    return [json.loads(line[6:]) for line in response.text.split("\n") if line[:6] == "data: "]


@asynccontextmanager
async def client(url: str, **given: Any) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(timeout=30) as http:
        yield Client(http, url, **given)


async def a_session(url: str, **given: Any) -> dict[str, Any]:
    """Open a session, use all of it, and return what the client heard."""
    async with client(url, **given) as mcp:
        await mcp.open()
        listening = asyncio.create_task(mcp.listen())
        while not mcp.heard:
            await asyncio.sleep(0.01)
        early = [*mcp.heard]
        tools = await mcp.call("tools/list")
        sums = [await mcp.add(1, 2), await mcp.add(3, 4)]
        while len(mcp.heard) < 2:
            await asyncio.sleep(0.01)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        return {
            "early": early,
            "heard": mcp.heard,
            "tools": tools,
            "sums": sums,
            "end": await mcp.close(),
        }


def test_a_session_replays_with_its_server_gone(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = McpServer().serve(origin)
    with recording():
        live = asyncio.run(a_session(url))
    count = origin.count
    with replaying():
        assert asyncio.run(a_session(url, first=7, version="2")) == live
    assert origin.count == count
    assert live["early"] == ["notifications/message"]
    assert live["sums"] == ["3", "7"]
    assert PROCESS.misses == []
    names = sorted(path.name.rpartition("-")[0] for path in fixtures_in(project))
    assert names == [
        *("delete-mcp", "get-mcp", "initialize", "notifications-initialized"),
        *("tools-call-add-1", "tools-call-add-3", "tools-list"),
    ]


def test_the_name_of_a_session_is_not_kept(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    server = McpServer()
    url = server.serve(origin)
    with recording():
        asyncio.run(opened(url, lambda mcp: mcp.add(1, 2)))
    texts = [path.read_text() for path in fixtures_in(project)]
    assert len(texts) == 3
    assert not any(server.sessions[0] in text for text in texts)
    assert [f'"{SESSION}": "[redacted:mcp-session]"' in text for text in texts].count(True) == 1
    assert not any("left_out" in text.partition("response")[0] for text in texts)


async def opened(url: str, act: Callable[[Client], Any]) -> Any:
    async with client(url) as mcp:
        await mcp.open()
        return await act(mcp)


def test_a_stream_or_an_end_that_was_not_recorded_does_not_miss(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    """It is a matter of chance whether a client gets to them before its program ends."""
    url = McpServer().serve(origin)
    with recording():
        asyncio.run(opened(url, lambda mcp: mcp.add(1, 2)))

    async def leave(mcp: Client) -> tuple[int, int]:
        stream = await mcp.http.get(mcp.url, headers=mcp.headers)
        return stream.status_code, await mcp.close()

    with replaying():
        assert asyncio.run(opened(url, leave)) == (405, 405)
    assert PROCESS.misses == []


def test_a_call_that_a_replayed_session_lacks_is_a_miss_that_says_to_refresh(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    url = McpServer().serve(origin)
    with recording():
        asyncio.run(opened(url, lambda mcp: mcp.add(1, 2)))
    count = origin.count
    with recording(), pytest.raises(UnrecordedRequest, match="--cachy=refresh") as miss:
        asyncio.run(opened(url, lambda mcp: mcp.add(8, 8)))
    PROCESS.misses.clear()
    assert "initialize" in str(miss.value)
    assert origin.count == count


def test_a_live_session_is_live_to_its_end(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    """A server that has not heard the first calls of a session could not answer the later ones."""
    server = McpServer()
    url = server.serve(origin)
    with recording():
        asyncio.run(opened(url, lambda mcp: mcp.add(1, 2)))
    next(path for path in fixtures_in(project) if path.name.startswith("initialize")).unlink()
    server.calls.clear()
    with recording():
        assert asyncio.run(opened(url, lambda mcp: mcp.add(1, 2))) == "3"
    assert server.calls == ["tools/call"]
    with replaying():
        assert asyncio.run(opened(url, lambda mcp: mcp.add(1, 2))) == "3"
    assert len(fixtures_in(project)) == 3


def test_a_stream_waits_for_the_answer_to_a_call_of_the_server(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    server = McpServer()
    url = server.serve(origin)

    async def ask(mcp: Client) -> list[str]:
        order = []
        call = {"name": "ask", "arguments": {"q": "?"}}
        said = {"jsonrpc": "2.0", "id": mcp.number, "method": "tools/call", "params": call}
        mcp.number += 1
        async with mcp.http.stream("POST", mcp.url, json=said, headers=mcp.headers) as response:
            async for line in response.aiter_lines():
                if "sampling/createMessage" in line:
                    await asyncio.sleep(0.05)
                    order.append("asked")
                    answer = {"content": {"type": "text", "text": "42"}}
                    number = json.loads(line[6:])["id"]
                    done = await mcp.post({"id": number, "result": answer})
                    order.append(f"answered {done.status_code}")
                elif '"result"' in line:
                    order.append("result")
        return order

    with recording():
        live = asyncio.run(opened(url, ask))
    assert server.answer == "42"
    with replaying():
        assert asyncio.run(opened(url, ask)) == live == ["asked", "answered 202", "result"]


@pytest.mark.parametrize("way", ["reset", "cut", "end", "fail"])
def test_nothing_is_recorded_of_an_answer_that_did_not_come(
    way: str, project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    """A stream that ends without the answer is not recorded either."""
    url = McpServer().serve(origin)

    async def call(mcp: Client) -> None:
        params = {"name": way, "arguments": {}}
        await mcp.post({"id": mcp.number, "method": "tools/call", "params": params})

    with recording():
        if way in ("reset", "cut"):
            with pytest.raises(httpx.HTTPError):
                asyncio.run(opened(url, call))
        else:
            asyncio.run(opened(url, call))
    assert len(fixtures_in(project)) == 2


NAME = "0f9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d"  # of a session


def test_a_stream_that_goes_on_in_another_request_is_resumed(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    """A server may close a stream whose events have ids; the client asks on from the last one."""
    number = b"id: 7\n"

    def answer(request: SeenRequest) -> ScriptedResponse:
        if request.method == "POST":
            return ScriptedResponse((number + b"retry: 1\ndata: \n\n",), 200, EVENTS)
        assert request.headers["last-event-id"] == "7"
        return ScriptedResponse((message({"id": 1, "result": text_result("late")}),), 200, EVENTS)

    url = origin.on("/mcp", answer)

    def ask() -> str:
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t"}}
        first = httpx.post(url, json=call, headers=ACCEPT).text
        last = first.partition("id: ")[2].partition("\n")[0]
        return httpx.get(url, headers={**ACCEPT, "last-event-id": last}).text

    with recording():
        live = ask()
    assert "late" in live
    with replaying():
        assert ask() == live
        with pytest.raises(UnrecordedRequest):
            httpx.get(url, headers={**ACCEPT, "last-event-id": "8"})
    PROCESS.misses.clear()


def test_two_replayed_sessions_at_once_stay_two(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = McpServer().serve(origin)

    async def both() -> list[str]:
        first = opened(url, lambda mcp: mcp.add(1, 2))
        second = opened(url, lambda mcp: mcp.add(3, 4))
        return list(await asyncio.gather(first, second))

    with recording():
        assert asyncio.run(opened(url, lambda mcp: mcp.add(1, 2))) == "3"
    next(path for path in fixtures_in(project) if path.name.startswith("initialize")).unlink()
    with recording():
        assert asyncio.run(opened(url, lambda mcp: mcp.add(3, 4))) == "7"
    with replaying():
        assert asyncio.run(both()) == ["3", "7"]


class SseServer:
    """A server of the previous form: it answers in a stream that begins with the URL for messages.

    https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
    """

    def __init__(self, server: ScriptedServer, path: str) -> None:
        self.server = server
        self.path = path
        self.url = server.on("/sse", self._stream)

    def _stream(self, request: SeenRequest) -> ScriptedResponse:
        self.gate = threading.Event()
        self.server.on(self.path, self._hear)
        answers = [message({"id": n, "result": text_result(f"{n}")}) for n in (1, 2)]
        pieces = (event(f"{self.path}?session_id={NAME}", "endpoint"), b"".join(answers))
        return ScriptedResponse(pieces, 200, EVENTS, end="open", gate=self.gate)

    def _hear(self, request: SeenRequest) -> ScriptedResponse:
        if request.json["id"] == 2:
            self.gate.set()
        return ScriptedResponse(b"Accepted", 202, ())


async def ask_by_sse(url: str, calls: list[tuple[int, str]]) -> dict[int, str]:
    """Call tools, each by its number and name; return the answers by number."""
    found: dict[int, str] = {}
    async with httpx.AsyncClient(timeout=30) as http:

        async def read(endpoint: asyncio.Future[str]) -> None:
            headers = {"accept": "text/event-stream"}
            async with http.stream("GET", url, headers=headers) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: /"):
                        endpoint.set_result(line[6:])
                    elif line.startswith("data: "):
                        got = json.loads(line[6:])
                        found[got["id"]] = got["result"]["content"][0]["text"]

        endpoint: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        reading = asyncio.create_task(read(endpoint))
        target = url.removesuffix("/sse") + await endpoint
        for number, name in calls:
            said = {
                "jsonrpc": "2.0",
                "id": number,
                "method": "tools/call",
                "params": {"name": name},
            }
            assert (await http.post(target, json=said)).status_code == 202
        while len(found) < len(calls):
            await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return found


@pytest.mark.parametrize("path", ["/messages/", "/messages"])
def test_the_previous_form_answers_what_was_asked_in_any_order(
    path: str, project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    server = SseServer(origin, path)
    with recording():
        live = asyncio.run(ask_by_sse(server.url, [(1, "one"), (2, "two")]))
    assert live == {1: "1", 2: "2"}
    count = origin.count
    with replaying():
        again = asyncio.run(ask_by_sse(server.url, [(5, "two"), (6, "one")]))
        twice = asyncio.run(ask_by_sse(server.url, [(1, "one"), (2, "one"), (3, "two")]))
    assert again == {5: "2", 6: "1"}
    assert twice == {1: "1", 2: "1", 3: "2"}
    assert origin.count == count
    assert not any(NAME in one.read_text() for one in fixtures_in(project))


def test_messages_of_a_live_stream_go_live_though_they_are_recorded(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    """The answer comes in the stream, from a server that has heard the message."""
    server = SseServer(origin, "/messages/")
    for _ in range(2):
        with recording():
            asyncio.run(ask_by_sse(server.url, [(1, "one"), (2, "two")]))
        next(path for path in fixtures_in(project) if "/sse/" in path.as_posix()).unlink()
    assert origin.count == 6
