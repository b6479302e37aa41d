"""An MCP server on loopback, in the words of the protocol: with sessions, streams and sampling.

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from scripted_server import (
    End,
    ScriptedResponse,
    ScriptedServer,
    SeenRequest,
    event,
    json_response,
)

VERSION = "2025-11-25"
SESSION = "mcp-session-id"
ENDS: dict[str, End] = {"reset": "reset", "cut": "cut", "end": "whole"}
EVENTS = (("Content-Type", "text/event-stream"),)
ADD = {
    "name": "add",
    "description": "Add two numbers.",
    "inputSchema": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a"],
    },
}


@dataclass
class McpServer:
    """What the server knows: its sessions, its tools, what its client has said.

    Attributes:
        said: set when a client has answered a call of the server.
        news: sent on the standing stream, after the calls of tools that came before.
    """

    sessions: list[str] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=lambda: [ADD])
    calls: list[str] = field(default_factory=list)
    said: threading.Event = field(default_factory=threading.Event)
    called: threading.Event = field(default_factory=threading.Event)
    answer: str = ""

    def serve(self, server: ScriptedServer) -> str:
        """Answer below `/mcp`; return its URL."""
        return server.on("/mcp", self._respond)

    def _respond(self, request: SeenRequest) -> ScriptedResponse:
        if request.method == "POST" and request.json.get("method") == "initialize":
            return self._initialize(request.json)
        if request.headers.get(SESSION) not in self.sessions:
            return json_response({"jsonrpc": "2.0", "id": None, "error": {"code": -32600}}, 404)
        if request.method == "GET":
            first = message({"method": "notifications/message", "params": {"data": "hello"}})
            news = message({"method": "notifications/tools/list_changed"})
            return ScriptedResponse((first, news), 200, EVENTS, end="open", gate=self.called)
        if request.method == "DELETE":
            self.sessions.remove(request.headers[SESSION])
            return ScriptedResponse(b"", 200, ())
        return self._hear(request.json)

    def _initialize(self, call: dict[str, Any]) -> ScriptedResponse:
        self.sessions.append(uuid4().hex)
        result = {
            "protocolVersion": VERSION,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "sums", "version": "1"},
        }
        named = (*EVENTS, (SESSION, self.sessions[-1]))
        return ScriptedResponse((message({"id": call["id"], "result": result}),), 200, named)

    def _hear(self, said: dict[str, Any]) -> ScriptedResponse:
        if "id" not in said or "method" not in said:
            if "id" in said:
                self.answer = said["result"]["content"]["text"]
                self.said.set()
            return ScriptedResponse(b"", 202, ())
        self.calls.append(said["method"])
        if said["method"] == "tools/list":
            return json_response(
                {"jsonrpc": "2.0", "id": said["id"], "result": {"tools": self.tools}}
            )
        return self._call(said)

    def _call(self, call: dict[str, Any]) -> ScriptedResponse:
        name, given = call["params"]["name"], call["params"]["arguments"]
        token = call["params"].get("_meta", {}).get("progressToken")
        if name in ENDS:
            return ScriptedResponse((b"event: message\ndata: {",), 200, EVENTS, end=ENDS[name])
        if name == "fail":
            return json_response({"error": "no"}, 500)
        if name == "ask":
            asked = message({"id": 0, "method": "sampling/createMessage", "params": given})
            answer = message({"id": call["id"], "result": text_result("heard")})
            return ScriptedResponse((asked, answer), 200, EVENTS, gate=self.said)
        notice = {
            "method": "notifications/progress",
            "params": {"progressToken": token, "progress": 1},
        }
        total = message({"id": call["id"], "result": text_result(str(given["a"] + given["b"]))})
        self.called.set()
        return ScriptedResponse((message(notice), total), 200, EVENTS)


def text_result(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": False}


def message(said: dict[str, Any]) -> bytes:
    """Return one event with a message."""
    return event(json.dumps({"jsonrpc": "2.0", **said}), "message")
