"""Calls of the git program: build a commit in a scratch repository, push it under a lease."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from cachy.display import printable
from cachy.errors import CachyError, LostRace
from cachy.fixture.store.files import FileChanges

# The account that GitHub's own workflow token acts as.
IDENTITY = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"
# With the parent's id it tells our commit from another workflow's under the same identity.
TRAILER = "Cachy-Base: "
SECONDS = 600

_INHERITED = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH")
_INHERITED_GROUPS = ("GIT_SSH", "GIT_SSL_", "GIT_PROXY_")
_LOST_RACE = re.compile(r"stale info|is at \S+ but expected|reference already exists|fetch first")
_TELLING = re.compile(r"fatal: |error: |remote: error|.*\[(remote )?rejected\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """What decides whether a branch may be replaced, and whether it must be."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    is_ours: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Git:
    """How the program is called: in which folder, with which environment, hiding which secrets."""

    folder: Path
    environment: Mapping[str, str]
    secrets: tuple[str, ...] = ()

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git and return what it prints.

        Raises:
            CachyError: it failed, is not installed, or took too long.
            LostRace: a push met a branch that somebody has moved.
        """
        # Names of files are bytes; surrogates keep those that are not UTF-8.
        return self.run_raw(*arguments, stdin=stdin).decode(errors="surrogateescape")

    def run_raw(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git as `run` does, and return the bytes that it prints."""
        try:
            done = subprocess.run(
                ("git", *arguments),
                cwd=self.folder,
                env=self.environment,
                input=stdin,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except OSError as error:
            said = f"{error.strerror} ({error.filename})"
            raise CachyError(
                f"Cannot run git in {self.folder}: {said}.", advice="Is it installed, and on PATH?"
            ) from None
        except subprocess.TimeoutExpired:
            problem = f"git {arguments[0]} took over {SECONDS} seconds and was stopped."
            raise CachyError(problem) from None
        if done.returncode:
            raise self._failure(arguments[0], done.stdout + b"\n" + done.stderr)
        return done.stdout

    def _failure(self, verb: str, output: bytes) -> Exception:
        said = output.decode(errors="replace")
        if verb == "push" and _LOST_RACE.search(said):
            return LostRace()
        for secret in self.secrets:
            said = said.replace(secret, "***")
        lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
        telling = [line for line in lines if _TELLING.match(line)] or lines[-1:]
        # What the server says of itself tells more than git's own summary before it.
        telling.sort(key=lambda line: not line.startswith("remote: "))
        line = telling[0] if telling else "no reason given"
        return CachyError(f"git {verb} failed: {printable(line)}", advice=_hint(line))


@dataclass(frozen=True, kw_only=True, slots=True)
class Scratch:
    """A bare repository in a temporary folder, so that nothing of the user's own is touched."""

    git: Git
    url: str

    def fetch(self, base: str, branch: str) -> tuple[Commit | None, Commit | None]:
        """Fetch the tips of two branches, of `branch` its parent too; None: no such branch.

        Raises:
            CachyError: another branch keeps git from creating `branch`.
        """
        tips = self._list_tips(base, branch)
        for name, depth in ((base, 1), (branch, 2)):
            if name in tips:
                what = (f"--depth={depth}", "--no-tags", "--", self.url, tips[name])
                self.git.run("fetch", "--quiet", *what)
        found = (self.load_commit(tips[name]) if name in tips else None for name in (base, branch))
        return next(found), next(found)

    def _list_tips(self, base: str, branch: str) -> dict[str, str]:
        parts = branch.split("/")
        above = ["/".join(parts[:size]) for size in range(1, len(parts))]
        wanted = [f"refs/heads/{name}" for name in (base, branch, *above, f"{branch}/*")]
        rows = self.git.run("ls-remote", "--", self.url, *wanted).splitlines()
        tips = {
            ref.removeprefix("refs/heads/"): sha for sha, ref in (row.split("\t") for row in rows)
        }
        for name in sorted(tips):
            # git keeps branches as files: where `cachy` is one, `cachy/drift` has no folder.
            if name != base and (name in above or name.startswith(f"{branch}/")):
                advice = f"Rename the branch {name}, or choose another name with --branch."
                problem = f"The remote has a branch {name}, beside which there can be no {branch}."
                raise CachyError(problem, advice=advice)
        return tips

    def refuse_branch_name(self, name: str) -> None:
        """Refuse a name that git does not allow, or takes for something other than a branch.

        Raises:
            CachyError: the message names it.
        """
        try:
            self.git.run("check-ref-format", f"refs/heads/{name}")
        except CachyError:
            is_valid = False
        else:
            is_valid = not name.startswith(("-", "refs/")) and name != "HEAD"
        if not is_valid:
            advice = "Write it as in git branch, such as cachy/drift."
            raise CachyError(f"{name!r} is not the name of a branch.", advice=advice)

    def list_files(self, commit: str, folder: str) -> dict[str, str]:
        """Return the blob ids of a commit's plain files below a folder, by their paths."""
        rows = self.git.run("ls-tree", "-r", "-z", commit, "--", f":(literal){folder}")
        found = {}
        for row in filter(None, rows.split("\0")):
            facts, _, path = row.partition("\t")
            mode, _, sha = facts.split()
            # Anything but a plain file, such as a symbolic link, equals no fixture.
            found[path] = sha if mode.startswith("100") else f"{mode}:{sha}"
        return found

    def load_blob(self, sha: str) -> bytes:
        """Return the bytes of a blob."""
        return self.git.run_raw("cat-file", "blob", sha)

    def find_mentions(self, commit: str, text: str, folder: str) -> set[str]:
        """Return the paths of a commit's files below a folder that hold a text."""
        what = ("-l", "-z", "--fixed-strings", "-e", text, commit, "--", f":(literal){folder}")
        try:
            rows = self.git.run("grep", *what)
        except CachyError:  # exit code 1: none
            return set()
        return {row.partition(":")[2] for row in rows.split("\0") if row}

    def load_commit(self, sha: str) -> Commit:
        """Return a commit; its parents are those written in it, fetched or not."""
        head, _, message = self.git.run("cat-file", "commit", sha).partition("\n\n")
        lines = [line.partition(" ") for line in head.splitlines()]
        parents = tuple(value for name, _, value in lines if name == "parent")
        people = [value for name, _, value in lines if name in ("author", "committer")]
        return Commit(
            sha=sha,
            tree=next(value for name, _, value in lines if name == "tree"),
            parents=parents,
            is_ours=len(parents) == 1
            and all(person.startswith(IDENTITY) for person in people)
            and message.rstrip("\n").endswith(f"\n{TRAILER}{parents[0]}"),
        )

    def commit(self, files: FileChanges, message: str, *, onto: Commit) -> Commit:
        """Return a new commit with `files` (None: removed) on top of another, without an index."""
        people = f"author {IDENTITY} now\ncommitter {IDENTITY} now\n"
        stream = [
            f"commit refs/heads/scratch\nmark :1\n{people}".encode(),
            _data(f"{message}\n\n{TRAILER}{onto.sha}\n"),
            f"from {onto.sha}\n".encode(),
        ]
        for path, held in sorted(files.items()):
            if held is None:
                stream.append(f"D {_quoted(path)}\n".encode())
            else:
                stream += [f"M 100644 inline {_quoted(path)}\n".encode(), _data(held)]
        asked = b"".join((*stream, b"get-mark :1\n"))
        sha = self.git.run("fast-import", "--quiet", "--force", "--date-format=now", stdin=asked)
        return self.load_commit(sha.strip())

    def push(self, branch: str, commit: Commit | None, *, over: Commit | None) -> None:
        """Move a branch to `commit` (None: delete it), if it still is where we saw it.

        Raises:
            LostRace: it has moved since, or exists although `over` is None.
        """
        source = commit.sha if commit else ""
        self._push(f"{source}:refs/heads/{branch}", branch, over)

    def try_push(self, branch: str, commit: Commit, *, over: Commit | None) -> None:
        """Ask the server whether we may push to a branch, without pushing.

        Raises:
            CachyError: we may not.
        """
        self._push(f"{commit.sha}:refs/heads/{branch}", branch, over, "--dry-run")

    def _push(self, moved: str, branch: str, over: Commit | None, *options: str) -> None:
        lease = f"--force-with-lease=refs/heads/{branch}:{over.sha if over else ''}"
        options = ("--porcelain", "--no-signed", lease, *options)
        self.git.run("push", *options, "--", self.url, moved)


@contextmanager
def open_scratch(url: str, token: str, environment: Mapping[str, str]) -> Iterator[Scratch]:
    """Yield an empty scratch repository for `url`, with the token in its environment.

    The token is not in argv, which every process can read, nor in a configuration file. Hooks,
    credential helpers and prompts of the user's own configuration are off.
    """
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    with TemporaryDirectory(prefix="cachy-", ignore_cleanup_errors=True) as folder:
        settings = clean_environment(environment, GIT_DIR=folder, **_configuration(url, basic))
        git = Git(folder=Path(folder), environment=settings, secrets=(basic, token))
        git.run("init", "--quiet", "--bare", "--template=")
        yield Scratch(git=git, url=url)


def _configuration(url: str, basic: str) -> dict[str, str]:
    """Return settings as environment variables: git-config(1), GIT_CONFIG_COUNT."""
    parts = urlsplit(url)
    settings = [
        ("core.hooksPath", "/dev/null"),
        ("credential.helper", ""),
        ("gc.auto", "0"),
        ("http.lowSpeedLimit", "1"),
        ("http.lowSpeedTime", "60"),
    ]
    if parts.scheme in ("http", "https"):
        header = f"http.{parts.scheme}://{parts.netloc}/.extraheader"
        # The empty one first: a checkout may have left its own, and two are refused.
        settings += [(header, ""), (header, f"AUTHORIZATION: basic {basic}")]
    named = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        named |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return named


def clean_environment(inherited: Mapping[str, str], **own: str) -> dict[str, str]:
    """Return an environment without git's own variables, as a hook's GIT_DIR, or traces."""
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith("GIT_") or name in _INHERITED or name.startswith(_INHERITED_GROUPS)
    }
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "LC_ALL": "C", **own}


def _data(held: str | bytes) -> bytes:
    encoded = held.encode() if isinstance(held, str) else held
    return b"data %d\n%s\n" % (len(encoded), encoded)


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _hint(line: str) -> str:
    refused = re.search(r"Authentication failed|could not read Username|error: 40[13]", line)
    return "GITHUB_TOKEN needs the permission contents: write." if refused else ""
