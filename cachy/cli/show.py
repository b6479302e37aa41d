"""`cachy show`: a fixture as a readable transcript."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cachy.cli.project_config import config_of
from cachy.cli.terminal import write
from cachy.display import printable
from cachy.errors import CachyError
from cachy.fixture.store.files import list_fixtures, refuse_outside
from cachy.fixture.store.store import load_fixture, parse_file_name
from cachy.fixture.transcript.transcript import render_transcript

_SHOWN = 3  # fixtures named where several match


_ONE = "Name one fixture; `cachy ls` lists them."


@click.command()
@click.argument("fixture", type=click.Path(path_type=Path))
def command(fixture: Path) -> int:
    """Show a fixture as a readable transcript.

    FIXTURE is a file, a fingerprint, or any part of a path that only one fixture has.

    Example: cachy show hey-3f9a1c0b2d4e5f60
    """
    if fixture.is_dir():
        raise CachyError("is a folder", path=fixture, advice=_ONE)
    is_path = os.path.lexists(fixture)
    root = config_of([fixture] if is_path else []).fixtures
    path = fixture if is_path else _find(fixture.as_posix(), root)
    refuse_outside(path, root)
    write(render_transcript(load_fixture(path).document), hang=0)
    return 0


def _find(name: str, root: Path) -> Path:
    """Return the only fixture with this name, else the only one with it in its path."""
    paths = {path.relative_to(root).as_posix(): path for path in list_fixtures(root)}
    found = [shown for shown in paths if name in shown]
    whole = [shown for shown in found if _is_named(shown, name)]
    found = whole or found
    if len(found) == 1:
        return paths[found[0]]
    if not found:
        raise CachyError(printable(f"No fixture matches {name}."), advice="`cachy ls` lists them.")
    some = ", ".join(found[:_SHOWN]) + (" and more" if len(found) > _SHOWN else "")
    raise CachyError(
        printable(f"{name} matches {len(found)} fixtures: {some}."), advice="Name one."
    )


def _is_named(shown: str, name: str) -> bool:
    """Return whether a name is the path, file name, slug or fingerprint of a fixture."""
    stem = shown.rpartition("/")[2].removesuffix(".json")
    named = parse_file_name(f"{stem}.json")
    slug = (named["slug"] or "") if named else ""
    return name in (shown, f"{stem}.json", stem, slug.rstrip("-"), stem.removeprefix(slug))
