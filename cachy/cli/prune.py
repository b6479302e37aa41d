"""`cachy prune`: remove the fixtures that nothing asks for any more."""

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
@click.option("--yes", "is_meant", is_flag=True, help="Remove them; else they are only named")
def command(is_meant: bool) -> int:
    """Name the fixtures and blobs that the last full run did not ask for, or remove them.

    A full run is pytest, or `cachy run`, that ended well and left no test out. Contracts stay.
    Exits 1 where something is to be removed, 3 where no full run is on record or fixtures
    are newer than it.

    Example: cachy prune --yes
    """
    from cachy.verify.unused import describe, find_unused, remove

    config = load_config()
    found = find_unused(config)
    if found.unjudged:
        raise Inconclusive(_newer(found.unjudged, config))
    lines = remove(found, config) if is_meant else [line for _, line in describe(found, config)]
    for line in lines:
        say(line)
    for run in load_runs(config.fixtures):
        when = datetime.fromtimestamp(run.began, UTC)
        say(f"cachy: judged by {run.command}, {when:%Y-%m-%d %H:%M} UTC", err=True)
    todo = "removed" if is_meant else "unused; cachy prune --yes removes them"
    say(f"cachy: {len(lines)} {todo}" if lines else "cachy: nothing is unused", err=True)
    return int(bool(lines) and not is_meant)


def _newer(paths: Sequence[Path], config: Config) -> str:
    some = ", ".join(path.relative_to(config.fixtures).as_posix() for path in paths[:3])
    return (
        f"Not asked for, but newer than the last full run: {printable(some)}"
        f"{' and more' if len(paths) > 3 else ''}. Run all your tests again, then prune."
    )
