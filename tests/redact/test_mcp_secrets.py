"""Secrets in every place of MCP: arguments, headers, results, notices, streams and URLs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Scope, fixtures_in
from mcp_server import EVENTS, SESSION, message, text_result
from sample_credentials import KINDS
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, event, json_response

ACCEPT = {"accept": "application/json, text/event-stream"}


def leaks(project: Path, secret: str) -> list[str]:
    return [path.name for path in fixtures_in(project) if secret in path.read_text()]


SHAPED = {
    name: made
    for name, kind in KINDS.items()
    if not kind.variable and "\n" not in (made := kind.make(name))
}


@pytest.mark.parametrize("kind", SHAPED)
def test_a_key_in_any_place_of_a_call_stays_off_the_disk(
    kind: str, project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    secret = SHAPED[kind]

    def answer(request: SeenRequest) -> ScriptedResponse:
        said = {"progressToken": 1, "progress": 1, "message": f"with {secret}"}
        notice = message({"method": "notifications/progress", "params": said})
        result = {**text_result(f"the key is {secret}"), "structuredContent": {"key": secret}}
        return ScriptedResponse((notice, message({"id": 1, "result": result})), 200, EVENTS)

    url = origin.on("/mcp", answer)
    params = {"name": "login", "arguments": {"text": f"use {secret}", "inner": {"api_key": secret}}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {**ACCEPT, "authorization": f"Bearer {secret}", "mcp-param-key": secret}
    with recording():
        assert secret in httpx.post(url, json=call, headers=headers).text
    assert leaks(project, secret) == []
    with replaying():
        replayed = httpx.post(url, json=call, headers=headers).text
    assert "[redacted:" in replayed
    assert '"id"' in replayed


NAME = "9c1f7e5a3b2d4c6e8f0a1b2c3d4e5f60"


@pytest.mark.parametrize(
    "place",
    [f"/messages/?session_id={NAME}", f"/messages/?a=1&sessionId={NAME}", f"/messages/{NAME}"],
    ids=["query", "other query", "path"],
)
def test_the_session_that_a_stream_names_stays_off_the_disk(
    place: str, project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    """A server that repeats it in an answer does not bring it back."""

    def hear(request: SeenRequest) -> ScriptedResponse:
        return json_response({"session": NAME}, 202)

    said = message({"id": 1, "result": text_result(f"in {NAME}")})
    first = event(place, "endpoint")
    stream = ScriptedResponse((first, said), 200, EVENTS, end="open", pause=0.05)
    url = origin.on("/sse", stream)
    origin.on(place.partition("?")[0], hear)

    async def ask() -> str:
        headers = {"accept": "text/event-stream"}
        async with (
            httpx.AsyncClient(timeout=20) as http,
            http.stream("GET", url, headers=headers) as response,
        ):
            async for line in response.aiter_lines():
                if line.startswith("data: /"):
                    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
                    posted = await http.post(origin.url + line[6:], json=call)
                    assert posted.status_code == 202
                elif line.startswith("data: {"):
                    return str(json.loads(line[6:])["id"])
        return ""

    with recording():
        assert asyncio.run(ask()) == "1"
    assert leaks(project, NAME) == []
    assert len(fixtures_in(project)) == 2
    with replaying():
        assert asyncio.run(ask()) == "1"


def test_a_session_that_is_repeated_in_an_answer_stays_off_the_disk(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    def answer(request: SeenRequest) -> ScriptedResponse:
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {"who": NAME}}
        return json_response(body, 200, (SESSION, NAME))

    url = origin.on("/mcp", answer)
    with recording():
        for method in ("initialize", "tools/list"):
            call = {"jsonrpc": "2.0", "id": 1, "method": method}
            httpx.post(url, json=call, headers={**ACCEPT, SESSION: NAME})
    assert len(fixtures_in(project)) == 2
    assert leaks(project, NAME) == []
