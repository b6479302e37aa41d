"""`cachy run`: a command with cachy enabled."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from cachy.cli.fitted_table import say_summary
from cachy.cli.only import explain_path_glob
from cachy.cli.terminal import say
from cachy.config import Config, Mode, load_config
from cachy.errors import CachyError
from cachy.fixture.store.files import is_chosen, list_fixtures
from cachy.replay.children import environment_of_child
from cachy.replay.hint import USERS_FOLDER
from cachy.replay.run import completeness, summary
from cachy.replay.run.served_variables import without_marks
from cachy.replay.run.summary_lines import run_counts, run_details
from cachy.replay.run.totals import Totals, add_up
from cachy.replay.run.unwatched import isolating_option
from cachy.serve.server import serving

_ON = ".on"  # the file beside the report that says that some process turned cachy on
_UNWATCHED = (
    "no Python process that cachy could watch ran below it, and nothing was sent to the base URLs "
    "that cachy set, so its requests were neither replayed, recorded nor refused"
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--mode",
    type=click.Choice(["record", "replay", "refresh", "off"]),
    help="What to do with requests [default: from the settings; replay in CI]",
)
@click.option(
    "--only",
    metavar="GLOB",
    help="Send only requests whose fixture's whole path matches, as '*chat*'; replay the others",
)
@click.option(
    "--prune", is_flag=True, help="After a complete run, delete the fixtures that it did not use"
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True, metavar="-- CMD…")
def command(mode: str | None, only: str | None, prune: bool, arguments: tuple[str, ...]) -> int:
    """Run a command with cachy enabled; no code changes needed.

    Prints a summary at the end: what was replayed, recorded, refreshed, refused and missed, and
    which fixtures were superseded. Python programs are watched from inside; all others by the
    base URLs of their SDKs, which are set to an address that `cachy serve` would serve. Exits 1
    on a miss, 2 if --only matches nothing that could be refreshed, and 3 if --prune deleted
    nothing because the run was not complete, or if in replay mode the program was not watched.

    Example: cachy run --mode refresh --only 'api.openai.com/*' -- pytest
    """
    config, began = load_config(mode=mode), time.time()
    if mode:
        config = config._replace(mode_from="--mode")
    if _is_idle(only, config):
        advice = explain_path_glob(only or "", config)
        say(f"cachy: --only {only} matches no fixture so far. {advice}", err=True)
    with tempfile.TemporaryDirectory(prefix="cachy-") as folder:
        lines = Path(folder) / "report.jsonl"
        code, total = _run_served(arguments, config, _environment(config, only, lines, arguments))
        is_watched = lines.with_suffix(_ON).exists() or total.is_on
    if not is_watched:
        total.unwatched.clear()  # a line about the whole command says it
    why = completeness.why_partial(total, code, config)
    why = why or completeness.put_on_record(total, " ".join(arguments), began, config)
    left = [] if why or not config.fixtures.is_dir() else _left_over(config, prune)
    noun = "pruned" if prune else "superseded"
    counts = [*run_counts(total), *([f"{len(left)} {noun}"] if left else [])]
    say_summary((*run_details(total), *left, ", ".join(counts)))
    if prune and why:
        say(f"cachy: nothing was pruned: {why}", err=True)
    if not is_watched:
        say(f"cachy: {arguments[0]} was not watched: {_UNWATCHED}", err=True)
    is_idle = _is_idle(only, config)
    if is_idle:
        say(f"cachy: --only {only} matches no fixture. `cachy ls` lists them.", err=True)
    is_vain = is_idle and config.mode is Mode.REFRESH
    is_unchecked = (prune and why) or (config.mode is Mode.REPLAY and not is_watched)
    return 1 if total.missed else code or 2 * is_vain or 3 * bool(is_unchecked)


def _is_idle(only: str | None, config: Config) -> bool:
    """Return whether `--only` matches no fixture, those recorded just now included."""
    bases = (config.root, config.fixtures)
    return bool(only) and not any(
        is_chosen(path, only or "", bases) for path in list_fixtures(config.fixtures)
    )


def _environment(
    config: Config, only: str | None, lines: Path, arguments: tuple[str, ...]
) -> dict[str, str]:
    added = {summary.RUN: shlex.join(arguments), summary.FILE: str(lines)}
    added[USERS_FOLDER] = os.getcwd()
    if only:
        added["CACHY_ONLY"] = only
    return environment_of_child(config, {**os.environ, **added})


def _run_served(
    arguments: tuple[str, ...], config: Config, environ: dict[str, str]
) -> tuple[int, Totals]:
    """Run a command, other programs than Python served; return its exit code and what it did."""
    lines = Path(environ[summary.FILE])
    if config.mode is Mode.OFF:
        return _run(arguments, environ), add_up(summary.read_lines(lines))
    config = config._replace(only=environ.get("CACHY_ONLY", ""))
    how_to_record = f"cachy run --mode record -- {environ[summary.RUN]}"
    with serving(config, environ, how_to_record) as service:
        code = _run(arguments, service.environment_of_child(environ))
    total = add_up(summary.read_lines(lines))
    total.unwatched = without_marks(total.unwatched, service.seen)
    total.add(service.totals())
    return code, total


def _run(arguments: tuple[str, ...], environment: dict[str, str]) -> int:
    if Path(arguments[0]).name.startswith("python"):
        _refuse_isolation(arguments[1:])
    try:
        program = [_find_program(arguments[0]), *arguments[1:]]
        return subprocess.run(program, env=environment, check=False).returncode
    except OSError as error:
        raise CachyError(
            f"Cannot run {arguments[0]}: {error.strerror}.",
            advice="Write the command after `--`.",
        ) from None


def _find_program(name: str) -> str:
    """Return the path of a command; the folder of our own Python, which has cachy, comes first."""
    if name in ("python", "python3"):
        return sys.executable
    folders = (os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath))
    return shutil.which(name, path=os.pathsep.join(folders)) or name


def _refuse_isolation(options: tuple[str, ...]) -> None:
    """Refuse options that keep Python from reading PYTHONPATH, which enables cachy."""
    if option := isolating_option(options):
        raise CachyError(f"python {option} would run without cachy.", advice=f"Remove {option}.")


def _left_over(config: Config, prunes: bool) -> list[str]:
    """Delete what no complete run used, or return a line for each superseded fixture."""
    from cachy.verify.unused import describe, find_unused, remove

    found = find_unused(config)
    if prunes:
        return remove(found, config)
    return [line for path, line in describe(found, config) if path in found.successors]
