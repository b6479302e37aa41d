"""What `cachy drift --open-pr` hands to the pull request."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from cachy.cli.terminal import say
from cachy.config import Config, environment
from cachy.errors import CachyError

if TYPE_CHECKING:
    from cachy.drift.check import Checked
    from cachy.drift.outcome.report import PullRequestRow
    from cachy.pull_request.publish import Settings


def prepare(config: Config) -> Settings:
    """Return where to push and as whom, before any request is paid for.

    Raises:
        CachyError: no token, or the fixtures lie outside of the project.
    """
    from cachy.pull_request.git import find_prefix
    from cachy.pull_request.publish import Settings

    environ = environment()
    if not environ.get("GITHUB_TOKEN"):
        raise CachyError("GITHUB_TOKEN is not set: --open-pr needs a token that may push and open.")
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


def open_pull_request(checked: Checked, settings: Settings, config: Config) -> PullRequestRow:
    """Make the one pull request say what was found."""
    from cachy.compare.rules import RULES, SDK_VERDICTS
    from cachy.drift.outcome.report import PullRequestRow
    from cachy.pull_request import publish
    from cachy.pull_request.git import find_prefix
    from cachy.redact import find_secrets

    prefix = PurePosixPath(find_prefix(config.root, settings.environment))
    result = publish.open_pull_request(
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
