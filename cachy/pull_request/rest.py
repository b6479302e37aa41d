"""Calls of GitHub's REST API: send, wait, try again, and say what went wrong.

https://docs.github.com/rest, "Best practices for using the REST API".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx

from cachy.display import printable
from cachy.errors import CachyError, GitHubRefused, GitHubUnanswered, Inconclusive
from cachy.fixture.format.dates import parse_date
from cachy.interaction import Json

Method = Literal["GET", "POST", "PATCH"]

WAITS = (1.0, 4.0, 60.0, None)  # seconds after each try; at least
LONGEST_WAIT = 120.0  # a limit that lasts longer is for the next run
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_TIMES = {"timeout": httpx.Timeout(30.0).as_dict()}
_HEADERS = {
    "accept": "application/vnd.github+json",
    "user-agent": "cachy",
    "x-github-api-version": "2022-11-28",
}
_REDIRECTS = (301, 302, 307, 308)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """One repository behind the REST API; all that it sends goes to `api_url`."""

    api_url: str
    name: str  # owner/name
    token: str
    transport: httpx.BaseTransport
    sleep: Callable[[float], None]

    def send(
        self,
        method: Method,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """Send one call below the repository and return the JSON of its response.

        Raises:
            GitHubRefused: GitHub refused it.
            Inconclusive: no response, a server error, or a limit that lasts too long.
        """
        url = httpx.URL(f"{self.api_url.rstrip('/')}/repos/{quote(self.name)}{path}")
        if query:
            url = url.copy_merge_params(query)
        if method != "GET":
            self.sleep(1)  # what GitHub asks for between two writes
        for wait in WAITS:
            response = self._try(method, url, body)
            pause = _find_pause(method, response, wait)
            if pause is None:
                break
            self.sleep(pause)
        return _checked(f"{method} {self.name}{path}", response)

    def _try(
        self, method: Method, url: httpx.URL, body: Mapping[str, Any] | None
    ) -> httpx.Response | None:
        """Send once, and follow redirects on the same server; None: no response."""
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
                problem = f"{self.api_url} redirects to {url.host}: the token was not sent there."
                raise CachyError(problem)
        return None


@contextmanager
def connect(api_url: str, name: str, token: str, sleep: Callable[[float], None]) -> Iterator[Rest]:
    """Yield a connection of our own, which no patched client can record or refuse.

    Raises:
        CachyError: the token would travel in clear text.
    """
    url = httpx.URL(api_url)
    if url.scheme != "https" and url.host not in LOOPBACK:
        problem = f"GITHUB_API_URL is {api_url}: a token is sent over https only."
        raise CachyError(problem, advice="Write https://…")
    with httpx.HTTPTransport() as transport:
        yield Rest(api_url=api_url, name=name, token=token, transport=transport, sleep=sleep)


def _find_pause(
    method: Method, response: httpx.Response | None, wait: float | None
) -> float | None:
    """Return how many seconds to wait before the next try; None: do not try again."""
    if wait is None:
        return None
    if response is None or response.status_code >= 500:
        # Twice created is worse than not at all; setting the same again is harmless.
        return wait if method != "POST" else None
    if not _is_limited(response):
        return None
    pause = max(_find_limit(response), wait)
    return pause if pause <= LONGEST_WAIT else None


def _is_limited(response: httpx.Response) -> bool:
    return response.status_code == 429 or (
        response.status_code == 403
        and (
            "retry-after" in response.headers
            or response.headers.get("x-ratelimit-remaining") == "0"
            or "rate limit" in response.text.lower()
        )
    )


def _find_limit(response: httpx.Response) -> float:
    """Return how many seconds a limit lasts: as stated, else until its reset, else a minute."""
    headers = response.headers
    seconds = headers.get("retry-after", "")
    if seconds.isdigit():
        return float(seconds)
    reset, now = headers.get("x-ratelimit-reset", ""), parse_date(headers.get("date", ""))
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit() and now:
        return max(float(reset) - now.timestamp(), 0.0)
    return 60.0


def _checked(what: str, response: httpx.Response | None) -> Json:
    if response is None or response.status_code >= 500:
        problem = "no response" if response is None else str(response.status_code)
        raise GitHubUnanswered(
            f"GitHub's API fails ({what}: {problem}).", advice="Try again later."
        )
    if _is_limited(response):
        problem = f"GitHub's API limits how often we may ask ({what})."
        raise Inconclusive(problem, advice="Try again later.")
    try:
        found = response.json()
    except ValueError:
        raise CachyError(f"GITHUB_API_URL responds to {what} with text that is not JSON.") from None
    if response.is_success:
        return found
    raise GitHubRefused(what, response.status_code, _reason(found))


def _reason(found: Json) -> str:
    """Return what GitHub says: `message`, and the `message` of each of the `errors`."""
    if not isinstance(found, dict):
        return "no reason given"
    rows = [row for row in (found, *(found.get("errors") or ())) if isinstance(row, dict)]
    said = " ".join(str(row["message"]) for row in rows if row.get("message"))
    return printable(said)[:300]
