"""`cachy diff`: two responses, or two folders of them, compared offline."""

from __future__ import annotations

from pathlib import Path

import click

from cachy.cli.terminal import format_option, say


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="A folder of more recordings of the surface to learn from",
)
@click.option("--no-sdk", is_flag=True, help="Ignore the response models of installed SDKs")
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "risky", "compatible"]),
    default="breaking",
    show_default=True,
    help="The least severity that exits 1",
)
@format_option("How the changes are printed", "markdown")
def command(
    old: Path, new: Path, baseline: Path | None, no_sdk: bool, fail_on: str, output_format: str
) -> int:
    """Compare the structure of two responses, or of two folders of them, offline.

    OLD and NEW are fixtures, or plain JSON bodies.

    Example: cachy diff old.json new.json --format markdown
    """
    from cachy.compare.catalogue.rule_type import SEVERITIES
    from cachy.compare.compared_files import compare_files
    from cachy.config import load_config
    from cachy.drift.outcome.change_text import render_changes
    from cachy.fixture.store.files import refuse_outside

    config = load_config()
    for path in (old, new):
        refuse_outside(path, config.fixtures)

    changes = compare_files(old, new, baseline, sdk=not no_sdk, headers=config.hdrs)
    (say if output_format == "text" else click.echo)(render_changes(changes, output_format))
    return int(any(SEVERITIES.index(c.severity) <= SEVERITIES.index(fail_on) for c in changes))
