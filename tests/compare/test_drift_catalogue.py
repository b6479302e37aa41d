"""The catalogue of changes, on responses as providers send them, and on what is not a change."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tool_lists import ADD, NUMBER, TEXT, tool, tool_list

from cachy.compare.compare import RULES
from cachy.drift import Change, compare

Answer = dict[str, Any]
CHAT: Answer = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1732440000,
    "model": "m-1-2026-03-01",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": None},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
MESSAGE: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_stop"},
]
MODELS = {"object": "list", "data": [{"id": "m-1", "object": "model", "owned_by": "me"}]}
ERROR = {"error": {"code": "unknown_parameter", "message": "No.", "param": "n"}}


def answer(
    body: Any, status: int = 200, at: str = "2026-11-24T00:00:00Z", **headers: str
) -> Answer:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return {
        "cachy": 1,
        "recorded": {"at": "2026-11-24T00:00:00Z"},
        "request": {"method": "POST", "url": "https://api.example.com/v1/chat/completions"},
        "response": {
            "status": status,
            "headers": {"content-type": "application/json", **named},
            "json": body,
        },
    }


def text(body: str, media: str, status: int = 200) -> Answer:
    document = answer(None, status)
    document["response"] = {"status": status, "headers": {"content-type": media}, "text": body}
    return document


def binary(body: str, media: str) -> Answer:
    document = text("", media)
    document["response"]["base64"] = document["response"].pop("text") + body
    return document


def stream(*events: Any) -> Answer:
    document = answer(None)
    rows = [{"event": event["type"], "data": event} for event in events]
    document["response"] = {
        "status": 200,
        "headers": {"content-type": "text/event-stream"},
        "sse": rows,
    }
    return document


def calling(choice: Any, *members: str, ending: str = "end_turn") -> Answer:
    """Return a response with these members to a request that says this of tools."""
    content = [{"type": name, "id": "1"} for name in members]
    document = answer({"content": content, "stop_reason": ending})
    document["request"]["json"] = {"tool_choice": choice}
    return document


def edited(body: Any, edit: Callable[[Any], object]) -> Any:
    changed = copy.deepcopy(body)
    edit(changed)
    return changed


def row_of(document: Answer) -> Any:
    return document["response"]["json"]["data"][0]


def with_data(name: str, *values: Any) -> Any:
    return {"data": [{"id": 1, name: value} for value in values]}


def told(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(change.severity, change.rule, change.path) for change in changes]


TOOLS, TOOL_A = "$.result.tools", "[kind=t].inputSchema.a"

Row = tuple[str, Answer, Answer, int, list[tuple[str, str, str]]]
# What is compared, how many recordings like the old one there are beside it, and what is told.
ROWS: list[Row] = [
    (
        "field-added",
        answer(CHAT),
        answer({**CHAT, "service_tier": "default"}),
        0,
        [("compatible", "field-added", "$.service_tier")],
    ),
    (
        "field-removed",
        answer(CHAT),
        answer(edited(CHAT, lambda body: body["usage"].pop("total_tokens"))),
        0,
        [("risky", "field-removed", "$.usage.total_tokens")],
    ),
    (
        "field-removed",
        answer(CHAT),
        answer(edited(CHAT, lambda body: body["usage"].pop("total_tokens"))),
        9,
        [("breaking", "field-removed", "$.usage.total_tokens")],
    ),
    (
        "field-became-optional",
        answer(with_data("native_finish_reason", "stop", "stop")),
        answer(
            edited(
                with_data("native_finish_reason", "stop", "stop"),
                lambda body: body["data"][1].pop("native_finish_reason"),
            )
        ),
        9,
        [("breaking", "field-became-optional", "$.data[*].native_finish_reason")],
    ),
    (
        "type-changed",
        answer(CHAT),
        answer({**CHAT, "created": "2026-11-24"}),
        0,
        [("breaking", "type-changed", "$.created")],
    ),
    (
        "type-widened",
        answer(with_data("content", "Hi", "Ho")),
        answer(with_data("content", "Hi", [{"type": "text"}])),
        0,
        [("breaking", "type-widened", "$.data[*].content")],
    ),
    (
        "type-widened",
        answer({"score": 1}),
        answer({"score": 1.5}),
        9,
        [("risky", "type-widened", "$.score")],
    ),
    (
        "null-added",
        answer({"id": "a", "usage": {"total": 1}}),
        answer({"id": "a", "usage": None}),
        9,
        [("breaking", "null-added", "$.usage")],
    ),
    (
        "null-resolved",
        answer({"id": "a", "usage": None}),
        answer({"id": "a", "usage": {"total": 1}}),
        9,
        [("compatible", "null-resolved", "$.usage")],
    ),
    (
        "absent-null-swapped",
        answer(CHAT),
        answer(edited(CHAT, lambda body: body["choices"][0]["message"].pop("refusal"))),
        0,
        [("risky", "absent-null-swapped", "$.choices[*].message.refusal")],
    ),
    (
        "enum-value-added",
        answer(CHAT),
        answer(edited(CHAT, lambda body: body["choices"][0].update(finish_reason="guardrail"))),
        9,
        [("risky", "enum-value-added", "$.choices[*].finish_reason")],
    ),
    (
        "format-changed",
        answer({"created": "2026-11-24T09:15:00Z"}),
        answer({"created": "24 Nov 2026"}),
        2,
        [("risky", "format-changed", "$.created")],
    ),
    (
        "array-length-changed",
        answer({"data": [{"object": "embedding", "embedding": [0.1] * 1536}]}),
        answer({"data": [{"object": "embedding", "embedding": [0.1] * 3072}]}),
        0,
        [("risky", "array-length-changed", "$.data[object=embedding].embedding")],
    ),
    (
        "variant-added",
        answer({"content": [{"type": "text", "text": "Hi"}]}),
        answer({"content": [{"type": "text", "text": "Hi"}, {"type": "audio", "id": "a"}]}),
        0,
        [("risky", "variant-added", "$.content[type=audio]")],
    ),
    (
        "variant-vanished",
        calling({"type": "any"}, "text", "tool_use"),
        calling({"type": "any"}, "text"),
        0,
        [("risky", "variant-vanished", "$.content[type=tool_use]")],
    ),
    (
        "variant-vanished",
        calling("required", "message", "function_call"),
        calling("required", "message"),
        0,
        [("risky", "variant-vanished", "$.content[type=function_call]")],
    ),
    (
        "event-added",
        stream(*MESSAGE),
        stream(*MESSAGE[:-1], {"type": "thought"}, MESSAGE[-1]),
        0,
        [("risky", "event-added", "event(thought)")],
    ),
    (
        "event-vanished",
        stream(*MESSAGE),
        stream(*[event for event in MESSAGE if event["type"] != "content_block_stop"]),
        9,
        [("breaking", "event-vanished", "event(content_block_stop)")],
    ),
    (
        "stream-order-changed",
        stream(*MESSAGE),
        stream(MESSAGE[0], MESSAGE[3], MESSAGE[1], *MESSAGE[4:]),
        2,
        [("risky", "stream-order-changed", "stream")],
    ),
    (
        "terminator-changed",
        stream(*MESSAGE),
        stream(*MESSAGE, {"type": "content_block_stop", "index": 0}),
        0,
        [("breaking", "terminator-changed", "stream")],
    ),
    (
        "status-changed",
        answer(CHAT),
        answer(CHAT, 202),
        0,
        [("risky", "status-changed", "status")],
    ),
    (
        "status-changed",
        answer(CHAT),
        {**answer(CHAT), "response": {"status": 204}},
        0,
        [("breaking", "status-changed", "status")],
    ),
    (
        "request-rejected",
        answer(CHAT),
        answer(ERROR, 400),
        0,
        [("breaking", "request-rejected", "status")],
    ),
    (
        "model-retired",
        answer(CHAT),
        answer({"error": {"code": "model_not_found"}}, 400),
        0,
        [("breaking", "model-retired", "status")],
    ),
    ("model-retired", answer(CHAT), answer({}, 410), 0, [("breaking", "model-retired", "status")]),
    (
        "content-type-changed",
        answer(CHAT),
        text("<html>", "text/html"),
        0,
        [("breaking", "content-type-changed", "headers.content-type")],
    ),
    (
        "content-type-changed",
        {"response": {"status": 200, "json": CHAT}},
        text("<html>", "text/html"),
        0,
        [("breaking", "content-type-changed", "headers.content-type")],
    ),
    (
        "content-type-changed",
        text("Up", "text/plain"),
        text("<html>Up</html>", "text/html; charset=utf-8"),
        0,
        [("breaking", "content-type-changed", "headers.content-type")],
    ),
    (
        "content-type-changed",
        binary("SUQzBA==", "audio/mpeg"),
        binary("UklGRg==", "audio/wav"),
        0,
        [("breaking", "content-type-changed", "headers.content-type")],
    ),
    (
        "header-added",
        answer(CHAT),
        answer(CHAT, etag='"1"'),
        0,
        [("compatible", "header-added", "headers.etag")],
    ),
    (
        "header-removed",
        answer(CHAT, etag='"1"'),
        answer(CHAT),
        0,
        [("risky", "header-removed", "headers.etag")],
    ),
    (
        "api-version-changed",
        answer(CHAT, anthropic_version="2023-06-01"),
        answer(CHAT, anthropic_version="2026-10-21"),
        0,
        [("risky", "api-version-changed", "headers.anthropic-version")],
    ),
    (
        "deprecation-announced",
        answer(CHAT),
        answer(CHAT, deprecation="@1767225600"),
        0,
        [("risky", "deprecation-announced", "headers.deprecation")],
    ),
    (
        "deprecation-announced",
        answer(CHAT, deprecation="@1767225600"),
        answer(CHAT, deprecation="@1798761600"),
        0,
        [("risky", "deprecation-announced", "headers.deprecation")],
    ),
    (
        "sunset-announced",
        answer(CHAT),
        answer(CHAT, sunset="Fri, 31 Dec 2027 23:59:59 GMT"),
        0,
        [("risky", "sunset-announced", "headers.sunset")],
    ),
    (
        "sunset-announced",
        answer(CHAT),
        answer(CHAT, sunset="Mon, 30 Nov 2026 23:59:59 GMT"),
        0,
        [("breaking", "sunset-announced", "headers.sunset")],
    ),
    (
        "redirect-host-changed",
        answer({}, 302, location="https://files.example.com/a"),
        answer({}, 302, location="https://cdn.example.net/a"),
        0,
        [("risky", "redirect-host-changed", "headers.location")],
    ),
    (
        "model-shutdown-announced",
        answer(MODELS),
        answer(edited(MODELS, lambda body: body["data"][0].update(shutdown_date="2026-12-31"))),
        0,
        [("risky", "model-shutdown-announced", "$.data[object=model].shutdown_date")],
    ),
    (
        "model-alias-moved",
        answer(CHAT),
        answer({**CHAT, "model": "m-1-2026-11-01", "service_tier": "default"}),
        0,
        [
            ("compatible", "model-alias-moved", "$.model"),
            ("compatible", "field-added", "$.service_tier"),
        ],
    ),
    (
        "error-shape-changed",
        answer(ERROR, 400),
        answer({"message": "No."}, 400),
        0,
        [
            ("breaking", "error-shape-changed", "$.error"),
            ("compatible", "field-added", "$.message"),
        ],
    ),
    *(
        (rule, tool_list(old), tool_list(*new), 0, [(severity, rule, f"{TOOLS}{path}")])
        for rule, severity, old, new, path in (
            ("tool-added", "compatible", ADD, [ADD, tool("now")], "[kind=now]"),
            ("tool-removed", "breaking", ADD, [], "[kind=add]"),
            ("parameter-added", "compatible", tool("t"), [tool("t", a={})], TOOL_A),
            ("parameter-removed", "breaking", tool("t", a={}), [tool("t")], TOOL_A),
            ("parameter-required", "breaking", tool("t"), [tool("t", ["a"], a={})], TOOL_A),
            ("parameter-changed", "breaking", tool("t", a=TEXT), [tool("t", a=NUMBER)], TOOL_A),
        )
    ),
]


@pytest.mark.parametrize(
    ("rule", "old", "new", "times", "expected"), ROWS, ids=[f"{row[0]}-{row[3]}" for row in ROWS]
)
def test_a_change_is_named_and_weighed(
    rule: str, old: Answer, new: Answer, times: int, expected: list[tuple[str, str, str]]
) -> None:
    changes = compare(old, new, baseline=[old] * times)
    assert told(changes) == expected
    assert compare(old, old, baseline=[old] * times) == []


def test_every_rule_has_a_row() -> None:
    assert {row[0] for row in ROWS} == set(RULES)


def test_values_stay_out_of_changes() -> None:
    secret = "a value that nobody may read"
    for _, old, new, times, _ in ROWS:
        body = new["response"].get("json")
        if isinstance(body, dict):
            new = edited(new, lambda one: one["response"]["json"].update(zz=secret))
        assert secret not in json.dumps([one.to_json() for one in compare(old, new)]), times


def records(*revised: bool, **more: Any) -> Answer:
    """Return a dataset's records, some of them changed after their creation."""
    rows = [
        {"id": f"r_{number}", "created_at": "2025-05-05T17:44:23Z", "updated_at": f"{at}:23Z"}
        | (more if is_revised else {})
        for number, is_revised in enumerate(revised)
        for at in ["2025-05-05T17:45" if is_revised else "2025-05-05T17:44"]
    ]
    return answer({"data": rows})


