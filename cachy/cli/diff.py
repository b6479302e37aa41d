"""`cachy diff`: two answers, or two folders of them, compared offline."""

from __future__ import annotations

from pathlib import Path

import click

from cachy.cli.terminal import say


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="A folder of more recordings of the surface to learn from",
)
@click.option("--no-sdk", is_flag=True, help="Don't ask what the installed SDK knows")
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "risky", "compatible"]),
    default="breaking",
    show_default=True,
    help="The least severity that exits 1",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How the changes are printed",
)
def command(
    old: Path, new: Path, baseline: Path | None, no_sdk: bool, fail_on: str, form: str
) -> int:
    """Compare the structure of two answers, or of two folders of them; offline.

    OLD and NEW are fixtures, or plain JSON bodies.

    Example: cachy diff old.json new.json --format markdown
    """
    from cachy.compare.compared_files import compare_files
    from cachy.compare.rule import SEVERITIES
    from cachy.config import load_config
    from cachy.drift.outcome.report_text import render_changes
    from cachy.fixture.store.files import refuse_outside

    config = load_config()
    for path in (old, new):
        refuse_outside(path, config.fixtures)

    changes = compare_files(old, new, baseline, sdk=not no_sdk, headers=config.hdrs)
    (say if form == "text" else click.echo)(render_changes(changes, form))
    return int(any(SEVERITIES.index(c.severity) <= SEVERITIES.index(fail_on) for c in changes))
