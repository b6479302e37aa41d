"""Drift of an MCP server: a session of its own, calls that only read, and no call of a tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from drift_project import check_here, told
from mcp_server import SESSION, VERSION, McpServer
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, json_response

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


REPEATING = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry"},
        "page": {"type": "object", "properties": {"size": {"x-mcp-header": "Size"}}},
        "bad": {"type": "string", "x-mcp-header": "not a name"},
    },
}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
IN_BASE64 = "=?base64?Z3LDtsOfZQ==?="


@pytest.mark.parametrize(
    ("method", "params", "more"),
    [
        ("tools/list", {}, {}),
        ("tools/call", {"name": "add"}, {"mcp-name": "add"}),
        ("resources/read", {"uri": "note://a"}, {"mcp-name": "note://a"}),
        ("prompts/get", {"name": "greet"}, {"mcp-name": "greet"}),
        ("tools/call", {"name": "größe"}, {"mcp-name": IN_BASE64}),
        ("tools/call", {"name": "=?base64?x?="}, {"mcp-name": "=?base64?PT9iYXNlNjQ/eD89?="}),
        (
            "tools/call",
            {
                "name": "pick",
                "arguments": {"region": "größe", "dry": True, "page": {"size": 2}, "bad": "x"},
            },
            {
                **{"mcp-name": "pick", "mcp-param-region": IN_BASE64},
                **{"mcp-param-dry": "true", "mcp-param-size": "2"},
            },
        ),
        ("tools/call", {"name": "pick", "arguments": {"region": None}}, {"mcp-name": "pick"}),
    ],
)
@pytest.mark.parametrize("form", ["json", "event-stream"])
def test_a_call_of_a_server_without_sessions_bears_what_its_body_says(
    form: str, method: str, params: dict[str, Any], more: dict[str, str]
) -> None:
    def ask(request: Request) -> Response:
        assert json.loads(request.body)["method"] == "tools/list"
        assert dict(request.headers)["mcp-method"] == "tools/list"
        tools = [{"name": "pick", "inputSchema": REPEATING}, {"name": "add"}]
        said = json.dumps({"jsonrpc": "2.0", "id": 0, "result": {"tools": tools}})
        media = {"json": "application/json", "event-stream": "text/event-stream"}[form]
        raw = said if form == "json" else f"event: message\ndata: {said}\n\n"
        return Response(200, (("content-type", media),), raw.encode())

    body = json.dumps(message(method, {**params, "_meta": META})).encode()
    asked = Request("POST", "https://tools.example.com/mcp", (), body)
    sent = McpSessions(ask).put_into(asked)
    assert isinstance(sent, Request)
    version = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    assert dict(sent.headers) == {**version, **more}


def test_a_server_that_checks_the_repeated_headers_is_clean(
    project: Path, origin: ScriptedServer
) -> None:
    wanted = {"mcp-method": "tools/call", "mcp-name": "pick", "mcp-param-region": "eu"}
    record_call(project, origin, wanted)
    report = check_here(project).report
    assert (told(report), report["inconclusive"]) == ([], [])
    assert report["summary"]["clean"] == 1


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32020, "message": "header mismatch"},
        {"code": -32600, "message": "Mcp-Param-Zone header is missing"},
    ],
)
def test_a_server_that_misses_a_repeated_header_is_inconclusive(
    error: dict[str, Any], project: Path, origin: ScriptedServer
) -> None:
    record_call(project, origin, {"mcp-param-zone": "a"}, error)
    report = check_here(project).report
    assert told(report) == []
    assert [row["reason"] for row in report["inconclusive"]] == ["headers"]


def record_call(
    project: Path,
    origin: ScriptedServer,
    wanted: dict[str, str],
    error: dict[str, Any] | None = None,
) -> None:
    """Record a call of a tool at a server that refuses it without the wanted headers."""

    def respond(request: SeenRequest) -> ScriptedResponse:
        said = {"jsonrpc": "2.0", "id": request.json["id"]}
        if request.json["method"] == "tools/list":
            tools = [{"name": "pick", "inputSchema": REPEATING}]
            return json_response({**said, "result": {"tools": tools}})
        if wanted.items() <= {name.lower(): v for name, v in request.headers.items()}.items():
            return json_response({**said, "result": {"content": []}})
        return json_response({**said, "error": error or {"code": -32020}}, 400)

    url = origin.on("/mcp", respond)
    surface = f"POST {origin.host}/mcp tools/call pick"
    write_settings(project, origin, f'allow = ["{surface}"]\n')
    params = {"name": "pick", "arguments": {"region": "eu"}, "_meta": META}
    headers = {**ACCEPT, "mcp-protocol-version": "2026-07-28", **wanted}
    with cachy(project / "cachy_fixtures", doms=["127.0.0.1"], mode="record"):
        answer = httpx.post(url, json=message("tools/call", params), headers=headers)
        assert answer.status_code == 200
