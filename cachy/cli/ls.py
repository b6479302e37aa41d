"""`cachy ls`: a table of the fixtures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cachy.config import Config, load_config
from cachy.errors import CachyError, Inconclusive
from cachy.fixtures.files import list_fixtures
from cachy.fixtures.place import parse_target
from cachy.fixtures.store import load_whole

COLUMNS = ("surface", "model", "age", "size", "test", "fixture")


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the table is printed",
)
def command(form: str) -> int:
    """List the fixtures: surface, model, age, size and the test that recorded each.

    Exits 3 where there are none.

    Example: cachy ls --format json
    """
    config = load_config()
    rows = list_rows(config)
    if not rows:
        raise Inconclusive(f"{config.fixtures} holds no fixtures. Record some first.")
    if form == "json":
        click.echo(json.dumps({"cachy": 1, "fixtures": rows}, indent=2, ensure_ascii=False))
    else:
        _print_table(rows)
    return 0


def list_rows(config: Config) -> list[dict[str, Any]]:
    """Give a row for each fixture of the project."""
    return [_row(path, config) for path in list_fixtures(config.fixtures)]


def _row(path: Path, config: Config) -> dict[str, Any]:
    shown = path.relative_to(config.fixtures).as_posix()
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {"fixture": shown}
    row["size"] = path.stat().st_size
    try:
        fixture = load_whole(path)
        target = parse_target(str(fixture.request["url"]), config.paths)
    except (CachyError, KeyError, ValueError):
        return row | {"surface": "unreadable: see cachy verify"}
    recorded = fixture.document.get("recorded") or {}
    body = fixture.request.get("json")
    return row | {
        "surface": f"{fixture.request.get('method')} {target.authority}{target.template}",
        "model": str(body.get("model", "")) if isinstance(body, dict) else "",
        "age": _age(str(recorded.get("at", ""))),
        "test": str(recorded.get("test", "")),
    }


def _age(at: str) -> str:
    try:
        moment = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return ""
    days = (datetime.now(UTC) - moment).days
    return f"{days} d" if days else "today"


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=240)
    table = Table(*(column.capitalize() for column in COLUMNS[:-1]), box=None, pad_edge=False)
    for row in rows:
        cells = (*(row[column] for column in ("surface", "model", "age")), _size(row["size"]))
        table.add_row(*(Text(printable(str(cell))) for cell in (*cells, row["test"])))
    console.print(table)


def _size(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size / 1024:.1f} KiB"


def printable(text: str) -> str:
    """Show control characters as escapes: what a fixture says must not drive a terminal."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else f"\\u{ord(sign):04x}" for sign in text
    )
