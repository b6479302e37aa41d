"""Several nights of one pull request, by the command line, against a real git server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from github_server import refusal
from pull_request_story import QUOTA, Story, tell_story
from pull_request_world import run_git
from scripted_server import json_response

from cachy.pull_request.record import Description, split_description

pytestmark = pytest.mark.slow  # starts git hundreds of times


@pytest.fixture
def story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Story]:
    with tell_story(tmp_path, monkeypatch, capsys) as running:
        yield running


NEW, TIER = {"tier": "default"}, {"unit": "token"}


def test_a_night_that_could_not_ask_one_surface_keeps_its_rows_and_files(story: Story) -> None:
    story.provide(chat=NEW, embed=TIER)
    assert story.night().operation == "created"
    tip = story.github.tip("cachy/drift")
    story.provide(chat=NEW, embed=QUOTA)
    assert story.night().operation == "updated"
    assert (story.rows(), story.changed()) == (["$.tier", "$.unit"], ["chat", "embed"])
    assert story.github.tip("cachy/drift") == tip
    assert "could not be checked" in story.github.pulls[0]["body"].lower()


def test_a_change_that_shows_every_second_night_is_one_pull_request(story: Story) -> None:
    for night in range(6):
        story.provide(chat=NEW if night % 2 == 0 else {})
        story.night()
    assert story.states == ["open"]


def test_it_closes_after_two_nights_without_its_changes_and_not_after_one(story: Story) -> None:
    story.provide(chat=NEW)
    story.night()
    story.provide(embed=QUOTA)  # another surface that cannot be asked keeps nothing open
    assert story.night().operation == "updated"
    assert "not seen in the last run" in story.github.pulls[0]["body"]
    assert story.night().operation == "closed"
    assert (story.states, story.github.tip("cachy/drift")) == (["closed"], None)


@pytest.mark.parametrize("part", [["--only", "*embeddings*"], ["PATH"]])
def test_a_run_about_other_fixtures_closes_nothing_and_adds_its_own(
    story: Story, part: list[str]
) -> None:
    story.provide(chat=NEW)
    story.night()
    checkout = story.check_out()
    (embed,) = checkout.rglob("embeddings")
    arguments = [str(embed) if word == "PATH" else word for word in part]
    story.provide()
    for _ in range(3):
        assert story.night(*arguments, checkout=checkout).operation == "none"
    story.provide(embed=TIER)
    assert story.night(*arguments, checkout=checkout).operation == "updated"
    assert (story.rows(), story.changed()) == (["$.tier", "$.unit"], ["chat", "embed"])


def test_what_somebody_declined_stays_quiet_also_as_a_part_and_beside_a_note(story: Story) -> None:
    story.provide(chat=NEW, embed=TIER)
    story.night()
    story.github.pulls[0]["body"] += "\n\nWe wait for v2. -- Ada"
    story.github.close(1)
    for chat, embed in ((NEW, QUOTA), (NEW, TIER), ({}, TIER)):
        story.provide(chat=chat, embed=embed)
        night = story.night("--fail-on", "compatible", "--allow-inconclusive", "auth")
        assert (night.code, night.operation) == (0, "none")
        declined = {row["declined"] for one in night.report["surfaces"] for row in one["changes"]}
        assert declined == {1}
    story.provide(chat={**NEW, "more": 1}, embed=TIER)
    assert story.night().operation == "created"
    assert (story.rows(2), story.changed()) == (["$.more"], ["chat"])


def test_reopening_brings_declined_changes_back(story: Story) -> None:
    story.provide(chat=NEW)
    story.night()
    story.github.close(1)
    assert story.night().report["pull_request"]["number"] is None
    story.github.reopen(1)
    assert story.night().report["pull_request"]["number"] == 1
    assert story.states == ["open"]


def test_a_bot_that_closes_it_declines_nothing(story: Story) -> None:
    story.provide(chat=NEW)
    story.night()
    story.github.close(1, by="Bot")
    assert story.night().operation == "created"
    assert story.states == ["closed", "open"]


def test_a_merged_pull_request_is_done(story: Story) -> None:
    story.provide(chat=NEW)
    story.night()
    story.merge(1)
    night = story.night()
    assert (night.code, night.operation) == (0, "none")
    assert night.report["pull_request"]["number"] is None
    assert story.states == ["closed"]


def test_commits_on_the_base_push_nothing(story: Story) -> None:
    story.provide(chat=NEW)
    story.night()
    tip = story.github.tip("cachy/drift")
    for number in range(2):
        story.commit({"app.py": f"{number}\n"})
        assert story.night().operation == "none"
    assert story.github.tip("cachy/drift") == tip


def test_an_old_checkout_reverts_nothing_on_the_base(story: Story) -> None:
    old = story.check_out("old")
    (chat,) = (path for path in old.rglob("*.json") if "completions" in str(path))
    name = chat.relative_to(old).as_posix()
    newer = chat.read_text(encoding="utf-8").replace('"Hi"', '"Hello"')
    story.commit({name: newer})
    story.provide(chat=NEW, embed=TIER)
    night = story.night(checkout=old)
    assert story.changed() == ["embed"]
    assert night.report["pull_request"]["left_out"] == [name]
    assert f"left out {name}" in night.talk
    assert name in story.github.pulls[0]["body"]
    assert story.night().operation == "updated"
    assert story.changed() == ["chat", "embed"]
    assert story.night(checkout=old).operation in ("updated", "none")
    assert story.changed() == ["chat", "embed"]


def test_a_feature_branch_adds_no_fixture_that_the_base_does_not_have(story: Story) -> None:
    feature = story.check_out("feature")
    (embed,) = (path for path in feature.rglob("*.json") if "embeddings" in str(path))
    run_git("-C", str(story.github.bare), "branch", "feature", "main")
    story.remove(embed.relative_to(feature).as_posix())
    story.provide(chat=NEW, embed=TIER)
    night = story.night(checkout=feature)
    assert story.changed() == ["chat"]
    assert night.report["pull_request"]["left_out"] == [embed.relative_to(feature).as_posix()]


def test_two_projects_of_one_repository_have_a_pull_request_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    projects = ("", "services/api")
    with tell_story(tmp_path, monkeypatch, capsys, projects) as story:
        story.provide(chat=NEW)
        for project in projects:
            story.project = project
            assert story.night().operation == "created"
        heads = [pull["head"] for pull in story.github.pulls]
        assert heads == ["cachy/drift", "cachy/drift-services-api"]
        story.project = ""
        story.provide()
        assert [story.night().operation for _ in range(2)] == ["updated", "closed"]
        assert story.states == ["closed", "open"]
        story.project = "services/api"
        other = story.night("--branch", "cachy/drift-services-api")
        assert other.operation == "updated"


def test_a_branch_of_another_project_is_refused(story: Story) -> None:
    story.provide(chat=NEW)
    story.night()
    body = story.github.pulls[0]["body"]
    known = split_description(body)
    assert known.record
    record = replace(known.record, project="a/b")
    story.github.pulls[0]["body"] = Description(before="", record=None, after="").with_ours(
        "a", "b", record
    )
    night = story.night()
    assert night.code == 2
    assert "belongs to the project 'a/b'" in night.talk
    assert "--branch" in night.talk


def test_the_pull_request_is_opened_as_it_was_asked_for(story: Story) -> None:
    story.provide(chat=NEW)
    run_git("-C", str(story.github.bare), "branch", "develop", "main")
    wanted = ("--branch", "bots/drift", "--base", "develop", "--draft")
    people = ("--reviewer", "ada", "--reviewer", "octo/payments")
    assert story.night(*wanted, *people, "--label", "api", "--label", "bot").operation == "created"
    (pull,) = story.github.pulls
    assert (pull["head"], pull["base"], pull["draft"]) == ("bots/drift", "develop", True)
    assert story.github.labels == {1: ["api", "bot"]}
    assert story.github.reviewers == {1: ["ada", "payments"]}
    assert story.night(*wanted, "--label", "more").operation == "none"
    assert story.github.labels == {1: ["api", "bot"]}


@pytest.mark.slow
def test_another_base_moves_the_pull_request(story: Story) -> None:
    story.provide(chat=NEW)
    story.night()
    run_git("-C", str(story.github.bare), "branch", "trunk", "main")
    assert story.night("--base", "trunk").operation == "updated"
    assert [(pull["state"], pull["base"]) for pull in story.github.pulls] == [("open", "trunk")]
    assert story.night("--base", "trunk").operation == "none"


@pytest.mark.parametrize("name", ["a b", "a..b", "-x", "HEAD", "refs/heads/x"])
def test_what_is_not_a_branch_is_refused_before_anything_is_sent(name: str, story: Story) -> None:
    story.provider.requests.clear()
    night = story.night(f"--branch={name}")
    assert (night.code, story.provider.requests) == (2, [])
    assert f"{name!r} is not the name of a branch." in night.talk


def test_labels_that_github_refuses_are_a_warning(story: Story) -> None:
    story.provide(chat=NEW)
    refused = refusal(403, "Resource not accessible by integration")
    story.github.before["POST /issues/1/labels"] = [lambda: refused]
    early = refusal(422, "Validation Failed", "Could not resolve to a node with the global id")
    story.github.before["POST /pulls/1/requested_reviewers"] = [lambda: early, lambda: early]
    night = story.night("--label", "api", "--reviewer", "ada")
    assert night.operation == "created"
    assert "403 Resource not accessible by integration" in night.talk
    assert "The pull request is open without api." in night.talk
    assert story.github.reviewers == {1: ["ada"]}


@pytest.mark.parametrize(
    ("remote", "environ", "line"),
    [
        (None, {}, "has no remote 'origin'"),
        ("git@gitlab.com:octo/app.git", {}, "cachy opens pull requests on GitHub only"),
        ("", {"GITHUB_TOKEN": "ghs_wrong"}, "401 Bad credentials. Is the token still valid?"),
        ("", {"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
        ("", {"GITHUB_REPOSITORY": "octo/other"}, "404 Not Found. Is this the repository's name"),
        ("", {"GITHUB_API_URL": "http://127.0.0.1:9"}, "GitHub's API fails"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    story: Story, remote: str | None, environ: dict[str, str], line: str
) -> None:
    checkout = story.check_out()
    if remote is None:
        run_git("-C", str(checkout), "remote", "remove", "origin")
    elif remote:
        run_git("-C", str(checkout), "remote", "set-url", "origin", remote)
    story.provider.requests.clear()
    night = story.night(checkout=checkout, **environ)
    assert night.code in (2, 3)
    assert line in night.talk
    assert "Traceback" not in night.talk
    assert story.provider.requests == []


@pytest.mark.parametrize("name", ["cachy", "cachy/drift/old"])
def test_a_branch_in_the_way_is_named_before_anything_is_sent(story: Story, name: str) -> None:
    run_git("-C", str(story.github.bare), "branch", name, "main")
    story.provider.requests.clear()
    night = story.night()
    assert night.code == 2
    assert f"The remote has a branch {name}" in night.talk
    assert "--branch" in night.talk
    assert story.provider.requests == []
    assert story.night("--branch", "drift").code == 0


def test_a_token_that_may_not_push_is_found_before_anything_is_sent(story: Story) -> None:
    story.git.is_read_only = True
    story.provider.requests.clear()
    night = story.night()
    assert night.code == 2
    assert "contents: write" in night.talk
    assert story.provider.requests == []


def test_a_workflow_s_own_token_says_why_no_checks_ran(story: Story) -> None:
    story.provide(chat=NEW)
    story.night(GITHUB_ACTIONS="true")
    assert "Approve workflows to run" in story.github.pulls[0]["body"]
    story.github.close(1, by="Bot")
    story.night()
    assert "Approve workflows to run" not in story.github.pulls[1]["body"]


def test_drift_that_only_the_code_can_follow_opens_nothing_and_fails(story: Story) -> None:
    said = {"error": {"type": "invalid_request_error", "code": "unsupported_parameter"}}
    story.provide(chat=json_response(said, 400))
    night = story.night("--confirm", "1", "--fail-on", "compatible")
    assert (night.code, night.operation, story.states) == (1, "none", [])


def test_drift_that_only_the_code_can_follow_fails_beside_a_pull_request_too(story: Story) -> None:
    said = {"error": {"type": "invalid_request_error", "code": "unsupported_parameter"}}
    story.provide(chat=json_response(said, 400), embed=TIER)
    night = story.night("--confirm", "1")
    assert (night.code, night.operation, story.states) == (1, "created", ["open"])
    story.provide(embed=TIER)
    night = story.night("--confirm", "1", "--fail-on", "compatible")
    assert (night.code, story.states) == (0, ["open"])
