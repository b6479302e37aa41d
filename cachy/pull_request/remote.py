"""Where the checkout came from: its remote's URL, its repository's name, and its server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from cachy.errors import CachyError
from cachy.pull_request.git import Git, clean_environment

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCP = re.compile(r"(?:[^@/:]+@)?([A-Za-z0-9.-]+):(?!//)(?!\\)")  # git@github.com:octo/app


def find_remote(checkout: Path, remote: str, environment: Mapping[str, str]) -> str:
    """Return the URL of a remote, without the user name and password that it may carry.

    Raises:
        CachyError: no repository, no such remote.
    """
    try:
        url = _ask(checkout, environment, "remote", "get-url", remote)
    except CachyError as error:
        if "No such remote" not in str(error):
            raise
        advice = "Add the GitHub repository: git remote add origin URL."
        raise CachyError(f"{checkout} has no remote {remote!r}.", advice=advice) from None
    if (checkout / url).exists():
        return str((checkout / url).resolve())
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def find_prefix(folder: Path, environment: Mapping[str, str]) -> str:
    """Return a folder's path from its checkout's root, with forward slashes; empty at the root.

    Raises:
        CachyError: no repository.
    """
    return _ask(folder, environment, "rev-parse", "--show-prefix").rstrip("/")


def hash_files(
    folder: Path, names: list[str], environment: Mapping[str, str]
) -> dict[str, str | None]:
    """Return the blob ids that git would give to files; paths start at the checkout's root.

    None: there is no such file.
    """
    root = Path(_ask(folder, environment, "rev-parse", "--show-toplevel"))
    there = [name for name in names if (root / name).is_file()]
    lines = "".join(f"{name}\n" for name in there).encode()
    git = Git(folder=root, environment=clean_environment(environment))
    found = git.run("hash-object", "--stdin-paths", stdin=lines).splitlines() if there else []
    return dict.fromkeys(names) | dict(zip(there, found, strict=True))


def _ask(checkout: Path, environment: Mapping[str, str], *question: str) -> str:
    git = Git(folder=checkout, environment=clean_environment(environment))
    try:
        return git.run(*question).removesuffix("\n")
    except CachyError as error:
        if "not a git repository" in str(error):
            advice = "Run this inside a checkout."
            raise CachyError(f"{checkout} is not a git repository.", advice=advice) from None
        raise


def refuse_foreign_server(url: str, server_url: str) -> None:
    """Refuse a remote on another server than the token's, or without TLS; loopback is allowed.

    Raises:
        CachyError: the remote is on another server.
    """
    if not _is_own(url, server_url):
        raise CachyError(
            f"The remote is {url}, but GITHUB_TOKEN belongs to {server_url}: it was not sent.",
            advice="cachy opens pull requests on GitHub only. For your own GitHub server set "
            "GITHUB_SERVER_URL and GITHUB_API_URL; for any other see docs/other-ci.md.",
        )


def _is_own(url: str, server_url: str) -> bool:
    server = urlsplit(server_url)
    by_ssh = {server.hostname, f"ssh.{server.hostname}", *LOOPBACK}  # ssh.github.com is port 443
    if "://" not in url:
        found = _SCP.match(url)
        if found is None or len(found.group(1)) == 1:  # a path, as C:/served/app.git
            return True
        return found.group(1).lower() in by_ssh
    parts = urlsplit(url)
    if parts.scheme == "file" or parts.hostname in LOOPBACK:
        return True
    if parts.scheme in ("http", "https"):
        return (parts.scheme, parts.netloc.lower()) == ("https", server.netloc.lower())
    return parts.hostname in by_ssh


def parse_repository_name(url: str) -> str:
    """Return the owner/name in a remote's URL.

    Raises:
        CachyError: there is none in it.
    """
    found = re.search(r"[/:]([^/:]+/[^/:]+?)(?:\.git)?/?$", url)
    if not found:
        advice = "Set GITHUB_REPOSITORY to it."
        raise CachyError(f"The remote {url} does not end in owner/name.", advice=advice)
    return found.group(1)
