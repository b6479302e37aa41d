"""GitHub on loopback: one repository's pull requests and comments, kept in memory.

Branches are those of a real bare repository. Every request and every answer is held to GitHub's
own description (`github_openapi.json`); what doesn't fit is in `violations`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from github_contract import (
    REPOSITORY,
    USER,
    example,
    faults_of_request,
    faults_of_response,
    find_operation,
)
from scripted_server import DROPPED, ScriptedResponse, SeenRequest, json_response, serving

LONGEST_BODY = 65_536
DATE = "2026-11-24T03:00:00Z"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    is_lost: bool = False  # the work is done, but the connection breaks before the answer


def refusal(status: int, message: str, *errors: str, **headers: str) -> Answer:
    rows = [{"resource": "PullRequest", "code": "custom", "message": error} for error in errors]
    body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return Answer(status, {**body, "errors": rows} if rows else body, headers)


@dataclass
class GitHubServer:
    """Answers for `name`; `before` runs once ahead of a call and may answer in its place."""

    bare: Path
    name: str
    token: str
    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    reviewers: dict[int, list[str]] = field(default_factory=dict)
    labels: dict[int, list[str]] = field(default_factory=dict)
    before: dict[str, list[Callable[[], object]]] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.name.split("/")[0]

    def tip(self, branch: str) -> str | None:
        """Return the commit of a branch; read from its file, as many tests ask for it often."""
        name = f"refs/heads/{branch}"
        with suppress(OSError):
            return (self.bare / name).read_text(encoding="utf-8").strip()
        with suppress(OSError):
            for row in (self.bare / "packed-refs").read_text(encoding="utf-8").splitlines():
                if row.endswith(f" {name}"):
                    return row.split()[0]
        return None

    def close(self, number: int, *, is_merged: bool = False, by: str = "User") -> None:
        """Close a pull request as a person, or as a bot."""
        merged = DATE if is_merged else None
        self.pulls[number - 1] |= {"state": "closed", "merged_at": merged, "closed_by": by}

    def reopen(self, number: int) -> None:
        """Reopen a pull request as a person does."""
        self.pulls[number - 1] |= {"state": "open", "closed_by": None}

    def respond(self, request: SeenRequest) -> ScriptedResponse:
        """Answer one request; note where it or its answer differs from GitHub's description."""
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = request.json if request.body else None
        call = f"{request.method} {_short(parts.path)}"
        self.calls.append(call)
        operation = find_operation(request.method, parts.path)
        self.violations += faults_of_request(operation, query, body, dict(request.headers))
        answer = self._answer_or_refuse(call, request, query, body)
        if operation:
            self.violations += faults_of_response(operation, call, answer.status, answer.body)
        return _render(answer)

    def _answer_or_refuse(
        self, call: str, request: SeenRequest, query: dict[str, str], body: Any
    ) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return refusal(401, "Bad credentials")
        waiting = self.before.get(call, [])
        instead = waiting.pop(0)() if waiting else None
        if isinstance(instead, Answer):
            return instead
        answer = self.answer(request.method, urlsplit(request.path).path, query, body)
        return replace(answer, is_lost=instead == "lost")

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        """Answer one call as GitHub does."""
        self._follow_branches()
        parts = path.removeprefix(f"/repos/{self.name}").strip("/").split("/")
        match method, parts:
            case "GET", [""]:
                return Answer(200, self._repository())
            case "GET", ["pulls"]:
                return Answer(200, self._list_pulls(query))
            case "POST", ["pulls"]:
                return self._create_pull(body)
            case "PATCH", ["pulls", number]:
                pull = self.pulls[int(number) - 1]
                pull |= body
                pull |= {"closed_by": "Bot"} if body.get("state") == "closed" else {}
                return Answer(200, self._pull("pull-request", pull))
            case "POST", ["pulls", number, "requested_reviewers"]:
                return self._request_reviews(int(number), body)
        return self._answer_about_issues(method, parts, query, body)

    def _answer_about_issues(
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> Answer:
        match method, parts:
            case "GET", ["issues", number]:
                return Answer(200, self._issue(self.pulls[int(number) - 1]))
            case "POST", ["issues", number, "labels"]:
                return self._add_labels(int(number), body["labels"])
            case "GET", ["issues", number, "comments"]:
                rows = [row for row in self.comments if row["number"] == int(number)]
                return Answer(200, [self._comment(row) for row in _page(rows, query)])
            case "POST", ["issues", number, "comments"]:
                return Answer(201, self._comment(self.say(int(number), body["body"])))
            case "PATCH", ["issues", "comments", identity]:
                comment = self.comments[int(identity) - 1]
                comment |= body
                return Answer(200, self._comment(comment))
        return refusal(404, "Not Found")

    def _add_labels(self, number: int, names: list[str]) -> Answer:
        self.labels.setdefault(number, []).extend(names)
        label = example({"$ref": "#/components/schemas/label"})
        return Answer(200, [{**label, "name": name} for name in names])

    def _request_reviews(self, number: int, body: dict[str, list[str]]) -> Answer:
        asked = [*body.get("reviewers", ()), *body.get("team_reviewers", ())]
        self.reviewers.setdefault(number, []).extend(asked)
        return Answer(201, self._pull("pull-request-simple", self.pulls[number - 1]))

    def say(self, number: int, body: str, author: int = 1) -> dict[str, Any]:
        """Add a comment; author 1 is the token's account."""
        row = {"id": len(self.comments) + 1, "number": number, "body": body, "author": author}
        self.comments.append(row)
        return row

    def _follow_branches(self) -> None:
        for pull in self.pulls:
            if pull["state"] == "open":
                tip = self.tip(pull["head"])
                pull |= {"sha": tip} if tip else {"state": "closed", "closed_by": "User"}

    def _list_pulls(self, query: dict[str, str]) -> list[Any]:
        rows = [
            pull
            for pull in reversed(self.pulls)
            if query.get("state", "open") in ("all", pull["state"])
            and query.get("head", f"{self.owner}:{pull['head']}") == f"{self.owner}:{pull['head']}"
            and query.get("base", pull["base"]) == pull["base"]
        ]
        return [self._pull("pull-request-simple", row) for row in _page(rows, query)]

    def _create_pull(self, body: dict[str, Any]) -> Answer:
        head, base = body["head"], body["base"]
        if self.tip(head) is None or self.tip(base) is None:
            return refusal(422, "Validation Failed", "head is invalid")
        if any(pull["state"] == "open" and pull["head"] == head for pull in self.pulls):
            said = f"A pull request already exists for {self.owner}:{head}."
            return refusal(422, "Validation Failed", said)
        if self._is_ancestor(head, base):
            return refusal(422, "Validation Failed", f"No commits between {base} and {head}")
        if len(body.get("body", "").encode("utf-16-le")) // 2 > LONGEST_BODY:
            return refusal(422, "Validation Failed", "body is too long")
        return Answer(201, self._pull("pull-request", self.open(**body)))

    def open(
        self, head: str, base: str, title: str, body: str, draft: bool = False
    ) -> dict[str, Any]:
        """Open a pull request without asking."""
        pull = {"number": len(self.pulls) + 1, "state": "open", "merged_at": None}
        pull |= {"head": head, "base": base, "title": title, "body": body, "sha": self.tip(head)}
        pull |= {"draft": draft, "closed_by": None}
        self.pulls.append(pull)
        return pull

    def _is_ancestor(self, old: str, new: str) -> bool:
        command = ("git", "-C", str(self.bare), "merge-base", "--is-ancestor", old, new)
        return subprocess.run(command).returncode == 0

    def _repository(self) -> dict[str, Any]:
        repository = example({"$ref": "#/components/schemas/full-repository"})
        page = f"https://github.example/{self.name}"
        repository["owner"] |= {"login": self.owner}
        return {**repository, "id": 7, "html_url": page, "default_branch": "main"}

    def _pull(self, schema: str, pull: dict[str, Any]) -> dict[str, Any]:
        page = f"https://github.example/{self.name}/pull/{pull['number']}"
        shown = example({"$ref": f"#/components/schemas/{schema}"})
        for key in ("number", "state", "merged_at", "title", "body", "draft"):
            shown[key] = pull[key]
        head = {"ref": pull["head"], "sha": pull["sha"], "repo": {**REPOSITORY, "id": 7}}
        shown["head"] |= head
        shown["base"] |= {"ref": pull["base"]}
        return {**shown, "html_url": page, "user": {**USER, "id": 1}}

    def _issue(self, pull: dict[str, Any]) -> dict[str, Any]:
        shown = example({"$ref": "#/components/schemas/issue"})
        shown |= {key: pull[key] for key in ("number", "state", "title", "body")}
        by = pull["closed_by"]
        return {**shown, "closed_by": {**USER, "type": by} if by else None}

    def _comment(self, row: dict[str, Any]) -> dict[str, Any]:
        shown = example({"$ref": "#/components/schemas/issue-comment"})
        user = {**USER, "id": row["author"]}
        return {**shown, "id": row["id"], "body": row["body"], "user": user}


@contextmanager
def serve_github(bare: Path, name: str, token: str) -> Iterator[GitHubServer]:
    """Serve until the end of the block; then every call must have been as GitHub describes it."""
    server = GitHubServer(bare, name, token)
    with serving(otherwise=server.respond) as scripted:
        server.url = scripted.url
        yield server
    assert server.violations == []


def _render(answer: Answer) -> ScriptedResponse:
    headers = tuple((name.replace("_", "-"), value) for name, value in answer.headers.items())
    return DROPPED if answer.is_lost else json_response(answer.body, answer.status, *headers)


def _short(path: str) -> str:
    return re.sub(r"^/repos/[^/]+/[^/]+", "", path) or "/"


def _page(rows: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return rows[(page - 1) * size : page * size]
