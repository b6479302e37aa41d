"""The drift report: its JSON form can be read back, and nothing else can."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from cachy.drift.outcome.report import (
    ChangeRow,
    CheckRow,
    DriftReport,
    FileRow,
    IgnoreRow,
    InconclusiveRow,
    PullRequestRow,
    SentRow,
    SkippedRow,
    Spent,
    Summary,
    SurfaceRow,
)
from cachy.errors import CachyError

CHANGE = ChangeRow(
    rule="model-retired",
    severity="breaking",
    path="status",
    old="200",
    new="404",
    confirmed="3/3",
    sdk="unknown",
    fixtures=("cachy_fixtures/a.json",),
    models=("gpt-4o",),
    message="The model gpt-4o does not exist.",
    tests=("tests/test_chat.py::test_reply",),
)
FULL = DriftReport(
    summary=Summary(checked=1, drift=1, breaking=1, skipped=1, inconclusive=1),
    partial=True,
    surfaces=(
        SurfaceRow(
            surface="POST api.openai.com/v1/responses",
            outcome="drift",
            complete=False,
            fixtures=("cachy_fixtures/a.json", "cachy_fixtures/b.json"),
            sent=(
                SentRow(
                    fixture="cachy_fixtures/a.json", tries=3, stands_for=("cachy_fixtures/b.json",)
                ),
            ),
            changes=(CHANGE,),
            stale=("cachy_fixtures/b.json",),
            not_exercised=("event(error)",),
        ),
    ),
    inconclusive=(InconclusiveRow(fixture="c.json", surface="s", reason="quota", detail="429"),),
    skipped=(SkippedRow(surface="s", reason="not-allowed", detail="why", fixtures=("d.json",)),),
    ignores=(IgnoreRow(state="unused", rule="field-added", reason="known"),),
    files=(FileRow(path="cachy_fixtures/a.json", action="write"),),
    spent=Spent(requests=3, output_tokens=40),
    tests=CheckRow(command="pytest -q", passed=39, failed=("tests/test_chat.py::test_reply",)),
    pull_request=PullRequestRow(operation="created", number=7, url="https://example.com/7"),
)


@pytest.mark.parametrize("report", [FULL, DriftReport(summary=Summary())])
def test_a_report_survives_its_json_form(report: DriftReport) -> None:
    assert DriftReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_what_is_empty_and_optional_is_left_out() -> None:
    (row,) = FULL.to_json()["surfaces"][0]["changes"]
    assert {"hint", "parameter", "note"}.isdisjoint(row)
    assert "tests" not in DriftReport(summary=Summary()).to_json()


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("cachy",), 2, "This is not a report of cachy drift. Write one with --report."),
        (("summary",), [], "$.summary: expected an object"),
        (("summary", "checked"), "1", "$.summary.checked: expected int"),
        (("summary", "checked"), True, "$.summary.checked: expected int"),
        (("summary", "checked"), -1, "$.summary.checked: expected int"),
        (("more",), 1, "$ has an unknown field 'more'"),
        (("partial",), None, "$.partial: expected bool"),
        (("surfaces", 0, "outcome"), "fine", "$.surfaces[0].outcome: expected drift, inconcl"),
        (("surfaces", 0, "changes", 0, "severity"), [], "changes[0].severity: expected breaking"),
        (("surfaces", 0, "changes", 0, "path"), 7, "$.surfaces[0].changes[0].path: expected str"),
        (("surfaces", 0, "changes", 0, "old"), 7, "$.surfaces[0].changes[0].old: expected str"),
        (("surfaces", 0, "fixtures"), "a.json", "$.surfaces[0].fixtures: expected a list"),
        (("inconclusive", 0, "detail"), "x" * 5000, "$.inconclusive[0].detail: expected str"),
        (("files", 0, "action"), "run", "$.files[0].action: expected write, remove"),
        (("files", 0), None, "$.files[0]: expected an object"),
    ],
)
def test_what_is_not_a_report_is_refused_in_one_line(
    place: tuple[Any, ...], value: Any, words: str
) -> None:
    document = copy.deepcopy(FULL.to_json())
    inner: Any = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(CachyError) as caught:
        DriftReport.from_json(document)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "x", 7, {}, {"cachy": 1}])
def test_any_other_json_is_refused(document: Any) -> None:
    with pytest.raises(CachyError, match="not a report of cachy drift"):
        DriftReport.from_json(document)


def test_a_missing_field_is_named() -> None:
    document = FULL.to_json()
    del document["surfaces"][0]["changes"][0]["rule"]
    with pytest.raises(CachyError, match=r"\$\.surfaces\[0\]\.changes\[0\] has no field 'rule'"):
        DriftReport.from_json(document)
