"""Data is not structure: keys, records and empty values that an API of data is free to give."""

from __future__ import annotations

from typing import Any

import pytest
from documents import body

from cachy.drift import compare

RATE = {"open": 1.5, "close": 1.6}
USER = {"name": "a", "age": 3, "email": None}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"2026-11-29": RATE}, {"2026-11-30": RATE}),
        ({"2026-11-29": 1.5, "2026-11-28": 2}, {"2026-11-30": 1.6}),
        ({"2026-10": RATE, "2026-11": RATE}, {"2026-12": RATE}),
        ({"jan": 1, "feb": 2}, {"jan": 1, "feb": 2, "mar": 3}),
        ({"January": RATE, "February": RATE}, {"March": RATE, "April": RATE}),
        ({"USD": 1.0, "EUR": 0.9}, {"USD": 1.0, "GBP": 0.8}),
        ({"USD": RATE}, {"JPY": RATE}),
        ({"EUR/USD": 1.1}, {"EUR/GBP": 0.9}),
        ({"gpt-4o-mini": RATE}, {"gpt-5.1-nano": RATE}),
        ({"anthropic/claude-opus": 1}, {"openai/gpt": 2}),
        ({"alice": USER, "bob": USER}, {"alice": USER, "carol": USER}),
        ({"alice": 3, "bob": 1, "carol": 2}, {"alice": 3, "dave": 1}),
        ({"5f2b": USER, "77aa01c": USER, "0badf00d": USER}, {"a3f9c2d": USER}),
        ({"550e8400-e29b-41d4-a716-446655440000": 1}, {"550e8400-e29b-41d4-a716-446655440001": 2}),
        ({"user_8f3kd02mxQ1z": USER}, {"user_9a1kd77mxQ2y": USER}),
        ({"10": 1, "20": 2}, {"30": 3}),
        ({"en": "Hi", "de": "Hallo"}, {"en": "Hi", "fr": "Salut"}),
        ({"en-US": "Hi"}, {"pt-BR": "Oi"}),
        ({"a@example.com": USER}, {"b@example.com": USER}),
        ({"src/main.py": 1, "README.md": 2}, {"src/other.py": 3}),
        ({"monday": RATE, "tuesday": RATE}, {"monday": RATE, "friday": RATE}),
    ],
)
@pytest.mark.parametrize("field", ["by_key", ""])
def test_keys_that_are_data_are_not_fields(old: Any, new: Any, field: str) -> None:
    if not field and old.keys() & {"alice", "5f2b"}:
        field = "members"  # at the root such names could be fields as well
    bodies = [body({field: one, "total": 1} if field else one) for one in (old, new)]
    assert compare(*bodies) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"id": 1, "tags": {}, "x": None}, {"id": 1, "tags": [], "x": None}),
        ({"id": 1, "tags": {"a": "b"}}, {"id": 1, "tags": []}),
        ({"id": 1, "tags": []}, {"id": 1, "tags": {"a": "b"}}),
        ({"id": 1, "name": "a", "items": ["x"]}, {"id": 1, "name": "a"}),
        ({"id": 1, "name": "a"}, {"id": 1, "name": "a", "note": "later"}),
        (
            {"list": [{"id": 1, "a": "x"}, {"id": 2, "a": "y"}]},
            {"list": [{"id": 1, "b": "x"}, {"id": 2, "b": "y"}]},
        ),
        ({"fields": [{"id": "a", "value": 1}]}, {"fields": [{"id": "a", "value": "x"}]}),
        (
            {"id": "d", "etag": "1", "meta": {"labels": {}}, "updated_at": "1"},
            {"id": "d", "etag": "2", "meta": {"labels": {}}, "updated_at": "2", "note": "x"},
        ),
    ],
)
def test_what_is_empty_or_optional_by_record_is_spelled_in_many_ways(old: Any, new: Any) -> None:
    assert compare(body(old), body(new)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"message": "Not Found", "code": 1},
            {"message": "Forbidden by a rule", "details": [{"rule": "x"}]},
        ),
        (
            {"error": {"code": "a", "message": "x", "field": "y"}},
            {"error": {"code": "b", "message": "z"}},
        ),
        ({"errors": [{"message": "a", "path": "p"}]}, {"errors": [{"message": "b"}]}),
    ],
)
def test_another_error_has_other_fields(old: Any, new: Any) -> None:
    changes = compare(body(old, status=400), body(new, status=400))
    assert [change for change in changes if change.severity != "compatible"] == [
        change for change in changes if change.path in ("$.code",)
    ]


def test_an_error_that_moved_has_another_shape() -> None:
    old, new = body({"error": {"message": "x"}}, status=400), body({"failure": "x"}, status=400)
    (change, *_) = compare(old, new)
    assert (change.rule, change.path) == ("error-shape-changed", "$.error")


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ({"id": 1, "a": None}, {"id": 1, "a": None, "b": 2}, {"field-added"}),
        ({"id": 1, "a": None, "b": 2}, {"id": 1, "a": None}, {"field-removed"}),
        ({"id": 1, "n": 2}, {"id": 1, "n": "2"}, {"type-changed"}),
        ({"id": 1, "u": {"a": 1, "b": 2}}, {"id": 1, "u": [1, 2]}, {"type-changed"}),
        (
            {"n": {"prompt": 1, "answer": 2}, "a": None},
            {"n": {"prompt": 1, "answer": 2, "total": 3}, "a": None},
            {"field-added"},
        ),
    ],
)
def test_what_an_api_of_data_changes_is_still_found(old: Any, new: Any, rules: set[str]) -> None:
    assert {change.rule for change in compare(body(old), body(new))} == rules
