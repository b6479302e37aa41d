"""How like two requests are, and what differs between them, for people to read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from cachy.fixtures.format import parse_body
from cachy.interaction import Json

_SHOWN = 60  # characters of a value
_LINES = 8
_TURNS = ("messages", "input", "contents")


def comparable(part: Mapping[str, Json]) -> Json:
    """Give a document's request as one value: its body's fields beside all else that counts."""
    content = parse_body(part).content
    fields = content if isinstance(content, dict) else {"body": _as_json(content)}
    found = part.get("headers")
    headers = found.items() if isinstance(found, dict) else ()
    return {
        "(method)": str(part.get("method")),
        "(url)": str(part.get("url")),
        **{f"(header) {name}": value for name, value in headers},
        **fields,
    }


def _as_json(content: Json) -> Json:
    if isinstance(content, (bytes, bytearray)):
        return f"{len(content)} bytes"
    if isinstance(content, (tuple, list)):
        return [_as_json(item) for item in content]
    if isinstance(content, dict):
        return {key: _as_json(item) for key, item in content.items()}
    return content


def likeness(old: Json, new: Json) -> float:
    """Give the share of values that two bodies have in common, 0 to 1."""
    ours, theirs = set(_leaves(old)), set(_leaves(new))
    return len(ours & theirs) / max(len(ours | theirs), 1)


def _leaves(value: Json, path: str = "") -> Iterator[tuple[str, str]]:
    pending = [(path, value)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending.extend((f"{path}.{key}", item) for key, item in value.items())
        elif isinstance(value, list):
            pending.extend((f"{path}[{number}]", item) for number, item in enumerate(value))
        else:
            yield path, json.dumps(value)


def describe_differences(old: Json, new: Json) -> list[str]:
    """Say what changed from one body to the other, one line each, the first few only."""
    lines = list(_differences(old, new, ""))
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"and {len(lines) - _LINES} more differences"]
    return lines + _equal_turns(old, new)


def _differences(old: Json, new: Json, path: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            at = f"{path}.{key}" if path else key
            yield from _entry(old, new, key, at)
    elif isinstance(old, list) and isinstance(new, list):
        for number in range(min(len(old), len(new))):
            yield from _differences(old[number], new[number], f"{path}[{number}]")
        if len(old) != len(new):
            yield f"{path or 'body'} has {len(new)} items, recorded with {len(old)}"
    elif json.dumps(old) != json.dumps(new):
        yield f"{path or 'body'} changed: {_short(old)} -> {_short(new)}"


def _entry(old: dict[str, Json], new: dict[str, Json], key: str, at: str) -> Iterator[str]:
    if key not in new:
        yield f"{at} is gone (was {_short(old[key])})"
    elif key not in old:
        yield f"{at} is new: {_short(new[key])}"
    else:
        yield from _differences(old[key], new[key], at)


def _equal_turns(old: Json, new: Json) -> list[str]:
    for key in _TURNS:
        if not (isinstance(old, dict) and isinstance(new, dict)):
            break
        ours, theirs = old.get(key), new.get(key)
        if isinstance(ours, list) and isinstance(theirs, list):
            pairs = enumerate(zip(ours, theirs, strict=False))
            equal = next(
                (at for at, (one, two) in pairs if one != two), min(len(ours), len(theirs))
            )
            return [f"{key}[0] to [{equal - 1}] match"] if equal > 1 else []
    return []


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
