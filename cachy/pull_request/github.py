"""The door to GitHub's REST API: the few calls that one pull request needs.

https://docs.github.com/rest; waiting and repeating as in "Best practices for using the REST API".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar
from urllib.parse import quote

import httpx

from cachy.display import printable
from cachy.errors import CachyError, Inconclusive
from cachy.interaction import Json

Method = Literal["GET", "POST", "PATCH"]
Parsed = TypeVar("Parsed")

WAITS = (1.0, 4.0, 60.0, None)  # seconds after each try; at least
LONGEST_WAIT = 120.0  # a limit that lasts longer is for the next run
LOOPBACK = ("127.0.0.1", "localhost", "::1")

ADVICE = {
    401: " Is the token still valid?",
    403: " The token needs the permissions contents: write and pull-requests: write.",
    404: " Is this the repository's name, and may the token read it?",
}

_TIMES = {"timeout": httpx.Timeout(30.0).as_dict()}
_HEADERS = {
    "accept": "application/vnd.github+json",
    "user-agent": "cachy",
    "x-github-api-version": "2022-11-28",
}
_REDIRECTS = (301, 302, 307, 308)


class Refused(CachyError):
    """GitHub understood the request and said no."""

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def is_already_open(self) -> bool:
        return self.status == 422 and "a pull request already exists" in self.reason.lower()

    @property
    def is_not_permitted_to_create(self) -> bool:
        return self.status == 403 and "create or approve pull requests" in self.reason.lower()


class Unanswered(Inconclusive):
    """No answer, or a server error: what was asked for may have been done nevertheless."""


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
    author: int | None
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """What somebody said below a pull request."""

    id: int
    author: int | None
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHub:
    """One repository behind the REST API; all that it sends goes to `api_url`."""

    api_url: str
    name: str  # owner/name
    token: str
    transport: httpx.BaseTransport
    sleep: Callable[[float], None]

    def load_repository(self) -> Repository:
        """Load what the other calls need to know of the repository."""
        return _read(parse_repository, self._send("GET", ""))

    def list_pulls(self, repository: Repository, branch: str, base: str) -> tuple[Pull, ...]:
        """List the pull requests from `branch` into `base`, the latest first, none from a fork."""
        latest = {"state": "all", "sort": "updated", "direction": "desc", "per_page": "100"}
        query = {**latest, "head": f"{repository.owner}:{branch}", "base": base}
        pulls = [_read(parse_pull, row) for row in self._send("GET", "/pulls", query=query)]
        return tuple(pull for pull in pulls if pull.head_repository == repository.id)

    def create_pull(self, branch: str, base: str, title: str, body: str) -> Pull:
        """Open a pull request.

        Raises:
            Refused: among others `is_already_open`, `is_not_permitted_to_create`.
            Unanswered: it may be open nevertheless.
        """
        wanted = {"head": branch, "base": base, "title": title, "body": body}
        return _read(parse_pull, self._send("POST", "/pulls", wanted))

    def update_pull(self, number: int, **changed: str) -> None:
        """Set some of `title`, `body` and `state`."""
        self._send("PATCH", f"/pulls/{number}", changed)

    def list_comments(self, number: int) -> Iterator[Comment]:
        """List the comments of a pull request, the oldest first."""
        for page in range(1, 100):
            query = {"per_page": "100", "page": str(page)}
            found = self._send("GET", f"/issues/{number}/comments", query=query)
            yield from (_read(parse_comment, row) for row in found)
            if len(found) < 100:
                return

    def create_comment(self, number: int, body: str) -> None:
        """Say something below a pull request."""
        self._send("POST", f"/issues/{number}/comments", {"body": body})

    def update_comment(self, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        self._send("PATCH", f"/issues/comments/{comment}", {"body": body})

    def _send(
        self,
        method: Method,
        path: str,
        body: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        url = httpx.URL(f"{self.api_url.rstrip('/')}/repos/{quote(self.name)}{path}")
        if query:
            url = url.copy_merge_params(query)
        if method != "GET":
            self.sleep(1)  # what GitHub asks for between two writes
        for wait in WAITS:
            answer = self._answer(method, url, body)
            pause = _find_pause(method, answer, wait)
            if pause is None:
                break
            self.sleep(pause)
        return _checked(f"{method} {self.name}{path}", answer)

    def _answer(
        self, method: Method, url: httpx.URL, body: Mapping[str, str] | None
    ) -> httpx.Response | None:
        """Send once, follow redirects within the same server, and give None for no answer."""
        headers = {**_HEADERS, "authorization": f"Bearer {self.token}"}
        server = (url.scheme, url.netloc)
        for _ in range(4):
            request = httpx.Request(method, url, headers=headers, json=body, extensions=_TIMES)
            try:
                response = self.transport.handle_request(request)
                response.read()
            except httpx.RequestError:
                return None
            if response.status_code not in _REDIRECTS:
                return response
            url = url.join(response.headers.get("location", ""))
            if (url.scheme, url.netloc) != server:
                raise CachyError(f"{self.api_url} redirects to {url.host}: the token isn't sent.")
        return None


@contextmanager
def connect(
    api_url: str, name: str, token: str, sleep: Callable[[float], None]
) -> Iterator[GitHub]:
    """Open a connection of our own, which no patched client can record or refuse.

    Raises:
        CachyError: the token would travel in clear text.
    """
    url = httpx.URL(api_url)
    if url.scheme != "https" and url.host not in LOOPBACK:
        raise CachyError(f"GITHUB_API_URL is {api_url}: a token is sent over https only.")
    with httpx.HTTPTransport() as transport:
        yield GitHub(api_url=api_url, name=name, token=token, transport=transport, sleep=sleep)


def parse_repository(found: Json) -> Repository:
    """Read what we use of GitHub's repository."""
    return Repository(
        id=found["id"],
        owner=found["owner"]["login"],
        url=found["html_url"],
        default_branch=found["default_branch"],
    )


