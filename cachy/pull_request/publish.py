"""Open, update or close the one pull request of a project, with what the night has found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from cachy.errors import CachyError, GitHubRefused, GitHubUnanswered, Inconclusive, LostRace
from cachy.pull_request.github import Pull
from cachy.pull_request.proposal import Found, Proposal, propose, refuse_paths, refuse_secrets
from cachy.pull_request.record import Known, decode, digest, encode, without_record
from cachy.pull_request.remote_state import Scene, Settings, look

BLOCKED = """<!-- cachy-blocked -->
**Paused**: this branch has commits that are not cachy's, so cachy leaves it as it is. \
Merge it, or remove those commits, and the next run goes on."""
GONE = "The drift is gone: the API responds as recorded again. cachy closes this and its branch."
NO_FILE = (
    "No fixture has to change any more; what is left of the drift needs a change of your code, and "
    "is in the report of each run. cachy closes this and its branch."
)
NOT_PERMITTED = "GitHub Actions is not allowed to open pull requests in this repository."
HOW_TO_PERMIT = (
    "Tick 'Allow GitHub Actions to create and approve pull requests' in {url}/settings/actions, or "
    "open it yourself, the branch is there: {url}/compare/{base}...{branch}?expand=1"
)

PublishOperation = Literal["created", "updated", "closed", "blocked", "none"]
Find = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What became of the pull request, and which one it is (None: there is none).

    declined: tonight's changes that somebody declined, with the number of the pull request.
    left_out: files whose base is newer than this checkout.
    """

    operation: PublishOperation
    number: int | None = None
    url: str | None = None
    declined: tuple[tuple[Known, int], ...] = ()
    left_out: tuple[str, ...] = ()


def open_pull_request(found: Found, settings: Settings, *, find_secrets: Find) -> PublishResult:
    """Make the one pull request show what was found and hold its files, or close it.

    Nothing but these files is committed, and of the checkout only the remote's URL is read.
    `find_secrets` finds what must not leave the machine.

    Raises:
        CachyError: no token, no repository, a file outside the fixtures, a secret, no permission.
        Inconclusive: GitHub does not respond, or somebody else keeps moving the branch.
    """
    refuse_paths(found.files, settings.fixtures)
    for _ in range(2):
        with suppress(LostRace):
            return _try(found, settings, find_secrets)
    problem = f"Somebody else keeps pushing to {settings.branch_name}."
    raise Inconclusive(problem, advice="Try again later.")


def _try(found: Found, settings: Settings, find_secrets: Find) -> PublishResult:
    refuse_secrets(found.files, "", settings.token, find_secrets)
    with look(settings) as scene:
        wanted = propose(found, scene)
        text = f"{wanted.text.title}\n{wanted.text.first}\n{wanted.text.rest}"
        refuse_secrets(wanted.files, text, settings.token, find_secrets)
        operation, pull = _act(wanted, scene, is_partial=found.report.partial)
    number, url = (pull.number, pull.url) if pull else (None, None)
    return PublishResult(operation, number, url, wanted.declined, wanted.left_out)


Done = tuple[PublishOperation, Pull | None]


def _act(wanted: Proposal, scene: Scene, *, is_partial: bool) -> Done:
    pull = scene.open_pull
    if not wanted.night.known:
        return _end(wanted, scene, pull, is_partial)
    if scene.has_commits_of_others:
        return _block(scene, pull, wanted.text.title)
    if not wanted.changes_files:
        return _without_files(wanted, scene, pull)
    is_pushed = not wanted.is_pushed
    if is_pushed:
        commit = scene.scratch.commit(wanted.files, wanted.text.title, onto=scene.base)
        scene.scratch.push(scene.settings.branch_name, commit, over=scene.branch)
    if pull is None:
        return _create(wanted, scene)
    return _update(wanted, scene, pull, is_pushed)


def _end(wanted: Proposal, scene: Scene, pull: Pull | None, is_partial: bool) -> Done:
    """Close the pull request once two nights in a row have found nothing of it."""
    if pull is None or is_partial:
        return "none", pull
    if scene.has_commits_of_others:
        return _block(scene, pull, "no drift any more")
    if scene.description.record is None:
        # Nobody knows what it was about, so this night is the first of the two.
        return _update(wanted, scene, pull, False)
    return _close(scene, pull, GONE)


def _without_files(wanted: Proposal, scene: Scene, pull: Pull | None) -> Done:
    """Open nothing if no file changes; close the pull request if none of its files is left."""
    is_sure = wanted.night.seen.issuperset(one.identity for one in wanted.night.known)
    if pull is None or wanted.left_out or not is_sure:
        return "none", pull
    return _close(scene, pull, NO_FILE)


def _block(scene: Scene, pull: Pull | None, found: str) -> Done:
    if pull is None:
        return "blocked", None
    text = f"{BLOCKED}\n\nFound last: {found}."
    for comment in scene.github.list_comments(pull.number):
        # Anybody may write our marker; only a comment of our own is ours to edit.
        if comment.author == pull.author and comment.body.startswith(BLOCKED.splitlines()[0]):
            if comment.body != text:
                scene.github.update_comment(comment.id, text)
            return "blocked", pull
    scene.github.create_comment(pull.number, text)
    return "blocked", pull


def _close(scene: Scene, pull: Pull, why: str) -> Done:
    scene.github.create_comment(pull.number, why)
    # Without its record nobody takes it for declined when the same drift comes back.
    scene.github.update_pull(pull.number, state="closed", body=without_record(pull.body))
    if scene.branch:
        with suppress(LostRace):  # somebody has just pushed to it: then it is theirs
            scene.scratch.push(scene.settings.branch_name, None, over=scene.branch)
    return "closed", pull


def _create(wanted: Proposal, scene: Scene) -> Done:
    settings, body = scene.settings, _body(wanted, scene)
    text = (wanted.text.title, body)
    try:
        pull = scene.github.create_pull(settings.branch_name, scene.base_name, text, settings.draft)
    except GitHubRefused as error:
        if error.is_not_permitted_to_create:
            places = {"base": scene.base_name, "branch": settings.branch_name}
            advice = HOW_TO_PERMIT.format(url=scene.repository.url, **places)
            raise CachyError(NOT_PERMITTED, advice=advice) from None
        if not error.is_already_open:
            raise
        return _adopt(wanted, scene, error)
    except GitHubUnanswered as error:
        return _adopt(wanted, scene, error)
    _invite(scene, pull)
    return "created", pull


def _invite(scene: Scene, pull: Pull) -> None:
    """Set labels and reviewers; if GitHub refuses them, the pull request stays open without."""
    settings, github = scene.settings, scene.github
    for names, send in (
        (settings.labels, github.add_labels),
        (settings.reviewers, github.request_reviews),
    ):
        try:
            if names:
                send(pull.number, names)
        except CachyError as error:
            settings.warn(f"{error} The pull request is open without {', '.join(names)}.")


def _adopt(wanted: Proposal, scene: Scene, error: CachyError) -> Done:
    """Return the pull request that exists: another run's, or ours whose response was lost."""
    branch = scene.settings.branch_name
    pulls = scene.github.list_pulls(scene.repository, branch)
    pull = next((pull for pull in pulls if pull.is_open), None)
    if pull is None:
        raise error
    scene.github.update_pull(pull.number, title=wanted.text.title, body=_body(wanted, scene))
    return "updated", pull


def _update(wanted: Proposal, scene: Scene, pull: Pull, is_changed: bool) -> Done:
    changed: dict[str, str] = {}
    before, title = scene.description.record, wanted.text.title
    if before != decode(encode(wanted.record)):
        changed["body"] = _body(wanted, scene)
    if before and before.title == digest(pull.title) != digest(title):
        changed["title"] = title
    if pull.base != scene.base_name:
        changed["base"] = scene.base_name
    if changed:
        scene.github.update_pull(pull.number, **changed)
    return "updated" if changed or is_changed else "none", pull


def _body(wanted: Proposal, scene: Scene) -> str:
    run = scene.settings.run_url
    rest = wanted.text.rest + (f"\n\n[The run that found this]({run})" if run else "")
    return scene.description.with_ours(wanted.text.first, rest, wanted.record)
