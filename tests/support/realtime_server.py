"""What OpenAI's Realtime and Gemini Live say over a WebSocket, in the providers' own words.

https://platform.openai.com/docs/api-reference/realtime-server-events, https://ai.google.dev/api/live
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

from websocket_server import Message

_numbers = itertools.count(1)
PCM = bytes(range(256)) * 20  # 16-bit samples, more than stand in a fixture
WORDS = ("It ", "is ", "sunny.")


def _id(kind: str) -> str:
    return f"{kind}_C9f2kQ{next(_numbers):08d}Lz"


def _event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "event_id": _id("event"), **fields})


def realtime_session(**changed: Any) -> dict[str, Any]:
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": _id("sess"),
        "model": "gpt-realtime",
        "output_modalities": ["audio"],
        "instructions": "Be brief.",
        "tools": [],
        "tool_choice": "auto",
        "expires_at": 1764537300,
        **changed,
    }


class Realtime:
    """One connection of OpenAI's Realtime; `beta` speaks its former names."""

    def __init__(self, *, beta: bool = False) -> None:
        self.text = "response.text" if beta else "response.output_text"
        self.audio = "response.audio" if beta else "response.output_audio"
        self.item = "conversation.item.created" if beta else "conversation.item.added"
        self.asked = ""
        self.modality = "audio"

    def answer(self, connection: Any, message: Message) -> None:
        for event in self._events(json.loads(message)):
            connection.send(event)
        if json.loads(message).get("type") == "session.update" and "expire" in str(message):
            connection.close(1001, "Your session hit the maximum duration of 60 minutes.")

    def _events(self, asked: dict[str, Any]) -> Iterator[str]:
        match asked["type"]:
            case "session.update":
                changed = asked["session"]
                modalities = changed.get("output_modalities") or changed.get("modalities")
                self.modality = (modalities or ["audio"])[0]
                yield _event("session.updated", session=realtime_session(**changed))
            case "conversation.item.create":
                self.asked = json.dumps(asked["item"])
                item = {"id": _id("item"), "object": "realtime.item", "status": "completed"}
                yield _event(self.item, previous_item_id=None, item={**item, **asked["item"]})
            case "input_audio_buffer.append" if "AAAA" not in asked["audio"][:8]:
                yield _event("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item")
            case "input_audio_buffer.commit":
                yield _event("input_audio_buffer.committed", previous_item_id=None, item_id="item")
            case "response.cancel":
                yield _event("response.done", response=self._response("cancelled", []))
            case "conversation.item.truncate":
                rest = {name: asked[name] for name in ("item_id", "content_index", "audio_end_ms")}
                yield _event("conversation.item.truncated", **rest)
            case "response.create":
                yield from self._answer()
            case kind:
                error: dict[str, Any] = {
                    "type": "invalid_request_error",
                    "code": "invalid_value",
                    "param": "type",
                }
                error |= {"message": f"Invalid value: '{kind}'.", "event_id": asked.get("event_id")}
                yield _event("error", error=error)

    def _response(self, status: str, output: list[Any]) -> dict[str, Any]:
        usage = {"total_tokens": 30, "input_tokens": 20, "output_tokens": 10}
        return {
            "object": "realtime.response",
            "id": _id("resp"),
            "status": status,
            "output": output,
            "usage": usage if status == "completed" else None,
        }

    def _answer(self) -> Iterator[str]:
        yield _event("response.created", response=self._response("in_progress", []))
        at = {"response_id": _id("resp"), "item_id": _id("item"), "output_index": 0}
        if "weather" in self.asked and "function_call_output" not in self.asked:
            call = {"call_id": _id("call"), "name": "weather", "arguments": '{"city":"Paris"}'}
            for part in ('{"city":', '"Paris"}'):
                yield _event(
                    "response.function_call_arguments.delta",
                    **at,
                    call_id=call["call_id"],
                    delta=part,
                )
            yield _event("response.function_call_arguments.done", **at, **call)
            output = [{"id": at["item_id"], "type": "function_call", **call}]
            yield _event("response.done", response=self._response("completed", output))
            return
        at["content_index"] = 0
        if self.modality == "text":
            for word in WORDS:
                yield _event(f"{self.text}.delta", **at, delta=word)
            yield _event(f"{self.text}.done", **at, text="".join(WORDS))
        else:
            for half in (PCM[:2560], PCM[2560:]):
                delta = base64.b64encode(half * 2).decode("ascii")
                yield _event(f"{self.audio}.delta", **at, delta=delta)
            yield _event(f"{self.audio}_transcript.done", **at, transcript="".join(WORDS))
            yield _event(f"{self.audio}.done", **at)
        yield _event("response.done", response=self._response("completed", []))
        limits = [{"name": "tokens", "limit": 40000, "remaining": 39970, "reset_seconds": 0.1}]
        yield _event("rate_limits.updated", rate_limits=limits)


def realtime_script(*, beta: bool = False) -> dict[str, Any]:
    """Return the script of a server for one connection at a time."""
    current = [Realtime(beta=beta)]

    def answer(connection: Any, message: Message) -> None:
        if json.loads(message)["type"] == "session.update":
            current[0] = Realtime(beta=beta)
        current[0].answer(connection, message)

    return {"greeting": (_event("session.created", session=realtime_session()),), "answer": answer}


def _spread(value: Any) -> bytes:
    """Return JSON as Gemini's servers write it, in a binary message."""
    return (json.dumps(value, indent=2) + "\n").encode()


def gemini_answer(connection: Any, message: Message) -> None:
    """Answer one message of Gemini Live."""
    for said in _gemini(json.loads(message)):
        connection.send(_spread(said))
    if "goodbye" in str(message):
        connection.close(1011, "Internal error encountered.")


def _gemini(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = asked.get("clientContent") or asked.get("client_content")
    realtime = asked.get("realtimeInput") or asked.get("realtime_input")
    if "setup" in asked:
        yield {"setupComplete": {}}
    elif realtime is not None and "audio" in realtime:
        yield {"serverContent": {"interrupted": True}}
        data = base64.b64encode(PCM * 2).decode()
        part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}
        yield {"serverContent": {"modelTurn": {"parts": [part]}}}
        yield {"serverContent": {"turnComplete": True}}
    elif content is not None and "weather" in str(content):
        call = {"id": "function-call-14336847574026984983", "name": "weather"}
        yield {"toolCall": {"functionCalls": [{**call, "args": {"city": "Paris"}}]}}
    else:
        for word in WORDS:
            yield {"serverContent": {"modelTurn": {"parts": [{"text": word}]}}}
        yield {"serverContent": {"generationComplete": True}}
        usage = {"promptTokenCount": 20, "responseTokenCount": 10, "totalTokenCount": 30}
        yield {"serverContent": {"turnComplete": True}, "usageMetadata": usage}