def test_what_a_resource_has_from_its_first_revision_on_is_its_own_history() -> None:
    made, revised = records(False, False), records(True, True, expires_at="2025-08-03T17:45:23Z")
    assert told(compare(made, revised)) == told(compare(revised, made)) == []
    assert told(compare(made, revised, baseline=[made] * 9)) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (records(True), records(True, expires_at="x"), "field-added"),
        (records(False, True), records(True, True, expires_at="x"), "field-added"),
        (records(True, expires_at="x"), records(True), "field-removed"),
        (records(True), edited(records(False), lambda one: row_of(one).update(a=1)), "field-added"),
        (
            edited(records(False), lambda one: row_of(one).update(a=1)),
            records(True),
            "field-removed",
        ),
    ],
    ids=["both revised", "one of two", "gone of both", "new in what is new", "gone on revision"],
)
def test_a_revision_explains_no_more_than_that(old: Answer, new: Answer, rule: str) -> None:
    assert [change.rule for change in compare(old, new)] == [rule]


JOB = {"id": "b_1", "status": "in_progress"}
DONE = {"id": "b_1", "status": "completed", "output": {"file": "f"}}
SAME: list[tuple[str, Answer, Answer]] = [
    ("values", answer(CHAT), answer({**CHAT, "id": "other", "created": 5})),
    ("1 and 1.0", answer({"a": 1}), answer({"a": 1.0})),
    ("order of keys", answer(CHAT), answer(dict(reversed(CHAT.items())))),
    ("empty array", answer({"a": [{"b": 1}]}), answer({"a": []})),
    ("array that was empty", answer({"a": []}), answer({"a": [{"b": 1}]})),
    ("empty object", answer({"a": {"b": 1}}), answer({"a": {}})),
    ("null parent", answer({"a": {"b": 1}}), answer({"a": None})),
    (
        "another branch",
        answer({"content": [{"type": "text", "text": "Hi"}, {"type": "tool_use", "id": "t"}]}),
        answer({"content": [{"type": "text", "text": "Hi"}]}),
    ),
    (
        "a call that may be left out",
        calling({"type": "auto"}, "text", "tool_use"),
        calling({"type": "auto"}, "text"),
    ),
    (
        "a demanded call that was cut off",
        calling("required", "text", "tool_use"),
        calling("required", "text", ending="max_tokens"),
    ),
    (
        "a demanded call alone",
        calling("required", "text", "tool_use"),
        calling("required", "tool_use"),
    ),
    (
        "another branch, told by its key",
        answer({"content": [{"toolUse": {"id": 1}}]}),
        answer({"content": [{"text": "Hi"}]}),
    ),
    (
        "keys that are data",
        answer({"files": {"a.py": {"size": 1}}}),
        answer({"files": {"b.py": {"size": 1}}}),
    ),
    (
        "keys that are ids",
        answer({"m": {"file-abcdef1234567890": {"n": 1}}}),
        answer({"m": {"file-1234567890abcdef": {"n": 1}}}),
    ),
    ("the state of a job", answer(DONE), answer(JOB)),
    ("a job that is done", answer(JOB), answer(DONE)),
    (
        "another ending",
        answer(CHAT),
        answer(
            edited(
                CHAT,
                lambda body: body["choices"][0].update(
                    finish_reason="tool_calls",
                    message={"role": "assistant", "content": None, "tool_calls": [{"id": "t"}]},
                ),
            )
        ),
    ),
    (
        "details of a count that was nought",
        answer({"usage": {"cacheWriteTokens": 0, "total": 1}}),
        answer({"usage": {"cacheWriteTokens": 7, "cacheDetails": [{"ttl": "5m"}], "total": 8}}),
    ),
    (
        "what some items have",
        answer({"data": [{"id": 1}]}),
        answer({"data": [{"id": 1}, {"id": 2, "deleted_at": "x"}]}),
    ),
    (
        "what a model wrote",
        answer({"function": {"name": "f", "arguments": '{"a": 1}'}}),
        answer({"function": {"name": "f", "arguments": '{"b": [1]}'}}),
    ),
    ("a ping", stream(*MESSAGE), stream(*[one for one in MESSAGE if one["type"] != "ping"])),
    ("more pieces", stream(*MESSAGE), stream(*MESSAGE[:4], *MESSAGE[3:])),
    ("another error", answer(ERROR, 400), answer({"error": {**ERROR["error"], "code": "x"}}, 400)),
    ("one type of two", answer(with_data("n", 1, "x")), answer(with_data("n", 1, 1))),
    ("null no more", answer(with_data("n", None, 1)), answer(with_data("n", 2, 1))),
    ("optional no more", answer({"data": [{"a": 1}, {}]}), answer({"data": [{"a": 1}, {"a": 2}]})),
    (
        "a word that is not said",
        answer(with_data("status", "a", "b")),
        answer(with_data("status", "a")),
    ),
    ("a longer id", answer({"id": "chatcmpl-1"}), answer({"id": "resp_68f0c1d2e3a4b5c6d7e8f9"})),
    ("a charset", text("Up", "text/plain"), text("Up", "text/plain; charset=utf-8")),
    ("text by another name", text("Up", "text/plain"), text("Up", "application/octet-stream")),
    ("a volatile header", answer(CHAT, x_request_id="1"), answer(CHAT, cf_ray="2")),
]
# JSON by the name of a vendor is read by what reads JSON.
SAME.append(("JSON by another name", answer(CHAT), answer(CHAT)))
SAME[-1][2]["response"]["headers"]["content-type"] = "application/vnd.api+json"


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_what_is_not_a_change(old: Answer, new: Answer) -> None:
    assert told(compare(old, new)) == []


