"""What `cachy drift` prints for a person: a whole report, line by line."""

from __future__ import annotations

from typing import Any

import pytest

from cachy.drift.outcome.report import DriftReport
from cachy.drift.outcome.report_text import paste_lines, render_text

NAMES = [f"cachy_fixtures/f{number}.json" for number in range(5)]
CHAT, EMBED = "POST api.example.com/v1/chat", "POST api.example.com/v1/embeddings"
REMOVED = {
    **{"rule": "field-removed", "severity": "breaking", "path": "$.total"},
    **{"old": "integer", "new": None, "confirmed": "3/3", "sdk": "unknown"},
    **{"fixtures": [NAMES[0]], "tests": ["test_a.py::test_it"]},
}
RETIRED = {
    **{"rule": "model-retired", "severity": "breaking", "path": "status"},
    **{"old": "200", "new": "404", "confirmed": "1/1", "sdk": "unknown", "fixtures": [NAMES[2]]},
    **{"models": ["m-0"], "parameter": "model", "message": "m-0 is gone\x1b[31m"},
    **{"note": "The models endpoint names m-1."},
}
SEEN_ONCE = {**REMOVED, "path": "$.mood", "confirmed": "1/3"}
UNSEEN = {"fixture": NAMES[3], "surface": EMBED, "reason": "quota", "detail": "429"}


def surface(name: str, **more: Any) -> dict[str, Any]:
    return {"surface": name, "outcome": "drift", "complete": True, "fixtures": NAMES[:2], **more}


def text_of(**parts: Any) -> list[str]:
    found = {"cachy": 1, "summary": parts.pop("summary", {}), **parts}
    return render_text(DriftReport.from_json(found)).splitlines()


NOTHING = (
    "checked 0: 0 clean, 0 drift, 0 inconclusive, 0 not exercised; "
    "changes: 0 breaking, 0 risky, 0 compatible"
)


def test_a_change_of_two_surfaces_stands_once_below_both() -> None:
    other = {**REMOVED, "fixtures": NAMES[1:], "tests": ["test_b.py::test_it"]}
    both = [surface(CHAT, changes=[REMOVED]), surface(EMBED, changes=[other])]
    first, second, changed, where, *_ = text_of(surfaces=both)
    assert (first, second) == (f"{CHAT}  (2 fixtures)", f"{EMBED}  (2 fixtures)")
    assert changed.split() == ["breaking", "field-removed", "$.total:", "integer"]
    named = f"{NAMES[0]}, {NAMES[1]}, {NAMES[2]} and 2 more"
    assert where.strip() == f"In {named}, recorded by test_a.py::test_it, test_b.py::test_it"


def test_a_retired_model_says_which_and_what_the_api_says() -> None:
    heading, changed, *rest = text_of(surfaces=[surface(CHAT, changes=[RETIRED])])
    assert heading == f"{CHAT}  (2 fixtures)"
    assert changed.split() == ["breaking", "model-retired", "status:", "200", "->", "404"]
    assert [line.strip() for line in rest[:5]] == [
        "Model: m-0",
        "Parameter: model",
        'The API says: "m-0 is gone\\u001b[31m"',
        "The models endpoint names m-1.",
        f"In {NAMES[2]}",
    ]


def test_a_change_that_not_every_try_showed_says_in_how_many() -> None:
    (_, changed, *_) = text_of(surfaces=[surface(CHAT, changes=[{**REMOVED, "confirmed": "2/3"}])])
    assert changed.endswith("  [seen in 2/3 tries]")


@pytest.mark.parametrize(
    ("tests", "lines"),
    [
        (
            {"passed": 2, "failed": ["test_a.py::test_it"]},
            [
                "Tests that pass today and fail with the new responses (pytest -q):",
                "  test_a.py::test_it",
            ],
        ),
        ({"passed": 2, "failed": []}, ["No test fails with the new responses (2 passed)."]),
        (
            {"passed": 0, "failed": [], "problem": "it did not end within 600 s"},
            ["--check pytest -q: it did not end within 600 s"],
        ),
    ],
)
def test_what_the_tests_say_of_the_new_responses(tests: dict[str, Any], lines: list[str]) -> None:
    assert text_of(tests={"command": "pytest -q", **tests}) == [*lines, "", NOTHING]


def test_what_is_not_a_finding_has_a_line_of_its_own() -> None:
    told = text_of(
        surfaces=[
            surface(CHAT, transient=[SEEN_ONCE], stale=NAMES[:1]),
            surface(EMBED, outcome="not_exercised", not_exercised=["$.tool"]),
        ],
        inconclusive=[UNSEEN, {**UNSEEN, "fixture": NAMES[4]}],
        ignores=[
            {"state": "expired", "rule": "field-added", "path": "$.a", "until": "2020-01-31"},
            {"state": "unused"},
        ],
        spent={"requests": 2, "output_tokens": 1200},
        summary={"stale": 1, "transient": 1},
    )
    old_structure = "still with the old structure; cachy drift --all asks for it"
    expired = "ignore (rule field-added, path $.a): expired on 2020-01-31. Remove it."
    assert told == [
        f"stale: {NAMES[0]}: {old_structure}",
        f"transient: field-removed at $.mood of {CHAT}: seen in 1/3 tries, not reported",
        f"not checked (quota): {EMBED}: {NAMES[3]}, {NAMES[4]}: 429",
        "inconclusive: could not be checked, so neither drift nor clean.",
        f"[tool.cachy.drift] {expired}",
        "[tool.cachy.drift] ignore (everything): nothing matched it. Remove it.",
        f"not exercised: {EMBED}: $.tool",
        "not exercised: recorded, but no response took that branch this time; not a finding.",
        NOTHING.replace("exercised;", "exercised, 1 transient, 1 stale;"),
        "spent 2 requests and 1,200 output tokens",
    ]


def test_what_policy_leaves_out_comes_with_the_settings_that_send_it() -> None:
    row = {"surface": CHAT, "reason": "not-allowed", "detail": "it may change something"}
    allow, hosts = "POST api.example.com/*", "api.example.com"
    rows = [{**row, "fixtures": NAMES[:1], "allow": allow, "hosts": hosts}]
    rows += [{**row, "reason": "skip", "fixtures": NAMES[:1]}]
    told = text_of(skipped=rows)
    assert told[0] == f"skipped: {CHAT} (1 fixture): it may change something"
    assert [line.strip() for line in told[2:5]] == [
        "[tool.cachy.drift]",
        f'allow = ["{allow}"]',
        f'hosts = {{ "{hosts}" = "Authorization: Bearer ${{API_KEY}}" }}  '
        '# or "" for a host that needs no key',
    ]
    assert paste_lines(()) == []
