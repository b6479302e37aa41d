"""A drifted answer takes the structural change and keeps its values."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachy.compare.catalogue.rule_type import RuleId
from cachy.drift import Change, compare
from cachy.drift.outcome.graft import graft
from cachy.fixture.format.render import render_fixture
from cachy.fixture.format.text import encode, parse_fixture, plain

RECORDED_AT, NOW = "2026-01-01T00:00:00Z", "2026-11-24T00:00:00Z"


def document(body: Any, at: str = RECORDED_AT, **response: Any) -> dict[str, Any]:
    return {
        "cachy": 1,
        "recorded": {"at": at},
        "request": {"method": "POST", "url": "https://api.openai.com/v1/responses"},
        "response": {"status": 200, **response, "json": encode(body)},
    }


def change(path: str, rule: RuleId = "field-added", new: str | None = None) -> Change:
    return Change(rule, "compatible", path, None, new)


TEXT = {"type": "text", "text": "Hi"}
TEXT_2 = {"type": "text", "text": "Ho", "n": 1}
AUDIO = {"type": "audio", "id": "a"}


@pytest.mark.parametrize(
    ("old", "new", "changes", "expected"),
    [
        ({"a": 1}, {"a": 2}, [], {"a": 1}),
        ({"a": 1}, {"a": 2, "b": 3}, [change("$.b")], {"a": 1, "b": 3}),
        ({"a": 1}, {"a": 2, "b": 3, "c": 4}, [change("$.b")], {"a": 1, "b": 3}),
        ({"a": 1, "b": 2}, {"a": 3}, [change("$.b", "field-removed")], {"a": 1}),
        ({"a": 1, "b": 2}, {"a": 3}, [], {"a": 1, "b": 2}),
        (
            {"a": 1, "b": 2},
            {"a": "3", "b": "4"},
            [change("$.a", "type-changed")],
            {"a": "3", "b": 2},
        ),
        ({"a": 1}, {"a": None}, [change("$.a", "null-added")], {"a": None}),
        ({"a": "x"}, {"a": "z"}, [change("$.a", "enum-value-added", "z")], {"a": "z"}),
        ({"a": "x"}, {"a": "y"}, [change("$.a", "enum-value-added", "z")], {"a": "x"}),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, [change("$.a.c")], {"a": {"b": 1, "c": 3}}),
        ({"x y": {}}, {"x y": {"c": 3}}, [change('$["x y"].c')], {"x y": {"c": 3}}),
        ({"$d": {}}, {"$d": {"$c": 3}}, [change("$.$d.$c")], {"$d": {"$c": 3}}),
        (
            {"m": {"id_1": {"a": 1}, "id_2": {"a": 2}}},
            {"m": {"id_1": {"a": 3, "b": 4}, "id_2": {"a": 5, "b": 6}}},
            [change("$.m.*.b")],
            {"m": {"id_1": {"a": 1, "b": 4}, "id_2": {"a": 2, "b": 6}}},
        ),
        (
            {"a": [{"i": 1}, {"i": 2}, {"i": 3}]},
            {"a": [{"i": 7, "j": 8}, {"i": 9}]},
            [change("$.a[*].j")],
            {"a": [{"i": 1, "j": 8}, {"i": 2}, {"i": 3}]},
        ),
        (
            {"a": [{"i": 1, "j": 2}, {"i": 3, "j": 4}]},
            {"a": [{"i": 5, "j": 6}, {"i": 7}]},
            [change("$.a[*].j", "field-became-optional")],
            {"a": [{"i": 1, "j": 2}, {"i": 3}]},
        ),
        (
            {"a": [AUDIO, TEXT]},
            {"a": [TEXT_2, {**AUDIO, "n": 5}]},
            [change("$.a[type=text].n")],
            {"a": [AUDIO, {**TEXT, "n": 1}]},
        ),
        (
            {"a": [TEXT]},
            {"a": [TEXT_2, AUDIO, {**AUDIO, "id": "b"}]},
            [change("$.a[type=audio]", "variant-added", "audio")],
            {"a": [TEXT, AUDIO]},
        ),
        (
            {"a": TEXT},
            {"a": AUDIO},
            [change("$.a[type=audio]", "variant-added", "audio")],
            {"a": AUDIO},
        ),
        (
            {"a": [TEXT, AUDIO]},
            {"a": [TEXT_2]},
            [change("$.a[type=audio]", "variant-vanished")],
            {"a": [TEXT]},
        ),
        (
            {"a": AUDIO},
            {"a": TEXT_2},
            [change("$.a[type=audio]", "variant-vanished")],
            {"a": TEXT_2},
        ),
        ({"a": TEXT}, {"a": TEXT_2}, [change("$.a[type=text].n")], {"a": {**TEXT, "n": 1}}),
        ({"a": []}, {"a": [1]}, [change("$.a[*]")], {"a": []}),
        ({"a": 1}, {"b": 2}, [change("no path"), change("$..[")], {"a": 1}),
    ],
)
def test_only_what_changed_is_taken(
    old: Any, new: Any, changes: list[Change], expected: Any
) -> None:
    found = graft(document(old), document(new, NOW), changes)
    assert found == document(expected) | {"recorded": {"at": RECORDED_AT, "grafted": True}}


def test_a_new_field_stands_where_the_api_puts_it() -> None:
    old, new = {"a": 1, "b": 2, "c": 3}, {"z": 0, "a": 1, "x": 9, "b": 2, "gone": 0, "y": 8}
    found = graft(document(old), document(new), [change(f"$.{name}") for name in "zxy"])
    assert list(found["response"]["json"]) == ["z", "a", "x", "b", "y", "c"]


def test_a_header_comes_only_with_its_change() -> None:
    live = document({}, headers={"sunset": "soon", "link": "x", "content-type": "json"})
    recorded = document({}, headers={"content-type": "application/json"})
    told = change("headers.sunset", "sunset-announced")
    assert graft(recorded, live, [told])["response"] == {
        "status": 200,
        "headers": {"content-type": "application/json", "sunset": "soon"},
        "json": {},
    }
    assert graft(document({}), live, [])["response"] == {"status": 200, "json": {}}


def test_a_stream_is_taken_whole_and_has_a_new_date() -> None:
    old, new = document(None), document(None, NOW)
    for made, text in ((old, "a"), (new, "b")):
        made["response"] = {"status": 200, "sse": [{"data": text}]}
    found = graft(old, new, [change("event(data)")])
    assert (found["response"], found["recorded"]) == (new["response"], {"at": NOW})


def test_a_grafted_fixture_is_read_as_it_is_written() -> None:
    old = {"text": "one\ntwo\nthree\n", "$ref": "x", "list": [1, 2]}
    found = graft(document(old), document({**old, "more": "a\nb\nc\n"}), [change("$.more")])
    text = render_fixture(found)
    assert render_fixture(parse_fixture(text)) == text
    assert plain(parse_fixture(text)["response"]["json"]) == {**old, "more": "a\nb\nc\n"}


SCALARS = st.none() | st.integers() | st.sampled_from(["text", "other words"]) | st.booleans()
# Of several objects in an array, a field that only the second has may find no partner.
FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d", "x y"]),
    st.recursive(
        SCALARS | st.lists(SCALARS, max_size=3),
        lambda inner: (
            st.lists(inner, max_size=1)
            | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    min_size=1,
    max_size=5,
)


@given(old=FIELDS, new=FIELDS)
def test_after_the_graft_the_same_response_is_not_drift(old: Any, new: Any) -> None:
    recorded, live = document(old), document(new, NOW)
    before = copy.deepcopy(recorded)
    grafted = graft(recorded, live, compare(recorded, live, sdk=False))
    assert compare(grafted, live, sdk=False) == []
    assert recorded == before


@given(old=FIELDS, seed=st.integers(0, 99))
def test_without_a_change_nothing_is_touched(old: Any, seed: int) -> None:
    other = json.loads(json.dumps(old), parse_int=lambda text: random.Random(seed).randint(2, 9))
    recorded, live = document(old), document(other, NOW)
    assert compare(recorded, live, sdk=False) == []
    assert graft(recorded, live, [])["response"] == recorded["response"]
