"""The environment variables that send programs other than Python to `cachy serve`.

A Python program has cachy inside: it takes these variables back as it starts, and gives them to
the programs that it starts.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Mapping, MutableMapping

URL = "CACHY_SERVE_URL"
"""The variable that holds the address below which every covered host is served."""
_TABLE = "CACHY_SERVED"  # JSON: each variable, as it is served and as it was before
_MARKED = "@"  # between a program's name and its mark
_numbers = itertools.count(1)


def served_environment(
    environ: Mapping[str, str], url: str, served: Mapping[str, str]
) -> dict[str, str]:
    """Return an environment with the variables that point to a server at `url`."""
    table = {name: (value, environ.get(name)) for name, value in served.items()}
    return {**environ, **served, URL: url, _TABLE: json.dumps(table)}


def take_back(environ: MutableMapping[str, str]) -> None:
    """Set what points to the server back to what the user has set."""
    for name, (served, before) in _table(environ).items():
        value = environ.get(name, "")
        if value == served or value.startswith(f"{environ.get(URL)}/"):
            if before is None:
                del environ[name]
            else:
                environ[name] = before
    if URL in environ:
        environ[URL] = environ[URL].partition(_MARKED)[0]


def give(environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Return the environment of a program that is started, and the mark of what it sends.

    A variable that somebody has set meanwhile stays as it is.
    """
    url, mark = environ.get(URL), f"{os.getpid():x}-{next(_numbers)}"
    if not url:
        return dict(environ), ""
    unchanged = {
        name: served
        for name, (served, before) in _table(environ).items()
        if environ.get(name) == before
    }
    marked = f"{url}{_MARKED}{mark}"
    given = {name: value.replace(url, marked, 1) for name, value in unchanged.items()}
    return {**environ, **given, URL: marked}, mark


def split_mark(segment: str) -> tuple[str, str]:
    """Return the segment of a path that programs know, and the mark of the one that sends."""
    segment, _, mark = segment.partition(_MARKED)
    return segment, mark


def with_mark(program: str, mark: str) -> str:
    """Return the name of a program that may be found to have sent its requests to the server."""
    return f"{program}{_MARKED}{mark}" if mark else program


def without_marks(programs: Iterable[str], seen: Iterable[str]) -> list[str]:
    """Return the names of the programs whose mark the server has not seen."""
    rows = [program.partition(_MARKED) for program in programs]
    known = set(seen)
    return [name for name, _, mark in rows if mark not in known]


def unmarked(programs: Iterable[str]) -> list[str]:
    """Return the names of the programs that no server can say anything of."""
    return [program for program in programs if _MARKED not in program]


def _table(environ: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
    table: dict[str, tuple[str, str | None]] = json.loads(environ.get(_TABLE, "{}"))
    return table
