"""The GitHub Action: outputs, annotations and step summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from action_project import UNCHECKED, Project, change, drifted, finding, verified


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


NOTHING = {
    "breaking": "0",
    "risky": "0",
    "compatible": "0",
    "inconclusive": "0",
    "pull-request-number": "",
    "pull-request-url": "",
    "pull-request-operation": "none",
}


SILENCED = {
    **drifted(summary={"checked": 0}),
    "surfaces": [{"surface": "GET a/b", "outcome": "skipped", "changes": []}],
    "skipped": [{"surface": "GET a/b", "reason": "skip", "detail": "", "fixtures": ["a.json"]}],
}


@pytest.mark.parametrize(
    ("command", "report", "code", "expected"),
    [
        ("verify", verified(), 0, {"outcome": "clean"}),
        ("verify", verified(finding()), 1, {"outcome": "findings"}),
        ("verify", verified(finding("warning")), 0, {"outcome": "findings"}),
        ("verify", verified(finding("info")), 0, {"outcome": "clean"}),
        ("verify", verified(fixtures=0), 3, {"outcome": "inconclusive"}),
        ("drift", drifted(), 0, {"outcome": "clean"}),
        ("drift", drifted(summary={"checked": 0}), 3, {"outcome": "inconclusive"}),
        ("drift", SILENCED, 0, {"outcome": "skipped"}),
        (
            "drift",
            drifted(inconclusive=[UNCHECKED]),
            3,
            {"outcome": "inconclusive", "inconclusive": "1"},
        ),
        (
            "drift",
            drifted(change("breaking"), change(), inconclusive=[UNCHECKED]),
            1,
            {"outcome": "drift", "breaking": "1", "compatible": "1", "inconclusive": "1"},
        ),
        (
            "drift",
            drifted(
                change("risky"),
                pull_request={
                    "number": 7,
                    "url": "https://github.com/o/r/pull/7",
                    "operation": "created",
                },
            ),
            0,
            {
                "outcome": "drift",
                "risky": "1",
                "pull-request-number": "7",
                "pull-request-url": "https://github.com/o/r/pull/7",
                "pull-request-operation": "created",
            },
        ),
        (
            "drift",
            drifted(pull_request={"number": None, "url": None, "operation": "none"}),
            0,
            {"outcome": "clean"},
        ),
        (
            "drift",
            drifted(change(), pull_request=None),
            2,
            {"outcome": "error", "compatible": "1"},
        ),
    ],
)
def test_outputs_and_exit_code_are_cachys(
    project: Project, command: str, report: Any, code: int, expected: dict[str, str]
) -> None:
    ran = project.run(report, code, command=command)
    kept = Path(ran.outputs.pop("report"))
    assert (ran.code, ran.outputs) == (code, NOTHING | expected)
    assert json.loads(kept.read_text(encoding="utf-8")) == report


def test_the_summary_of_verify_names_every_finding(project: Project) -> None:
    ran = project.run(verified(finding(), finding("warning", "truncated-stream")), 1)
    assert ran.summary == (
        "## cachy verify: findings\n"
        "\n"
        "12 fixtures · 1 errors · 1 warnings\n"
        "\n"
        "| severity | rule | fixture | what, and what to do |\n"
        "|---|---|---|---|\n"
        "| error | `secret-left` | `cachy_fixtures/secret-left.json` |"
        " `secret-left`<br>`secret-left again` |\n"
        "| warning | `truncated-stream` | `cachy_fixtures/truncated-stream.json` |"
        " `truncated-stream`<br>`truncated-stream again` |\n"
    )


def test_the_summary_of_drift_tells_the_whole_story(project: Project) -> None:
    report = drifted(
        change(
            "breaking",
            **{"rule": "type-changed", "path": "$.a", "old": "string", "new": "integer | null"},
            models=["gpt-4.1"],
            tests=["tests/test_a.py::test_b"],
        ),
        inconclusive=[UNCHECKED],
        tests={"command": "pytest -q", "passed": 39, "failed": ["tests/test_a.py::test_b"]},
        pull_request={"number": 7, "url": "https://x.example/o/r/pull/7", "operation": "updated"},
        spent={"requests": 12, "output_tokens": 1345},
    )
    assert project.run(report, 0, command="drift").summary == (
        "## cachy drift: drift\n"
        "\n"
        "1 breaking · 0 risky · 0 compatible\n"
        "\n"
        "12 checked · 10 clean · 1 drift · 1 inconclusive · 3 not exercised\n"
        "\n"
        "spent 12 requests and 1,345 output tokens\n"
        "\n"
        "Pull request [#7](https://x.example/o/r/pull/7): updated\n"
        "\n"
        "### `POST api.openai.com/v1/responses`\n"
        "\n"
        "| severity | rule | path | was | now | confirmed | model | fixture | test |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
        "| breaking | `type-changed` | `$.a` | `string` | `integer \\| null` | `1/1` |"
        " `gpt-4.1` | `cachy_fixtures/a.json` | `tests/test_a.py::test_b` |\n"
        "\n"
        "### Tests that fail with the new responses (`pytest -q`)\n"
        "\n"
        "- `tests/test_a.py::test_b`\n"
        "\n"
        "### Inconclusive\n"
        "\n"
        "| fixture | reason | detail |\n"
        "|---|---|---|\n"
        "| `cachy_fixtures/b.json` | `quota` | `429` |\n"
    )


def test_severities_become_kinds_of_annotation(project: Project) -> None:
    report = drifted(
        change("compatible"),
        change("risky", rule="enum-value-added"),
        change("breaking", rule="field-removed", old="string", new=None),
        inconclusive=[UNCHECKED],
    )
    ran = project.run(report, 1, command="drift")
    at = "$.completed_at (POST api.openai.com/v1/responses)"
    assert [(s.command, s.properties["title"], s.message) for s in ran.said] == [
        ("error", "cachy: field-removed", f"{at}; was string"),
        ("warning", "cachy: enum-value-added", f"{at}; now integer"),
        ("warning", "cachy: inconclusive", "quota; 429"),
        ("notice", "cachy: field-added", f"{at}; now integer"),
    ]


@pytest.mark.parametrize(("count", "shown", "last"), [(10, 10, "$.f9"), (11, 10, "2 more")])
def test_at_most_ten_annotations_of_each_kind_are_printed(
    project: Project, count: int, shown: int, last: str
) -> None:
    changes = [
        change(severity, path=f"$.f{number}")
        for severity in ("breaking", "risky", "compatible")
        for number in range(count)
    ]
    ran = project.run(drifted(*changes), 1, command="drift")
    for kind in ("error", "warning", "notice"):
        messages = [said.message for said in ran.of_kind(kind)]
        assert len(messages) == shown
        assert messages[-1].startswith(last)


def test_a_failure_with_a_report_spends_one_of_the_ten_errors(project: Project) -> None:
    project.says("Pushed, but GitHub Actions may not open pull requests: allow it.\n")
    changes = [change("breaking", path=f"$.f{number}") for number in range(10)]
    errors = project.run(drifted(*changes), 2, command="drift").of_kind("error")
    assert len(errors) == 10
    assert errors[0].message == "Pushed, but GitHub Actions may not open pull requests: allow it."
    assert errors[-1].message == "2 more: see the step summary."


def test_a_summary_above_one_mebibyte_is_cut_by_whole_lines(project: Project) -> None:
    changes = [change(path=f"$.f{number}.{'é' * 150}") for number in range(4000)]
    ran = project.run(drifted(*changes), 0, command="drift")
    assert 1_000_000 < len(ran.summary.encode()) <= 1024 * 1024
    *rows, empty, note = ran.summary.splitlines()
    assert rows[-1].endswith("| `cachy_fixtures/a.json` |  |")
    assert empty == ""
    shown = sum(row.startswith("| compatible") for row in rows)
    report = ran.outputs["report"]
    assert note == f"{4000 - shown} more lines did not fit here: see the report, `{report}`."