def parse_pull(found: Json) -> Pull:
    """Read what we use of GitHub's pull request; a deleted user or fork is null there."""
    return Pull(
        number=found["number"],
        url=found["html_url"],
        is_open=found["state"] == "open",
        is_merged=bool(found["merged_at"]),
        head=found["head"]["sha"],
        head_repository=(found["head"]["repo"] or {}).get("id"),
        author=(found["user"] or {}).get("id"),
        body=found["body"] or "",
    )


def parse_comment(found: Json) -> Comment:
    """Read what we use of GitHub's issue comment."""
    user = found["user"] or {}
    return Comment(id=found["id"], author=user.get("id"), body=found["body"] or "")


def _read(parse: Callable[[Json], Parsed], found: Json) -> Parsed:
    try:
        return parse(found)
    except (KeyError, TypeError, AttributeError):
        raise CachyError("GITHUB_API_URL answers, but not as GitHub's REST API does.") from None


def _find_pause(method: Method, answer: httpx.Response | None, wait: float | None) -> float | None:
    """Find how long to wait before the next try; None where there is to be none."""
    if wait is None:
        return None
    if answer is None or answer.status_code >= 500:
        # Twice created is worse than not at all; setting the same again is harmless.
        return wait if method != "POST" else None
    if not _is_limited(answer):
        return None
    pause = max(_find_limit(answer), wait)
    return pause if pause <= LONGEST_WAIT else None


def _is_limited(answer: httpx.Response) -> bool:
    return answer.status_code == 429 or (
        answer.status_code == 403
        and (
            "retry-after" in answer.headers
            or answer.headers.get("x-ratelimit-remaining") == "0"
            or "rate limit" in answer.text.lower()
        )
    )


def _find_limit(answer: httpx.Response) -> float:
    """Find the seconds that a limit lasts: told, else till the reset, else a minute."""
    told = answer.headers.get("retry-after", "")
    if told.isdigit():
        return float(told)
    reset, date = answer.headers.get("x-ratelimit-reset", ""), answer.headers.get("date")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit() and date:
        return max(float(reset) - parsedate_to_datetime(date).timestamp(), 0.0)
    return 60.0


def _checked(what: str, answer: httpx.Response | None) -> Json:
    if answer is None or answer.status_code >= 500:
        said = "no answer" if answer is None else str(answer.status_code)
        raise Unanswered(f"GitHub's API fails ({what}: {said}): try again later.")
    if _is_limited(answer):
        raise Inconclusive(f"GitHub's API limits how often we may ask ({what}): try again later.")
    try:
        found = answer.json()
    except ValueError:
        raise CachyError(f"GITHUB_API_URL answers {what} with something that isn't JSON.") from None
    if answer.is_success:
        return found
    status, reason = answer.status_code, _reason(found)
    message = f"GitHub refused {what}: {status} {reason}.{ADVICE.get(status, '')}"
    raise Refused(message, status, reason)


def _reason(found: Json) -> str:
    """Join what GitHub says: `message`, and the `message` of each of the `errors`."""
    if not isinstance(found, dict):
        return "no reason given"
    rows = [row for row in (found, *(found.get("errors") or ())) if isinstance(row, dict)]
    said = " ".join(str(row["message"]) for row in rows if row.get("message"))
    return printable(said[:300])
