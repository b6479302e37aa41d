"""A client by the official MCP package, of either major version: `KIND PORT MODE`.

It uses all that a server offers, and prints what it got as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CreateMessageResult, ElicitResult, TextContent

from cachy import cachy

try:
    from mcp import Client
except ImportError:  # mcp 1
    Client = None
WITH_SESSIONS = ("legacy", "json", "sse")
WITH_CALLS_OF_THE_SERVER = ("legacy", "sse")
seen: list[str] = []


async def sampled(context: Any, params: Any) -> CreateMessageResult:
    await asyncio.sleep(0.05)
    seen.append("sampling")
    content = TextContent(type="text", text="42")
    return CreateMessageResult(role="assistant", content=content, model="m")


async def elicited(context: Any, params: Any) -> ElicitResult:
    await asyncio.sleep(0.05)
    seen.append("elicitation")
    return ElicitResult(action="accept", content={"name": "Ada"})


async def handled(message: Any) -> None:
    seen.append(type(getattr(message, "root", message)).__name__)


async def progressed(progress: float, total: float | None, message: str | None) -> None:
    seen.append(f"progress {progress}")


@asynccontextmanager
async def connected(kind: str, url: str) -> AsyncIterator[Any]:
    callbacks: dict[str, Any] = {"sampling_callback": sampled, "message_handler": handled}
    callbacks["elicitation_callback"] = elicited
    transport = sse_client(f"{url}/sse") if kind == "sse" else streamable_http_client(f"{url}/mcp")
    if Client is not None:
        mode = "legacy" if kind in WITH_SESSIONS else "auto"
        async with Client(transport, mode=mode, **callbacks) as client:
            yield client
        return
    async with transport as streams, ClientSession(*streams[:2], **callbacks) as session:
        await session.initialize()
        yield session


def structured(result: Any) -> Any:
    if hasattr(result, "structured_content"):
        return result.structured_content
    return result.structuredContent


async def use(kind: str, url: str) -> dict[str, Any]:
    async with connected(kind, url) as client:
        found: dict[str, Any] = {"tools": [one.name for one in (await client.list_tools()).tools]}
        found["add"] = structured(await client.call_tool("add", {"a": 1, "b": 2}))
        calls = [client.call_tool("add", {"a": n, "b": n}) for n in (5, 6)]
        found["both"] = [structured(one) for one in await asyncio.gather(*calls)]
        counted = client.call_tool("count", {"steps": 2}, progress_callback=progressed)
        found["count"] = structured(await counted)
        if kind in WITH_CALLS_OF_THE_SERVER:
            found["ask"] = structured(await client.call_tool("ask", {"question": "?"}))
            found["book"] = structured(await client.call_tool("book", {"day": "Monday"}))
            found["touch"] = structured(await client.call_tool("touch", {}))
        found["note"] = (await client.read_resource("note://today")).contents[0].text
        greeting = await client.get_prompt("greet", {"name": "Ada"})
        found["prompt"] = greeting.messages[0].content.text
        await asyncio.sleep(0.2)
    return {**found, "seen": sorted(seen)}


def main(kind: str, port: str, mode: str) -> None:
    url = f"http://127.0.0.1:{port}"
    with cachy(doms=["127.0.0.1"], mode=mode, repeats="sequence"):
        print(json.dumps(asyncio.run(use(kind, url))))


if __name__ == "__main__":
    main(*sys.argv[1:])
