"""Sessions of the Model Context Protocol through `cachy serve`: streams that wait for a client."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conftest import Scope
from mcp_server import McpServer
from replay.test_mcp import a_session
from scripted_server import ScriptedServer
from served import serve


@pytest.mark.parametrize("records", ["python", "serve"])
def test_a_session_replays_through_serve_with_its_server_gone(
    records: str, project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    url = McpServer().serve(origin)
    if records == "python":
        with recording():
            live = asyncio.run(a_session(url))
    else:
        with serve("record") as server:
            live = asyncio.run(a_session(server.address.served(url)))
    count = origin.count
    with serve("replay") as server:
        again = asyncio.run(a_session(server.address.served(url), first=7, version="2"))
        assert server.totals().missed == []
    assert again == live
    assert origin.count == count
    assert live["early"] == ["notifications/message"]
    assert live["sums"] == ["3", "7"]
