"""What replay saved: the time and the tokens that the recordings took, once for each replay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import floor, log10
from pathlib import Path

from cachy.display import plural
from cachy.errors import CachyError
from cachy.fixture.format.text import parse_fixture
from cachy.fixture.store.files import read_text
from cachy.fixture.transcript.usage import tokens_of
from cachy.providers.message_fields import INPUT_TOKENS, OUTPUT_TOKENS

_MILLISECONDS = re.compile(r'"ms": (\d+)')
_HEAD = 2000  # characters, in which a fixture says how it was recorded
_USAGE = re.compile("|".join(f'"{name}"' for name in (*INPUT_TOKENS, *OUTPUT_TOKENS)))


def describe_savings(replays: Mapping[str, int]) -> list[str]:
    """Return "saved 42 s and about 61,000 tokens" as a list; empty where that is next to nothing.

    `replays` says how often each fixture was replayed, by its path.
    """
    milliseconds = tokens = 0
    for path, count in replays.items():
        took, cost = _recorded(path)
        milliseconds, tokens = milliseconds + count * took, tokens + count * cost
    shown = []
    if milliseconds >= (50 if tokens else 1000):
        shown.append(_duration(milliseconds))
    if tokens:
        shown.append(f"about {_rounded(tokens):,} {plural(tokens, 'token')}")
    return [f"saved {' and '.join(shown)}"] if shown else []


def _recorded(path: str) -> tuple[int, int]:
    """Return the milliseconds and the tokens that a recording took; zeros where it is gone."""
    try:
        text = read_text(Path(path))
        took = _MILLISECONDS.search(text[:_HEAD].partition('"request"')[0])
        has_usage = _USAGE.search(text) is not None
        cost = sum(tokens_of(parse_fixture(text)["response"])) if has_usage else 0
    except CachyError:
        return 0, 0
    return int(took[1]) if took else 0, cost


def _duration(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _rounded(number: int) -> int:
    """Return a number by its first two digits, as "about" says; a small one as it is."""
    return number if number < 1000 else round(number, 1 - floor(log10(number)))
