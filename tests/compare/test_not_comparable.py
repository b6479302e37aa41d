"""A response that cannot be compared is neither drift nor clean: `compare` refuses it."""

from __future__ import annotations

from typing import Any

import pytest

from cachy.drift import NotComparable, compare

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-1",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
URL = "https://api.openai.com/v1/chat/completions"
JSON = {"content-type": "application/json"}
STREAM = {"content-type": "text/event-stream"}
EVENTS = [
    {"data": {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}}]}},
    {"data": "[DONE]"},
]


def document(**response: Any) -> dict[str, Any]:
    return {
        "cachy": 1,
        "request": {"method": "POST", "url": URL, "json": {}},
        "response": {"status": 200, **response},
    }


RECORDED = document(headers=JSON, json=CHAT)
RECORDED_STREAM = document(headers=STREAM, sse=EVENTS)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (RECORDED, document(headers=JSON, json={"error": "Model overloaded"}), "provider"),
        (RECORDED, document(headers=JSON, json={"error": {"code": "overloaded"}}), "provider"),
        (RECORDED, document(headers=JSON, json={**CHAT, "error": {"code": 502}}), "provider"),
        (
            RECORDED,
            document(headers=JSON, json={"type": "error", "error": {"type": "overloaded_error"}}),
            "provider",
        ),
        (
            document(headers=JSON, json={"data": {"viewer": {"login": "a"}}}),
            document(headers=JSON, json={"data": None, "errors": [{"message": "timeout"}]}),
            "provider",
        ),
        (
            RECORDED_STREAM,
            document(headers=STREAM, sse=[EVENTS[0], {"event": "error", "data": {"a": 1}}]),
            "provider",
        ),
        (
            RECORDED_STREAM,
            document(headers=STREAM, sse=[EVENTS[0], {"data": {"error": {"message": "no"}}}]),
            "provider",
        ),
        (RECORDED_STREAM, document(headers=STREAM, sse=[]), "provider"),
        (RECORDED_STREAM, document(headers=STREAM, text=""), "provider"),
        (RECORDED_STREAM, document(headers=STREAM), "provider"),
        (RECORDED_STREAM, document(headers=STREAM, sse=EVENTS[:1], truncated=True), "provider"),
        (RECORDED_STREAM, document(headers={}, text='data: {"object": 1}\n\n'), "unparsed"),
        (RECORDED, document(headers=JSON, text='{"id": NaN}'), "unparsed"),
        (RECORDED, document(headers=JSON, text='{"id": Infinity, "object": 1}'), "unparsed"),
        (RECORDED, document(headers=JSON, text='{"id": 1, "id": 2}'), "unparsed"),
        (RECORDED, document(headers=JSON, text='{"id": '), "unparsed"),
        (RECORDED, document(headers=JSON, text=""), "unparsed"),
        (RECORDED, document(headers=JSON), "unparsed"),
        (RECORDED, document(headers={}), "unparsed"),
        (document(headers=JSON, text='{"id": NaN}'), RECORDED, "unparsed"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    old: dict[str, Any], new: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotComparable) as refused:
        compare(old, new, sdk=False)
    assert refused.value.reason == reason
    assert refused.value.exit_code == 3


def test_an_error_that_a_recording_has_too_is_compared() -> None:
    failed = {"id": "job-1", "status": "failed", "error": {"code": "a", "message": "b"}}
    old = document(headers=JSON, json={**failed, "error": None})
    new = document(headers=JSON, json=failed)
    with pytest.raises(NotComparable):
        compare(old, new)
    assert compare(old, new, baseline=[new]) == []
    assert compare(new, new) == []


def test_the_same_unreadable_body_twice_has_not_changed() -> None:
    unreadable = document(headers=JSON, text='{"id": NaN}')
    assert compare(unreadable, unreadable) == []
    assert compare(document(), document()) == []


def test_json_that_is_kept_as_text_for_its_spelling_is_compared() -> None:
    old = document(headers=JSON, json={"price": 1.5, "name": "a"})
    assert compare(old, document(headers=JSON, text='{"price": 1.50, "name": "b"}')) == []
    found = compare(old, document(headers=JSON, text='{"price": 1.50, "title": "b"}'))
    assert {(change.rule, change.path) for change in found} == {
        ("field-added", "$.title"),
        ("field-removed", "$.name"),
    }


@pytest.mark.parametrize("name", ["$lines", "$blob", "$ref"])
def test_a_key_of_the_api_that_begins_with_a_dollar_is_an_ordinary_key(name: str) -> None:
    """In a document such a key is escaped by a second dollar."""
    old = document(headers=JSON, json={"page": {"size": 1}})
    new = document(headers=JSON, json={"page": {"size": 1, f"${name}": ["a"]}})
    found = compare(old, new)
    assert [(change.rule, change.path) for change in found] == [
        ("field-added", f"$.page.{name}"),
    ]
