"""What the pull request says, and that nothing of an API's answer is markup in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from pull_request_world import ADDED, ADVICE, FIXTURE, REMOVED, report

from cachy.display import inline_code
from cachy.pull_request.description import BUDGET, parse_mark, render_text, without_mark


def test_the_text_says_whether_to_act_then_what_changed() -> None:
    tests = {"command": "pytest -q", "passed": 39, "failed": ["tests/test_chat.py::test_reply"]}
    text = render_text(report(ADDED, REMOVED, inconclusive=1, tests=tests), ADVICE)
    assert text
    assert text.title == "API drift at api.example.com: 1 breaking, 1 compatible"
    assert text.body.split("### How to accept")[0] == (
        "**Act now**: 1 breaking, 1 compatible changes; "
        "1 of your tests fails with the new answers.\n\n"
        "### `POST api.example.com/v1/chat`\n\n"
        "| severity | rule | path | old → new | what to do |\n"
        "|---|---|---|---|---|\n"
        "| breaking | `field-removed` | `$.usage.total` | `integer` → — | Stop reading it. |\n"
        "| compatible | `field-added` | `$.completed_at` | — → `integer` | Nothing to do. |\n\n"
        "### Tests that fail with the new answers\n\n"
        "Run with `pytest -q`:\n\n"
        "- `tests/test_chat.py::test_reply`\n\n"
        "### Could not be checked\n\n"
        "Neither drift nor clean.\n\n"
        "| fixture | reason | detail |\n"
        "|---|---|---|\n"
        f"| `{FIXTURE}` | `quota` | `429` |\n\n"
    )


@pytest.mark.parametrize(
    ("changes", "tests", "line"),
    [
        (
            [ADDED],
            None,
            "**Nothing to do but merge**: 1 compatible change; "
            "your tests have not been run against the new answers.",
        ),
        (
            [{**ADDED, "severity": "risky"}, ADDED],
            {"command": "pytest", "passed": 4, "failed": []},
            "**Read before you merge**: 1 risky, 1 compatible changes; "
            "no test of yours fails with the new answers (4 passed).",
        ),
        (
            [ADDED],
            {"command": "pytest", "passed": 4, "failed": ["a", "b"]},
            "**Act now**: 1 compatible change; 2 of your tests fail with the new answers.",
        ),
    ],
)
def test_the_first_line_says_whether_to_act_and_why(
    changes: list[dict[str, Any]], tests: Any, line: str
) -> None:
    text = render_text(report(*changes, tests=tests), ADVICE)
    assert text
    assert text.body.splitlines()[0] == line


def test_each_change_says_what_the_sdk_knows_of_it() -> None:
    advice = {**ADVICE, "fixture-stale": "The SDK knows it."}
    text = render_text(report({**ADDED, "sdk": "fixture-stale"}, REMOVED), advice)
    assert text
    rows = [row for row in text.body.splitlines() if "| `$." in row]
    assert [row.endswith("| Nothing to do. The SDK knows it. |") for row in rows] == [False, True]


def test_a_change_is_told_with_what_may_explain_it() -> None:
    renamed = {**REMOVED, "hint": "renamed to $.usage.all|`@octo`?"}
    text = render_text(report(ADDED, renamed), ADVICE)
    assert text
    (row,) = [line for line in text.body.splitlines() if "field-removed" in line]
    quoted = "`renamed to $.usage.all\\|\\u0060@\u200bocto\\u0060?`"
    assert f"| `$.usage.total` ({quoted}) |" in row
    same = render_text(report(ADDED, REMOVED), ADVICE)
    assert same
    assert same.mark.changes == text.mark.changes


def test_the_mark_stands_for_the_changes_in_any_order_and_not_for_the_run() -> None:
    one = render_text(report(ADDED, REMOVED), ADVICE, "https://github.example/runs/1")
    same = render_text(report(REMOVED, ADDED), ADVICE, "https://github.example/runs/2")
    other = render_text(report(ADDED, {**REMOVED, "path": "$.usage.cost"}), ADVICE)
    retold = render_text(report(ADDED, REMOVED, inconclusive=1), ADVICE)
    assert one
    assert same
    assert other
    assert retold
    assert one.mark == same.mark == parse_mark(one.body) == parse_mark(same.body)
    assert other.mark.changes != one.mark.changes
    assert (retold.mark.changes == one.mark.changes, retold.mark == one.mark) == (True, False)


def test_a_mark_counts_at_the_very_end_only() -> None:
    text = render_text(report(ADDED), ADVICE)
    assert text
    assert parse_mark(text.body.replace("\n", "\r\n") + "\r\n") == text.mark
    assert parse_mark(text.body + "\nP.S.") is None
    assert parse_mark(without_mark(text.body)) is None


def test_a_clean_report_has_no_text() -> None:
    assert render_text(report(), ADVICE) is None


HOSTILE = [
    "`zqx`",
    "```zqx```",
    "zqx @octo/team @octocat",
    "zqx #1 GH-1 octo/app#1",
    "zqx https://evil.example www.evil.example",
    "[zqx](https://evil.example)",
    "![zqx](https://evil.example/x.png)",
    "<img src=x> zqx",
    "--> zqx <!-- cachy-drift changes=0000000000000000 text=0000000000000000 -->",
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
    change = {**dict.fromkeys(("rule", "path", "severity", "old", "new"), hostile)}
    broken = report(change, inconclusive=1)
    broken["surfaces"][0]["surface"] = f"POST {hostile}/v1"
    broken["inconclusive"] = [dict.fromkeys(("fixture", "reason", "detail"), hostile)]
    broken["tests"] = {"command": hostile, "passed": 1, "failed": [hostile]}
    text = render_text(broken, ADVICE)
    clean = render_text(
        {
            **report(
                dict.fromkeys(("rule", "path", "severity", "old", "new"), "x"), inconclusive=1
            ),
            "tests": {"command": "x", "passed": 1, "failed": ["x"]},
        },
        ADVICE,
    )
    assert text
    assert clean
    assert text.title == "API drift at an API: "
    assert kinds(text.body) == kinds(clean.body)
    for kind, content in inline(text.body):
        assert kind == "code_inline" or "zqx" not in content
        assert kind == "html_block" or "@o" not in content
    assert parse_mark(text.body) == text.mark


def test_quoted_text_is_shown_as_it_is_where_it_is_harmless() -> None:
    path = "$.output[type=message].content[type=output_text]['a b'].größe"
    assert inline_code(path) == f"`{path}`"
    assert inline_code("string | null") == "`string | null`"
    assert inline_code("a@b`c\\d\ne") == "`a@\u200bb\\u0060c\\u005cd\\u000ae`"
    assert inline_code(" ") == "(empty)"
    assert inline_code("x" * 65) == f"`{'x' * 64}…`"


def test_a_night_of_five_hundred_changes_fits() -> None:
    row = {**REMOVED, "path": "$." + "ü|" * 300, "old": "é" * 300}
    surface = {"surface": f"POST {'a' * 40}.example.com/v1", "outcome": "drift"}
    many = report(row)
    many["surfaces"] = [
        {**surface, "surface": f"{surface['surface']}/{number}", "changes": [row] * 50}
        for number in range(10)
    ]
    many["tests"] = {"command": "pytest", "passed": 0, "failed": ["t" * 300] * 500}
    text = render_text(many, ADVICE, "https://github.example/octo/app/actions/runs/1")
    assert text
    assert len(text.body.encode("utf-16-le")) // 2 <= BUDGET
    assert parse_mark(text.body) == text.mark
    shown = text.body.count(".example.com/v1/")
    assert 1 <= shown < 10
    assert f"{10 - shown} more surfaces, in the run's report." in text.body
    assert "And 450 more, in the run's report." in text.body
    assert "The run that found this" in text.body


def kinds(body: str) -> list[str]:
    return [kind for kind, _ in inline(body) if kind != "text"]


def inline(body: str) -> Iterator[tuple[str, str]]:
    """Read what a renderer makes of the body, outermost first."""
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body):
        yield from ((child.type, child.content) for child in token.children or [token])
