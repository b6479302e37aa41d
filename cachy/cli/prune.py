"""`cachy prune`: delete the fixtures that no test uses any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from cachy.cli.terminal import say
from cachy.config import Config, load_config
from cachy.display import printable
from cachy.errors import Inconclusive
from cachy.fixture.store.run_log import load_runs


@click.command()
@click.option("--yes", is_flag=True, help="Delete them (default: dry run)")
def command(yes: bool) -> int:
    """List fixtures and blobs that the last complete test run did not use.

    A run is complete if every test was collected, none was deselected and all passed, or if
    `cachy run` exited with 0. Contracts are kept. Exits 1 if something would be deleted, and 3 if
    no complete run is on record or fixtures are newer than it.

    Example: cachy prune --yes
    """
    from cachy.verify.unused import describe, find_unused, remove

    config = load_config()
    found = find_unused(config)
    if found.unjudged:
        raise Inconclusive(
            _newer(found.unjudged, config), advice="Run all tests again, then prune."
        )
    lines = remove(found, config) if yes else [line for _, line in describe(found, config)]
    for line in lines:
        say(line)
    for run in load_runs(config.fixtures):
        when = datetime.fromtimestamp(run.began, UTC)
        say(f"cachy: compared with the run of {run.command}, {when:%Y-%m-%d %H:%M} UTC", err=True)
    todo = "deleted" if yes else "unused; `cachy prune --yes` deletes them"
    say(f"cachy: {len(lines)} {todo}" if lines else "cachy: nothing is unused", err=True)
    return int(bool(lines) and not yes)


def _newer(paths: Sequence[Path], config: Config) -> str:
    some = ", ".join(path.relative_to(config.fixtures).as_posix() for path in paths[:3])
    return (
        f"Not used, but newer than the last complete run: {printable(some)}"
        f"{' and more' if len(paths) > 3 else ''}"
    )
