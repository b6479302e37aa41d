"""`cachy drift`: send the recorded requests again, and report what the APIs changed."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cachy.cli.drift import open_pr
from cachy.cli.drift.duration import Duration
from cachy.cli.only import explain_path_glob
from cachy.cli.project_config import config_of
from cachy.cli.terminal import fail_on_option, format_option, say
from cachy.config import Config, environment
from cachy.errors import CachyError, Inconclusive
from cachy.fixture.store.files import list_fixtures

if TYPE_CHECKING:
    from cachy.compare.catalogue.rule_type import Severity
    from cachy.drift.check import Checked
    from cachy.drift.outcome.report import DriftReport

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")
@open_pr.options
@click.option("--all", "send_all", is_flag=True, help="Send every fixture, not a minimal set")
@click.option("--only", metavar="GLOB", help="Check only fixtures whose whole path matches")
@click.option(
    "--max-requests",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Maximum number of requests, shared out among hosts",
)
@click.option(
    "--max-output-tokens",
    type=click.IntRange(0),
    default=20_000,
    show_default=True,
    help="Maximum number of output tokens",
)
@click.option(
    "--time-limit", type=Duration(), default="20m", show_default=True, help="Limit of the run"
)
@click.option(
    "--timeout",
    type=Duration(),
    default="60s",
    show_default=True,
    help="Limit for a response to begin; it may take twice as long to end",
)
@click.option(
    "--confirm",
    type=click.IntRange(1, 10),
    default=3,
    show_default=True,
    help="Tries that must agree before something counts as gone",
)
@click.option("--no-sdk", is_flag=True, help="Ignore the response models of installed SDKs")
@click.option("--replace", "replace_whole", is_flag=True, help="Take whole responses, not changes")
@click.option(
    "--check",
    "check_command",
    metavar="CMD",
    help="Name the tests that the new responses break",
)
@click.option("--report", "report_path", type=_FILE, help="Write the report here, as JSON")
@click.option("--patch", type=_FOLDER, help="Folder for the changed files, or with --from of them")
@click.option(
    "--from", "from_path", type=_FILE, help="Take the report of another run; send nothing"
)
@fail_on_option
@click.option(
    "--allow-inconclusive",
    metavar="REASONS",
    default="quota,provider",
    show_default=True,
    help="Reasons that do not exit 3, separated by commas",
)
@format_option("How the report is printed")
def command(paths: tuple[Path, ...], **chosen: Any) -> int:
    """Re-send the recorded requests and report what the APIs changed.

    Sends only what is harmless: completions, embeddings and the like of known providers, and
    what [tool.cachy.drift] allow names. Exits 1 on drift, 3 where something could not be checked.

    Example: cachy drift --check "pytest -q"
    """
    config = config_of(paths)
    allowed = _reasons(chosen["allow_inconclusive"])
    _refuse_mixtures(paths, chosen)
    if chosen["patch"] or chosen["check_command"] or chosen["open_pr"]:
        _refuse_fixtures_elsewhere(config)
    # Before anything is paid for.
    settings = open_pr.prepare(config, chosen) if chosen["open_pr"] else None
    checked = _load(config, chosen) if chosen["from_path"] else _check(config, paths, chosen)
    checked = _with_tests(checked, chosen["check_command"], config)
    checked.report = replace(checked.report, version=checked.report.version or version("pycachy"))
    try:
        if settings:
            checked.report = open_pr.publish(checked.report, checked.files, settings)
    finally:
        _print(checked.report, chosen["output_format"])
        _save(checked, chosen)
    if not checked.report.surfaces:
        raise _nothing(config, chosen["only"])
    return _exit_code(checked.report, chosen["fail_on"], allowed)


def _refuse_mixtures(paths: tuple[Path, ...], chosen: dict[str, Any]) -> None:
    """Refuse what contradicts itself, before anything is sent."""
    from cachy.drift.outcome.blast_radius import split_command
    from cachy.drift.outcome.saved_run import refuse_used_folder

    if chosen["from_path"]:
        of_a_run = {"PATH": paths, "--only": chosen["only"], "--all": chosen["send_all"]}
        of_a_run |= {"--replace": chosen["replace_whole"]}
        if given := [name for name, value in of_a_run.items() if value]:
            raise CachyError(f"--from sends nothing, so {given[0]} cannot be used with it.")
        if chosen["check_command"] and chosen["open_pr"]:
            advice = (
                "Run --from and --check, with --report for the tests' results, in a job before."
            )
            raise CachyError("--check runs your code, so not beside a token.", advice=advice)
    elif chosen["patch"]:
        refuse_used_folder(chosen["patch"])
    if chosen["check_command"] is not None:
        split_command(chosen["check_command"])


def _refuse_fixtures_elsewhere(config: Config) -> None:
    """Refuse fixtures outside the project: its copies, patches and commits have no place for them.

    Raises:
        CachyError: they lie elsewhere.
    """
    if not config.fixtures.is_relative_to(config.root):
        problem = f"does not lie below {config.root}"
        advice = "--patch, --check and --open-pr need the fixtures there."
        raise CachyError(problem, path=config.fixtures, advice=advice)


def _load(config: Config, chosen: dict[str, Any]) -> Checked:
    from cachy.drift.check import Checked
    from cachy.drift.outcome.saved_run import load_patch, load_report

    report = load_report(chosen["from_path"])
    return Checked(replace(report, pull_request=None), load_patch(report, chosen["patch"], config))


def _check(config: Config, paths: tuple[Path, ...], chosen: dict[str, Any]) -> Checked:
    from cachy.cli.drift.progress import Progress
    from cachy.drift.check import Options, check, load_fixtures
    from cachy.drift.live.limits import Allowance, Limits
    from cachy.drift.live.resend import open_connection

    fixtures = load_fixtures(config, paths)
    allowance = Allowance(
        requests=chosen["max_requests"],
        output_tokens=chosen["max_output_tokens"],
        begin=chosen["timeout"],
        end=2 * chosen["timeout"],
        run=chosen["time_limit"],
    )
    names = ("confirm", "send_all", "replace_whole", "only")
    with (
        Progress().shown() as progress,
        open_connection(config, environment(), Limits(allowance)) as connection,
    ):
        options = Options(
            sdk=not chosen["no_sdk"],
            announce=progress.announce,
            watch=progress.watch,
            **{name: chosen[name] for name in names},
        )
        return check(config, connection, fixtures, options)


def _with_tests(checked: Checked, command: str | None, config: Config) -> Checked:
    from cachy.drift.outcome.blast_radius import find_failing_tests

    if command is not None and checked.files:
        row = find_failing_tests(command, checked.files, config, environment())
        checked.report = replace(checked.report, tests=row)
    return checked


def _print(report: DriftReport, output_format: str) -> None:
    from cachy.drift.outcome.report_text import render_json, render_text

    if output_format == "json":
        click.echo(render_json(report))
    elif report.surfaces:
        say(render_text(report))


def _save(checked: Checked, chosen: dict[str, Any]) -> None:
    from cachy.drift.outcome.saved_run import save_patch, save_report

    if chosen["report_path"]:
        save_report(checked.report, chosen["report_path"])
    if chosen["patch"] and not chosen["from_path"]:
        save_patch(checked.files, chosen["patch"])


def _nothing(config: Config, only: str | None) -> Inconclusive:
    if only and any(list_fixtures(config.fixtures)):
        problem = f"--only {only} matches no fixture."
        return Inconclusive(problem, advice=explain_path_glob(only, config))
    return Inconclusive(
        f"{config.fixtures} holds no fixtures to check.", advice="Record some first."
    )


def _reasons(text: str) -> frozenset[str]:
    from cachy.drift.live.inconclusive import REASONS

    reasons = frozenset(filter(None, (part.strip() for part in text.split(","))))
    if unknown := reasons.difference(REASONS):
        problem = f"--allow-inconclusive: {min(unknown)!r} is not a reason."
        raise CachyError(problem, advice=f"Use {', '.join(REASONS)}.")
    return reasons


def _exit_code(report: DriftReport, fail_on: Severity, allowed: frozenset[str]) -> int:
    if _has_drifted(report, fail_on):
        return 1
    if {row.reason for row in report.inconclusive} - allowed:
        return 3
    return 0 if report.summary.checked or report.is_silenced else 3


def _has_drifted(report: DriftReport, fail_on: Severity) -> bool:
    """Return whether something bad enough changed that no pull request proposes a file for."""
    from cachy.compare.catalogue.rule_type import is_at_least

    opened = report.pull_request
    proposed = set[str]()
    if opened and opened.number and opened.operation in ("created", "updated", "none"):
        proposed = {row.path for row in report.files}
    return any(
        is_at_least(change.severity, fail_on)
        and not change.declined
        and proposed.isdisjoint(change.fixtures)
        for row in report.surfaces
        for change in row.changes
    )
