"""A tag that appears, leaves, is renamed or has another value is one change of that field."""

from __future__ import annotations

from typing import Any

import pytest
from documents import CHAT, CHAT_URL, DATA_URL, MESSAGE, MESSAGES_URL, body

from cachy.drift import compare

CALL = {"id": "call_1", "function": {"name": "f", "arguments": "{}"}}


def with_calls(*calls: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return {**CHAT, "choices": [choice]}


def found(old: Any, new: Any, url: str = CHAT_URL) -> set[tuple[str, str]]:
    changes = compare(body(old, url), body(new, url), sdk=False)
    return {(change.rule, change.path.rpartition(".")[2]) for change in changes}


def test_a_tag_that_appears_is_a_field_that_appears() -> None:
    old = with_calls({**CALL, "index": 0})
    new = with_calls({"id": "call_1", "type": "function", "function": CALL["function"]})
    assert found(old, new) == {("field-added", "type"), ("field-removed", "index")}


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"type": "function"}, {}, {("field-removed", "type")}),
        ({}, {"type": "function"}, {("field-added", "type")}),
        (
            {"type": "function"},
            {"kind": "function"},
            {("field-removed", "type"), ("field-added", "kind")},
        ),
        ({"type": "function"}, {"type": "tool"}, {("enum-value-added", "type")}),
        ({"type": "function"}, {"type": "function"}, set()),
        ({"type": "function"}, {"type": 1}, {("type-changed", "type")}),
        ({"type": "function"}, {"type": None}, set()),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_a_call_is_the_same_object_with_any_tag(
    old: dict[str, Any], new: dict[str, Any], changes: set[tuple[str, str]], count: int
) -> None:
    before, after = (with_calls(*[{**tag, **CALL}] * count) for tag in (old, new))
    assert found(before, after) == changes


@pytest.mark.parametrize(
    ("name", "value", "url"), [("object", CHAT, CHAT_URL), ("type", MESSAGE, MESSAGES_URL)]
)
def test_the_tag_of_a_body_has_a_new_value(name: str, value: dict[str, Any], url: str) -> None:
    assert found(value, {**value, name: "other"}, url) == {("enum-value-added", name)}


def test_a_new_member_beside_the_old_one_is_a_variant() -> None:
    old = {**MESSAGE, "content": [{"type": "text", "text": "Hi"}]}
    new = {**MESSAGE, "content": [{"type": "text", "text": "Hi"}, {"type": "chart", "data": "x"}]}
    (change,) = compare(body(old, MESSAGES_URL), body(new, MESSAGES_URL), sdk=False)
    assert (change.rule, change.path) == ("variant-added", "$.content[type=chart]")


@pytest.mark.parametrize(
    "tag",
    ["type", "recordType", "class", "kind", "@type", "__typename", "object_type", "eventKind"],
)
def test_a_list_of_data_may_hold_records_of_another_kind(tag: str) -> None:
    old = [{tag: "invoice", "number": "1", "total": 5, "note": None}]
    new = [*old, {tag: "refund", "reason": "x", "of": {"number": "1"}}]
    assert found({"items": old}, {"items": new}, DATA_URL) == set()
    assert found({"items": old}, {"items": new[1:]}, DATA_URL) == set()
    changed = [{tag: "invoice", "number": 1, "total": 5, "note": None}]
    assert found({"items": old}, {"items": changed}, DATA_URL) == {("type-changed", "number")}
