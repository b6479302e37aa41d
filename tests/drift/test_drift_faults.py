"""Each fault of a provider: what the run says of it, how it ends, and what it would write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from drift_faults import ASK, CHAT, CHATS, FaultWorld, faulty, rows
from scripted_server import (
    DROPPED,
    RESET,
    Script,
    ScriptedResponse,
    json_response,
    redirect,
    sse_response,
    text_response,
)

HTML = "<!doctype html><title>Maintenance</title>"
SAME = json_response({**CHAT, "id": "chatcmpl-2", "created": 1732449999})


def page(status: int) -> ScriptedResponse:
    return ScriptedResponse(HTML.encode(), status, (("Content-Type", "text/html"),))


def error(status: int, code: str = "", message: str = "No.", **more: Any) -> ScriptedResponse:
    return json_response({"error": {"message": message, "code": code or None, **more}}, status)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


WITHOUT = json_response({key: value for key, value in CHAT.items() if key != "usage"})
RETIRED = ("breaking", "model-retired", "status")
REJECTED = ("breaking", "request-rejected", "status")


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        (page(200), 0, "provider"),
        (page(503), 0, "provider"),
        (page(404), 0, "provider"),
        (redirect(302, "https://login.example.com/?next=secret"), 0, "provider"),
        (redirect(307, "https://api.example.com/v2"), 0, "provider"),
        (ScriptedResponse(b"", 304), 0, "provider"),
        (error(401, "invalid_api_key"), 3, "auth"),
        (error(403), 3, "auth"),
        (error(400, message="Incorrect API key provided"), 3, "auth"),
        (error(402), 0, "quota"),
        (error(429, "insufficient_quota"), 0, "quota"),
        (error(429), 0, "quota"),
        (error(400, message="Your credit balance is too low"), 0, "quota"),
        (error(400, message="You have reached your API usage limits."), 0, "quota"),
        (error(400, message="User location is not supported for the API use."), 3, "auth"),
        (error(400, message="API key expired. Please renew it."), 3, "auth"),
        (error(400, type="overloaded_error"), 0, "provider"),
        (error(404, message="Temporarily unavailable"), 0, "provider"),
        (json_response({"code": 1113, "msg": "余额不足"}), 0, "quota"),
        (json_response({"base": {"status_code": 1, "status_msg": "maintenance"}}), 0, "provider"),
        *((error(status), 0, "provider") for status in (405, 408, 409, 413, 418, 425, 431, 451)),
        *((error(status), 0, "provider") for status in (500, 502, 503, 529)),
        (ScriptedResponse(b"", 404), 0, "provider"),
        (text_response("Not found"), 3, "unparsed"),
        (ScriptedResponse(b"no route", 404, (("Content-Type", "text/plain"),)), 0, "provider"),
        (json_response({}, 400), 0, "provider"),
        (json_response({"error": "Model overloaded"}), 0, "provider"),
        (json_response({"error": {"message": "Upstream error"}}), 0, "provider"),
        (ScriptedResponse(b""), 3, "unparsed"),
        (ScriptedResponse(b'{"a": NaN}'), 3, "unparsed"),
        (ScriptedResponse(b'{"id": 1, "id": 2}'), 3, "unparsed"),
        (ScriptedResponse(b'{"id": "ch'), 3, "unparsed"),
        (ScriptedResponse(json.dumps(CHAT).encode(), end="cut"), 0, "provider"),
        (ScriptedResponse(b'{"a":"' + b"x" * (9 << 20) + b'"}'), 3, "unparsed"),
        (DROPPED, 0, "provider"),
        (RESET, 0, "provider"),
    ],
)
def test_what_says_nothing_about_drift_is_inconclusive(
    script: Script, code: int, reason: str, project: Path
) -> None:
    with faulty(project, {CHATS: [script]}) as world:
        # One fixture that was checked, so that the exit code is that of the reason.
        world.write_clean()
        name = world.write()
        found, report, _ = world.drift()
    assert rows(report) == []
    assert [(row["fixture"], row["reason"]) for row in report["inconclusive"]] == [(name, reason)]
    assert (found, report["files"]) == (code, [])


@pytest.mark.parametrize(
    ("scripts", "code", "expected", "files"),
    [
        ([SAME], 0, [], 0),
        ([json_response({**CHAT, "tier": 1})], 0, [("compatible", "field-added", "$.tier")], 1),
        ([WITHOUT], 0, [("risky", "field-removed", "$.usage")], 1),  # one recording, no SDK
        ([WITHOUT, SAME], 0, [], 0),
        ([error(404, "model_not_found"), SAME], 0, [], 0),
        ([error(404, "model_not_found")], 1, [RETIRED], 0),
        ([error(410)], 1, [RETIRED], 0),
        ([error(400, "unsupported_parameter")], 1, [REJECTED], 0),
        ([error(422)], 1, [REJECTED], 0),
        ([error(400), error(503)], 0, [], 0),
        ([json_response(None)], 1, [("breaking", "null-added", "$")], 0),  # is never written
    ],
)
def test_what_changed_is_reported_and_nothing_else(
    scripts: Sequence[Script],
    code: int,
    expected: list[tuple[str, str, str]],
    files: int,
    project: Path,
) -> None:
    with faulty(project, {CHATS: scripts}) as world:
        world.write()
        world.write_clean()
        found, report, _ = world.drift("--no-sdk")
    assert (rows(report), found, len(report["files"])) == (expected, code, files)


def test_a_refusal_names_model_parameter_message_and_test(project: Path) -> None:
    said = "Unsupported parameter: 'max_tokens'.\nUse  'max_completion_tokens'. " + "x" * 300
    refused = error(400, "unsupported_parameter", said, param="max_tokens")
    with faulty(project, {CHATS: [refused]}) as world:
        name = world.write({**ASK, "max_tokens": 5})
        _, report, _ = world.drift()
    ((row,),) = [surface["changes"] for surface in report["surfaces"]]
    assert (row["models"], row["parameter"], row["fixtures"], row["tests"]) == (
        *(["gpt-4o"], "max_tokens", [name]),
        ["tests/test_a.py::test_1"],
    )
    assert row["message"].startswith("Unsupported parameter: 'max_tokens'. Use 'max_completion")
    assert len(row["message"]) == 200


def test_a_retired_model_is_asked_for_at_the_models_endpoint(project: Path) -> None:
    scripts = {CHATS: [error(404, "model_not_found")], "/v1/models/gpt-4o": [error(404)]}
    with faulty(project, scripts) as world:
        world.write()
        _, report, _ = world.drift()
    ((row,),) = [surface["changes"] for surface in report["surfaces"]]
    assert (row["models"], row["confirmed"]) == (["gpt-4o"], "3/3")
    assert row["note"] == "The models endpoint does not know the model either."
    assert world.waited[0] >= 29  # confirmed later, not at once


def test_every_model_parameter_and_shape_of_a_surface_is_sent(project: Path) -> None:
    """Nine fixtures of one surface were one request, and a retired model was clean."""

    def answer(request: Any) -> ScriptedResponse:
        asked = request.json
        if asked["model"] == "gpt-4o" and "max_tokens" not in asked:
            return error(404, "model_not_found")
        return error(400, "unsupported_parameter") if "max_tokens" in asked else SAME

    with faulty(project, {CHATS: [answer]}) as world:
        names = [world.write({**ASK, "model": model}) for model in ("gpt-4o", "gpt-4.1", "o3")]
        names += [world.write({**ASK, "model": "gpt-4.1", "max_tokens": 9})]
        names += [world.write({**ASK, "model": "o3", "seed": n}) for n in range(5)]
        code, report, _ = world.drift()
    assert (code, rows(report)) == (1, [RETIRED, REJECTED])
    (surface,) = report["surfaces"]
    sent = [row["fixture"] for row in surface["sent"]]
    stood_for = [name for row in surface["sent"] for name in row["stands_for"]]
    assert sorted([*sent, *stood_for]) == sorted(names)
    assert len(sent) == 3


def test_fixtures_that_the_sent_one_stands_for_change_with_it(project: Path) -> None:
    with faulty(project, {CHATS: [json_response({**CHAT, "tier": "x", "id": "live"})]}) as world:
        names = [world.write(ASK, {**CHAT, "id": f"chatcmpl-{n}"}) for n in range(3)]
        patch = project.parent / "patch"
        code, report, _ = world.drift("--patch", str(patch))
        assert world.server.count == 1
    assert (code, [row["path"] for row in report["files"]]) == (0, sorted(names))
    bodies = [json.loads((patch / name).read_text())["response"]["json"] for name in names]
    assert [body["id"] for body in bodies] == ["chatcmpl-0", "chatcmpl-1", "chatcmpl-2"]
    assert {body["tier"] for body in bodies} == {"x"}
    assert report["surfaces"][0]["stale"] == []


EVENTS: list[dict[str, Any]] = [
    {"event": "response.created", "data": {"type": "response.created", "n": 0}},
    {"event": "response.completed", "data": {"type": "response.completed", "n": 1}},
]


def live_events(*more: dict[str, Any]) -> ScriptedResponse:
    first, last = (entry["data"] for entry in EVENTS)
    return sse_response(first, *more, last)


@pytest.mark.parametrize(("budget", "stale"), [(9, 0), (1, 1)])
def test_streams_that_were_not_sent_are_sent_or_named_as_stale(
    budget: int, stale: int, project: Path
) -> None:
    thought = {"type": "response.thought", "n": 7}
    ask = {"model": "m", "input": "Hey!", "stream": True}
    with faulty(project, {"/v1/responses": [live_events(thought)]}) as world:
        names = [world.write(ask, path="/v1/responses", sse=EVENTS) for _ in range(2)]
        _, report, _ = world.drift("--max-requests", str(budget))
    assert len(report["surfaces"][0]["stale"]) == stale
    assert len(report["files"]) == len(names) - stale


@pytest.fixture
def chained(project: Path) -> Iterator[FaultWorld]:
    """Three turns of a conversation, each of which names the one before it."""
    count = iter(range(1, 99))

    def answer(request: Any) -> ScriptedResponse:
        if request.method == "DELETE":
            return json_response({"deleted": True})
        before = request.json.get("previous_response_id")
        if before and not before.startswith("resp_live"):
            return error(404, message=f"Previous response with id '{before}' not found.")
        return json_response(turn(f"resp_live{next(count)}", before))

    with faulty(project, {}) as world:
        world.server.otherwise = answer
        yield world


def turn(name: str, before: str | None) -> dict[str, Any]:
    return {"id": name, "object": "response", "previous_response_id": before, "output": []}


def write_turns(world: FaultWorld, *numbers: int) -> list[str]:
    names = []
    for number in numbers:
        before = {"previous_response_id": f"resp_{number - 1}"} if number > 1 else {}
        asked = {"model": "m", "input": f"turn {number}", **before}
        answered = turn(f"resp_{number}", before.get("previous_response_id"))
        names.append(world.write(asked, answered, path="/v1/responses"))
    return names


def test_three_turns_are_sent_as_a_chain_and_deleted(chained: FaultWorld) -> None:
    names = write_turns(chained, 1, 2, 3)
    code, report, _ = chained.drift()
    assert (code, rows(report), report["inconclusive"], report["skipped"]) == (0, [], [], [])
    assert report["summary"]["checked"] == len(names)
    asked = [request.json for request in chained.server.requests if request.method == "POST"]
    assert [body.get("previous_response_id") for body in asked] == [
        None,
        "resp_live1",
        "resp_live2",
    ]
    assert ["store" in body for body in asked] == [False, False, True]
    deleted = [r.path for r in chained.server.requests if r.method == "DELETE"]
    assert deleted == ["/v1/responses/resp_live1", "/v1/responses/resp_live2"]


def test_later_turns_are_skipped_where_the_first_is_missing(chained: FaultWorld) -> None:
    names = write_turns(chained, 2, 3)
    alone = chained.write({"model": "m", "input": "x"}, turn("resp_9", None), path="/v1/responses")
    code, report, _ = chained.drift()
    skipped = [(row["fixtures"], row["reason"], row["detail"]) for row in report["skipped"]]
    why = "no recorded response gave its previous_response_id"
    assert skipped == [
        ([names[1]], "reference", f"{names[0]} comes before it: {why}"),
        ([names[0]], "reference", why),
    ]
    assert (code, report["surfaces"][0]["sent"][0]["fixture"]) == (0, alone)


def test_items_of_an_earlier_response_are_put_in_live(project: Path) -> None:
    def call(suffix: str) -> dict[str, Any]:
        return {
            "type": "function_call",
            "id": f"fc_{suffix}",
            "call_id": f"call_{suffix}",
            "name": "add",
            "arguments": "{}",
        }

    def answer(request: Any) -> ScriptedResponse:
        items = request.json["input"] if request.method == "POST" else []
        if isinstance(items, list) and items and items[0]["id"] != "fc_live":
            return error(404, message="Item not found")
        output = [] if isinstance(items, list) else [call("live")]
        return json_response({"id": "resp_live", "object": "response", "output": output})

    with faulty(project, {}) as world:
        world.server.otherwise = answer
        first = {"id": "resp_1", "object": "response", "output": [call("old")]}
        world.write({"model": "m", "input": "go"}, first, path="/v1/responses")
        output = {"type": "function_call_output", "call_id": "call_old", "output": "3"}
        second = {"model": "m", "input": [call("old"), output]}
        world.write(second, {**first, "id": "resp_2", "output": []}, path="/v1/responses")
        code, report, _ = world.drift("--all")
        posts = [r.json for r in world.server.requests if r.method == "POST"]
    assert (code, rows(report), report["inconclusive"]) == (0, [], [])
    assert posts[1]["input"][0]["id"] == "fc_live"
    assert posts[1]["input"][1]["call_id"] == "call_live"


@pytest.mark.parametrize(
    ("asked", "path", "reason"),
    [
        ({"model": "o1-pro", "n": 128, "max_completion_tokens": 100_000}, CHATS, "cost"),
        ({"model": "gpt-4o-search-preview"}, CHATS, "not-allowed"),
        ({"model": "openai/gpt-4o:online"}, CHATS, "not-allowed"),
        ({"model": "m", "store": True}, "/v1/responses", "not-allowed"),
        (
            {"model": "m", "input": [{"type": "item_reference", "id": "rs_1"}]},
            "/v1/responses",
            "reference",
        ),
        ({"model": "m", "prompt": {"id": "pmpt_1"}}, "/v1/responses", "reference"),
        ({"model": "m", "conversation": "conv_1"}, "/v1/responses", "reference"),
        (
            {"model": "m", "messages": [{"role": "assistant", "audio": {"id": "a"}}]},
            CHATS,
            "reference",
        ),
    ],
)
def test_what_is_dear_or_has_effects_is_skipped(
    asked: dict[str, Any], path: str, reason: str, project: Path
) -> None:
    with faulty(project, {CHATS: [SAME]}) as world:
        world.write(asked, path=path)
        world.write_clean()
        code, report, _ = world.drift()
        assert [request.path for request in world.server.requests] == ["/v1/messages"]
    assert (code, [row["reason"] for row in report["skipped"]]) == (0, [reason])


def test_a_request_whose_headers_were_not_kept_is_not_a_false_alarm(project: Path) -> None:
    with faulty(project, {CHATS: [error(400, "missing_version")]}) as world:
        world.write(request={"left_out": ["User-Agent", "Notion-Version"]})
        code, report, _ = world.drift()
    (row,) = report["inconclusive"]
    assert (code, rows(report), row["reason"]) == (3, [], "headers")
    assert '[tool.cachy.match] headers = ["Notion-Version"]' in row["detail"]


def test_a_dead_host_costs_two_time_outs_and_starves_nobody(project: Path) -> None:
    silent = ScriptedResponse(b"", None, end="open")
    with faulty(project, {CHATS: [silent]}) as world:
        for number in range(6):
            world.write({**ASK, f"key{number}": 1})
        world.write_clean()
        code, report, _ = world.drift("--timeout", "1s")
        asked = [request.path for request in world.server.requests]
    assert (code, asked.count(CHATS), asked.count("/v1/messages")) == (0, 2, 1)
    assert {row["reason"] for row in report["inconclusive"]} == {"provider"}
    assert report["summary"]["clean"] == 1


@pytest.mark.parametrize(
    ("header", "severity", "day"),
    [
        (("Sunset", "Sat, 31 Oct 2020 23:59:59 GMT"), "breaking", "2020-10-31"),
        (("Sunset", "Sat, 31 Oct 2020 23:59:59 -0000"), "breaking", "2020-10-31"),
        (("Sunset", "Sat, 31 Oct 2020 23:59:59 +0200"), "breaking", "2020-10-31"),
        (("Sunset", "Sat, 31 Oct 2099 23:59:59 GMT"), "risky", "2099-10-31"),
        (("Sunset", "soon"), "risky", "announced"),
        (("Deprecation", "@1735689600"), "risky", "2025-01-01"),
        (("Deprecation", "true"), "risky", "announced"),
        (("Deprecation", "@1735689600;reason=1"), "risky", "2025-01-01"),
        (("Deprecation", "Wed, 01 Jan 2025 00:00:00 GMT"), "risky", "2025-01-01"),
    ],
)
def test_an_announcement_names_its_day_and_what_comes_after(
    header: tuple[str, str], severity: str, day: str, project: Path
) -> None:
    after = ("Link", '<https://x.test/doc>; rel="sunset", </v2/chat>; rel="successor-version"')
    with faulty(project, {CHATS: [json_response(CHAT, 200, header, after)]}) as world:
        world.write()
        _, report, _ = world.drift()
    ((row,),) = [surface["changes"] for surface in report["surfaces"]]
    assert (row["severity"], row["new"]) == (severity, day)
    assert row["hint"] == "successor: /v2/chat"


@pytest.mark.parametrize("said", ["false", "?0", ""])
def test_what_is_not_deprecated_is_clean(said: str, project: Path) -> None:
    with faulty(project, {CHATS: [json_response(CHAT, 200, ("Deprecation", said))]}) as world:
        world.write()
        code, report, _ = world.drift()
    assert (code, rows(report), report["summary"]["clean"]) == (0, [], 1)
