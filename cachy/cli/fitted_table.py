"""Rows and lines that name fixtures, in the width of a terminal: shortened, never wrapped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from cachy.cli.terminal import say, width_of_terminal
from cachy.fixture.store.store import parse_file_name

Cells = dict[str, str]
_GAP = 2
_ROOMY = 160  # columns of a terminal that has room for tests
_LEAST = {"fixture": 0, "model": 12, "test": 24, "surface": 20}
"""The columns that may be shortened, in that order, and how much of each stays."""


def fit(rows: Sequence[Mapping[str, str]], width: int) -> list[Cells]:
    """Return the cells of a table as they fit: the fingerprint of a fixture stays whole."""
    columns = [name for name in rows[0] if _is_shown(name, rows, width)]
    cells = [{name: row[name] for name in columns} for row in rows]
    for cell in cells:
        cell["fixture"] = cell["fixture"].rpartition("/")[2].removesuffix(".json")
    wanted = {name: max(len(cell[name]) for cell in (_titles(columns), *cells)) for name in columns}
    excess = sum(wanted.values()) + _GAP * (len(columns) - 1) - width
    least = {**_LEAST, "fixture": max(len(_unbroken(cell["fixture"])) for cell in cells)}
    for name in (name for name in least if name in wanted):
        taken = min(max(excess, 0), max(wanted[name] - least[name], 0))
        wanted[name], excess = wanted[name] - taken, excess - taken
    return [
        {name: _shortened(name, cell[name], wanted[name]) for name in columns} for cell in cells
    ]


def say_summary(lines: Iterable[str]) -> None:
    """Print what a run did; where a new fixture's path is too wide, the name for `cachy show`."""
    for line in lines:
        say(f"cachy: {_fit_path(line, width_of_terminal(err=True) - len('cachy: '))}", err=True)


def _fit_path(line: str, width: int) -> str:
    done, _, path = line.partition(" ")
    if done not in ("recorded", "changed") or not path.endswith(".json"):
        return line
    shown = path.removeprefix(os.path.join(os.getcwd(), ""))  # as `say` prints it
    if width <= 0 or len(f"{done} {shown}") <= width:
        return line
    name = re.split(r"[/\\]", path)[-1].removesuffix(".json")
    return f"{done} {_shortened('fixture', name, width - len(done) - 1)}"


def _is_shown(name: str, rows: Sequence[Mapping[str, str]], width: int) -> bool:
    if name == "test" and width < _ROOMY:
        return False
    return name in ("surface", "fixture") or any(row[name] for row in rows)


def _titles(columns: Sequence[str]) -> Cells:
    return {name: name for name in columns}


def _shortened(name: str, text: str, width: int) -> str:
    """Return a text with an ellipsis in its middle; of a fixture's name the slug is shortened."""
    if len(text) <= width:
        return text
    if name != "fixture":
        start = (width - 1) // 2
        return f"{text[:start]}…{text[len(text) - (width - 1 - start) :]}"
    rest = _unbroken(text)
    room = width - len(rest) - 1
    return f"{text[:room]}…{rest}" if room > 3 else rest


def _unbroken(text: str) -> str:
    """Return the fingerprint of a fixture's name, with its number in a sequence."""
    named = parse_file_name(f"{text}.json")
    return text[len(named["slug"] or "") :] if named else text