def test_what_other_recordings_show_is_not_a_change() -> None:
    new = answer({**CHAT, "service_tier": "default"})
    assert compare(answer(CHAT), new, baseline=[new]) == []
    assert compare(new, answer(CHAT), baseline=[answer(CHAT)]) == []


def test_what_only_other_recordings_lack_is_not_a_change_either() -> None:
    """The baseline excuses; it claims nothing that the two answers don't show."""
    empty, full = answer({"data": []}), answer({"data": [{"id": 1, "tags": []}]})
    assert compare(empty, full, baseline=[answer({"data": [{"id": 1}]})] * 12) == []


def test_protojson_leaves_defaults_out() -> None:
    url = "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent"
    old, new = (
        answer({"usageMetadata": {"thoughtsTokenCount": 4, "n": 1}}),
        answer({"usageMetadata": {"n": 1}}),
    )
    for document in (old, new):
        document["request"]["url"] = url
    assert compare(old, new, sdk=False) == []
    found = compare(old, new, baseline=[old] * 9, sdk=False)
    assert told(found) == [("breaking", "field-removed", "$.usageMetadata.thoughtsTokenCount")]
    old["response"]["json"] = {"error": {"maxTokens": 4}}
    new["response"]["json"] = {"failure": {"maxTokens": 4}}
    rules = {change.rule for change in compare(old, new, sdk=False)}
    assert rules == {"field-added", "field-removed"}  # it left out nothing: it is another body


