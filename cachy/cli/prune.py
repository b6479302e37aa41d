"""`cachy prune`: delete the fixtures that no test uses any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from cachy.cli.project_config import below_fixtures, config_of
from cachy.cli.terminal import say
from cachy.config import Config
from cachy.display import agree, counted, printable
from cachy.errors import Inconclusive
from cachy.fixture.store.run_log import load_runs


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Delete them (default: dry run)")
def command(path: Path | None, yes: bool) -> int:
    """List fixtures and blobs that the last complete test run did not use.

    A run is complete if every test was collected, none was deselected and all passed, or if
    `cachy run` exited with 0. Contracts are kept, and so is what scripts and notebooks recorded
    that no run on record has used. PATH is a folder of fixtures, or a project (default: that of
    the working folder). Exits 1 if something would be deleted, and 3 if
    no complete run is on record or fixtures are newer than it.

    Example: cachy prune --yes
    """
    from cachy.verify.unused import describe, find_unused, remove

    config = config_of([path] if path else [])
    found = find_unused(config).below(below_fixtures(path, config))
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
    if found.unknown:
        say(f"cachy: {_kept(found.unknown)}", err=True)
    todo = "deleted" if yes else "unused; `cachy prune --yes` deletes them"
    say(f"cachy: {len(lines)} {todo}" if lines else "cachy: nothing is unused", err=True)
    return int(bool(lines) and not yes)


def _kept(number: int) -> str:
    """Return the line about what scripts and notebooks recorded that are not on record."""
    used = f"{counted(number, 'fixture')} {agree(number, 'was')} used by no command on record"
    return f"{used}; kept, as other scripts and notebooks may need them"


def _newer(paths: Sequence[Path], config: Config) -> str:
    some = ", ".join(path.relative_to(config.fixtures).as_posix() for path in paths[:3])
    return (
        f"Not used, but newer than the last complete run: {printable(some)}"
        f"{' and more' if len(paths) > 3 else ''}"
    )
