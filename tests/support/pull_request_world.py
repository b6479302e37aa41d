"""What the pull request's tests happen in: a checkout, its git server, and GitHub beside it.

The git program is called through a wrapper that writes down its arguments.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from git_server import GitServer, serve_git
from github_server import GitHubServer, serve_github

from cachy.drift.outcome.report import DriftReport
from cachy.pull_request.proposal import Found, find_started
from cachy.pull_request.publish import PublishResult, open_pull_request
from cachy.pull_request.remote_state import BRANCH, Settings

TOKEN = "ghs_0123456789abcdefghijABCDEFGHIJ012345"
PAGE = "https://github.example/octo/app/pull/1"
OLD = "cachy_fixtures/api.example.com/v1/chat/old-0000000000000000.json"
FIXTURE = "cachy_fixtures/api.example.com/v1/chat/hey-3f9a1c0b2d4e5f60.json"
ADVICE = {"field-removed": "Stop reading it.", "field-added": "Nothing to do."}
USUAL = {"confirmed": "1/1", "sdk": "unknown", "fixtures": [FIXTURE]}
SURFACE = "POST api.example.com/v1/chat"
ADDED = {
    **{"rule": "field-added", "severity": "compatible", "path": "$.completed_at"},
    **{"old": None, "new": "integer"},
}
REMOVED = {
    **{"rule": "field-removed", "severity": "breaking", "path": "$.usage.total"},
    **{"old": "integer", "new": None},
}


def surface(*changes: Mapping[str, Any], name: str = SURFACE, **more: Any) -> dict[str, Any]:
    """Return one surface of a report as JSON; a change says only what its test is about."""
    outcome = "drift" if changes else "clean"
    return {
        **{"surface": name, "outcome": outcome, "complete": True, "fixtures": [FIXTURE]},
        **{"sent": [{"fixture": FIXTURE, "tries": 1, "stands_for": []}]},
        "changes": [{**USUAL, **change} for change in changes],
        **more,
    }


def report(*changes: Mapping[str, Any], inconclusive: int = 0, **more: Any) -> DriftReport:
    """Return the report of a night with these changes of one surface."""
    row = {"fixture": FIXTURE, "surface": SURFACE, "reason": "quota", "detail": "429"}
    rows = {"inconclusive": more.pop("inconclusive_rows", [row] * inconclusive)}
    found = {"surfaces": [surface(*changes, complete=not inconclusive)], **rows, **more}
    return DriftReport.from_json({"cachy": 1, "summary": {}, **found})


@dataclass
class World:
    """A checkout, the server that it came from, and the GitHub that keeps its pull requests."""

    folder: Path
    git: GitServer
    github: GitHubServer
    settings: Settings
    pauses: list[float]

    @property
    def checkout(self) -> Path:
        return self.settings.checkout

    @property
    def bare(self) -> Path:
        return self.github.bare

    def drift(self, found: DriftReport, files: Any = None, **other: Any) -> PublishResult:
        """Do what `cachy drift --open-pr` does with this report."""
        settings = replace(self.settings, **other)
        drifted = {FIXTURE: '{"total": 1}\n'} if any(row.changes for row in found.surfaces) else {}
        held = drifted if files is None else files
        night = Found(report=found, files=held, started=find_started(held, settings), advice=ADVICE)
        return open_pull_request(
            night,
            settings,
            find_secrets=lambda text: ["openai-key"] if "sk-" in text else [],
        )

    def update_checkout(self) -> None:
        """Check out the base as it is now."""
        run_git("-C", str(self.checkout), "fetch", "-q", f"file://{self.bare}", "main")
        run_git("-C", str(self.checkout), "checkout", "-q", "FETCH_HEAD")

    def commit_all(self) -> None:
        """Commit what is in the checkout to the base, as a person does."""
        there = ("-C", str(self.checkout), "-c", "user.name=Ada", "-c", "user.email=ada@x.example")
        run_git(*there, "add", ".")
        run_git(*there, "commit", "-q", "-m", "Record")
        run_git(*there, "push", "-q", f"file://{self.bare}", "HEAD:main")

    def in_bare(self, *arguments: str) -> str:
        return run_git("-C", str(self.bare), *arguments)

    def push_by_hand(self, branch: str = BRANCH, path: str = "app.py", by: str = "Ada") -> str:
        """Commit on a branch of the server as a person does."""
        person = f"{by} <{by.lower()}@example.com>"
        blob = self.in_bare("rev-parse", "main:README.md").strip()
        index = {"GIT_INDEX_FILE": str(self.folder / "by-hand")}
        self.in_bare_with(index, "read-tree", branch)
        self.in_bare_with(index, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        tree = self.in_bare_with(index, "write-tree").strip()
        name, _, email = person.partition(" <")
        author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email[:-1]}
        committer = {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email[:-1]}
        parent = self.in_bare("rev-parse", branch).strip()
        told = ("commit-tree", tree, "-p", parent, "-m", "By hand")
        commit = self.in_bare_with({**author, **committer}, *told).strip()
        self.in_bare("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def in_bare_with(self, environment: Mapping[str, str], *arguments: str) -> str:
        return run_git("-C", str(self.bare), *arguments, **environment)

    def changed_files(self, branch: str = BRANCH) -> list[str]:
        return self.in_bare("diff", "--name-status", "main", branch).splitlines()

    def before(self, call: str, *hooks: Callable[[], object]) -> None:
        self.github.before[call] = list(hooks)


def run_git(*arguments: str, **environment: str) -> str:
    everything = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull, **environment}
    done = subprocess.run(
        ("git", *arguments), env=everything, capture_output=True, text=True, check=True
    )
    return done.stdout


@contextmanager
def serve_world(folder: Path) -> Iterator[World]:
    shutil.copytree(make_repositories(), folder, dirs_exist_ok=True)
    bare, checkout = folder / "served" / "octo" / "app.git", folder / "checkout"
    with (
        serve_git(folder / "served", TOKEN) as git,
        serve_github(bare, "octo/app", TOKEN) as github,
    ):
        lead_to(f"{git.url}/octo/app.git", checkout)
        pauses: list[float] = []
        settings = Settings(
            checkout=checkout,
            fixtures="cachy_fixtures",
            token=TOKEN,
            environment=make_environment(folder),
            api_url=github.url,
            sleep=pauses.append,
        )
        yield World(folder, git, github, settings, pauses)


@cache
def make_repositories() -> Path:
    """Make a bare repository and a shallow clone of it once; each test has a copy of both."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    work, bare = folder / "work", folder / "served" / "octo" / "app.git"
    for name, text in {FIXTURE: '{"total": 2}\n', OLD: "{}\n", "README.md": "An app.\n"}.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text, encoding="utf-8")
    commit_to(bare, work, "Begin")
    commit_to(bare, work, "Go on", "--allow-empty")
    run_git("clone", "-q", "--template=", "--depth=1", f"file://{bare}", str(folder / "checkout"))
    return folder


