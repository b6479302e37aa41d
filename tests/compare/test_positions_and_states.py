"""What stands first or last in a stream, and what comes with a state, is not drift."""

from __future__ import annotations

from typing import Any

import pytest
from documents import DATA_URL, GEMINI_URL, body, stream

from cachy.drift import compare


def piece(text: str | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"role": "model"}
    if text is not None:
        content["parts"] = [{"text": text}]
    candidate: dict[str, Any] = {"content": content, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "m", **more}


USAGE = {"promptTokenCount": 2, "totalTokenCount": 4}
WHOLE_USAGE = {**USAGE, "candidatesTokenCount": 2}
SHORT = stream(piece("Hi there", "STOP", usageMetadata=WHOLE_USAGE))
LONG = stream(
    piece("Hi", usageMetadata=USAGE),
    piece(" there", "STOP", usageMetadata=WHOLE_USAGE),
)
LONGER = stream(
    piece("Hi", usageMetadata=USAGE),
    piece(" the", usageMetadata=USAGE),
    piece("re", usageMetadata=USAGE),
    piece(None, "STOP", usageMetadata=WHOLE_USAGE),
)


@pytest.mark.parametrize("old", [SHORT, LONG, LONGER])
@pytest.mark.parametrize("new", [SHORT, LONG, LONGER])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_a_stream_of_more_or_fewer_pieces_is_the_same(old: Any, new: Any, count: int) -> None:
    assert compare(old, new, baseline=[old] * (count - 1), sdk=False) == []


def test_a_field_that_every_piece_had_is_missed_in_one_of_them() -> None:
    pieces = [piece(text, usageMetadata=USAGE) for text in "abc"]
    new = [*pieces]
    new[1] = {name: item for name, item in new[1].items() if name != "modelVersion"}
    found = compare(stream(*pieces), stream(*new), baseline=[stream(*pieces)] * 11, sdk=False)
    assert {(change.rule, change.path) for change in found} == {
        ("field-became-optional", "event(data).modelVersion")
    }


JOB = {"id": "j-1", "status": "processing", "created_at": "2026-11-30", "error": None}
DONE = {
    **JOB,
    "status": "succeeded",
    "output": ["a"],
    "metrics": {"predict_time": 1.5},
    "completed_at": "2026-11-30T01:00:00Z",
}
PREDICTION = "https://api.replicate.com/v1/predictions/abcdefgh12345678"
OPERATION = "https://generativelanguage.googleapis.com/v1beta/batches/abcdefgh12345678"
RUNNING = {"name": "batches/a", "metadata": {"state": "BATCH_STATE_RUNNING", "model": "m"}}
SUCCEEDED = {
    "name": "batches/a",
    "metadata": {"state": "BATCH_STATE_SUCCEEDED", "model": "m", "endTime": "2026-11-30"},
    "done": True,
    "response": {"inlinedResponses": {"x": 1}},
}


@pytest.mark.parametrize(
    ("one", "other", "url"),
    [
        (JOB, DONE, PREDICTION),
        (JOB, DONE, DATA_URL),
        (RUNNING, SUCCEEDED, OPERATION),
        (RUNNING, SUCCEEDED, DATA_URL),
        ({"name": "o"}, {"name": "o", "done": True, "response": {"a": 1}}, OPERATION),
        (
            {"id": 1, "state": "open", "title": "x", "labels": []},
            {"id": 1, "state": "closed", "title": "x", "labels": [], "closed_by": {"id": 2}},
            DATA_URL,
        ),
        (
            {"jobs": [JOB, {**JOB, "status": "starting"}]},
            {"jobs": [JOB, DONE]},
            DATA_URL,
        ),
        (
            {"pod": {"status": {"phase": "Pending"}}},
            {"pod": {"status": {"phase": "Running", "podIP": "10.0.0.1"}}},
            DATA_URL,
        ),
        ({"id": 1, "jobStatus": "Queued"}, {"id": 1, "jobStatus": "Done", "result": 5}, DATA_URL),
        ({"id": 1, "merged": False}, {"id": 1, "merged": True, "merged_by": {"id": 1}}, DATA_URL),
    ],
)
def test_a_resource_that_moved_on_has_other_fields(one: Any, other: Any, url: str) -> None:
    for old, new in ((one, other), (other, one)):
        assert compare(body(old, url, "GET"), body(new, url, "GET"), sdk=False) == []


def test_a_field_that_comes_without_another_state_is_new() -> None:
    old, new = body(JOB, PREDICTION, "GET"), body({**JOB, "queue": 1}, PREDICTION, "GET")
    (change,) = compare(old, new)
    assert (change.rule, change.path) == ("field-added", "$.queue")


def test_a_counter_beside_counters_that_come_and_go_may_go_too() -> None:
    def chat(**usage: int) -> dict[str, Any]:
        return body({"id": "x", "usage": {"input_tokens": 1, **usage}}, GEMINI_URL)

    cached = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 1}
    known = [chat(**cached), chat(**cached), chat(cache_creation_input_tokens=1)]
    assert compare(known[0], chat(), baseline=known[1:], sdk=False) == []
    assert compare(known[0], chat(), baseline=[known[0]] * 11, sdk=False) != []
