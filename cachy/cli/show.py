"""`cachy show`: a fixture as a readable transcript."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cachy.cli.terminal import write
from cachy.config import load_config
from cachy.display import printable
from cachy.errors import CachyError, InvalidFixture
from cachy.fixture.store.files import list_fixtures, refuse_outside
from cachy.fixture.store.store import FILE_NAME, load_whole
from cachy.fixture.transcript.transcript import render_transcript

_SHOWN = 3  # of those that a name may mean


@click.command()
@click.argument("fixture", type=click.Path(path_type=Path))
def command(fixture: Path) -> int:
    """Show a fixture as a readable transcript: who asked what, and what came back.

    FIXTURE is its file, its fingerprint, or a part of its path that no other has.

    Example: cachy show hey-3f9a1c0b2d4e5f60
    """
    if fixture.is_dir():
        raise CachyError(f"{fixture} is a folder. Name one fixture; cachy ls lists them.")
    root = load_config().fixtures
    path = fixture if os.path.lexists(fixture) else _find(fixture.as_posix(), root)
    refuse_outside(path, root)
    document = load_whole(path).document
    try:
        text = render_transcript(document)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise InvalidFixture(path) from None
    write(text, hang=0)
    return 0


def _find(name: str, root: Path) -> Path:
    """Find the one fixture that has such a name, or else such a part of its path."""
    paths = {path.relative_to(root).as_posix(): path for path in list_fixtures(root)}
    found = [shown for shown in paths if name in shown]
    whole = [shown for shown in found if _is_named(shown, name)]
    found = whole or found
    if len(found) == 1:
        return paths[found[0]]
    if not found:
        raise CachyError(
            printable(f"{name} is no file, nor part of a fixture's path. See: cachy ls")
        )
    some = ", ".join(found[:_SHOWN]) + (" and more" if len(found) > _SHOWN else "")
    raise CachyError(printable(f"{name} may be any of {len(found)} fixtures: {some}. Name one."))


def _is_named(shown: str, name: str) -> bool:
    """Whether this is the path, the file's name, the slug, or the fingerprint in its turn."""
    stem = shown.rpartition("/")[2].removesuffix(".json")
    named = FILE_NAME.fullmatch(f"{stem}.json")
    slug = (named["slug"] or "") if named else ""
    return name in (shown, f"{stem}.json", stem, slug.rstrip("-"), stem.removeprefix(slug))
