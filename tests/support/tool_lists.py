"""Lists of the tools of MCP servers, as answers in the fixture format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cachy.interaction import Json

NUMBER = {"type": "number"}
TEXT = {"type": "string"}


def tool(
    name: str, required: Sequence[str] = (), description: str = "It adds.", **properties: Json
) -> dict[str, Json]:
    schema = {"type": "object", "properties": properties, "required": [*required]}
    return {"name": name, "description": description, "inputSchema": schema}


ADD = tool("add", ["a"], a=NUMBER, b=NUMBER)


def tool_list(*tools: Mapping[str, Json], is_streamed: bool = False) -> dict[str, Any]:
    """Return a document whose response lists some tools."""
    message = {"jsonrpc": "2.0", "id": 2, "result": {"tools": [*tools]}}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    kind = "text/event-stream" if is_streamed else "application/json"
    body = {"sse": [{"event": "message", "data": message}]} if is_streamed else {"json": message}
    return {
        "cachy": 1,
        "request": {"method": "POST", "url": "https://tools.example.com/mcp", "json": call},
        "response": {"status": 200, "headers": {"content-type": kind}, **body},
    }
