"""`cachy show`: a fixture as a readable transcript."""

from __future__ import annotations

from pathlib import Path

import click

from cachy.cli.ls import printable
from cachy.config import load_config
from cachy.errors import CachyError
from cachy.fixtures.files import refuse_outside
from cachy.fixtures.store import load_whole
from cachy.fixtures.transcript import render_transcript


@click.command()
@click.argument("fixture", type=click.Path(path_type=Path))
def command(fixture: Path) -> int:
    """Show a fixture as a readable transcript: who asked what, and what came back.

    Example: cachy show cachy_fixtures/api.openai.com/v1/responses/hey-3f9a1c0b2d4e5f60.json
    """
    if fixture.is_dir():
        raise CachyError(f"{fixture} is a folder. Name one fixture; cachy ls lists them.")
    refuse_outside(fixture, load_config().fixtures)
    document = load_whole(fixture).document
    try:
        text = render_transcript(document)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise CachyError(f"{fixture} is no whole fixture. See: cachy verify {fixture}") from None
    click.echo(printable(text))
    return 0
