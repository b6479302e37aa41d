"""How the commands speak: no control characters, whole words at any width, paths kept short."""

from __future__ import annotations

import os
import re
import sys
import textwrap

import click

from cachy.display import printable


def say(text: str, *, err: bool = False) -> None:
    """Print lines of ours; a path below the working folder is told from there."""
    here = re.escape(os.path.join(os.getcwd(), ""))
    write(re.sub(rf"(?<![^\s'\"(\[]){here}(?=[^\s'\")\]])", "", text), err=err)


def write(text: str, *, err: bool = False, hang: int = 2) -> None:
    """Print lines whoever wrote them."""
    click.echo(wrap(printable(text, keep="\n"), err=err, hang=hang), err=err)


def wrap(text: str, *, err: bool = False, hang: int = 2) -> str:
    """Let a line that a terminal has no room for go on below, `hang` columns further in."""
    width = _width(err)
    lines = text.split("\n")
    return "\n".join([part for line in lines for part in _wrapped(line, width, hang)])


def _width(err: bool) -> int:
    """Count a terminal's columns; 0 where another program reads."""
    try:
        return os.get_terminal_size((sys.stderr if err else sys.stdout).fileno()).columns
    except (OSError, ValueError):  # it is none, or is closed
        return 0


def _wrapped(line: str, width: int, hang: int) -> list[str]:
    if not width or len(line) <= width or not line.strip():
        return [line]
    inner = " " * (len(line) - len(line.lstrip(" ")) + hang)
    if len(inner) > width // 2:
        inner = "  "
    return textwrap.wrap(  # a path or an address stays in one piece
        line, width, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
    )
