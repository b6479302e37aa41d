"""How the commands print: no control characters, wrapped at words, short paths."""

from __future__ import annotations

import os
import re
import sys
import textwrap

import click

from cachy.display import printable


def say(text: str, *, err: bool = False) -> None:
    """Print our own lines; paths below the working folder become relative."""
    here = re.escape(os.path.join(os.getcwd(), ""))
    write(re.sub(rf"(?<![^\s'\"(\[]){here}(?=[^\s'\")\]])", "", text), err=err)


def write(text: str, *, err: bool = False, hang: int = 2) -> None:
    """Print lines of any origin, control characters escaped."""
    click.echo(wrap(printable(text, keep="\n"), err=err, hang=hang), err=err)


def wrap(text: str, *, err: bool = False, hang: int = 2) -> str:
    """Return text wrapped at the terminal's width, later lines indented by `hang` columns."""
    width = _width(err)
    lines = text.split("\n")
    return "\n".join([part for line in lines for part in _wrapped(line, width, hang)])


def _width(err: bool) -> int:
    """Return the terminal's columns; 0 if the output is not a terminal."""
    try:
        return os.get_terminal_size((sys.stderr if err else sys.stdout).fileno()).columns
    except (OSError, ValueError):  # not a terminal, or closed
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
