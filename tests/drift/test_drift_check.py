"""What a run claims: nothing that one answer lacks, and nothing that it could not ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from drift_project import (
    ASK,
    CHAT,
    CHAT_ANSWER,
    EVENTS,
    KEY,
    Found,
    check_here,
    record,
    told,
    write_config,
)
from scripted_server import ScriptedResponse, json_response, serving, sse_response

RECORDED = json_response(CHAT_ANSWER)
WITHOUT = json_response({key: value for key, value in CHAT_ANSWER.items() if key != "usage"})
MORE = json_response({**CHAT_ANSWER, "tier": "default"})
REFUSED = json_response({"error": {"code": "unknown_parameter"}}, 400)
NO_QUOTA = json_response({"error": {"code": "insufficient_quota"}}, 429)
OTHER_TYPE = json_response({**CHAT_ANSWER, "created": "today"})
REMOVED, ADDED = ("risky", "field-removed", "$.usage"), ("compatible", "field-added", "$.tier")
OPTIONAL = ("compatible", "field-became-optional", "$.usage")
REJECTED = ("breaking", "request-rejected", "status")
CHANGED = ("breaking", "type-changed", "$.created")


def only_file(found: Found) -> str:
    (text,) = found.files.values()
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("live", "expected", "reasons", "requests"),
    [
        ([RECORDED], [], [], 1),
        ([MORE], [ADDED], [], 1),
        ([OTHER_TYPE], [CHANGED], [], 1),
        ([WITHOUT], [REMOVED], [], 3),
        ([WITHOUT, RECORDED], [], [], 3),
        ([WITHOUT, WITHOUT, RECORDED], [OPTIONAL], [], 3),
        ([WITHOUT, RECORDED, WITHOUT], [OPTIONAL], [], 3),
        ([WITHOUT, MORE], [ADDED], [], 3),
        ([WITHOUT, NO_QUOTA], [], ["quota"], 2),
        ([REFUSED], [REJECTED], [], 3),
        ([REFUSED, RECORDED], [], [], 3),
        ([REFUSED, RECORDED, REFUSED], [("risky", "request-rejected", "status")], [], 3),
        ([REFUSED, NO_QUOTA], [], ["quota"], 2),
        ([NO_QUOTA], [], ["quota"], 1),
    ],
)
def test_what_is_gone_is_asked_for_again(
    live: list[ScriptedResponse],
    expected: list[tuple[str, str, str]],
    reasons: list[str],
    requests: int,
    tmp_path: Path,
) -> None:
    with serving({CHAT: [RECORDED, *live]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
        assert provider.count == 1 + requests
    assert told(found.report) == expected
    assert [entry["reason"] for entry in found.report["inconclusive"]] == reasons


def test_a_claim_for_which_the_budget_was_too_small_is_not_made(tmp_path: Path) -> None:
    both = json_response({**{k: v for k, v in CHAT_ANSWER.items() if k != "usage"}, "tier": 1})
    with serving({CHAT: [RECORDED, both]}) as provider:
        write_config(tmp_path, provider)
        path = record(tmp_path, provider, ASK)
        found = check_here(tmp_path, budget=2)
    name = path.relative_to(tmp_path).as_posix()
    assert told(found.report) == [ADDED]
    assert found.report["surfaces"][0]["outcome"] == "drift"
    (row,) = found.report["inconclusive"]
    assert (row["fixture"], row["reason"]) == (name, "budget")
    assert row["detail"] == "--max-requests 2 is reached"
    assert json.loads(str(found.files[name]))["response"]["json"] == {**CHAT_ANSWER, "tier": 1}


def test_every_answer_gives_what_it_shows_first(tmp_path: Path) -> None:
    first = json_response({**{k: v for k, v in CHAT_ANSWER.items() if k != "usage"}, "a": 1})
    with serving({CHAT: [RECORDED, first, WITHOUT, MORE]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
    text = only_file(found)
    assert json.loads(text)["response"]["json"] == {**CHAT_ANSWER, "a": 1, "tier": "default"}


def test_a_refused_request_gets_no_new_answer(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED, REFUSED]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
    assert (told(found.report), found.files) == ([REJECTED], {})


def test_a_stream_is_recorded_again(tmp_path: Path) -> None:
    more = [*EVENTS[:2], {"type": "response.thought"}, EVENTS[2]]
    with serving({CHAT: [sse_response(*EVENTS), sse_response(*more)]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
    text = only_file(found)
    document = json.loads(text)
    assert [event["event"] for event in document["response"]["sse"]] == [
        event["type"] for event in more
    ]
    assert document["recorded"]["at"] == "2026-11-24T00:00:00Z"
    assert "grafted" not in document["recorded"]


def test_a_cut_recording_is_not_compared(tmp_path: Path) -> None:
    with serving({CHAT: [sse_response(*EVENTS)]}) as provider:
        write_config(tmp_path, provider)
        path = record(tmp_path, provider, ASK)
        document = json.loads(path.read_text())
        document["response"] |= {"truncated": True, "sse": document["response"]["sse"][:1]}
        path.write_text(json.dumps(document))
        found = check_here(tmp_path)
        assert provider.count == 1
    assert (told(found.report), found.report["summary"]["checked"]) == ([], 0)
    assert [row["reason"] for row in found.report["skipped"]] == ["truncated"]


def test_one_change_in_many_fixtures_is_reported_once(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED]}) as provider:
        write_config(tmp_path, provider)
        names = sorted(
            record(tmp_path, provider, {**ASK, "n": n}).relative_to(tmp_path).as_posix()
            for n in range(3)
        )
        provider.scripts[CHAT] = [MORE]
        found = check_here(tmp_path, send_all=True)
    (surface,) = found.report["surfaces"]
    assert surface["fixtures"] == names
    assert [change["fixtures"] for change in surface["changes"]] == [names]
    assert (found.report["summary"]["compatible"], sorted(found.files)) == (1, names)


def test_a_branch_that_no_answer_took_is_not_exercised(tmp_path: Path) -> None:
    def answer(*kinds: str) -> dict[str, Any]:
        return {"content": [{"type": kind, "id": 1} for kind in kinds]}

    with serving({CHAT: [json_response(answer("text", "tool"))]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        provider.scripts[CHAT] = [json_response(answer("text"))]
        summary = check_here(tmp_path).report["summary"]
    assert (summary["clean"], summary["not_exercised"]) == (1, 1)


@pytest.mark.parametrize(("only", "count"), [("*hey*", 1), ("*nothing*", 0)])
def test_only_what_was_named_is_sent(only: str, count: int, tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        record(tmp_path, provider, {"model": "m", "messages": [{"role": "user", "content": "Ho"}]})
        found = check_here(tmp_path, only=only, send_all=True)
    assert found.report["summary"]["checked"] == count


def test_what_is_not_sent_still_teaches(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        provider.scripts[CHAT] = [WITHOUT]
        record(tmp_path, provider, {"model": "m", "messages": [{"role": "user", "content": "Ho"}]})
        found = check_here(tmp_path, only="*hey*")
    assert (told(found.report), found.report["summary"]["clean"]) == ([], 1)


def test_a_key_that_the_api_repeats_is_not_written(tmp_path: Path) -> None:
    echo = json_response({**CHAT_ANSWER, "you_sent": f"Bearer {KEY}", "again": KEY})
    with serving({CHAT: [RECORDED, echo]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
    assert [change[2] for change in told(found.report)] == ["$.again", "$.you_sent"]
    assert KEY not in json.dumps([found.report, found.files])


@pytest.mark.parametrize("depth", [101, 960, 100_000])
def test_an_answer_that_is_nested_without_end_is_not_parsed(depth: int, tmp_path: Path) -> None:
    deep = ScriptedResponse(b'{"a":' * depth + b"1" + b"}" * depth)
    with serving({CHAT: [RECORDED, deep]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
    assert [entry["reason"] for entry in found.report["inconclusive"]] == ["unparsed"]


def test_what_is_committed_stays_as_it_is(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED, OTHER_TYPE]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        check_here(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_header_that_the_project_keeps_is_checked(tmp_path: Path) -> None:
    answers = [json_response(CHAT_ANSWER, 200, ("X-Cost", "1")), json_response(CHAT_ANSWER)]
    with serving({CHAT: answers}) as provider:
        write_config(tmp_path, provider)
        settings = (tmp_path / "pyproject.toml").read_text()
        (tmp_path / "pyproject.toml").write_text(
            settings.replace("doms", 'hdrs = ["X-Cost"]\ndoms')
        )
        record(tmp_path, provider, ASK, hdrs=["X-Cost"])
        checked = check_here(tmp_path)
    assert told(checked.report) == [("risky", "header-removed", "headers.x-cost")]
    text = only_file(checked)
    assert "x-cost" not in json.loads(text)["response"]["headers"]
