"""Where a project's settings are: its folder, and the table in its pyproject.toml."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from cachy.errors import CachyError
from cachy.interaction import Json


def find_project(starts: Sequence[Path]) -> tuple[Path, Path | None]:
    """Return a project's folder, and its pyproject.toml if it has one.

    It is the nearest folder upwards whose pyproject.toml has `[tool.cachy]`, from the first start
    that has one; else, from the last start, the nearest with a pyproject.toml or .git, or itself.
    No folder above the repository counts.
    """
    for start in starts:
        for folder in _upwards(start):
            pyproject = folder / "pyproject.toml"
            if pyproject.exists() and read_table(pyproject) is not None:
                return folder, pyproject
    for folder in _upwards(starts[-1]):
        if (folder / "pyproject.toml").exists():
            return folder, folder / "pyproject.toml"
        if (folder / ".git").exists():
            return folder, None
    return starts[-1], None


def _upwards(start: Path) -> list[Path]:
    """Return a folder and those above it, up to the repository's own."""
    folders = []
    for folder in (start, *start.parents):
        folders.append(folder)
        if (folder / ".git").exists():
            break
    return folders


def read_table(pyproject: Path) -> Mapping[str, Json] | None:
    """Return the table `[tool.cachy]`; None if the file has none.

    Raises:
        CachyError: the file cannot be read, or is not TOML.
    """
    return _read_table_at(pyproject, pyproject.stat().st_mtime_ns)


@cache
def _read_table_at(pyproject: Path, changed: int) -> Mapping[str, Json] | None:
    if "tool.cachy" not in _read_text(pyproject).replace(" ", ""):
        return None
    table = parse_pyproject(pyproject).get("tool", {}).get("cachy")
    return table if isinstance(table, dict) else None


def parse_pyproject(pyproject: Path) -> dict[str, Any]:
    """Return all of a pyproject.toml.

    Raises:
        CachyError: it cannot be read, or is not TOML.
    """
    import tomllib  # only a project that configures cachy pays for the parser

    try:
        return tomllib.loads(_read_text(pyproject))
    except tomllib.TOMLDecodeError as error:
        raise CachyError(f"is not valid TOML: {error}", path=pyproject) from None


def _read_text(pyproject: Path) -> str:
    try:
        return pyproject.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CachyError(f"cannot be read: {error}", path=pyproject) from None


_PACKAGE = Path(__file__).parents[1]


def calling_folder() -> Path | None:
    """Return the folder of the file that called cachy; None in a notebook or a shell."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(str(_PACKAGE)) and name != contextlib.__file__:
            return Path(os.path.abspath(name)).parent if os.path.isfile(name) else None
        frame = frame.f_back
    return None
