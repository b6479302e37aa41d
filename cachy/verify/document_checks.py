"""What a fixture's own document shows: whether it keeps to the format, whether its stream ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from cachy.fixture.format.fast_schema import is_whole
from cachy.interaction import Json
from cachy.providers import find_operation

_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
_KINDS |= {int: "a number", float: "a number", type(None): "null"}
_NAMES = {"object": "an object", "array": "a list", "string": "a string", "integer": "a number"}
_NAMES |= {"boolean": "true or false"}


def find_fault(document: Mapping[str, Json]) -> str:
    """Return where a document breaks the format's schema, and what was expected; else nothing."""
    if is_whole(document):
        return ""
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(document))
    return f"at {error.json_path}: {_expected(error)}" if error else ""


def _expected(error: Any) -> str:
    """Return what the schema wants, without the value itself, which may be long or secret."""
    wanted = error.validator_value
    if error.validator == "type":
        kind = _KINDS.get(type(error.instance), "something else")
        return f"expected {_NAMES.get(wanted, wanted)}, found {kind}"
    if error.validator == "anyOf":
        kinds = (one.validator_value for one in error.context if one.validator == "type")
        return f"expected {' or '.join(dict.fromkeys(_NAMES.get(kind, kind) for kind in kinds))}"
    if error.validator == "required":
        return f"lacks {', '.join(repr(name) for name in wanted if name not in error.instance)}"
    if error.validator in ("unevaluatedProperties", "additionalProperties"):
        return str(error.message)[:200]
    if error.validator in _EXPECTED:
        return f"expected {_EXPECTED[error.validator](wanted)}"
    return "has more than one body"


_EXPECTED: dict[str, Callable[[Any], str]] = {
    "const": json.dumps,
    "enum": lambda wanted: f"one of {', '.join(map(json.dumps, wanted))}",
    "pattern": lambda wanted: f"text of the form {wanted}",
    "minimum": lambda wanted: f"at least {wanted}",
    "maximum": lambda wanted: f"at most {wanted}",
    "minItems": lambda wanted: f"at least {wanted} items",
    "maxItems": lambda wanted: f"at most {wanted} items",
}


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # a heavy import, for a broken document only

    schema = files("cachy.fixture.format").joinpath("fixture.schema.json")
    return Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))


def find_in_response(document: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Return what a recorded response lacks: a rule, and the detail."""
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
