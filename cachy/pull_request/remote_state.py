"""The state before we act: where to, as whom, and what GitHub and the remote hold."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from cachy.errors import CachyError
from cachy.pull_request.git import Commit, Scratch, open_scratch
from cachy.pull_request.github import GitHub, Pull, Repository
from cachy.pull_request.record import Description, split_description
from cachy.pull_request.remote import find_remote, parse_repository_name, refuse_foreign_server
from cachy.pull_request.rest import connect

BRANCH = "cachy/drift"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where to, and as whom. `environment` is what the git program inherits.

    checkout: the project's folder. project: that folder from the checkout's root, "" for the root.
    fixtures: the folder of fixtures, from the checkout's root too, with forward slashes.
    repository: owner/name; None: as the remote's URL says. base: None: the default branch.
    branch: "": cachy's own for this project.
    """

    checkout: Path
    fixtures: str
    token: str
    environment: Mapping[str, str]
    project: str = ""
    repository: str | None = None
    api_url: str = "https://api.github.com"
    server_url: str = "https://github.com"
    remote: str = "origin"
    base: str | None = None
    branch: str = ""
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    draft: bool = False
    run_url: str | None = None
    sleep: Callable[[float], None] = field(default_factory=lambda: time.sleep)
    warn: Callable[[str], None] = lambda line: None

    @property
    def branch_name(self) -> str:
        return self.branch or name_branch(self.project)

    @property
    def is_own_token(self) -> bool:
        """Whether this is a workflow's own token, for whose pull requests checks wait."""
        on_runner = self.environment.get("GITHUB_ACTIONS") == "true"
        return on_runner and self.token.startswith("ghs_")


def name_branch(project: str) -> str:
    """Return the branch of a project: each project of a repository has its own."""
    name = re.sub(r"[^A-Za-z0-9_.-]+|\.(?=\.|$|lock$)", "-", project).strip("-")
    return f"{BRANCH}-{name}" if name else BRANCH


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """GitHub, a scratch repository, and the tips and pull requests that were there."""

    settings: Settings
    github: GitHub
    scratch: Scratch
    repository: Repository
    base_name: str
    base: Commit
    branch: Commit | None
    pulls: tuple[Pull, ...]

    @property
    def open_pull(self) -> Pull | None:
        return next((pull for pull in self.pulls if pull.is_open), None)

    @property
    def description(self) -> Description:
        """The open pull request's description; an empty one if none is open."""
        return split_description(self.open_pull.body if self.open_pull else "")

    @property
    def has_commits_of_others(self) -> bool:
        """Return whether the branch has a commit that only a person or another program has."""
        known = {self.base.sha, *(pull.head for pull in self.pulls if pull.is_merged)}
        return self.branch is not None and not (self.branch.is_ours or self.branch.sha in known)


def refuse_missing_token(token: str) -> None:
    """Refuse to go on without a token.

    Raises:
        CachyError: there is none.
    """
    if not token:
        advice = "Set it to a token with the permissions contents: write, pull-requests: write."
        raise CachyError("GITHUB_TOKEN is not set, and --open-pr needs it.", advice=advice)


def check_access(settings: Settings) -> None:
    """Check all that can be checked before requests are sent and paid for.

    Raises:
        CachyError: no token, remote, repository, base or permission; a branch in the way.
        Inconclusive: GitHub does not respond.
    """
    with look(settings) as scene:
        if not scene.has_commits_of_others:
            scene.scratch.try_push(settings.branch_name, scene.base, over=scene.branch)


@contextmanager
def look(settings: Settings) -> Iterator[Scene]:
    """Return the state of the remote and of GitHub.

    Raises:
        CachyError: no token, remote, repository or base; a branch in the way.
        Inconclusive: GitHub does not respond.
    """
    refuse_missing_token(settings.token)
    url = find_remote(settings.checkout, settings.remote, settings.environment)
    refuse_foreign_server(url, settings.server_url)
    name = settings.repository or parse_repository_name(url)
    with (
        connect(settings.api_url, name, settings.token, settings.sleep) as rest,
        open_scratch(url, settings.token, settings.environment) as scratch,
    ):
        yield _look(settings, GitHub(rest), scratch)


def _look(settings: Settings, github: GitHub, scratch: Scratch) -> Scene:
    repository = github.load_repository()
    base_name, name = settings.base or repository.default_branch, settings.branch_name
    if base_name == name:
        problem = f"The base is {name}, which is the branch that cachy pushes to."
        raise CachyError(problem, advice="Name another with --base or --branch.")
    for chosen in filter(None, (settings.branch, settings.base)):
        scratch.refuse_branch_name(chosen)
    base, branch = scratch.fetch(base_name, name)
    if base is None:
        _refuse_base(base_name, scratch.url)
    scene = Scene(
        settings=settings,
        github=github,
        scratch=scratch,
        repository=repository,
        base_name=base_name,
        base=base,
        branch=branch,
        pulls=github.list_pulls(repository, name),
    )
    _refuse_another_project(scene)
    return scene


def _refuse_base(base: str, url: str) -> NoReturn:
    advice = "Name the branch to merge into with --base."
    raise CachyError(f"The remote {url} has no branch {base!r}.", advice=advice)


def _refuse_another_project(scene: Scene) -> None:
    """Refuse a branch that belongs to another folder, as `a-b` beside `a/b`."""
    record = scene.description.record
    if record and record.project != scene.settings.project:
        problem = f"Branch {scene.settings.branch_name} belongs to the project {record.project!r}"
        advice = "Choose another name with --branch."
        raise CachyError(f"{problem} of this repository.", advice=advice)
