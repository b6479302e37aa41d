"""`cachy run`: any Python command with cachy on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from cachy.errors import CachyError

_AUTOSTART = Path(__file__).with_name("autostart")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--mode",
    type=click.Choice(["record", "replay", "refresh", "off"]),
    help="What happens to requests [default: as configured; replay in CI]",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True, metavar="-- CMD…")
def command(mode: str | None, arguments: tuple[str, ...]) -> int:
    """Run a Python command with cachy on, without a change of code.

    Afterwards says what was replayed, recorded, refused and missed; exits 1 on any miss.

    Example: cachy run --mode record -- python my_script.py
    """
    with tempfile.TemporaryDirectory(prefix="cachy-") as folder:
        report = Path(folder) / "report.jsonl"
        code = _run(arguments, _environment(mode, report))
        total = _add_up(report)
    for line in _describe(total):
        click.echo(f"cachy: {line}", err=True)
    return 1 if total["missed"] else code


def _environment(mode: str | None, report: Path) -> dict[str, str]:
    paths = [str(_AUTOSTART), *filter(None, [os.environ.get("PYTHONPATH")])]
    added = {"CACHY_RUN": "1", "CACHY_RUN_REPORT": str(report)}
    if mode:
        added["CACHY_MODE"] = mode
    return {**os.environ, **added, "PYTHONPATH": os.pathsep.join(paths)}


def _run(arguments: tuple[str, ...], environment: dict[str, str]) -> int:
    python = [sys.executable] if arguments[0] in ("python", "python3") else [arguments[0]]
    try:
        return subprocess.run([*python, *arguments[1:]], env=environment, check=False).returncode
    except OSError as error:
        raise CachyError(
            f"{arguments[0]} can't be run: {error.strerror}. Write the command after --."
        ) from None


def _add_up(report: Path) -> dict[str, Any]:
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    return {
        "replayed": sum(line["replayed"] for line in lines),
        **{
            name: [item for line in lines for item in line[name]]
            for name in ("recorded", "refused", "missed")
        },
    }


def _describe(total: dict[str, Any]) -> list[str]:
    counts = [f"{total['replayed']} replayed"]
    counts += [f"{len(total[name])} {name}" for name in ("recorded", "refused", "missed")]
    details = [f"recorded {path}" for path in total["recorded"]]
    details += [f"not recorded: {line}" for line in total["refused"]]
    details += [f"missed: {error}" for error in total["missed"]]
    return [*details, ", ".join(counts)]
