"""The few calls of GitHub's API that one pull request needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cachy.errors import CachyError, GitHubRefused
from cachy.interaction import Json
from cachy.pull_request.rest import Rest

PAGES = 10  # of a hundred pull requests of one branch each; the latest first
RETRIES = (1.0, 2.0)  # seconds; what GitHub has just made it does not always see at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A repository as GitHub knows it: the name may be newer than the one asked for."""

    id: int
    owner: str
    url: str
    default_branch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pull:
    """A pull request; `head` is the commit that its branch is at, or was when it ended."""

    number: int
    url: str
    is_open: bool
    is_merged: bool
    head: str
    head_repository: int | None
    base: str
    author: int | None
    title: str
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """What somebody wrote below a pull request."""

    id: int
    author: int | None
    body: str


@dataclass(frozen=True, slots=True)
class GitHub:
    """One repository's pull requests."""

    rest: Rest

    def load_repository(self) -> Repository:
        """Return what the other calls need to know of the repository."""
        return parse_repository(self.rest.send("GET", ""))

    def list_pulls(self, repository: Repository, branch: str) -> tuple[Pull, ...]:
        """Return the pull requests of `branch`, the latest first, none of a fork.

        Those into another base count too: a base is renamed, or another one is chosen.
        """
        latest = {"state": "all", "sort": "updated", "direction": "desc"}
        query = {**latest, "head": f"{repository.owner}:{branch}"}
        rows = self._list("/pulls", query, PAGES)
        pulls = [parse_pull(row) for row in rows]
        return tuple(pull for pull in pulls if pull.head_repository == repository.id)

    def create_pull(self, branch: str, base: str, text: tuple[str, str], is_draft: bool) -> Pull:
        """Open a pull request with this title and this description.

        Raises:
            GitHubRefused: among others `is_already_open`, `is_not_permitted_to_create`.
            GitHubUnanswered: it may be open nevertheless.
        """
        wanted: dict[str, Any] = {"head": branch, "base": base, "title": text[0], "body": text[1]}
        wanted |= {"draft": True} if is_draft else {}
        return parse_pull(self.rest.send("POST", "/pulls", wanted))

    def update_pull(self, number: int, **changed: str) -> None:
        """Set some of `title`, `body`, `base` and `state`."""
        self.rest.send("PATCH", f"/pulls/{number}", changed)

    def was_closed_by_a_bot(self, number: int) -> bool:
        """Return whether a program closed a pull request; a deleted account counts as a person."""
        found = self.rest.send("GET", f"/issues/{number}")
        match found:
            case {"closed_by": {"type": str(kind)}}:
                return kind == "Bot"
            case {"closed_by": None}:
                return False
        raise _not_github()

    def add_labels(self, number: int, labels: tuple[str, ...]) -> None:
        """Add labels; GitHub creates those that do not exist."""
        self._send_when_seen(f"/issues/{number}/labels", {"labels": list(labels)})

    def request_reviews(self, number: int, reviewers: tuple[str, ...]) -> None:
        """Ask people for a review, and teams, which are written `org/team`."""
        people = [name for name in reviewers if "/" not in name]
        teams = [name.rpartition("/")[2] for name in reviewers if "/" in name]
        wanted = {"reviewers": people, "team_reviewers": teams}
        named = {key: names for key, names in wanted.items() if names}
        self._send_when_seen(f"/pulls/{number}/requested_reviewers", named)

    def list_comments(self, number: int) -> Iterator[Comment]:
        """Yield the comments of a pull request, the oldest first."""
        rows = self._list(f"/issues/{number}/comments", {}, 100)
        return (parse_comment(row) for row in rows)

    def create_comment(self, number: int, body: str) -> None:
        """Write a comment below a pull request."""
        self.rest.send("POST", f"/issues/{number}/comments", {"body": body})

    def update_comment(self, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        self.rest.send("PATCH", f"/issues/comments/{comment}", {"body": body})

    def _list(self, path: str, query: dict[str, str], pages: int) -> Iterator[Json]:
        for page in range(1, pages + 1):
            found = self.rest.send(
                "GET", path, query={**query, "per_page": "100", "page": f"{page}"}
            )
            if not isinstance(found, list):
                raise _not_github()
            yield from found
            if len(found) < 100:
                return

    def _send_when_seen(self, path: str, body: dict[str, list[str]]) -> None:
        for wait in RETRIES:
            try:
                self.rest.send("POST", path, body)
                return
            except GitHubRefused as error:
                if not error.is_too_early:
                    raise
                self.rest.sleep(wait)
        self.rest.send("POST", path, body)


def parse_repository(found: Json) -> Repository:
    """Return what we use of a repository."""
    match found:
        case {
            "id": int(number),
            "owner": {"login": str(owner)},
            "html_url": str(url),
            "default_branch": str(branch),
        }:
            return Repository(id=number, owner=owner, url=url, default_branch=branch)
    raise _not_github()


def parse_pull(found: Json) -> Pull:
    """Return what we use of a pull request; a deleted user or fork is null there."""
    match found:
        case {
            "number": int(number),
            "html_url": str(url),
            "state": str(state),
            "merged_at": merged_at,
            "head": {"sha": str(head), "repo": repository},
            "base": {"ref": str(base)},
            "user": user,
            "title": str(title),
            "body": str() | None as body,
        }:
            return Pull(
                number=number,
                url=url,
                is_open=state == "open",
                is_merged=bool(merged_at),
                head=head,
                head_repository=_id_of(repository),
                base=base,
                author=_id_of(user),
                title=title,
                body=body or "",
            )
    raise _not_github()


def parse_comment(found: Json) -> Comment:
    """Return what we use of GitHub's issue comment."""
    match found:
        case {"id": int(number), "user": user, "body": str() | None as body}:
            return Comment(id=number, author=_id_of(user), body=body or "")
    raise _not_github()


def _id_of(found: Json) -> int | None:
    match found:
        case None:
            return None
        case {"id": int(number)}:
            return number
    raise _not_github()


def _not_github() -> CachyError:
    problem = "GITHUB_API_URL does not respond as GitHub's REST API does."
    return CachyError(problem, advice="Is it the address of the API?")
