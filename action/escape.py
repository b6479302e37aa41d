"""Text out of a report, made harmless: it may hold whatever an API answered."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 200


def plain(text: str, longest: int = LONGEST) -> str:
    """One line without control, invisible or direction-changing characters, cut to `longest`."""
    ellipsis = "…" if len(text) > longest else ""
    return "".join(map(_visible, text[:longest])) + ellipsis


def code(text: str) -> str:
    """Markdown inline code that `text` can't close: no link, mention or HTML comes out of it."""
    if not (shown := plain(text)):
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str) -> str:
    """Inline code for a table, where a bar divides cells even inside code."""
    return code(text).replace("|", "\\|")


def _visible(sign: str) -> str:
    hidden = unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029"
    if not hidden:
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
