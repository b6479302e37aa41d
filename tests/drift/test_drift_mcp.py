"""Drift of an MCP server: a session of its own, calls that only read, and no call of a tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from drift_project import check_here, told
from mcp_server import SESSION, VERSION, McpServer
from scripted_server import ScriptedServer, json_response

from cachy import cachy
from cachy.config import load_config
from cachy.drift.live.mcp_session import McpSessions
from cachy.fixture.store.files import list_fixtures
from cachy.interaction import Request, Response
from cachy.verify import write_contracts

ACCEPT = {"accept": "application/json, text/event-stream"}
WITHOUT_B = {
    **{"name": "add", "description": "Add one number."},
    "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
}


def write_settings(project: Path, server: ScriptedServer, more: str = "") -> None:
    (project / "pyproject.toml").write_text(
        '[tool.cachy]\ndoms = ["127.0.0.1"]\n[tool.cachy.drift]\n'
        f'hosts = {{ "{server.host}" = "" }}\n{more}'
    )


def record(project: Path, url: str) -> None:
    """Record a session in which the tools are listed and one is called."""
    info = {"name": "test", "version": "1"}
    opening = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": info}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("tools/list", {}),
        ("tools/call", {"name": "add", "arguments": {"a": 1, "b": 2}}),
    ]
    recording = cachy(project / "cachy_fixtures", doms=["127.0.0.1"], mode="record")
    with recording, httpx.Client(headers=ACCEPT) as client:
        opened = client.post(url, json=message("initialize", opening))
        headers = {SESSION: opened.headers[SESSION], "mcp-protocol-version": VERSION}
        notice = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        client.post(url, json=notice, headers=headers)
        for method, params in calls:
            client.post(url, json=message(method, params), headers=headers)
        client.delete(url, headers=headers)


def message(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def test_a_tool_that_lost_a_parameter_is_drift(project: Path, origin: ScriptedServer) -> None:
    server = McpServer()
    record(project, server.serve(origin))
    write_settings(project, origin)
    server.calls.clear()
    assert told(check_here(project).report) == []
    assert server.calls == ["tools/list"]
    assert server.sessions == []
    server.tools = [WITHOUT_B]
    report = check_here(project).report
    place = "$.result.tools[kind=add].inputSchema.b"
    assert told(report) == [("breaking", "parameter-removed", place)]
    drifted = [row["surface"] for row in report["surfaces"] if row["outcome"] == "drift"]
    assert drifted == [f"POST {origin.host}/mcp tools/list"]
    assert "tools/call" not in server.calls


def test_the_fixture_of_a_list_of_tools_takes_the_new_one(
    project: Path, origin: ScriptedServer
) -> None:
    server = McpServer()
    record(project, server.serve(origin))
    write_settings(project, origin)
    config = load_config(project)
    assert (
        "/".join(write_contracts(config, list_fixtures(config.fixtures))).count("tools-list") == 1
    )
    server.tools = [WITHOUT_B]
    files = check_here(project).files
    texts = [text for name, text in files.items() if "/tools-list-" in name]
    assert len(texts) == 1
    assert "Add one number." in str(texts[0])
    assert '"b"' not in str(texts[0])
    contracts = [text for name, text in files.items() if "_contract.POST.tools-list" in name]
    assert len(contracts) == 1
    assert "[kind=add].inputSchema.a" in str(contracts[0])
    assert "[kind=add].inputSchema.b" not in str(contracts[0])


def test_what_is_only_a_part_of_a_session_has_no_contract_and_is_not_sent(
    project: Path, origin: ScriptedServer
) -> None:
    record(project, McpServer().serve(origin))
    write_settings(project, origin)
    config = load_config(project)
    written = write_contracts(config, list_fixtures(config.fixtures))
    assert len(written) == 3  # initialize, tools/list, tools/call
    skipped = {row["surface"]: row["reason"] for row in check_here(project).report["skipped"]}
    assert skipped[f"DELETE {origin.host}/mcp"] == "session"
    assert skipped[f"POST {origin.host}/mcp notifications/initialized"] == "session"


def test_a_tool_is_called_only_where_the_settings_allow_it(
    project: Path, origin: ScriptedServer
) -> None:
    server = McpServer()
    record(project, server.serve(origin))
    write_settings(project, origin)
    skipped = {row["surface"]: row for row in check_here(project).report["skipped"]}
    surface = f"POST {origin.host}/mcp tools/call add"
    assert skipped[f"{surface} (stream)"]["reason"] == "not-allowed"
    assert "may change something" in skipped[f"{surface} (stream)"]["detail"]
    write_settings(project, origin, f'allow = ["{surface}"]\n')
    server.calls.clear()
    report = check_here(project).report
    assert told(report) == []
    assert sorted(server.calls) == ["tools/call", "tools/list"]


@pytest.mark.parametrize("status", [500, 404])
def test_a_server_that_opens_no_session_is_inconclusive(
    status: int, project: Path, origin: ScriptedServer
) -> None:
    url = McpServer().serve(origin)
    record(project, url)
    write_settings(project, origin)
    origin.on("/mcp", json_response({}, status))
    report = check_here(project).report
    assert told(report) == []
    assert {row["reason"] for row in report["inconclusive"]} <= {"provider", "auth"}
    assert report["summary"]["clean"] == 0


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("tools/list", {}, None),
        ("tools/call", {"name": "add"}, "add"),
        ("resources/read", {"uri": "note://a"}, "note://a"),
        ("tools/call", {"name": "größe"}, "=?base64?Z3LDtsOfZQ==?="),
    ],
)
def test_a_call_of_a_server_without_sessions_bears_what_its_body_says(
    method: str, params: dict[str, Any], name: str | None
) -> None:
    def ask(request: Request) -> Response:
        raise AssertionError("no session is needed")

    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    body = json.dumps(message(method, {**params, "_meta": meta})).encode()
    asked = Request("POST", "https://tools.example.com/mcp", (), body)
    sent = McpSessions(ask).put_into(asked)
    assert isinstance(sent, Request)
    named = {"mcp-name": name} if name else {}
    assert dict(sent.headers) == {
        **{"mcp-protocol-version": "2026-07-28", "mcp-method": method},
        **named,
    }
