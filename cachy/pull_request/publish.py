"""Open, update or close the one pull request of this repository, whatever the night has found."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from cachy.errors import CachyError, Inconclusive
from cachy.pull_request.description import Report, Text, parse_mark, render_text, without_mark
from cachy.pull_request.git import (
    Commit,
    LostRace,
    Scratch,
    find_remote,
    open_scratch,
    parse_repository_name,
    refuse_foreign_server,
)
from cachy.pull_request.github import GitHub, Pull, Refused, Repository, Unanswered, connect

BRANCH = "cachy/drift"

BLOCKED = """<!-- cachy-blocked -->
**Paused**: this branch has commits that are not cachy's, so cachy leaves it as it is. \
Merge it, or take those commits off and the next run goes on."""
GONE = "The drift is gone: the API answers as recorded again. cachy closes this and its branch."
NOT_PERMITTED = (
    "GitHub Actions may not open pull requests in this repository. Tick 'Allow GitHub Actions to "
    "create and approve pull requests' in {url}/settings/actions, or open it yourself, the branch "
    "is there: {url}/compare/{base}...{branch}?expand=1"
)

Operation = Literal["created", "updated", "closed", "blocked", "none"]
Files = Mapping[str, str | bytes | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where to, and as whom. `environment` is what the git program inherits."""

    checkout: Path
    fixtures: str  # the folder, from the checkout's root, with forward slashes
    token: str
    environment: Mapping[str, str]
    repository: str | None = None  # owner/name; else read off the remote's URL
    api_url: str = "https://api.github.com"
    server_url: str = "https://github.com"
    remote: str = "origin"
    base: str | None = None  # else the repository's default branch
    run_url: str | None = None
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the pull request, and which one it is (None: there is none)."""

    operation: Operation
    number: int | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proposal:
    text: Text | None  # None: no drift
    files: Files
    is_conclusive: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scene:
    """What stands before we act."""

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
    def has_commits_of_others(self) -> bool:
        merged = {pull.head for pull in self.pulls if pull.is_merged}
        return self.branch is not None and not (self.branch.is_ours or self.branch.sha in merged)


def open_pull_request(
    report: Report,
    files: Files,
    settings: Settings,
    *,
    advice: Mapping[str, str],
    find_secrets: Callable[[str], Sequence[str]],
) -> Result:
    """Make the one pull request say what `report` says and hold `files`, or close it.

    `files` are texts, or a blob's bytes, by their path from the checkout's root (None: remove);
    nothing else is committed, and nothing of the checkout is read or touched but the remote's
    URL. `advice` says for each rule what to do. `find_secrets` finds what must not leave the
    machine.

    Raises:
        CachyError: no token, no repository, a file outside the fixtures, a secret, no permission.
        Inconclusive: GitHub doesn't answer, or somebody else keeps moving the branch.
    """
    if not settings.token:
        raise CachyError("GITHUB_TOKEN isn't set: --open-pr needs a token that may push and open.")
    proposal = _propose(report, files, settings, advice)
    _refuse_paths(files, settings.fixtures)
    _refuse_secrets(proposal, settings.token, find_secrets)
    url = find_remote(settings.checkout, settings.remote, settings.environment)
    refuse_foreign_server(url, settings.server_url)
    for _ in range(2):
        with suppress(LostRace):
            return _try(proposal, settings, url)
    raise Inconclusive(f"Somebody else keeps pushing to {BRANCH}: try again later.")


def _try(proposal: _Proposal, settings: Settings, url: str) -> Result:
    name = settings.repository or parse_repository_name(url)
    with (
        connect(settings.api_url, name, settings.token, settings.sleep) as github,
        open_scratch(url, settings.token, settings.environment) as scratch,
    ):
        return _keep(proposal, _look(github, scratch, settings.base))


def _keep(proposal: _Proposal, scene: _Scene) -> Result:
    pull, text = scene.open_pull, proposal.text
    if text is None:
        return _retire(scene, pull, proposal.is_conclusive)
    if pull is None and (declined := _find_declined(scene.pulls, text)):
        return _result("none", declined)
    if scene.has_commits_of_others:
        return _block(scene.github, pull, text.title)
    if pull and _says_so_already(pull, text, scene):
        return _result("none", pull)
    is_pushed = _push(scene, proposal.files, text.title)
    if pull is None:
        return _create(scene, text)
    return _update(scene.github, pull, text, is_pushed)


def _says_so_already(pull: Pull, text: Text, scene: _Scene) -> bool:
    """Whether the same changes stand on the same base: the values of one night are no news."""
    is_based = scene.branch is not None and scene.branch.parents == (scene.base.sha,)
    return is_based and parse_mark(pull.body) == text.mark


def _retire(scene: _Scene, pull: Pull | None, is_conclusive: bool) -> Result:
    if pull is None:
        return Result("none")
    if not is_conclusive:
        return _result("none", pull)
    if scene.has_commits_of_others:
        return _block(scene.github, pull, "no drift any more")
    return _close(scene, pull)


def _look(github: GitHub, scratch: Scratch, base: str | None) -> _Scene:
    repository = github.load_repository()
    base_name = base or repository.default_branch
    if base_name == BRANCH:
        raise CachyError(f"The base is {BRANCH}, which is cachy's own branch: name another base.")
    tip, branch = scratch.fetch(base_name, BRANCH)
    if tip is None:
        raise CachyError(f"The remote {scratch.url} has no branch {base_name!r} to start from.")
    return _Scene(
        github=github,
        scratch=scratch,
        repository=repository,
        base_name=base_name,
        base=tip,
        branch=branch,
        pulls=github.list_pulls(repository, BRANCH, base_name),
    )


def _find_declined(pulls: Sequence[Pull], text: Text) -> Pull | None:
    """Find a pull request about the same changes that somebody closed without merging."""
    for pull in pulls:
        mark = parse_mark(pull.body)
        if mark and mark.changes == text.mark.changes and not (pull.is_open or pull.is_merged):
            return pull
    return None


def _block(github: GitHub, pull: Pull | None, found: str) -> Result:
    if pull is None:
        return Result("blocked")
    text = f"{BLOCKED}\n\nFound last: {found}."
    for comment in github.list_comments(pull.number):
        # Anybody may write our marker; only a comment of our own is ours to edit.
        if comment.author == pull.author and comment.body.startswith(BLOCKED.splitlines()[0]):
            if comment.body != text:
                github.update_comment(comment.id, text)
            return _result("blocked", pull)
    github.create_comment(pull.number, text)
    return _result("blocked", pull)


def _close(scene: _Scene, pull: Pull) -> Result:
    scene.github.create_comment(pull.number, GONE)
    # Without its mark nobody takes it for declined when the same drift comes back.
    scene.github.update_pull(pull.number, state="closed", body=without_mark(pull.body))
    if scene.branch:
        with suppress(LostRace):  # somebody has just pushed to it: then it is theirs
            scene.scratch.push(BRANCH, None, over=scene.branch)
    return _result("closed", pull)


def _push(scene: _Scene, files: Files, title: str) -> bool:
    old, new = scene.branch, scene.scratch.commit(files, title, onto=scene.base)
    if old and (old.tree, old.parents) == (new.tree, new.parents):
        return False
    scene.scratch.push(BRANCH, new, over=old)
    return True


def _create(scene: _Scene, text: Text) -> Result:
    try:
        pull = scene.github.create_pull(BRANCH, scene.base_name, text.title, text.body)
    except Refused as error:
        if error.is_not_permitted_to_create:
            places = {"url": scene.repository.url, "base": scene.base_name, "branch": BRANCH}
            raise CachyError(NOT_PERMITTED.format(**places)) from None
        if not error.is_already_open:
            raise
        return _adopt(scene, text, error)
    except Unanswered as error:
        return _adopt(scene, text, error)
    return _result("created", pull)


def _adopt(scene: _Scene, text: Text, error: CachyError) -> Result:
    """Take the one that stands after all: another run's, or ours whose answer got lost."""
    pulls = scene.github.list_pulls(scene.repository, BRANCH, scene.base_name)
    pull = next((pull for pull in pulls if pull.is_open), None)
    if pull is None:
        raise error
    return _update(scene.github, pull, text, True)


def _update(github: GitHub, pull: Pull, text: Text, is_changed: bool) -> Result:
    if parse_mark(pull.body) != text.mark:
        github.update_pull(pull.number, title=text.title, body=text.body)
        is_changed = True
    return _result("updated" if is_changed else "none", pull)


def _result(operation: Operation, pull: Pull) -> Result:
    return Result(operation, pull.number, pull.url)


def _propose(
    report: Report, files: Files, settings: Settings, advice: Mapping[str, str]
) -> _Proposal:
    try:
        text = render_text(report, advice, settings.run_url)
        inconclusive = report["summary"]["inconclusive"] or not report["summary"]["checked"]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CachyError("That is no report of cachy drift: make one with --format json.") from None
    return _Proposal(text=text, files=files, is_conclusive=not inconclusive)


def _refuse_paths(files: Files, fixtures: str) -> None:
    folder = PurePosixPath(fixtures)
    for path in files:
        place = PurePosixPath(path)
        is_inside = place.is_relative_to(folder) and place != folder and not place.is_absolute()
        is_odd = re.search(r"[\x00-\x1f\x7f\\\ud800-\udfff]|(^|/)\.{0,2}(/|$)", path)
        is_special = {part.lower() for part in place.parts} & {".git", ".github"}
        if is_odd or is_special or not is_inside:
            raise CachyError(f"{path!r} is not a file in {fixtures}: only fixtures are committed.")


def _refuse_secrets(
    proposal: _Proposal, token: str, find_secrets: Callable[[str], Sequence[str]]
) -> None:
    texts = {path: f"{path}\n{_as_text(held)}" for path, held in proposal.files.items()}
    if proposal.text:
        texts["the pull request's text"] = f"{proposal.text.title}\n{proposal.text.body}"
    for where, text in texts.items():
        if token in text or find_secrets(text):
            raise CachyError(f"{where} holds a secret: nothing was pushed. Run cachy verify.")


def _as_text(held: str | bytes | None) -> str:
    return held.decode("latin-1") if isinstance(held, bytes) else held or ""
