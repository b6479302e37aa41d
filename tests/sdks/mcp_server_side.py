"""An MCP server by the official package, of either major version: `KIND PORT`."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

try:
    from mcp.server.mcpserver import Context, MCPServer
except ModuleNotFoundError:  # mcp 1
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer
from mcp.types import SamplingMessage, TextContent
from pydantic import BaseModel

server = MCPServer("demo")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def count(steps: int, ctx: Context) -> str:
    """Count up, and report each step."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps)
    await ctx.info("counted")
    return "done"


@server.tool()
async def ask(question: str, ctx: Context) -> str:
    """Ask the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
    number = ctx.request_id
    answer: Any = await ctx.session.create_message(
        messages=[message], max_tokens=10, related_request_id=number
    )
    return str(answer.content.text)


@server.tool()
async def touch(ctx: Context) -> str:
    """Change something, and notify the client on the standing stream."""
    await ctx.session.send_resource_updated("note://today")
    await ctx.session.send_tool_list_changed()
    return "touched"


class Booking(BaseModel):
    name: str


@server.tool()
async def book(day: str, ctx: Context) -> str:
    """Ask the user."""
    answer: Any = await ctx.elicit(message=f"Who comes on {day}?", schema=Booking)
    return f"{answer.action}: {answer.data.name}"


@server.resource("note://today")
def note() -> str:
    return "buy milk"


@server.prompt()
def greet(name: str) -> str:
    return f"Greet {name}."


def make_app(kind: str) -> Any:
    if kind == "sse":
        return server.sse_app()
    if hasattr(server.settings, "json_response"):  # mcp 1
        server.settings.json_response = kind == "json"
        return server.streamable_http_app()
    return server.streamable_http_app(json_response=kind == "json")


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[1]), port=int(sys.argv[2]), log_level="error")
