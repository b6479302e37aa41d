"""Text from a report, made harmless: it may contain anything that an API sent."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 200


def plain(text: str, longest: int = LONGEST) -> str:
    """Return one line of `longest` characters, none of control, invisible or changing direction."""
    ellipsis = "…" if len(text) > longest else ""
    return "".join(map(_visible, text[:longest])) + ellipsis


def code(text: str) -> str:
    """Return Markdown inline code that `text` cannot close: no link, mention or HTML in it."""
    if not (shown := plain(text)):
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str) -> str:
    """Return inline code for a table, where a bar divides cells even inside code."""
    return code(text).replace("|", "\\|")


def _visible(char: str) -> str:
    hidden = unicodedata.category(char)[0] == "C" or char in "\u2028\u2029"
    if not hidden:
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
