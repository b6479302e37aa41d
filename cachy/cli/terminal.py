"""How the commands print: no control characters, wrapped at words, short paths."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import click

from cachy.display import printable

_COLOURS = {
    "error": "red",
    "breaking": "red",
    "warning": "yellow",
    "risky": "yellow",
    "info": "cyan",
    "compatible": "green",
}
_SEVERITY = re.compile(rf"^( *)({'|'.join(_COLOURS)})\b", re.MULTILINE)


def format_option(shown: str, *more: str) -> Callable[[Any], Any]:
    """Return the option `--format` of a command: text, JSON, or one of `more`."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json", *more]),
        default="text",
        show_default=True,
        help=shown,
    )


def fail_on_option(command: Any) -> Any:
    """Add the option `--fail-on` to a command that finds changes."""
    return click.option(
        "--fail-on",
        type=click.Choice(["breaking", "risky", "compatible"]),
        default="breaking",
        show_default=True,
        help="The least severity that exits 1",
    )(command)


def by_severity(text: str) -> str:
    """Return lines with the severity that each begins with in colour, on a terminal."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return _SEVERITY.sub(lambda found: found[1] + click.style(found[2], _COLOURS[found[2]]), text)


def say(text: str, *, err: bool = False) -> None:
    """Print our own lines; paths below the working folder become relative."""
    here = re.escape(os.path.join(os.getcwd(), ""))
    write(re.sub(rf"(?<![^\s'\"(\[]){here}(?=[^\s'\")\]])", "", text), err=err)


def write(text: str, *, err: bool = False, hang: int = 2) -> None:
    """Print lines of any origin, control characters escaped."""
    lines = wrap(printable(text, keep="\n"), err=err, hang=hang)
    click.echo(lines if err else by_severity(lines), err=err)


def wrap(text: str, *, err: bool = False, hang: int = 2) -> str:
    """Return text wrapped at the terminal's width, later lines indented by `hang` columns."""
    width = width_of_terminal(err=err)
    lines = text.split("\n")
    return "\n".join([part for line in lines for part in _wrapped(line, width, hang)])


def width_of_terminal(*, err: bool = False) -> int:
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
