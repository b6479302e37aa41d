"""`cachy ls`: a table of the fixtures."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cachy.cli.fitted_table import fit
from cachy.cli.only import explain_glob
from cachy.cli.project_config import below_fixtures, config_of
from cachy.cli.terminal import format_option
from cachy.config import Config
from cachy.display import counted, matches_glob, printable
from cachy.errors import CachyError, Inconclusive
from cachy.fixture.document import RecordedRequest, parse_document
from cachy.fixture.store.files import list_fixtures
from cachy.fixture.store.store import load_fixture
from cachy.structure.contract_file import surface_of

COLUMNS = ("surface", "model", "age", "size", "test", "fixture")
_GAP = "  "


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--only",
    metavar="GLOB",
    default="*",
    help="List fixtures whose whole surface, model, test or path matches, as '*chat*'",
)
@click.option(
    "--sort",
    type=click.Choice(COLUMNS),
    default="fixture",
    show_default=True,
    help="Column to sort by; oldest and largest first",
)
@format_option("Format of the table")
def command(path: Path | None, only: str, sort: str, output_format: str) -> int:
    """List the fixtures with surface, model, age, size, test, and the name for `cachy show`.

    PATH is a folder of fixtures, or a project (default: that of the working folder). Exits 3 if
    there are none.

    Example: cachy ls --only '*gpt-4*' --sort age
    """
    config = config_of([path] if path else [])
    known = list_rows(config, below_fixtures(path, config))
    rows = sorted((row for row in known if _matches(row, only)), key=lambda row: _rank(row, sort))
    if not known:
        raise Inconclusive("has no fixtures", path=config.fixtures, advice="Record some first.")
    if not rows:
        raise _nothing(known, only)
    if output_format == "json":
        click.echo(json.dumps({"cachy": 1, "fixtures": rows}, indent=2, ensure_ascii=False))
    else:
        _print_table(rows)
    return 0


def _nothing(known: list[dict[str, Any]], only: str) -> Inconclusive:
    def number(glob: str) -> int:
        return sum(_matches(row, glob) for row in known)

    matched = "the whole surface, model, test or path of a fixture"
    advice = explain_glob(only, [row["fixture"] for row in known], number, matched)
    problem = f"--only {only} matches none of {counted(len(known), 'fixture')}."
    return Inconclusive(problem, advice=advice)


def _matches(row: dict[str, Any], only: str) -> bool:
    return any(matches_glob(row[name], only) for name in ("surface", "model", "test", "fixture"))


def _rank(row: dict[str, Any], column: str) -> tuple[Any, str]:
    ranks = {"size": -row["size"], "age": row["recorded"] or "~"}
    return ranks.get(column, row[column]), row["fixture"]


def list_rows(config: Config, below: Path) -> list[dict[str, Any]]:
    """Return a row for each fixture in a folder of the project's fixtures."""
    return [
        _row(path, config) for path in list_fixtures(config.fixtures) if path.is_relative_to(below)
    ]


def _row(path: Path, config: Config) -> dict[str, Any]:
    shown = path.relative_to(config.fixtures).as_posix()
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {"fixture": shown, "recorded": ""}
    row["size"] = path.stat().st_size
    try:
        fixture = load_fixture(path)
    except CachyError:
        return row | {"surface": "unreadable: run `cachy verify`"}
    recorded, request, _ = parse_document(fixture.document)
    return row | {
        "surface": surface_of(fixture.document, config),
        "model": _model(request),
        "age": _age(recorded.at),
        "recorded": recorded.at,
        "test": recorded.test,
    }


def _model(request: RecordedRequest) -> str:
    """Return the requested model, from the JSON body, a multipart field or the path."""
    kind, content = request.body[:2]
    if kind == "json" and isinstance(content, dict) and "model" in content:
        return str(content["model"])
    parts = content if kind == "multipart" else ()
    named = (part.get("text", "") for part in parts if part.get("name") == "model")
    in_path = re.search(r"/models?/([^/:?]+)|[?&]model=([^&]+)", request.url)
    return str(next(named, (in_path[1] or in_path[2]) if in_path else ""))


def _age(at: str) -> str:
    try:
        moment = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return ""
    days = (datetime.now(UTC) - moment).days
    return f"{days} d" if days else "today"


def _print_table(rows: list[dict[str, Any]]) -> None:
    """Print a row on each line: as wide as the terminal, or whole where the output is not one."""
    cells = [{column: printable(str(row[column])) for column in COLUMNS} for row in rows]
    for cell, row in zip(cells, rows, strict=True):
        cell["size"] = _size(row["size"])
    if sys.stdout.isatty() or os.environ.get("FORCE_COLOR"):
        cells = fit(cells, shutil.get_terminal_size().columns)
    columns = [column for column in COLUMNS if column in cells[0]]
    titles = {column: column.capitalize() for column in columns}
    widths = {column: max(len(cell[column]) for cell in (titles, *cells)) for column in columns}
    for cell in (titles, *cells):
        line = [_aligned(column, cell[column], widths[column]) for column in columns]
        click.echo(_GAP.join(line).rstrip())


def _aligned(column: str, text: str, width: int) -> str:
    return text.rjust(width) if column in ("age", "size") else text.ljust(width)


def _size(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size / 1024:.1f} KiB"
