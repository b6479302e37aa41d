"""The SDK's model and a contract judge the live response itself: one recording is enough."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from documents import CHAT, CHAT_URL, MESSAGE, MESSAGES_URL, body

from cachy.drift import compare
from cachy.structure.contract import contract_of
from cachy.structure.learn import learn


def changed(value: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    """Return a copy with one value set, or taken out where `new` is Ellipsis."""
    whole = copy.deepcopy(value)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = whole
    for step in steps:
        place = place[step]
    if new is ...:
        del place[last]
    else:
        place[last] = new
    return whole


CASES = [
    (CHAT, CHAT_URL, "id", None, "null-added", "$.id"),
    (CHAT, CHAT_URL, "choices", None, "null-added", "$.choices"),
    (
        *(CHAT, CHAT_URL, "choices.0.finish_reason", "paused", "enum-value-added"),
        "$.choices[*].finish_reason",
    ),
    (CHAT, CHAT_URL, "usage.total_tokens", 1.5, "type-changed", "$.usage.total_tokens"),
    (CHAT, CHAT_URL, "usage.total_tokens", ..., "field-removed", "$.usage.total_tokens"),
    (CHAT, CHAT_URL, "choices.0.index", "0", "type-changed", "$.choices[*].index"),
    (CHAT, CHAT_URL, "created", ..., "field-removed", "$.created"),
    (MESSAGE, MESSAGES_URL, "stop_reason", "weird", "enum-value-added", "$.stop_reason"),
    (MESSAGE, MESSAGES_URL, "content", None, "null-added", "$.content"),
    (MESSAGE, MESSAGES_URL, "usage", ..., "field-removed", "$.usage"),
    (MESSAGE, MESSAGES_URL, "role", "robot", "enum-value-added", "$.role"),
]


@pytest.mark.parametrize(("value", "url", "path", "new", "rule", "shown"), CASES)
def test_the_sdk_s_model_needs_no_second_recording(
    value: Any, url: str, path: str, new: Any, rule: str, shown: str
) -> None:
    (change,) = compare(body(value, url), body(changed(value, path, new), url))
    assert (change.rule, change.path) == (rule, shown)
    assert (change.severity, change.sdk) == ("breaking", "sdk-broken")


def test_what_a_recording_shows_is_known_against_the_sdk() -> None:
    other = body(changed(CHAT, "choices.0.finish_reason", "paused"), CHAT_URL)
    assert compare(body(CHAT, CHAT_URL), other, baseline=[other]) == []


def test_a_field_of_all_recordings_that_the_sdk_calls_optional_is_risky() -> None:
    old, new = body(CHAT, CHAT_URL), body(changed(CHAT, "usage", ...), CHAT_URL)
    (change,) = compare(old, new, baseline=[old] * 11)
    assert (change.rule, change.severity, change.sdk) == ("field-removed", "risky", "known")
    assert compare(old, new) == []  # one recording alone does not outweigh the model


@pytest.mark.parametrize(
    ("path", "new", "rule"),
    [
        ("size", None, "null-added"),
        ("size", 1.5, "type-changed"),
        ("size", "3", "type-changed"),
        ("size", ..., "field-removed"),
        ("status", "odd", "enum-value-added"),
    ],
)
def test_a_contract_needs_no_second_recording(path: str, new: Any, rule: str) -> None:
    url = "https://api.example.com/v1/things/1"
    thing = {"id": 1, "size": 3, "status": "open", "note": None}
    contract = contract_of(learn([body(thing, url)] * 3), "GET api.example.com/v1/things/{id}")
    found = compare(body(thing, url), body(changed(thing, path, new), url), contract=contract)
    assert [(change.rule, change.severity) for change in found] == [(rule, "breaking")]
