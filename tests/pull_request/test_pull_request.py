"""One pull request, kept true, and nobody's work overwritten on the way."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from github_server import refusal
from pull_request_world import (
    ADDED,
    FIXTURE,
    OLD,
    PAGE,
    REMOVED,
    World,
    report,
    serve_world,
    surface,
)

from cachy.drift.outcome.report import DriftReport
from cachy.errors import CachyError, Inconclusive
from cachy.pull_request.publish import PublishResult
from cachy.pull_request.record import Description, OwnedFile, split_description
from cachy.pull_request.remote_state import BRANCH

pytestmark = pytest.mark.slow  # starts git hundreds of times


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serve_world(tmp_path) as running:
        yield running


def test_one_pull_request_is_created_left_alone_updated_closed_and_created_again(
    world: World,
) -> None:
    nights = [
        (report(ADDED), PublishResult("created", 1, PAGE)),
        (report(ADDED), PublishResult("none", 1, PAGE)),
        (report(ADDED, REMOVED), PublishResult("updated", 1, PAGE)),
        (report(), PublishResult("updated", 1, PAGE)),
        (report(), PublishResult("closed", 1, PAGE)),
        (report(), PublishResult("none")),
        (report(ADDED, REMOVED), PublishResult("created", 2, PAGE[:-1] + "2")),
    ]
    assert [world.drift(found) for found, _ in nights] == [result for _, result in nights]
    assert [pull["state"] for pull in world.github.pulls] == ["closed", "open"]


def test_the_commit_is_one_on_top_of_the_base_and_holds_the_files_only(world: World) -> None:
    files = {
        FIXTURE: '{"total": "drei ☃"}\n',
        'cachy_fixtures/new "one".json': "[]\n",
        OLD: None,
        "cachy_fixtures/blobs/not-committed.png": None,
    }
    world.drift(report(ADDED), files)
    assert world.changed_files() == [
        f"M\t{FIXTURE}",
        f"D\t{OLD}",
        'A\t"cachy_fixtures/new \\"one\\".json"',
    ]
    assert world.in_bare("show", f"{BRANCH}:{FIXTURE}") == '{"total": "drei ☃"}\n'
    base = world.in_bare("rev-parse", "main").strip()
    assert world.in_bare("log", "--format=%P|%an|%ce|%B", "-1", BRANCH).strip() == (
        f"{base}|github-actions[bot]|41898282+github-actions[bot]@users.noreply.github.com|"
        f"$.completed_at is new at api.example.com (1 fixture)\n\nCachy-Base: {base}"
    )


def test_an_unchanged_night_pushes_nothing_and_writes_nothing(world: World) -> None:
    world.drift(report(ADDED), run_url="https://github.example/octo/app/actions/runs/1")
    tip, calls = world.github.tip(BRANCH), len(world.github.calls)
    world.drift(report(ADDED), run_url="https://github.example/octo/app/actions/runs/2")
    assert world.github.tip(BRANCH) == tip
    assert world.github.calls[calls:] == ["GET /", "GET /pulls"]


def test_other_values_of_the_same_changes_change_nothing(world: World) -> None:
    world.drift(report(ADDED), {FIXTURE: '{"total": 3}\n'})
    assert world.drift(report(ADDED), {FIXTURE: '{"total": 4}\n'}) == PublishResult("none", 1, PAGE)
    assert world.in_bare("show", f"{BRANCH}:{FIXTURE}") == '{"total": 3}\n'


def test_a_branch_behind_its_base_is_left_alone(world: World) -> None:
    world.drift(report(ADDED))
    tip, calls = world.github.tip(BRANCH), len(world.github.calls)
    world.push_by_hand("main")
    assert world.drift(report(ADDED)) == PublishResult("none", 1, PAGE)
    assert world.github.tip(BRANCH) == tip
    assert world.github.calls[calls:] == ["GET /", "GET /pulls"]


def test_a_branch_that_conflicts_with_its_base_is_rebuilt(world: World) -> None:
    world.drift(report(ADDED))
    base = world.push_by_hand("main", path=FIXTURE)
    world.update_checkout()
    assert world.drift(report(ADDED)) == PublishResult("updated", 1, PAGE)
    assert world.in_bare("rev-parse", f"{BRANCH}^").strip() == base
    assert world.changed_files() == [f"M\t{FIXTURE}"]


def test_drift_without_a_file_to_change_opens_nothing(world: World) -> None:
    assert world.drift(report(REMOVED), {}) == PublishResult("none")
    assert world.github.tip(BRANCH) is None


def test_drift_without_a_file_stands_in_a_pull_request_that_is_open_anyway(world: World) -> None:
    world.drift(report(ADDED))
    assert world.drift(report(ADDED, REMOVED)) == PublishResult("updated", 1, PAGE)
    title = "$.usage.total is gone at api.example.com, and 1 more change"
    assert world.github.pulls[0]["title"] == title
    assert "`$.usage.total` is gone" in world.github.pulls[0]["body"].splitlines()[0]


def test_a_pull_request_whose_last_file_is_gone_is_closed(world: World) -> None:
    world.drift(report(ADDED, REMOVED))
    assert world.drift(report(REMOVED), {}) == PublishResult("updated", 1, PAGE)
    assert world.drift(report(REMOVED), {}) == PublishResult("closed", 1, PAGE)
    assert "needs a change of your code" in world.github.comments[-1]["body"]
    assert world.drift(report(REMOVED), {}) == PublishResult("none")


def test_a_commit_of_a_person_is_never_overwritten(world: World) -> None:
    world.drift(report(ADDED))
    commit = world.push_by_hand()
    assert world.drift(report(REMOVED)) == PublishResult("blocked", 1, PAGE)
    assert world.drift(report(REMOVED)) == PublishResult("blocked", 1, PAGE)
    world.github.pulls[0]["body"] = ""  # nobody knows what it was about
    assert world.drift(report()) == PublishResult("blocked", 1, PAGE)
    assert world.github.tip(BRANCH) == commit
    assert [comment["body"].splitlines()[-1] for comment in world.github.comments] == [
        "Found last: no drift any more."
    ]


def test_a_commit_of_another_workflow_is_never_overwritten(world: World) -> None:
    world.drift(report(ADDED))
    identity = "github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com"
    who = dict(zip(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"), identity, strict=True))
    who |= dict(zip(("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), identity, strict=True))
    told = ("commit-tree", f"{BRANCH}^{{tree}}", "-p", BRANCH, "-m", "Format")
    commit = world.in_bare_with(who, *told).strip()
    world.in_bare("update-ref", f"refs/heads/{BRANCH}", commit)
    assert world.drift(report(REMOVED)) == PublishResult("blocked", 1, PAGE)
    assert world.github.tip(BRANCH) == commit


def test_a_comment_that_only_looks_like_ours_is_not_edited(world: World) -> None:
    world.drift(report(ADDED))
    world.push_by_hand()
    world.github.say(1, "<!-- cachy-blocked -->\nMine.", author=2)
    world.drift(report(ADDED))
    assert [(row["author"], row["body"][:30]) for row in world.github.comments] == [
        (2, "<!-- cachy-blocked -->\nMine."),
        (1, "<!-- cachy-blocked -->\n**Pause"),
    ]


def test_the_sticky_comment_is_found_behind_a_hundred_others(world: World) -> None:
    world.drift(report(ADDED))
    world.push_by_hand()
    for number in range(100):
        world.github.say(1, f"Comment {number}", author=2)
    world.drift(report(ADDED))
    world.drift(report(ADDED))
    assert len(world.github.comments) == 101


def test_a_person_on_the_branch_without_a_pull_request_blocks_too(world: World) -> None:
    world.in_bare("branch", BRANCH, "main")
    world.push_by_hand()
    assert world.drift(report(ADDED)) == PublishResult("blocked")


def test_a_merged_branch_that_was_left_behind_is_used_again(world: World) -> None:
    world.drift(report(ADDED))
    merged = world.push_by_hand()
    world.in_bare("update-ref", "refs/heads/main", merged)
    world.github.calls.clear()
    world.github.pulls[0]["sha"] = merged
    world.github.close(1, is_merged=True)
    world.update_checkout()
    assert world.drift(report(REMOVED), {FIXTURE: "{}\n"}) == PublishResult(
        "created", 2, f"{PAGE[:-1]}2"
    )


def test_what_somebody_closed_stays_closed_until_something_else_changes(world: World) -> None:
    world.drift(report(ADDED))
    world.github.close(1)
    assert summed_up(world.drift(report(ADDED))) == ("none", None, {"$.completed_at": 1})
    assert world.drift(report(REMOVED)) == PublishResult("created", 2, f"{PAGE[:-1]}2")


def test_a_person_s_title_and_text_are_kept_when_the_drift_changes(world: World) -> None:
    world.drift(report(ADDED))
    body = world.github.pulls[0]["body"].replace("\n", "\r\n")
    edited = f"My notes.\r\n\r\n{body}\r\n\r\nSee #7."
    world.github.pulls[0] |= {"title": "My title", "body": edited}
    assert world.drift(report(ADDED)) == PublishResult("none", 1, PAGE)
    assert world.github.pulls[0]["body"] == edited
    assert world.drift(report(ADDED, REMOVED)) == PublishResult("updated", 1, PAGE)
    first, *_, last = world.github.pulls[0]["body"].splitlines()
    assert (world.github.pulls[0]["title"], first, last) == ("My title", "My notes.", "See #7.")
    assert world.github.pulls[0]["body"].count("### How to accept") == 1
    assert "usage.total" in world.github.pulls[0]["body"]


def test_a_pull_request_opened_by_hand_is_kept_from_then_on(world: World) -> None:
    refused = "GitHub Actions is not permitted to create or approve pull requests."
    world.before("POST /pulls", lambda: refusal(403, refused))
    with pytest.raises(CachyError):
        world.drift(report(ADDED))
    world.github.open(BRANCH, "main", "By hand", "Mine.")
    assert world.drift(report(ADDED)) == PublishResult("updated", 1, PAGE)
    assert world.github.pulls[0]["body"].startswith("Mine.\n\n**Merge once")
    assert world.github.pulls[0]["title"] == "By hand"


def test_a_pull_request_without_a_record_closes_after_two_clean_nights(world: World) -> None:
    world.drift(report(ADDED))
    world.github.pulls[0]["body"] = "Emptied."
    assert world.drift(report()) == PublishResult("updated", 1, PAGE)
    assert world.drift(report()) == PublishResult("closed", 1, PAGE)


@pytest.mark.parametrize(
    "record",
    [
        "AAAA",
        "!",
        base64.b64encode(zlib.compress(b"[]")).decode(),
        base64.b64encode(zlib.compress(b"[" * 100_000)).decode(),
        base64.b64encode(zlib.compress(b" " * 50_000_000)).decode(),
    ],
)
def test_a_record_that_does_not_parse_is_dropped(world: World, record: str) -> None:
    world.drift(report(ADDED, REMOVED))
    body = world.github.pulls[0]["body"]
    broken = re.sub(r"cachy-drift 1 \S+", f"cachy-drift 1 {record}", body)
    world.github.pulls[0]["body"] = broken
    assert world.drift(report(ADDED)) == PublishResult("updated", 1, PAGE)
    assert world.github.pulls[0]["body"].count("### How to accept") == 1 + (record == "!")
    assert world.changed_files() == [f"M\t{FIXTURE}"]


def test_a_forged_record_brings_no_file_from_outside_the_fixtures(world: World) -> None:
    world.drift(report(ADDED))
    description = split_description(world.github.pulls[0]["body"])
    assert description.record
    forged = (
        OwnedFile(path=".github/workflows/x.yml", surfaces=("POST api.example.com/v1/chat",)),
    )
    record = replace(description.record, files=(*description.record.files, *forged))
    world.github.pulls[0]["body"] = Description(before="", record=None, after="").with_ours(
        "a", "b", record
    )
    world.drift(report(ADDED, REMOVED))
    assert world.changed_files() == [f"M\t{FIXTURE}"]


ONCE_OF_THREE = {**ADDED, "confirmed": "1/3", "sdk": "unknown", "fixtures": [FIXTURE]}
UNSURE = [
    report(partial=True),
    report(surfaces=[surface(complete=False, outcome="skipped", sent=[])]),
    report(surfaces=[surface(transient=[ONCE_OF_THREE])]),
]


@pytest.mark.parametrize("unsure", [report(inconclusive=1), *UNSURE])
def test_a_night_that_could_not_look_closes_nothing(world: World, unsure: DriftReport) -> None:
    world.drift(report(ADDED))
    for _ in range(4):
        assert world.drift(unsure).operation in ("updated", "none")
    assert world.github.pulls[0]["state"] == "open"


def test_a_branch_pushed_to_while_we_look_is_looked_at_again(world: World) -> None:
    world.drift(report(ADDED))
    world.before("GET /pulls", world.push_by_hand)
    assert world.drift(report(REMOVED), {FIXTURE: "{}\n"}) == PublishResult("blocked", 1, PAGE)


def test_a_branch_that_comes_to_be_while_we_look_is_looked_at_again(world: World) -> None:
    def somebody_works_on_it() -> None:
        world.in_bare("branch", BRANCH, "main")
        world.push_by_hand()

    world.before("GET /pulls", somebody_works_on_it)
    assert world.drift(report(ADDED)) == PublishResult("blocked")


def test_a_branch_that_moves_every_time_is_inconclusive(world: World) -> None:
    world.drift(report(ADDED))
    ours = world.github.tip(BRANCH)
    assert ours

    def move_and_back() -> None:
        world.in_bare("update-ref", f"refs/heads/{BRANCH}", "main")

    def back_and_move() -> None:
        world.in_bare("update-ref", f"refs/heads/{BRANCH}", ours)

    world.before("GET /", lambda: None, back_and_move)
    world.before("GET /pulls", move_and_back, move_and_back)
    with pytest.raises(Inconclusive, match="Somebody else keeps pushing to cachy/drift"):
        world.drift(report(REMOVED), {FIXTURE: "{}\n"})


def test_a_push_while_it_closes_keeps_the_branch(world: World) -> None:
    world.drift(report(ADDED))
    world.drift(report())
    world.before("POST /issues/1/comments", world.push_by_hand)
    assert world.drift(report()) == PublishResult("closed", 1, PAGE)
    assert world.in_bare("log", "--format=%s", "-1", BRANCH).strip() == "By hand"


def test_another_run_that_opened_it_first_is_joined(world: World) -> None:
    def open_first() -> None:
        world.github.open(BRANCH, "main", "Theirs", "Theirs")

    world.before("POST /pulls", open_first)
    assert world.drift(report(ADDED)) == PublishResult("updated", 1, PAGE)
    titles = [pull["title"] for pull in world.github.pulls]
    assert titles == ["$.completed_at is new at api.example.com (1 fixture)"]


def test_a_creation_whose_answer_is_lost_is_not_repeated(world: World) -> None:
    world.before("POST /pulls", lambda: "lost")
    assert world.drift(report(ADDED)) == PublishResult("updated", 1, PAGE)
    assert world.github.calls.count("POST /pulls") == 1


def test_a_creation_that_failed_is_reported(world: World) -> None:
    world.before("POST /pulls", lambda: refusal(502, "Bad Gateway"))
    with pytest.raises(Inconclusive, match=r"POST octo/app/pulls: 502"):
        world.drift(report(ADDED))
    assert world.drift(report(ADDED)) == PublishResult("created", 1, PAGE)


@pytest.mark.parametrize(
    ("first", "pauses"),
    [
        ([refusal(500, "Oops"), refusal(503, "Oops")], [1.0, 4.0]),
        ([refusal(429, "Slow down", Retry_After="7")], [7.0]),
        ([refusal(403, "You have exceeded a secondary rate limit")], [60.0]),
        (
            [
                refusal(
                    403,
                    "API rate limit exceeded",
                    **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"},
                )
            ],
            [1.0],
        ),
    ],
)
def test_a_server_in_trouble_is_asked_again_after_the_time_it_names(
    world: World, first: list[Any], pauses: list[float]
) -> None:
    world.before("GET /pulls", *((lambda answer=answer: answer) for answer in first))
    assert world.drift(report(ADDED)) == PublishResult("created", 1, PAGE)
    assert world.pauses == [*pauses, 1]


@pytest.mark.parametrize("answer", [refusal(500, "Oops"), refusal(429, "Slow", Retry_After="3600")])
def test_a_server_that_stays_in_trouble_is_inconclusive(world: World, answer: Any) -> None:
    world.before("GET /", *[lambda: answer] * 9)
    with pytest.raises(Inconclusive, match="Try again later"):
        world.drift(report(ADDED))
    assert len(world.github.calls) <= 4


def test_a_renamed_repository_is_followed_and_another_host_is_not(world: World) -> None:
    moved = f"{world.github.url}/repos/octo/app"
    world.before("GET /", lambda: refusal(301, "Moved", Location=moved))
    assert world.drift(report(ADDED), repository="octo/app") == PublishResult("created", 1, PAGE)
    world.before("GET /", lambda: refusal(307, "Moved", Location="http://evil.example/"))
    with pytest.raises(CachyError, match=r"redirects to evil\.example: the token was not sent"):
        world.drift(report(ADDED))


def summed_up(result: PublishResult) -> tuple[str, int | None, dict[str, int]]:
    declined = {one.change.path: number for one, number in result.declined}
    return result.operation, result.number, declined
