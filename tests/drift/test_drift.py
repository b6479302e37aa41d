"""From committed fixtures to a drift report, through a provider that changes meanwhile."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from drift_project import (
    ASK,
    CHAT,
    CHAT_ANSWER,
    EVENTS,
    check_here,
    drift,
    record,
    told,
    write_config,
)
from pull_request_world import TOKEN, run_git, serve_world
from scripted_server import ScriptedResponse, json_response, serving, sse_response

from cachy import cachy
from cachy.drift.outcome.report import DriftReport
from cachy.drift.outcome.report_text import render_text


def test_values_alone_are_not_drift(tmp_path: Path) -> None:
    other = {**CHAT_ANSWER, "id": "chatcmpl-2", "created": 1732449999}
    with serving({CHAT: [json_response(CHAT_ANSWER), json_response(other)]}) as provider:
        write_config(tmp_path, provider)
        path = record(tmp_path, provider, ASK)
        before = path.read_bytes()
        code, report, _ = drift(tmp_path)
    assert (code, told(report), report["summary"]["clean"]) == (0, [], 1)
    assert path.read_bytes() == before


def test_an_upload_is_sent_again_and_stands_for_a_form_with_its_field(tmp_path: Path) -> None:
    forms: list[dict[str, Any]] = [
        {"data": {"language": "de"}},
        {"data": {"language": "de"}, "files": {"file": ("a.txt", b"Hi")}},
    ]
    with serving({CHAT: [json_response(CHAT_ANSWER)]}) as provider:
        write_config(tmp_path, provider)
        with cachy(tmp_path / "cachy_fixtures", doms=["127.0.0.1"], mode="record"):
            for form in forms:
                httpx.post(provider.url + CHAT, **form).read()
        code, report, _ = drift(tmp_path)
        sent = [request.headers["content-type"].partition(";")[0] for request in provider.requests]
    assert (code, report["summary"]["clean"]) == (0, 1)
    assert sent[2:] == ["multipart/form-data"]


def test_the_report_says_what_changed_and_how_bad_it_is(tmp_path: Path) -> None:
    changed = json.loads(json.dumps(CHAT_ANSWER))
    changed["created"] = "2026-11-24T00:00:00Z"
    changed["service_tier"] = "default"
    del changed["usage"]["total_tokens"]
    answers = [json_response(CHAT_ANSWER), json_response(changed)]
    with serving({CHAT: answers}) as provider:
        write_config(tmp_path, provider)
        path = record(tmp_path, provider, ASK)
        code, report, _ = drift(tmp_path)
        requests = provider.count
    name = path.relative_to(tmp_path).as_posix()
    asked = {"models": ["m"], "tests": [TEST]}
    assert code == 1
    assert requests == 1 + 3  # what is gone is asked for three times
    assert report == {
        "cachy": 1,
        "summary": {
            **{"checked": 1, "clean": 0, "drift": 1, "inconclusive": 0, "not_exercised": 0},
            **{"breaking": 1, "risky": 1, "compatible": 1},
            **{"skipped": 0, "transient": 0, "stale": 0},
        },
        "partial": False,
        "surfaces": [
            {
                "surface": f"POST {provider.host}{CHAT}",
                **{"outcome": "drift", "complete": True, "fixtures": [name]},
                "sent": [{"fixture": name, "tries": 3, "stands_for": []}],
                "changes": [
                    {
                        **{"rule": "type-changed", "severity": "breaking", "path": "$.created"},
                        **{"old": "integer", "new": "string", "confirmed": "1/1"},
                        **{"sdk": "unknown", "fixtures": [name]},
                        **asked,
                    },
                    {
                        **{"rule": "field-removed", "severity": "risky"},
                        **{"path": "$.usage.total_tokens", "old": "integer", "new": None},
                        **{"confirmed": "3/3", "sdk": "unknown", "fixtures": [name], **asked},
                    },
                    {
                        **{"rule": "field-added", "severity": "compatible"},
                        **{"path": "$.service_tier", "old": None, "new": "string"},
                        **{"confirmed": "1/1", "sdk": "unknown", "fixtures": [name], **asked},
                    },
                ],
                **{"transient": [], "stale": [], "not_exercised": []},
            }
        ],
        **{"inconclusive": [], "skipped": [], "ignores": []},
        "files": [{"path": name, "action": "write"}],
        "spent": {"requests": 3, "output_tokens": 0},
        "version": version("pycachy"),
    }


def test_one_clean_try_clears_an_absence(tmp_path: Path) -> None:
    without = {key: value for key, value in CHAT_ANSWER.items() if key != "usage"}
    answers = [json_response(CHAT_ANSWER), json_response(without), json_response(CHAT_ANSWER)]
    with serving({CHAT: answers}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        code, report, _ = drift(tmp_path)
    assert (code, told(report)) == (0, [])


def test_a_new_stream_event_is_drift(tmp_path: Path) -> None:
    more = [*EVENTS[:2], {"type": "response.thought", "sequence_number": 2}, EVENTS[2]]
    answers = [sse_response(*EVENTS), sse_response(*more)]
    with serving({"/v1/responses": answers}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, {"input": "Hey!", "stream": True}, "/v1/responses")
        _, report, _ = drift(tmp_path)
    assert told(report) == [("risky", "event-added", "event(response.thought)")]


TEST = "tests/drift/test_drift.py::test_the_report_says_what_changed_and_how_bad_it_is"
INCONCLUSIVE: list[tuple[ScriptedResponse, str, int]] = [
    (json_response({"error": {"type": "invalid_api_key"}}, 401), "auth", 3),
    (json_response({"error": {"code": "insufficient_quota"}}, 429), "quota", 0),
    (json_response({"error": {}}, 503), "provider", 0),
    (ScriptedResponse(b"<html>", 200), "unparsed", 3),
]


@pytest.mark.parametrize(("answer", "reason", "code"), INCONCLUSIVE)
def test_what_cannot_be_checked_is_neither_drift_nor_green(
    answer: ScriptedResponse, reason: str, code: int, tmp_path: Path
) -> None:
    with serving({CHAT: [json_response(CHAT_ANSWER)]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        record(tmp_path, provider, {**ASK, "model": "other"}, "/v1/chat/completions")
        provider.scripts[CHAT] = [json_response(CHAT_ANSWER), answer]
        found, report, _ = drift(tmp_path, "--all")
    assert told(report) == []
    assert [entry["reason"] for entry in report["inconclusive"]] == [reason]
    assert found == code


def test_a_refused_request_is_drift(tmp_path: Path) -> None:
    refused = json_response({"error": {"code": "unknown_parameter"}}, 400)
    with serving({CHAT: [json_response(CHAT_ANSWER), refused]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        code, report, _ = drift(tmp_path)
    assert (code, told(report)) == (1, [("breaking", "request-rejected", "status")])


def test_without_a_key_nothing_is_sent_and_nothing_is_green(tmp_path: Path) -> None:
    with serving({CHAT: [json_response(CHAT_ANSWER)]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        code, report, _ = drift(tmp_path, MY_KEY="")
        assert provider.count == 1
    assert code == 3
    assert report["inconclusive"][0]["detail"] == "MY_KEY is not set"


def test_a_host_that_only_a_fixture_names_is_not_asked(tmp_path: Path) -> None:
    with serving({CHAT: [json_response(CHAT_ANSWER)]}) as provider:
        (tmp_path / "pyproject.toml").touch()
        record(tmp_path, provider, ASK)
        code, report, _ = drift(tmp_path)
        assert provider.count == 1
    assert (code, report["skipped"][0]["reason"]) == (3, "not-allowed")


def test_the_config_can_ignore_a_change_until_a_day(tmp_path: Path) -> None:
    answers = [json_response(CHAT_ANSWER), json_response({**CHAT_ANSWER, "x": 1})]
    entry = '{ rule = "field-added", path = "$.x", until = %s, reason = "known" }'
    with serving({CHAT: answers}) as provider:
        write_config(tmp_path, provider, f"ignore = [{entry % '2999-01-01'}]\n")
        record(tmp_path, provider, ASK)
        assert told(drift(tmp_path)[1]) == []
        write_config(tmp_path, provider, f"ignore = [{entry % '2020-01-01'}]\n")
        assert told(drift(tmp_path)[1]) == [("compatible", "field-added", "$.x")]


def test_an_ignore_that_ignores_nothing_is_reported(tmp_path: Path) -> None:
    answers = [json_response(CHAT_ANSWER), json_response({**CHAT_ANSWER, "x": 1})]
    used = {"rule": "field-added", "path": "$.x", "reason": "known"}
    unused = {"rule": "field-removed", "reason": "once"}
    expired = {"rule": "field-added", "until": "2020-01-31", "reason": "old"}
    elsewhere = {"surface": "GET api.example.com/*", "reason": "a slip"}
    rows = ", ".join(
        "{" + ", ".join(f'{key} = "{value}"' for key, value in row.items()) + "}"
        for row in (used, unused, expired, elsewhere)
    )
    with serving({CHAT: answers}) as provider:
        write_config(tmp_path, provider, f"ignore = [{rows}]\n")
        record(tmp_path, provider, ASK)
        report = check_here(tmp_path).report
        part = check_here(tmp_path, only="*nothing*").report
        unsure = check_here(tmp_path, budget=0).report
    told_unused = {"state": "unused", **unused}, {"state": "unused", **elsewhere}
    assert report["ignores"] == [told_unused[0], {"state": "expired", **expired}, told_unused[1]]
    text = render_text(DriftReport.from_json(report))
    assert "ignore (rule field-removed): nothing matched it. Remove it." in text
    assert "expired on 2020-01-31" in text
    assert [row["state"] for row in part["ignores"]] == ["expired"]
    assert [row["state"] for row in unsure["ignores"]] == ["expired", "unused"]


@pytest.mark.slow
def test_the_pull_request_holds_the_structural_change_and_no_other_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "recorded by hand (call)")
    changed = {**CHAT_ANSWER, "id": "chatcmpl-9", "service_tier": "default"}
    answers = [json_response(CHAT_ANSWER), json_response(changed)]
    with serving({CHAT: answers}) as provider, serve_world(tmp_path) as world:
        write_config(world.checkout, provider)
        for path in (world.checkout / "cachy_fixtures").rglob("*.json"):
            path.unlink()
        path = record(world.checkout, provider, ASK)
        # what is recorded is committed and pushed, as in any project
        person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        run_git("-C", str(world.checkout), "add", "-A")
        run_git("-C", str(world.checkout), *person, "commit", "-qm", "Record")
        run_git("-C", str(world.checkout), "push", "-q", f"file://{world.bare}", "HEAD:main")
        environ = {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": world.github.url,
            "HOME": str(tmp_path),
        }
        first = drift(world.checkout, "--open-pr", **environ)
        second = drift(world.checkout, "--open-pr", **environ)
        diff = world.in_bare("diff", "-U0", "main", "cachy/drift")
    assert (first[0], first[1]["pull_request"]["operation"]) == (0, "created")
    assert (second[0], second[1]["pull_request"]["operation"]) == (0, "none")
    assert len(world.github.pulls) == 1
    added = [line[1:].strip() for line in diff.splitlines() if line[:1] == "+" and line[1] != "+"]
    assert added[0].startswith('"recorded": ')
    assert '"test": "recorded by hand", "ms": ' in added[0]
    assert added[0].endswith(', "grafted": true},')
    assert added[1:] == [
        *['"usage": {"prompt_tokens": 1, "total_tokens": 2},', '"service_tier": "default"']
    ]
    assert path.relative_to(world.checkout).as_posix() in diff
    assert TOKEN not in json.dumps(first[1]) + first[2]