def test_a_file_s_content_is_the_callers() -> None:
    old, new = answer({"a": 1}), answer({"b": [2]})
    for document in (old, new):
        document["request"] = {
            "method": "GET",
            "url": "https://api.openai.com/v1/files/file-abc123def456gh/content",
        }
    assert compare(old, new) == []


def test_a_header_that_the_project_keeps_is_judged_too() -> None:
    old, new = answer(CHAT, x_cost="1"), answer(CHAT, x_cost="2")
    assert compare(old, new, headers=["X-Cost"]) == []
    gone, came = (
        compare(one, other, headers=["X-Cost"])
        for one, other in ((old, answer(CHAT)), (answer(CHAT), new))
    )
    assert told(gone) == [("risky", "header-removed", "headers.x-cost")]
    assert told(came) == [("compatible", "header-added", "headers.x-cost")]
    assert compare(old, answer(CHAT), headers=["X-Cost"], baseline=[answer(CHAT)]) == []
    assert compare(old, answer(CHAT)) == []


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (
            {"code": "unsupported_parameter", "param": "max_tokens", "message": "Use another."},
            "unsupported_parameter: max_tokens",
        ),
        ({"type": "invalid_request_error", "message": "sk-1234"}, "invalid_request_error"),
        ({"code": 400, "status": "INVALID_ARGUMENT"}, "INVALID_ARGUMENT"),
        ({"code": "key sk-1234", "param": "sk-1234"}, ""),
        ("No.", ""),
    ],
)
def test_a_refusal_shows_its_code_and_never_its_message(error: Any, hint: str) -> None:
    (change,) = compare(answer(CHAT), answer({"error": error}, 400))
    assert (change.rule, change.new, change.hint) == ("request-rejected", "400", hint)


