"""`cachy diff`: two responses, or two folders of them, compared offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cachy.cli.terminal import fail_on_option, format_option, say

if TYPE_CHECKING:
    from cachy.compare.catalogue.rule_type import Severity


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="A folder of more recordings of the surface to learn from",
)
@click.option("--no-sdk", is_flag=True, help="Ignore the response models of installed SDKs")
@fail_on_option
@format_option("How the changes are printed", "markdown")
def command(
    old: Path, new: Path, baseline: Path | None, no_sdk: bool, fail_on: Severity, output_format: str
) -> int:
    """Compare the structure of two responses, or of two folders of them, offline.

    OLD and NEW are fixtures, or plain JSON bodies.

    Example: cachy diff old.json new.json --format markdown
    """
    from cachy.compare.catalogue.rule_type import is_at_least
    from cachy.compare.compared_files import compare_files
    from cachy.config import load_config
    from cachy.drift.outcome.change_text import render_changes
    from cachy.fixture.store.files import refuse_outside

    config = load_config()
    for path in (old, new):
        refuse_outside(path, config.fixtures)

    changes = compare_files(old, new, baseline, sdk=not no_sdk, headers=config.hdrs)
    (say if output_format == "text" else click.echo)(render_changes(changes, output_format))
    return int(any(is_at_least(change.severity, fail_on) for change in changes))
