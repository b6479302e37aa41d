"""What a message of MCP says, for people: its method and tool, what is given, what came back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cachy.interaction import Json
from cachy.providers.mcp import is_answer, surface_words, tools_of

_META = "_meta"
_PLACES = ("contents", "content", "messages")  # of what an answer contains


def call_of(message: Mapping[str, Json]) -> tuple[str, Json]:
    """Return what a message asks for, and what it gives; None for nothing."""
    params = message.get("params")
    if not isinstance(params, dict):
        return surface_words(message), None
    given = {key: value for key, value in params.items() if key != _META}
    words = surface_words(message)
    if " " in words:  # a tool, whose name stands there
        return words, given.get("arguments", {})
    return words, given or None


def answer_of(message: Mapping[str, Json]) -> Iterator[Json]:
    """Yield what an answer contains: texts as they are, a line for each tool, else its result."""
    if not is_answer(message):
        return
    if error := message.get("error"):
        shown = error.get("message") if isinstance(error, dict) else None
        yield f"error: {shown}" if isinstance(shown, str) else error
        return
    result = message["result"]
    tools = tools_of(message)
    if tools is not None:
        yield from map(_signature, tools)
    elif isinstance(result, dict) and (found := [*_contents(result)]):
        yield from found
    else:
        yield result


def _contents(result: Mapping[str, Json]) -> Iterator[Json]:
    prefix = "error: " if result.get("isError") else ""
    found = next((result[name] for name in _PLACES if name in result), ()) or ()
    for part in [found] if isinstance(found, dict) else found:
        inner = part.get("content", part) if isinstance(part, dict) else part
        text = inner.get("text") if isinstance(inner, dict) else inner
        role = f"[{part['role']}] " if isinstance(part, dict) and "role" in part else ""
        yield f"{prefix}{role}{text}" if isinstance(text, str) else inner


def _signature(tool: Mapping[str, Json]) -> str:
    """Return a tool as a function: `add(a: integer, b?: integer)`, and what it is for."""
    schema = tool.get("inputSchema")
    fields = schema.get("properties") if isinstance(schema, dict) else None
    needed = schema.get("required") if isinstance(schema, dict) else None
    needed = needed if isinstance(needed, list) else []
    shown = [
        f"{name}{'' if name in needed else '?'}: {_type(given)}"
        for name, given in (fields.items() if isinstance(fields, dict) else ())
    ]
    about = str(tool.get("description") or "").strip().partition("\n")[0]
    return f"{tool['name']}({', '.join(shown)})" + (f"  {about}" if about else "")


def _type(schema: Json) -> str:
    named = schema.get("type") if isinstance(schema, dict) else None
    return named if isinstance(named, str) else "any"
