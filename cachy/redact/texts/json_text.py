"""JSON in a text: its secrets by their fields, and every other character as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from cachy.interaction import Json
from cachy.redact.texts.json_tree import EVERY, Cleaning, Rewriting

_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_START = re.compile(r"(?m)^(?:data:)?[ \t]*(?=[{\[])")
_MOST = 64  # places at which JSON may begin: most of what has more is not JSON
_DECODER = json.JSONDecoder(strict=False)


def redact_json_in(text: str, run: Cleaning) -> tuple[str, bool]:
    """Return a text in which each JSON object or list that begins a line has no secrets.

    Return also whether all of the text is one such value, of which nothing is left to look at.
    """
    pieces, end = [], 0
    for number, start in enumerate(_START.finditer(text)):
        if number == _MOST:
            break
        if start.end() < end:
            continue
        try:
            value, stop = _DECODER.raw_decode(text, start.end())
        except (ValueError, RecursionError):
            continue
        clean = _rewritten(text[start.end() : stop], value, run)
        if clean is not None:
            if not text[: start.end()].strip() and not text[stop:].strip():
                return text[: start.end()] + clean + text[stop:], True
            pieces += [text[end : start.end()], clean]
            end = stop
    return "".join([*pieces, text[end:]]) if end else text, False


def _rewritten(text: str, value: Json, run: Cleaning) -> str | None:
    """Return the text of a value in which the strings that hold a secret are replaced.

    Return None if a field is there twice.
    """
    clean = Rewriting(EVERY, run).rewrite(value)
    literals = list(_LITERAL.finditer(text))
    before, after = [*_strings(value)], [*_strings(clean)]
    if not len(literals) == len(before) == len(after):
        return None
    pieces, end = [], 0
    for literal, old, new in zip(literals, before, after, strict=True):
        if old != new:
            pieces += [text[end : literal.start()], _spelled(new, literal[0])]
            end = literal.end()
    return "".join([*pieces, text[end:]])


def _spelled(text: str, like: str) -> str:
    """Return a string as JSON, escaped in the way of another one."""
    spelled = json.dumps(text, ensure_ascii=like.isascii())
    return spelled.replace("/", "\\/") if "\\/" in like else spelled


def _strings(value: Json) -> Iterator[str]:
    """Yield the strings of a value in the order of its text, the keys too."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            pending += reversed(item)
        elif isinstance(item, dict):
            pending += [part for pair in reversed(item.items()) for part in reversed(pair)]