def commit_to(bare: Path, work: Path, subject: str, *options: str) -> None:
    """Commit a folder to a bare repository, which comes to be."""
    if not bare.exists():
        run_git("init", "-q", "--bare", "--template=", "-b", "main", str(bare))
        run_git("-C", str(bare), "config", "receive.autogc", "false")
        (bare / "hooks").mkdir()
    there = ("--git-dir", str(bare), "--work-tree", str(work))
    run_git(*there, "add", ".")
    ada = (
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.com",
        "-c",
        "maintenance.auto=false",
    )
    run_git(*ada, *there, "commit", "-q", "-m", subject, *options)


def lead_to(url: str, checkout: Path) -> None:
    """Let a clone that was made by a path fetch from and push to a URL."""
    config = checkout / ".git" / "config"
    text = config.read_text(encoding="utf-8")
    config.write_text(re.sub(r"url = .*", lambda _: f"url = {url}", text), encoding="utf-8")


def make_environment(folder: Path) -> dict[str, str]:
    """Make the environment of a user whose git is full of surprises."""
    real = shutil.which("git")
    wrapper = folder / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{folder}/argv"\nexec "{real}" "$@"\n', encoding="utf-8"
    )
    wrapper.chmod(0o755)
    hook = folder / "hooks" / "pre-push"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho hook ran >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    (folder / ".gitconfig").write_text(
        f'[core]\n\thooksPath = "{hook.parent}"\n\tautocrlf = true\n'
        "[commit]\n\tgpgSign = true\n[push]\n\tgpgSign = true\n"
        '[http]\n\textraheader = "AUTHORIZATION: basic c29tZWJvZHk6ZWxzZQ=="\n',
        encoding="utf-8",
    )
    return {
        "PATH": f"{wrapper.parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DIR": "/nowhere",
        "GIT_TRACE_CURL": str(folder / "trace"),
    }
