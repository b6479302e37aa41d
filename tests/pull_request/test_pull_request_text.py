"""What the pull request says, and that nothing of an API's response is markup in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from pull_request_world import ADDED, ADVICE, FIXTURE, REMOVED, report, surface

from cachy.compare.catalogue.headlines import HEADLINES
from cachy.compare.catalogue.rules import RULES
from cachy.drift.outcome.report import DriftReport
from cachy.pull_request.description import Text, render_description
from cachy.pull_request.nights import put_together
from cachy.pull_request.record import (
    LONGEST,
    Description,
    Known,
    Record,
    digest,
    encode,
    split_description,
    without_record,
)

TESTS = {"command": "pytest -q", "passed": 39, "failed": []}
RETIRED = {
    **{"rule": "model-retired", "severity": "breaking", "path": "status"},
    **{"old": "200", "new": "404", "message": "The model `gpt-4o` has been deprecated."},
    **{"models": ["gpt-4o"], "tests": ["tests/test_chat.py::test_reply"]},
}


def render(found: DriftReport, advice: Mapping[str, str] = ADVICE, **more: Any) -> Text:
    return render_description(put_together(found, None, {}), found, advice, **more)


def whole(text: Text) -> str:
    """Return the description as GitHub gets it."""
    nobody = Description(before="", record=None, after="")
    return nobody.with_ours(text.first, text.rest, Record(project=""))


def test_the_text_says_whether_to_act_then_what_changed_and_what_to_do() -> None:
    failed = {**TESTS, "failed": ["tests/test_chat.py::test_reply"]}
    text = render(report(ADDED, {**REMOVED, "models": ["m-1"]}, inconclusive=1, tests=failed))
    assert text.title == "$.usage.total is gone at api.example.com, and 1 more change"
    assert text.first == (
        "**Act before you merge**: `tests/test_chat.py::test_reply` fails with the new responses. "
        "2 changes at `api.example.com` (1 breaking, 1 compatible). The worst: `$.usage.total` is "
        "gone (1 fixture)."
    )
    name = FIXTURE.rpartition("/")[2]
    assert text.rest.split("### How to accept")[0] == (
        "### `POST api.example.com/v1/chat`\n\n"
        "| change | was → now | seen in: model, fixture, test |\n"
        "|---|---|---|\n"
        "| **breaking** `field-removed`<br>`$.usage.total` | `integer` → — "
        f"| `m-1`<br>`{name}` |\n"
        "| **compatible** `field-added`<br>`$.completed_at` | — → `integer` "
        f"| `{name}` |\n\n"
        "### What to do\n\n"
        "- `field-removed`: Stop reading it.\n"
        "- `field-added`: Nothing to do.\n\n"
        "### Tests that fail with the new responses\n\n"
        "They pass today. Run with `pytest -q`:\n\n"
        "- `tests/test_chat.py::test_reply`\n\n"
        "### Could not be checked\n\n"
        "Neither drift nor clean: what this pull request says of them is as before.\n\n"
        "- `quota`, 1 fixture: `429`\n\n"
    )


@pytest.mark.parametrize(
    ("changes", "tests", "line"),
    [
        (
            [ADDED],
            None,
            "**Merge once your tests pass**: `$.completed_at` is new at `api.example.com` "
            "(1 fixture). Your tests were not run against the new responses.",
        ),
        (
            [ADDED],
            TESTS,
            "**Safe to merge**: `$.completed_at` is new at `api.example.com` (1 fixture). "
            "39 tests pass with the new responses, none fails.",
        ),
        (
            [{**ADDED, "severity": "risky"}],
            {**TESTS, "problem": "exit code 4"},
            "**Read before you merge**: `$.completed_at` is new at `api.example.com` (1 fixture). "
            "Your tests could not be run against the new responses.",
        ),
        (
            [ADDED],
            {**TESTS, "passed": 0, "problem": "exit code 4"},
            "**Merge once your tests pass**: `$.completed_at` is new at `api.example.com` "
            "(1 fixture). Your tests could not be run against the new responses.",
        ),
        (
            [ADDED],
            {**TESTS, "failed": ["t.py::a", "t.py::b", "t.py::c"]},
            "**Act before you merge**: `t.py::a` and 2 more tests fail with the new responses. "
            "`$.completed_at` is new at `api.example.com` (1 fixture).",
        ),
        (
            [ADDED, RETIRED],
            None,
            "**Act before you merge**: 2 changes at `api.example.com` "
            "(1 breaking, 1 compatible). The worst: `gpt-4o` is retired "
            "(1 fixture). Your tests were not run against the new responses.",
        ),
    ],
)
def test_the_first_line_says_whether_to_act_and_why(
    changes: list[dict[str, Any]], tests: Any, line: str
) -> None:
    assert render(report(*changes, tests=tests)).first == line


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (RETIRED, "gpt-4o is retired at api.example.com, and 1 more change"),
        ({**RETIRED, "models": []}, "A model at api.example.com is retired, and 1 more change"),
        (
            {**RETIRED, "rule": "request-rejected", "parameter": "max_tokens"},
            "api.example.com rejects max_tokens, and 1 more change",
        ),
        (
            {**ADDED, "path": "$.a fixes #1 @octo"},
            "$.a fixes ?1 ?octo is new at api.example.com (1 fixture)",
        ),
        (
            {**ADDED, "rule": "of-a-newer-cachy"},
            "An unknown kind of change at api.example.com (1 fixture)",
        ),
        (
            {**ADDED, "path": f"$.choices[*].message.{'a' * 40}.citation.title"},
            f"….{'a' * 40}.citation.title is new at api.example.com (1 fixture)",
        ),
    ],
)
def test_the_title_is_the_subject_of_the_worst_change(change: Any, title: str) -> None:
    others = [ADDED] if change["severity"] == "breaking" else []
    assert render(report(change, *others)).title == title


def test_many_changes_are_counted_by_severity_with_the_hosts_that_they_are_at() -> None:
    risky = {**ADDED, "severity": "risky", "path": "$.b"}
    rows = [
        surface(RETIRED, name="POST api.openai.com/v1/responses"),
        surface(REMOVED, risky, ADDED, name="POST api.anthropic.com/v1/messages"),
        surface(ADDED, name="POST api.cohere.com/v2/chat"),
        surface(ADDED, name="POST www.evil.example/v2/chat"),
    ]
    text = render(report(surfaces=rows))
    assert text.first == (
        "**Act before you merge**: 4 changes at `api.anthropic.com`, `api.openai.com` and 2 more "
        "hosts (2 breaking, 1 risky, 1 compatible). The worst: `$.usage.total` is gone at "
        "`api.anthropic.com` (1 fixture). Your tests were not run against the new responses."
    )
    assert text.title == "$.usage.total is gone at api.anthropic.com, and 3 more changes"


def test_changes_of_one_severity_are_counted_once() -> None:
    text = render(report(ADDED, {**ADDED, "path": "$.b"}, tests=TESTS))
    assert text.first == (
        "**Safe to merge**: 2 compatible changes at `api.example.com`. One of them: `$.b` is new "
        "(1 fixture). 39 tests pass with the new responses, none fails."
    )


def test_one_change_at_several_hosts_names_them() -> None:
    names = ("api.openai.com", "eu.api.openai.com")
    text = render(report(surfaces=[surface(ADDED, name=f"POST {one}/v1") for one in names]))
    assert text.title == (
        "$.completed_at is new at api.openai.com and eu.api.openai.com (1 fixture)"
    )


def test_every_rule_has_words_for_a_title() -> None:
    assert set(HEADLINES) == set(RULES)
    facts = dict.fromkeys(("path", "old", "new", "model", "parameter", "host"), "x")
    assert all("{" not in phrase.format_map(facts) for row in HEADLINES.values() for phrase in row)


def test_a_row_names_model_parameter_message_fixture_and_test() -> None:
    said = render(report({**RETIRED, "parameter": "model", "hint": "model_not_found"})).rest
    (row,) = [line for line in said.splitlines() if "model-retired" in line and "|" in line]
    assert row == (
        "| **breaking** `model-retired`<br>`status`<br>parameter `model`<br>`model_not_found`<br>"
        "the API says: `The model 'gpt-4o' has been deprecated.` | `200` → `404` | `gpt-4o`<br>"
        "`hey-3f9a1c0b2d4e5f60.json`<br>`tests/test_chat.py::test_reply` |"
    )


def test_equal_rows_of_several_surfaces_are_one_row_and_advice_stands_once() -> None:
    rows = [surface(ADDED, name=f"POST api.example.com/v{number}") for number in range(12)]
    rows.append(surface(REMOVED, {**ADDED, "path": "$.b"}, name="POST api.example.com/b"))
    said = render(report(surfaces=rows)).rest
    assert said.count("`$.completed_at`") == 1
    assert said.count("Nothing to do.") == 1
    assert "### 12 surfaces\n\n- `POST api.example.com/v0`" in said
    assert "<details><summary>2 more surfaces</summary>" in said


def test_each_verdict_of_the_sdk_stands_once() -> None:
    advice = {**ADVICE, "fixture-stale": "The SDK knows it."}
    said = render(report({**ADDED, "sdk": "fixture-stale"}, REMOVED), advice).rest
    assert said.count("- `fixture-stale`: The SDK knows it.") == 1


def test_many_unchecked_fixtures_of_one_reason_are_one_line() -> None:
    said = render(report(ADDED, inconclusive=30)).rest
    assert "- `quota`, 30 fixtures: `429`" in said


def test_the_record_comes_back_whole_with_the_persons_text_around_it() -> None:
    found = report(ADDED, {**RETIRED, "message": "\ud800 →"})
    night = put_together(found, None, {})
    record = Record(project="a b", known=night.known, title="t", text="x")
    body = Description(before="Above.", record=None, after="Below.").with_ours("1", "2", record)
    there = split_description(body.replace("\n", "\r\n"))
    assert there == Description(before="Above.", record=record, after="Below.")
    assert split_description(without_record(body)).record is None
    assert split_description("") == Description(before="", record=None, after="")


@pytest.mark.parametrize("count", [1_500, pytest.param(9_000, marks=pytest.mark.slow)])
def test_a_record_of_too_many_changes_still_says_which_they_are(count: int) -> None:
    (one,) = put_together(report(REMOVED), None, {}).known
    changes = [
        replace(one.change, path=f"$.{digest(str(number))}", message=digest(f"-{number}") * 9)
        for number in range(count)
    ]
    known = tuple(Known(surface=f"POST h/{change.path}", change=change) for change in changes)
    record = Record(project="", known=known)
    word = encode(record)
    assert len(word) <= LONGEST
    there = split_description(f"<!-- cachy-drift 1 {word} -->").record
    assert there
    found = there.severities()
    assert len(found) > 1_000
    assert found.items() <= record.severities().items()


HOSTILE = [
    "`zqx`",
    "```zqx```",
    "zqx @octo/team @octocat",
    "zqx #1 GH-1 octo/app#1",
    "zqx https://evil.example www.evil.example",
    "[zqx](https://evil.example)",
    "![zqx](https://evil.example/x.png)",
    "<img src=x> zqx",
    "--> zqx <!-- cachy-drift 1 eNoBAAD -->",
    "zqx | zqx \\| zqx \\",
    "\n\n# zqx\n\n- zqx\n",
    "\r\nzqx",
    "zqx </details></td></table>",
    "\u202ezqx\u2066",
    "zqx\x00\x1b[31m",
    "zqx\ud800",
    "\u2028zqx\u2029",
    "::error::zqx%0A",
    "$`zqx`$ $$zqx$$",
    "&lt;zqx&#64;",
    "zqx" * 400_000,
    "`" * 90 + "zqx",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_of_the_api_becomes_markup(hostile: str) -> None:
    text, clean = render(about(hostile[:4000])), render(about("x"))
    assert kinds(text.rest) == kinds(clean.rest)
    for kind, content in inline(f"{text.first}\n\n{text.rest}"):
        assert kind == "code_inline" or "zqx" not in content
        assert "@o" not in content
    assert not set(text.title) & set("@#<`\n\u202e\x00")
    assert split_description(whole(text)).record == Record(project="")


def about(text: str) -> DriftReport:
    """Return a report in which everything that an API or a file may say is this text."""
    named = dict.fromkeys(("rule", "path", "old", "new", "hint", "parameter", "message"), text)
    listed = {name: [text] for name in ("models", "tests", "fixtures")}
    change = {**named, **listed, "note": text, "severity": "breaking", "sdk": text}
    unclear = {"fixture": text, "surface": text, "reason": "quota", "detail": text}
    return report(
        surfaces=[surface(change, name=f"POST {text}/v1")],
        inconclusive_rows=[unclear],
        tests={"command": text, "passed": 1, "failed": [text]},
    )


def many(path: str, name: str, **more: Any) -> list[dict[str, Any]]:
    """Return ten surfaces of fifty changes each."""
    return [
        surface(
            *({**REMOVED, "path": f"{path}{row}_{number}", **more} for number in range(50)),
            name=f"POST {name}/{row}",
        )
        for row in range(10)
    ]


def test_a_night_of_five_hundred_changes_shows_them_all() -> None:
    found = report(surfaces=many("$.usage.details.f", "api.example.com/v1"))
    night = put_together(found, None, {})
    record = Record(project="", known=night.known)
    text = render(found, room=62_000 - len(encode(record)))
    nobody = Description(before="", record=None, after="")
    body = nobody.with_ours(text.first, text.rest, record)
    assert body.count("`field-removed`<br>") == 500
    assert "in the report of the run" not in body
    assert len(body.encode("utf-16-le")) // 2 < 65_000
    assert split_description(body).record == record


def test_long_lists_and_long_words_fit() -> None:
    more = {"old": "é" * 300, "fixtures": [f"{'f' * 300}/{number}" for number in range(500)]}
    rows = many("$." + "ü|" * 300, "a" * 300, **more)
    text = render(report(surfaces=rows, tests={**TESTS, "failed": ["t" * 300] * 500}))
    shown = text.rest.count("`field-removed`<br>")
    assert 0 < shown < 500
    assert f"{500 - shown} more changes, in the report of the run." in text.rest
    assert len(text.rest.encode("utf-16-le")) // 2 < 37_000
    assert len(text.title) < 200
    assert text.rest.count("<details>") == text.rest.count("</details>")


def kinds(body: str) -> list[str]:
    return [kind for kind, _ in inline(body) if kind != "text"]


def inline(body: str) -> Iterator[tuple[str, str]]:
    """Return what a renderer makes of the body, outermost first."""
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body):
        yield from ((child.type, child.content) for child in token.children or [token])
