"""`cachy run`: any Python command with cachy on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from cachy.cli.terminal import say
from cachy.config import Config, load_config
from cachy.errors import CachyError
from cachy.fixture.store.files import is_chosen, list_fixtures
from cachy.replay.run import completeness, summary

_AUTOSTART = Path(__file__).with_name("autostart")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--mode",
    type=click.Choice(["record", "replay", "refresh", "off"]),
    help="What happens to requests [default: as configured; replay in CI]",
)
@click.option("--only", metavar="GLOB", help="Let only requests of matching fixtures go live")
@click.option("--prune", is_flag=True, help="Remove afterwards what a full run did not ask for")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True, metavar="-- CMD…")
def command(mode: str | None, only: str | None, prune: bool, arguments: tuple[str, ...]) -> int:
    """Run a Python command with cachy on, without a change of code.

    Afterwards says what was replayed, recorded, refreshed, refused and missed, and which fixtures
    were superseded. Exits 1 on any miss, 2 if --only names nothing that could be refreshed, and 3
    if nothing may be pruned as the run was not full.

    Example: cachy run --mode refresh --only 'api.openai.com/*' -- pytest
    """
    config, began = load_config(), time.time()
    with tempfile.TemporaryDirectory(prefix="cachy-") as folder:
        lines = Path(folder) / "report.jsonl"
        code = _run(arguments, _environment(mode, only, lines))
        total = summary.add_up(summary.read_lines(lines))
    why = completeness.why_partial(total, code, config)
    if not why:
        completeness.put_on_record(total, " ".join(arguments), began, config)
    left = [] if why or not config.fixtures.is_dir() else _left_over(config, prune)
    noun = "pruned" if prune else "superseded"
    counts = [*_counts(total), *([f"{len(left)} {noun}"] if left else [])]
    for line in (*_details(total), *left, ", ".join(counts)):
        say(f"cachy: {line}", err=True)
    if prune and why:
        say(f"cachy: nothing was pruned: {why}", err=True)
    is_idle = _is_idle(only, config)
    if is_idle:
        say(f"cachy: --only {only} matches no fixture. cachy ls lists them.", err=True)
    is_vain = is_idle and (mode or config.mode.value) == "refresh"
    return 1 if total["missed"] else code or 2 * is_vain or 3 * bool(prune and why)


def _is_idle(only: str | None, config: Config) -> bool:
    """Whether no fixture, nor what was recorded just now, is one that `--only` names."""
    bases = (config.root, config.fixtures)
    return bool(only) and not any(
        is_chosen(path, only or "", bases) for path in list_fixtures(config.fixtures)
    )


def _environment(mode: str | None, only: str | None, lines: Path) -> dict[str, str]:
    paths = [str(_AUTOSTART), *filter(None, [os.environ.get("PYTHONPATH")])]
    added = {summary.RUN: "1", summary.FILE: str(lines)}
    if mode:
        added["CACHY_MODE"] = mode
    if only:
        added["CACHY_ONLY"] = only
    return {**os.environ, **added, "PYTHONPATH": os.pathsep.join(paths)}


def _run(arguments: tuple[str, ...], environment: dict[str, str]) -> int:
    if Path(arguments[0]).name.startswith("python"):
        _refuse_isolation(arguments[1:])
    try:
        program = [_find_program(arguments[0]), *arguments[1:]]
        return subprocess.run(program, env=environment, check=False).returncode
    except OSError as error:
        raise CachyError(
            f"{arguments[0]} can't be run: {error.strerror}. Write the command after --."
        ) from None


def _find_program(name: str) -> str:
    """Find a command, at first beside the Python that runs us: it is the one that has cachy."""
    if name in ("python", "python3"):
        return sys.executable
    folders = (os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath))
    return shutil.which(name, path=os.pathsep.join(folders)) or name


def _refuse_isolation(options: tuple[str, ...]) -> None:
    """Refuse what keeps Python from reading the environment, by which cachy is turned on."""
    rest = iter(options)
    for option in rest:
        if option[:1] != "-" or option[:2] in ("-c", "-m", "--"):
            return
        if option in ("-W", "-X"):
            next(rest, "")
        elif option[:2] not in ("-W", "-X") and set(option) & set("IES"):
            raise CachyError(f"python {option} would run without cachy. Leave {option} out.")


def _left_over(config: Config, prunes: bool) -> list[str]:
    """Remove what no full run asked for, or name at least what this one has replaced."""
    from cachy.verify.unused import describe, find_unused, remove

    found = find_unused(config)
    if prunes:
        return remove(found, config)
    return [line for path, line in describe(found, config) if path in found.successors]


def _counts(total: dict[str, Any]) -> list[str]:
    """Give the four that always stand there, then what else there is."""
    counts = [f"{total['replayed']} replayed", f"{len(total['recorded'])} recorded"]
    changed, equal = len(total["changed"]), len(total["equal"])
    if changed or equal:
        counts.append(f"{changed + equal} refreshed ({changed} changed, {equal} equal)")
    refused = len(total["refused"]) + len(total["unwritten"])
    return [*counts, f"{refused} refused", f"{len(total['missed'])} missed"]


def _details(total: dict[str, Any]) -> list[str]:
    return [
        *(f"recorded {path}" for path in total["recorded"]),
        *(f"changed {path}" for path in total["changed"]),
        *(f"not recorded: {line}" for line in (*total["refused"], *total["unwritten"])),
        *(f"missed: {error}" for error in total["missed"]),
    ]
