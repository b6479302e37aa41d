"""What `cachy drift --open-pr` adds to a run: its options, its settings, and the pull request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cachy.cli.terminal import say
from cachy.config import Config, environment

if TYPE_CHECKING:
    from cachy.drift.outcome.report import DriftReport
    from cachy.pull_request.publish import PublishResult
    from cachy.pull_request.remote_state import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--open-pr", is_flag=True, help="Keep one pull request with the drifted fixtures"),
    click.option(
        "--branch", metavar="NAME", default="", help="Push to this branch instead of cachy/drift"
    ),
    click.option(
        "--base",
        metavar="NAME",
        default=None,
        help="Merge into this branch instead of the default one",
    ),
    click.option(
        "--label", metavar="NAME", multiple=True, help="Label a new pull request; may be repeated"
    ),
    click.option(
        "--reviewer",
        multiple=True,
        metavar="NAME",
        help="Ask a person, or a team as org/team, for a review; may be repeated",
    ),
    click.option("--draft", is_flag=True, help="Open a new pull request as a draft"),
)


def options(command: Command) -> Command:
    """Add the options of the pull request to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def prepare(config: Config, chosen: Mapping[str, Any]) -> Settings:
    """Return where the pull request goes, once all is checked that can be before money is spent.

    Raises:
        CachyError: no token, remote, repository, base or permission; a branch in the way.
        Inconclusive: GitHub does not respond.
    """
    from cachy.pull_request.remote_state import check_access

    settings = _settings(config, chosen)
    check_access(settings)
    return settings


def _settings(config: Config, chosen: Mapping[str, Any]) -> Settings:
    from cachy.pull_request.remote import find_prefix
    from cachy.pull_request.remote_state import Settings, refuse_missing_token

    environ = environment()
    refuse_missing_token(environ.get("GITHUB_TOKEN", ""))
    project = find_prefix(config.root, environ)
    fixtures = PurePosixPath(project) / config.fixtures.relative_to(config.root).as_posix()
    return Settings(
        checkout=config.root,
        project=project,
        fixtures=str(fixtures),
        token=environ["GITHUB_TOKEN"],
        environment=environ,
        branch=chosen["branch"],
        base=chosen["base"],
        labels=chosen["label"],
        reviewers=chosen["reviewer"],
        draft=chosen["draft"],
        warn=lambda line: say(f"cachy: {line}", err=True),
        **_github_facts(environ),
    )


def _github_facts(environ: dict[str, str]) -> dict[str, Any]:
    """Return what GitHub's runner says of the repository and the run; what it omits is left out."""
    facts = {
        "repository": environ.get("GITHUB_REPOSITORY"),
        "api_url": environ.get("GITHUB_API_URL"),
        "server_url": environ.get("GITHUB_SERVER_URL"),
        "run_url": _run_url(environ),
    }
    return {name: value for name, value in facts.items() if value}


def publish(
    report: DriftReport, files: Mapping[str, str | bytes | None], settings: Settings
) -> DriftReport:
    """Open, update or close the pull request, and return the report with what became of it.

    Raises:
        CachyError: a file outside the fixtures, a secret, no permission.
        Inconclusive: GitHub does not respond.
    """
    from cachy.compare.catalogue.rules import RULES, SDK_VERDICTS
    from cachy.pull_request.proposal import Found, find_started
    from cachy.pull_request.publish import open_pull_request
    from cachy.redact import find_secrets

    named = {str(PurePosixPath(settings.project) / name): held for name, held in files.items()}
    advice = {rule.id: rule.advice for rule in RULES.values()} | SDK_VERDICTS
    found = Found(report=report, files=named, started=find_started(named, settings), advice=advice)
    result = open_pull_request(found, settings, find_secrets=find_secrets)
    _tell(result)
    return _with_result(report, result)


def _tell(result: PublishResult) -> None:
    if result.url:
        say(f"cachy: pull request {result.url}: {result.operation}", err=True)
    for path in result.left_out:
        say(f"cachy: left out {path}: the base has another version of it.", err=True)


def _with_result(report: DriftReport, result: PublishResult) -> DriftReport:
    from cachy.drift.outcome.report import PullRequestRow

    row = PullRequestRow(
        operation=result.operation,
        number=result.number,
        url=result.url,
        left_out=result.left_out,
    )
    declined = {
        (one.surface, one.change): replace(one.change, declined=number)
        for one, number in result.declined
    }
    surfaces = tuple(
        replace(
            surface,
            changes=tuple(
                declined.get((surface.surface, change), change) for change in surface.changes
            ),
        )
        for surface in report.surfaces
    )
    return replace(report, surfaces=surfaces, pull_request=row)


def _run_url(environ: dict[str, str]) -> str | None:
    parts = [environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None