def test_a_rename_is_hinted() -> None:
    new = answer(
        edited(CHAT, lambda body: body["usage"].update(all=body["usage"].pop("total_tokens")))
    )
    hints = {change.path: change.hint for change in compare(answer(CHAT), new)}
    assert hints == {
        "$.usage.total_tokens": "renamed to $.usage.all?",
        "$.usage.all": "renamed from $.usage.total_tokens?",
    }


def test_one_cause_in_many_events_is_one_change() -> None:
    def events(**more: Any) -> Answer:
        names = ("response.created", "response.in_progress", "response.completed")
        return stream(*({"type": name, "response": {"id": "r", **more}} for name in names))

    assert told(compare(events(), events(moderation=None))) == [
        ("compatible", "field-added", "event(response.completed).response.moderation")
    ]


@pytest.mark.parametrize(
    ("body", "is_demanded"),
    [
        ({"tool_choice": "required"}, True),
        ({"tool_choice": "any"}, True),
        ({"tool_choice": "auto"}, False),
        ({"tool_choice": "none"}, False),
        ({"tool_choice": {"type": "any"}}, True),
        ({"tool_choice": {"type": "tool", "name": "f"}}, True),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, True),
        ({"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": []}}, True),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, False),
        ({"tool_choice": {"type": "auto"}}, False),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, True),
        ({"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}}, False),
        ({"toolConfig": "ANY"}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_call_is_demanded_in_each_provider_s_words(body: Any, is_demanded: bool) -> None:
    old, new = calling(None, "text", "tool_use"), calling(None, "text")
    old["request"]["json"] = body
    assert [one.rule for one in compare(old, new)] == ["variant-vanished"] * is_demanded
