"""Nights on which an API, a person or a branch does what nobody expects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from pull_request_story import QUOTA, Story, tell_story
from pull_request_world import run_git

pytestmark = pytest.mark.slow  # starts git hundreds of times
HOSTILE = (
    "zqx @octo/team #1 `x` <img src=x> ::error::zqx%0A\n"
    "::set-output name=a::b\u202e [l](//e.example)"
)


@pytest.fixture
def story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Story]:
    with tell_story(tmp_path, monkeypatch, capsys) as running:
        yield running


def test_a_hostile_field_name_is_quoted_in_the_title_the_text_and_the_log(story: Story) -> None:
    story.provide(chat={HOSTILE: 1})
    night = story.night()
    assert night.operation == "created"
    (pull,) = story.github.pulls
    assert not set(pull["title"]) & set("@#<`\n\u202e")
    for token in MarkdownIt("commonmark").enable("table").parse(pull["body"]):
        for part in token.children or ():
            assert part.type == "code_inline" or "zqx" not in part.content
            assert part.type not in ("link_open", "image")
    assert not [line for line in night.talk.splitlines() if line.startswith("::")]
    assert "\u202e" not in night.talk


def test_what_was_declined_stays_quiet_through_a_night_of_quota(story: Story) -> None:
    story.provide(chat={"tier": "x"}, embed={"unit": "y"})
    assert story.night().operation == "created"
    story.github.close(1)
    story.provide(chat={"tier": "x"}, embed=QUOTA)
    assert story.night().operation == "none"
    story.provide(chat={"tier": "x"}, embed={"unit": "y"})
    assert story.night().operation == "none"
    assert story.states == ["closed"]


def test_a_branch_that_somebody_reset_to_the_base_is_filled_again(story: Story) -> None:
    story.provide(chat={"tier": "x"})
    story.night()
    run_git("-C", str(story.github.bare), "update-ref", "refs/heads/cachy/drift", "main")
    night = story.night()
    assert night.operation == "updated"
    assert story.changed() == ["chat"]
