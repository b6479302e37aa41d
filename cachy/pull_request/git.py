"""The door to the git program: build a commit in a scratch repository, push it under a lease."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

from cachy.display import printable
from cachy.errors import CachyError

# The account that GitHub's own workflow token acts as.
IDENTITY = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"
# With the parent's id it tells our commit from another workflow's under the same identity.
TRAILER = "Cachy-Base: "
SECONDS = 600
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_INHERITED = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH")
_INHERITED_GROUPS = ("GIT_SSH", "GIT_SSL_", "GIT_PROXY_")
_LOST_RACE = re.compile(r"stale info|is at \S+ but expected|reference already exists|fetch first")
_TELLING = re.compile(r"fatal: |error: |remote: error|.*\[(remote )?rejected\]")


class LostRace(Exception):
    """The branch isn't what it was when we looked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """What decides whether a branch may be replaced, and whether it must be."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    is_ours: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Git:
    """How the program is called: in which folder, with which environment, hiding what."""

    folder: Path
    environment: Mapping[str, str]
    secrets: tuple[str, ...] = ()

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git and return what it prints.

        Raises:
            CachyError: it failed, isn't installed, or took too long.
            LostRace: a push met a branch that somebody has moved.
        """
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
            said = f"{error.strerror} ({error.filename}). Is it installed, and on PATH?"
            raise CachyError(f"git can't be run in {self.folder}: {said}") from None
        except subprocess.TimeoutExpired:
            raise CachyError(f"git {arguments[0]} took over {SECONDS} seconds; stopped.") from None
        if done.returncode:
            raise self._failure(arguments[0], done.stdout + b"\n" + done.stderr)
        return done.stdout.decode(errors="replace")

    def _failure(self, verb: str, output: bytes) -> Exception:
        said = output.decode(errors="replace")
        if verb == "push" and _LOST_RACE.search(said):
            return LostRace()
        for secret in self.secrets:
            said = said.replace(secret, "***")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        telling = [line for line in lines if _TELLING.match(line)] or lines[-1:]
        # What the server says of itself tells more than git's own summary before it.
        telling.sort(key=lambda line: not line.startswith("remote: "))
        line = telling[0] if telling else "no reason given"
        return CachyError(f"git {verb} failed: {printable(line)}{_hint(line)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scratch:
    """A bare repository in a temporary folder, so that nothing of the user's own is touched."""

    git: Git
    url: str

    def fetch(self, *branches: str) -> tuple[Commit | None, ...]:
        """Bring the tips of these branches of the remote; None where there is no such branch."""
        refs = [f"refs/heads/{branch}" for branch in branches]
        listing = self.git.run("ls-remote", "--", self.url, *refs)
        tips = {ref: sha for sha, ref in (line.split("\t") for line in listing.splitlines())}
        wanted = [tips[ref] for ref in refs if ref in tips]
        if wanted:
            self.git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--", self.url, *wanted)
        return tuple(self.load_commit(tips[ref]) if ref in tips else None for ref in refs)

    def load_commit(self, sha: str) -> Commit:
        """Read a commit; the parents are those written in it, though they were not fetched."""
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

    def commit(
        self, files: Mapping[str, str | bytes | None], message: str, *, onto: Commit
    ) -> Commit:
        """Put `files` (None: remove) on top of a commit, in one run and without an index."""
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
            LostRace: it is elsewhere by now (`over` is None: it has come to be).
        """
        ref = f"refs/heads/{branch}"
        lease = f"--force-with-lease={ref}:{over.sha if over else ''}"
        source = commit.sha if commit else ""
        self.git.run("push", "--porcelain", "--no-signed", lease, "--", self.url, f"{source}:{ref}")


def find_remote(checkout: Path, remote: str, environment: Mapping[str, str]) -> str:
    """Find the URL of a remote, without the user name and password that it may carry.

    Raises:
        CachyError: no repository, no such remote.
    """
    url = _asked(checkout, environment, "remote", "get-url", remote)
    if (checkout / url).exists():
        return str((checkout / url).resolve())
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def find_prefix(folder: Path, environment: Mapping[str, str]) -> str:
    """Find a folder's path from its checkout's root, with forward slashes.

    Raises:
        CachyError: no repository.
    """
    return _asked(folder, environment, "rev-parse", "--show-prefix").rstrip("/")


def _asked(folder: Path, environment: Mapping[str, str], *question: str) -> str:
    git = Git(folder=folder, environment=_environment(environment))
    try:
        return git.run(*question).removesuffix("\n")
    except CachyError as error:
        if "not a git repository" in str(error):
            error = CachyError(f"{folder} is no git repository: run this inside one.")
        raise error from None


def refuse_foreign_server(url: str, server_url: str) -> None:
    """Let a token go to its own server only, over https; on this machine it may go anywhere.

    Raises:
        CachyError: the remote is on another server.
    """
    parts, server = urlsplit(url), urlsplit(server_url)
    if parts.scheme not in ("http", "https") or parts.hostname in LOOPBACK:
        return
    if (parts.scheme, parts.netloc.lower()) != ("https", server.netloc.lower()):
        raise CachyError(f"The remote is {url}, but the token belongs to {server_url}: not sent.")


def parse_repository_name(url: str) -> str:
    """Read owner/name off a remote's URL.

    Raises:
        CachyError: there is none in it.
    """
    found = re.search(r"[/:]([^/:]+/[^/:]+?)(?:\.git)?/?$", url)
    if not found:
        raise CachyError(f"No owner/name in the remote {url}: set GITHUB_REPOSITORY.")
    return found.group(1)


@contextmanager
def open_scratch(url: str, token: str, environment: Mapping[str, str]) -> Iterator[Scratch]:
    """Make an empty scratch repository that speaks to `url`, the token held in its environment.

    Not in argv, which every process can read, and in no configuration file. Hooks, credential
    helpers and prompts of the user's own configuration are off.
    """
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    with TemporaryDirectory(prefix="cachy-", ignore_cleanup_errors=True) as folder:
        settings = _environment(environment, GIT_DIR=folder, **_configuration(url, basic))
        git = Git(folder=Path(folder), environment=settings, secrets=(basic, token))
        git.run("init", "--quiet", "--bare", "--template=")
        yield Scratch(git=git, url=url)


def _configuration(url: str, basic: str) -> dict[str, str]:
    """Name settings in the environment: git-config(1), GIT_CONFIG_COUNT."""
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


def _environment(inherited: Mapping[str, str], **own: str) -> dict[str, str]:
    """Keep git's own variables out: GIT_DIR of a hook, traces that write requests to a file."""
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
    return ". The token needs the permission contents: write." if refused else ""
