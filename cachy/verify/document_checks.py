"""What a fixture's own document tells: whether it keeps to the format, whether its stream ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from cachy.fixture.format.fast_schema import is_whole
from cachy.interaction import Json
from cachy.providers import find_operation


def find_fault(document: Mapping[str, Json]) -> str:
    """Say where a document breaks the format's schema; empty where it does not."""
    if is_whole(document):
        return ""
    error = next(iter(_validator().iter_errors(document)), None)
    return f"at {error.json_path}: {_brief(error)}" if error else ""


def _brief(error: Any) -> str:
    """Say what is wrong without the value, which may be long or secret."""
    match error.validator:
        case "required" | "unevaluatedProperties" | "additionalProperties":
            return str(error.message)[:200]
        case _:
            return f"breaks {error.validator!r}"


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # a heavy import, for this command only

    schema = files("cachy.fixture.format").joinpath("fixture.schema.json")
    return Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))


def find_in_answer(document: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Find what a recorded answer lacks: a rule, and the detail."""
    response = document["response"]
    if response.get("truncated"):
        yield "truncated", "the stream was cut while recording"
    elif "sse" in response:
        yield from _find_in_stream(document)


def _find_in_stream(document: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    events = document["response"]["sse"]
    if not events:
        yield "empty-stream", "no event was recorded"
        return
    request = document["request"]
    found = find_operation(str(request["method"]).upper(), str(request["url"]).partition("?")[0])
    wanted = found[1].stream_ends if found else ()
    last: Mapping[str, Json] = next(
        (event for event in reversed(events) if "data" in event or "event" in event), {}
    )
    is_ended = _event_name(last) in wanted
    if wanted and document["response"]["status"] == 200 and not is_ended:
        yield "no-terminator", f"the last event is not {wanted[0]}"


def _event_name(event: Mapping[str, Json]) -> str:
    data = event.get("data")
    named = data.get("type") if isinstance(data, dict) else data
    return str(event.get("event") or named)
