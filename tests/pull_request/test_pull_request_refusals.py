"""What the pull request refuses, and what of the user's it never touches or tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from github_server import refusal
from pull_request_world import (
    ADDED,
    FIXTURE,
    PAGE,
    REMOVED,
    TOKEN,
    World,
    report,
    run_git,
    serve_world,
)

from cachy.errors import CachyError
from cachy.pull_request.publish import PublishResult
from cachy.pull_request.remote import find_prefix
from cachy.pull_request.remote_state import BRANCH

pytestmark = pytest.mark.slow  # starts git hundreds of times


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serve_world(tmp_path) as running:
        yield running


def test_creation_forbidden_by_a_setting_keeps_the_branch_and_says_where(world: World) -> None:
    said = "GitHub Actions is not permitted to create or approve pull requests."
    world.before("POST /pulls", lambda: refusal(403, said))
    with pytest.raises(CachyError) as caught:
        world.drift(report(ADDED))
    assert str(caught.value) == (
        "GitHub Actions is not allowed to open pull requests in this repository. Tick 'Allow "
        "GitHub Actions to create and approve pull requests' in "
        "https://github.example/octo/app/settings/actions, "
        "or open it yourself, the branch is there: "
        "https://github.example/octo/app/compare/main...cachy/drift?expand=1"
    )
    assert world.changed_files() == [f"M\t{FIXTURE}"]
    assert world.drift(report(ADDED)) == PublishResult("created", 1, PAGE)


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({"token": ""}, "GITHUB_TOKEN is not set, and --open-pr needs it. Set it to a token"),
        ({"token": "ghs_wrong"}, "401 Bad credentials. Is the token still valid?"),
        ({"repository": "octo/other"}, "404 Not Found. Is this the repository's name"),
        (
            {"base": "nowhere"},
            "has no branch 'nowhere'. Name the branch to merge into with --base.",
        ),
        ({"base": "cachy/drift"}, "which is the branch that cachy pushes to"),
        ({"remote": "upstream"}, "has no remote 'upstream'. Add the GitHub repository: git remote"),
        ({"checkout": Path("/")}, "/ is not a git repository. Run this inside a checkout."),
        ({"environment": {"PATH": "/nowhere"}}, "Is it installed, and on PATH?"),
        ({"api_url": "http://api.example.com"}, "a token is sent over https only"),
        ({"api_url": "http://127.0.0.1:9"}, "no response). Try again later."),
    ],
)
def test_a_user_s_mistake_ends_in_one_line(world: World, other: dict[str, Any], line: str) -> None:
    with pytest.raises(CachyError) as caught:
        world.drift(report(ADDED), **other)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert world.github.tip(BRANCH) is None


def test_a_push_that_the_server_declines_says_why(world: World) -> None:
    hook = world.bare / "hooks" / "update"
    hook.write_text(
        f"#!/bin/sh\necho error: protected from {TOKEN} >&2; exit 1\n", encoding="utf-8"
    )
    hook.chmod(0o755)
    with pytest.raises(
        CachyError, match=r"^git push failed: remote: error: protected from \*\*\*$"
    ):
        world.drift(report(ADDED))


def test_a_git_server_that_does_not_know_the_token_is_reported_as_such(world: World) -> None:
    world.git.credential = b"x-access-token:another"
    with pytest.raises(CachyError, match=r"failed: .*GITHUB_TOKEN needs the permission contents"):
        world.drift(report(ADDED))


@pytest.mark.parametrize(
    "path",
    [
        "app.py",
        "cachy_fixtures",
        "cachy_fixtures/../app.py",
        "/cachy_fixtures/a.json",
        "cachy_fixtures\\a.json",
        "cachy_fixtures//a.json",
        "cachy_fixtures/.git/config",
        "cachy_fixtures/a\nb.json",
        ".github/workflows/ci.yml",
    ],
)
@pytest.mark.parametrize("folder", ["cachy_fixtures", "."])
def test_only_fixtures_are_committed(world: World, path: str, folder: str) -> None:
    if folder == "." and path in ("app.py", "cachy_fixtures"):
        path = ".github/dependabot.yml"
    with pytest.raises(CachyError, match="only fixtures are committed"):
        world.drift(report(ADDED), {path: "{}"}, fixtures=folder)


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({FIXTURE: "sk-live"}, FIXTURE),
        ({FIXTURE: TOKEN}, FIXTURE),
        ({"cachy_fixtures/sk-live.json": None}, "cachy_fixtures/sk-live.json"),
    ],
)
def test_a_secret_is_never_pushed(world: World, files: dict[str, str], where: str) -> None:
    with pytest.raises(CachyError, match="holds a secret: nothing was pushed") as caught:
        world.drift(report(ADDED), files)
    assert str(caught.value).startswith(where)
    assert world.github.calls == []
    assert world.github.tip(BRANCH) is None


def test_a_secret_in_the_text_is_never_published(world: World) -> None:
    with pytest.raises(CachyError, match=r"^the pull request's text holds a secret"):
        world.drift(report({**ADDED, "path": "$.sk-live"}))


def test_the_user_s_checkout_is_left_as_it_is(world: World) -> None:
    (world.checkout / "README.md").write_text("Being edited.\n", encoding="utf-8")
    (world.checkout / "new.py").write_text("1\n", encoding="utf-8")
    (world.checkout / FIXTURE).unlink()
    run_git("-C", str(world.checkout), "add", "new.py")
    run_git("-C", str(world.checkout), "checkout", "-q", "--detach")
    before = everything_below(world.checkout)
    world.drift(report(ADDED))
    world.drift(report())
    assert everything_below(world.checkout) == before


def test_the_token_is_seen_nowhere(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    url = f"{world.git.url}/octo/app.git".replace("//", f"//x-access-token:{TOKEN}@")
    run_git("-C", str(world.checkout), "remote", "set-url", "--push", "origin", url)
    world.drift(report(ADDED))
    world.drift(report(REMOVED))
    world.drift(report())
    argv = (world.folder / "argv").read_text(encoding="utf-8")
    assert "push --porcelain --no-signed --force-with-lease=refs/heads/cachy/drift:" in argv
    assert TOKEN not in argv
    assert "x-access-token" not in argv
    assert capfd.readouterr() == ("", "")
    assert not (world.folder / "trace").exists()


def test_a_password_in_the_remote_s_url_goes_nowhere(world: World) -> None:
    url = f"{world.git.url}/octo/app.git".replace("//", "//ada:hunter2@")
    run_git("-C", str(world.checkout), "remote", "set-url", "origin", url)
    world.drift(report(ADDED))
    assert "hunter2" not in (world.folder / "argv").read_text(encoding="utf-8")


def test_a_folder_s_place_in_its_checkout_is_found(world: World) -> None:
    environment = world.settings.environment
    assert find_prefix(world.checkout / "cachy_fixtures", environment) == "cachy_fixtures"
    assert find_prefix(world.checkout, environment) == ""
    with pytest.raises(CachyError, match="is not a git repository"):
        find_prefix(world.folder, environment)
    with pytest.raises(CachyError, match="No such file or directory"):
        find_prefix(world.folder / "nowhere", environment)


def test_a_remote_beside_the_checkout_is_pushed_to(world: World) -> None:
    run_git("-C", str(world.checkout), "remote", "set-url", "origin", "../served/octo/app.git")
    assert world.drift(report(ADDED)) == PublishResult("created", 1, PAGE)


def everything_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
