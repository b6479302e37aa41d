"""A client by openai-agents, which uses the official MCP package: `KIND PORT MODE`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from agents.mcp import MCPServerSse, MCPServerStreamableHttp

from cachy import cachy


async def use(kind: str, url: str) -> dict[str, Any]:
    named = (MCPServerSse, "sse") if kind == "sse" else (MCPServerStreamableHttp, "mcp")
    async with named[0](params={"url": f"{url}/{named[1]}"}) as server:
        tools = [tool.name for tool in await server.list_tools()]
        calls = [server.call_tool("add", {"a": number, "b": number}) for number in (5, 6)]
        sums = [result.content[0].text for result in await asyncio.gather(*calls)]
    return {"tools": tools, "sums": sums}


if __name__ == "__main__":
    kind, port, mode = sys.argv[1:]
    with cachy(doms=["127.0.0.1"], mode=mode, repeats="sequence"):
        print(json.dumps(asyncio.run(use(kind, f"http://127.0.0.1:{port}"))))
