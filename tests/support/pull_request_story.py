"""A repository whose provider changes from night to night, and what its pull request becomes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from drift_project import CHAT, CHAT_ANSWER, KEY, record, write_config
from git_server import GitServer, serve_git
from github_server import GitHubServer, serve_github
from pull_request_world import TOKEN, commit_to, lead_to, run_git
from scripted_server import ScriptedServer, json_response, serving

from cachy.cli import run_program
from cachy.pull_request.record import split_description

EMBED = "/v1/embeddings"
ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hey!"}]}
EMBEDDED = {"object": "list", "model": "e-1", "data": [{"object": "embedding", "index": 0}]}
USUAL: Mapping[str, Any] = {CHAT: CHAT_ANSWER, EMBED: EMBEDDED}
QUOTA = json_response({"error": {"type": "authentication_error", "message": "no"}}, 401)


@dataclass(frozen=True)
class Night:
    """What one run of `cachy drift --open-pr` said."""

    code: int
    report: Any
    talk: str

    @property
    def operation(self) -> str:
        assert "pull_request" in self.report, self.talk
        return str(self.report["pull_request"]["operation"])


@dataclass
class Story:
    """The repository, its provider, its git server and its GitHub."""

    folder: Path
    provider: ScriptedServer
    git: GitServer
    github: GitHubServer
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    project: str = ""

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    def provide(self, **added: Any) -> None:
        """Let the provider's responses have further fields: by `chat` and `embed`, or `QUOTA`."""
        for name, path in (("chat", CHAT), ("embed", EMBED)):
            more = added.get(name, {})
            usual = json_response({**USUAL[path], **more}) if isinstance(more, dict) else more
            self.provider.on(path, usual)

    def night(self, *arguments: str, checkout: Path | None = None, **environ: str) -> Night:
        """Run the program as a nightly job does, in a fresh checkout of the base."""
        folder = checkout or self.check_out()
        given = {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": self.github.url,
            "GITHUB_REPOSITORY": "octo/app",
            "MY_KEY": KEY,
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(self.folder),
            **environ,
        }
        with self.monkeypatch.context() as patch:
            patch.chdir(folder / self.project)
            patch.setattr("time.sleep", lambda seconds: None)
            for name, value in given.items():
                patch.setenv(name, value)
            code = run_program(["drift", "--format", "json", "--open-pr", *arguments])
        said = self.capsys.readouterr()
        assert TOKEN not in said.out + said.err
        assert KEY not in said.out + said.err
        return Night(code, json.loads(said.out or "{}"), said.err)

    def check_out(self, name: str = "", branch: str = "main") -> Path:
        """Check a branch out as it is now."""
        folder = self.folder / (name or f"checkout-{len(list(self.folder.iterdir()))}")
        there = (f"file://{self.github.bare}", str(folder))
        run_git("clone", "-q", "--template=", "--depth=1", "-b", branch, *there)
        lead_to(f"{self.git.url}/octo/app.git", folder)
        return folder

    def commit(self, files: Mapping[str, str], branch: str = "main") -> None:
        """Commit files to a branch as a person does."""
        work = self.check_out(branch=branch)
        for name, text in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text, encoding="utf-8")
        run_git("-C", str(work), "add", ".")
        ada = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        run_git("-C", str(work), *ada, "commit", "-q", "-m", "By hand")
        run_git("-C", str(work), "push", "-q", f"file://{self.github.bare}", f"HEAD:{branch}")

    def remove(self, name: str, branch: str = "main") -> None:
        """Remove a file from a branch as a person does."""
        work = self.check_out(branch=branch)
        run_git("-C", str(work), "rm", "-q", name)
        ada = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        run_git("-C", str(work), *ada, "commit", "-q", "-m", "Remove by hand")
        run_git("-C", str(work), "push", "-q", f"file://{self.github.bare}", f"HEAD:{branch}")

    def merge(self, number: int) -> None:
        """Merge a pull request as a person does."""
        head = self.github.pulls[number - 1]["head"]
        run_git("-C", str(self.github.bare), "update-ref", "refs/heads/main", f"refs/heads/{head}")
        self.github.close(number, is_merged=True)

    def changed(self, branch: str = "cachy/drift") -> list[str]:
        """Return the names of the files that the branch changes, without their folders."""
        told = ("diff", "--name-only", f"main...{branch}")
        rows = run_git("-C", str(self.github.bare), *told).splitlines()
        return sorted(
            {"chat" if "chat" in row else "embed" if "embed" in row else row for row in rows}
        )

    def rows(self, number: int = 1) -> list[str]:
        """Return the paths of the changes that a pull request is about."""
        record = split_description(self.github.pulls[number - 1]["body"]).record
        assert record
        return sorted(one.change.path for one in record.known)

    @property
    def states(self) -> list[str]:
        return [pull["state"] for pull in self.github.pulls]


@contextmanager
def tell_story(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    projects: tuple[str, ...] = ("",),
) -> Iterator[Story]:
    bare, work = folder / "served" / "octo" / "app.git", folder / "work"
    with serving({path: [json_response(usual)] for path, usual in USUAL.items()}) as provider:
        for project in projects:
            (work / project).mkdir(parents=True, exist_ok=True)
            write_config(work / project, provider)
            record(work / project, provider, ASK)
            record(work / project, provider, {"model": "e-1", "input": "Hey!"}, EMBED)
        commit_to(bare, work, "Begin")
        with (
            serve_git(folder / "served", TOKEN) as git,
            serve_github(bare, "octo/app", TOKEN) as github,
        ):
            yield Story(folder, provider, git, github, monkeypatch, capsys, projects[0])
    assert "CACHY_MODE" not in os.environ
