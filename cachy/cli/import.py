"""`cachy import`: convert the recordings of vcrpy and cassetter to fixtures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cachy.cli.terminal import say
from cachy.config import environment, load_config
from cachy.display import counted, shown_path
from cachy.errors import Inconclusive

if TYPE_CHECKING:
    from cachy.importers import Report

_SHOWN = 5  # places listed for each reason


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
def command(files: tuple[Path, ...]) -> int:
    """Convert cassettes of vcrpy, pytest-recording or cassetter to fixtures.

    FILE is a cassette (YAML, JSON or TOML) or a folder of cassettes. Secrets are redacted,
    existing fixtures are not replaced, and the cassettes are not changed. Exits 1 if an
    interaction was skipped, 2 if a cassette cannot be read, and 3 if there are no cassettes.

    Example: cachy import tests/cassettes
    """
    from cachy.importers import find_cassettes, import_cassettes
    from cachy.redact import secret_values

    config = load_config()
    found = find_cassettes(files, config.fixtures)
    if not found:
        raise Inconclusive(
            f"{', '.join(map(str, files))}: no cassettes found.",
            advice="Name a file or folder that has some.",
        )
    report = import_cassettes(_watched(found), config, secret_values(environment()))
    for line in _lines(report, config.fixtures):
        say(line)
    return 2 if report.unread else int(bool(report.skipped))


def _watched(files: Sequence[Path]) -> Iterator[Path]:
    """Show which file is being read on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Importing", total=len(files))
        for number, file in enumerate(files):
            bar.update(task, description=f"Importing {shown_path(file)}", completed=number)
            yield file


def _lines(report: Report, fixtures: Path) -> Iterator[str]:
    yield (
        f"{counted(report.cassettes, 'cassette')}: "
        f"{counted(report.imported, 'interaction')} imported into {fixtures}, "
        f"{report.merged} merged with an equal fixture, {len(report.skipped)} skipped."
    )
    places: dict[str, list[str]] = defaultdict(list)
    for reason, where in report.skipped:
        places[reason].append(where)
    for reason, all_of_it in sorted(places.items(), key=lambda pair: -len(pair[1])):
        yield f"skipped {len(all_of_it)}: {reason}"
        yield from (f"  {where}" for where in all_of_it[:_SHOWN])
        if len(all_of_it) > _SHOWN:
            yield f"  and {len(all_of_it) - _SHOWN} more"
    yield from (f"not read: {why}" for why in report.unread)
    yield from sorted(report.advice)
    for missing, count in sorted(report.filtered.items()):
        yield f"may not match, {count}: {missing}"
    if report.uncovered:
        hosts = ", ".join(f'"{host}"' for host in sorted(report.uncovered))
        yield f"not covered: add to doms, or requests to them go live: {hosts}"
