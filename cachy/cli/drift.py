"""`cachy drift`: send the recorded requests again, and report what the APIs changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from cachy.cli.terminal import say
from cachy.config import Config, environment, load_config
from cachy.errors import CachyError, Inconclusive
from cachy.fixture.store.files import list_fixtures

if TYPE_CHECKING:
    from cachy.drift.check import Checked
    from cachy.drift.live.plan import Planned
    from cachy.drift.outcome.report import DriftReport, PullRequestRow
    from cachy.pull_request.publish import Settings


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")
@click.option("--open-pr", is_flag=True, help="Keep one pull request with the drifted fixtures")
@click.option("--all", "is_all", is_flag=True, help="Send every fixture, not the fewest")
@click.option("--only", metavar="GLOB", help="Check only fixtures whose path matches")
@click.option(
    "--max-requests", type=click.IntRange(1), default=100, show_default=True, help="Send no more"
)
@click.option(
    "--confirm",
    type=click.IntRange(1, 10),
    default=3,
    show_default=True,
    help="Tries that must agree before something counts as gone",
)
@click.option("--no-sdk", is_flag=True, help="Don't ask what the installed SDK knows")
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "risky", "compatible"]),
    default="breaking",
    show_default=True,
    help="The least severity that exits 1",
)
@click.option(
    "--allow-inconclusive",
    metavar="REASONS",
    default="quota,provider",
    show_default=True,
    help="Reasons that don't exit 3, separated by commas",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the report is printed",
)
def command(paths: tuple[Path, ...], open_pr: bool, form: str, **options: Any) -> int:
    """Re-send the recorded requests and report what the APIs changed.

    Sends only what is harmless: completions, embeddings and the like of known providers, and
    what [tool.cachy.drift] allow names. Exits 1 on drift, 3 where something could not be checked.

    Example: cachy drift --format json
    """
    from cachy.drift.outcome.report_text import render_json, render_text

    config = load_config()
    allowed, fail_on = _reasons(options.pop("allow_inconclusive")), options.pop("fail_on")
    settings = _settings(config) if open_pr else None  # before anything is sent and paid for
    checked = _check(config, paths, options)
    try:
        if settings:
            row = _open_pull_request(checked, settings, config)
            checked.report = replace(checked.report, pull_request=row)
    finally:
        if form == "json" or checked.report.surfaces:
            if form == "json":
                click.echo(render_json(checked.report))
            else:
                say(render_text(checked.report))
    if not checked.report.surfaces:
        raise Inconclusive(_nothing(config, options["only"]))
    return _exit_code(checked.report, fail_on, allowed)


def _nothing(config: Config, only: str | None) -> str:
    if only and any(list_fixtures(config.fixtures)):
        return f"--only {only}: no fixture to check has such a path. cachy ls lists them."
    return f"{config.fixtures} holds no fixtures to check. Record some first."


def _reasons(text: str) -> frozenset[str]:
    from cachy.drift.live.inconclusive import REASONS

    reasons = frozenset(filter(None, (part.strip() for part in text.split(","))))
    if unknown := reasons.difference(REASONS):
        known = ", ".join(REASONS)
        raise CachyError(f"--allow-inconclusive: {min(unknown)!r} is none of {known}.")
    return reasons


def _check(config: Config, paths: tuple[Path, ...], options: dict[str, Any]) -> Checked:
    from cachy.drift.check import Options, check, load_fixtures
    from cachy.drift.live.resend import open_line

    fixtures = load_fixtures(config, paths)
    budget = options.pop("max_requests")
    with open_line(config, environment(), budget) as line:
        sdk = not options.pop("no_sdk")
        return check(config, line, fixtures, Options(watch=_watched, sdk=sdk, **options))


def _watched(plan: Sequence[Planned]) -> Iterable[Planned]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    is_shown = console.is_terminal
    return track(plan, "Asking", console=console, transient=True, disable=not is_shown)


def _settings(config: Config) -> Settings:
    from cachy.pull_request.git import find_prefix
    from cachy.pull_request.publish import Settings

    environ = environment()
    if not environ.get("GITHUB_TOKEN"):
        raise CachyError("GITHUB_TOKEN isn't set: --open-pr needs a token that may push and open.")
    if not config.fixtures.is_relative_to(config.root):
        raise CachyError(f"{config.fixtures} is not below {config.root}: nothing to commit there.")
    given: dict[str, Any] = {
        "repository": environ.get("GITHUB_REPOSITORY"),
        "api_url": environ.get("GITHUB_API_URL"),
        "server_url": environ.get("GITHUB_SERVER_URL"),
        "run_url": _run_url(environ),
    }
    prefix = PurePosixPath(find_prefix(config.root, environ))
    return Settings(
        checkout=config.root,
        fixtures=str(prefix / config.fixtures.relative_to(config.root).as_posix()),
        token=environ["GITHUB_TOKEN"],
        environment=environ,
        **{name: value for name, value in given.items() if value},
    )


def _open_pull_request(checked: Checked, settings: Settings, config: Config) -> PullRequestRow:
    from cachy.compare.rules import RULES, SDK_VERDICTS
    from cachy.drift.outcome.report import PullRequestRow
    from cachy.pull_request.git import find_prefix
    from cachy.pull_request.publish import open_pull_request
    from cachy.redact import find_secrets

    prefix = PurePosixPath(find_prefix(config.root, settings.environment))
    result = open_pull_request(
        checked.report.to_json(),
        {str(prefix / name): text for name, text in checked.files.items()},
        settings,
        advice={rule.id: rule.advice for rule in RULES.values()} | SDK_VERDICTS,
        find_secrets=find_secrets,
    )
    if result.url:
        say(f"cachy: pull request {result.url}: {result.operation}", err=True)
    return PullRequestRow(operation=result.operation, number=result.number, url=result.url)


def _run_url(environ: dict[str, str]) -> str | None:
    parts = [environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None


def _exit_code(report: DriftReport, fail_on: str, allowed: frozenset[str]) -> int:
    from cachy.compare.rule import SEVERITIES

    worst = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    opened = report.pull_request
    stands = opened is not None and opened.operation in ("created", "updated", "none")
    if any(getattr(report.summary, severity) for severity in worst) and not stands:
        return 1
    left = {entry.reason for entry in report.inconclusive} - allowed
    return 3 if left or not report.summary.checked else 0
