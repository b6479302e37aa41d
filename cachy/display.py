"""Text for terminals and pages: what is safe to print, and how counts and paths are written."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

_IRREGULAR = {"is": "are", "has": "have", "does": "do", "this": "these", "was": "were"}


def printable(text: str, *, keep: str = "") -> str:
    """Return text with its control characters as escapes, so that it cannot drive a terminal.

    `keep` holds characters to leave as they are, such as a line feed.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else f"\\u{ord(c):04x}" for c in text)


def inline_code(text: object, limit: int = 64) -> str:
    """Return untrusted text as inline code for Markdown, cut after `limit` characters.

    No markup, mention or line end survives in it.
    """
    shown = ""
    for char in str(text):
        shown += _markdown_escaped(char)
        if len(shown) > limit:
            return f"`{shown[:limit]}…`"
    return f"`{shown}`" if shown.strip() else "(empty)"


def _markdown_escaped(char: str) -> str:
    if char == "@":
        return "@\u200b"  # e-mail notifications are plain text, in which code protects nothing
    # The backslash too: a table cell must not end in one before its own bar.
    return f"\\u{ord(char):04x}" if char in "`\\<>" else printable(char)


def table_row(*cells: str) -> str:
    """Return a row of a Markdown table; a bar inside a cell does not end it."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: "1 fixture", "2 fixtures", "2,000 entries"."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return a noun as a count needs it: "fixture", "fixtures", "misses", "entries"."""
    if number == 1:
        return noun
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def agree(number: int, verb: str) -> str:
    """Return a verb as a count needs it: "1 test fails", "2 tests fail"."""
    return verb if number == 1 else _IRREGULAR.get(verb, verb.removesuffix("s"))


def relative_path(path: str | os.PathLike[str], base: str | os.PathLike[str]) -> str:
    """Return a path as seen from a folder, with forward slashes; unchanged if not below."""
    whole = Path(path)
    inside = whole.is_relative_to(base)
    return whole.relative_to(base).as_posix() if inside else str(path)


def shown_path(path: str | os.PathLike[str]) -> str:
    """Return a path as the user can paste it: from the working folder where it lies below."""
    try:
        here = os.getcwd()
    except OSError:  # the working folder was deleted
        return printable(os.fspath(path))
    return printable(relative_path(path, here))


def matches_glob(name: str, glob: str) -> bool:
    """Return whether a name matches a glob of `*` and `?`; brackets are literal."""
    return fnmatchcase(name, glob.replace("[", "[[]"))
