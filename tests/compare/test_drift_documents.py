"""Whatever `compare` and `cachy diff` are given: changes, or one line that says what is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachy.cli import run_program
from cachy.compare.compared_files import compare_files
from cachy.drift import Change, compare
from cachy.errors import CachyError
from cachy.interaction import Fixture

FIXTURE: dict[str, Any] = {
    "cachy": 1,
    "recorded": {"at": "2026-11-24T00:00:00Z"},
    "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "json": {}},
    "response": {
        "status": 200,
        "headers": {"content-type": "application/json", "etag": "1"},
        "json": {"id": "a", "model": "m-1", "usage": {"total": 1}, "data": [{"type": "x", "n": 1}]},
    },
}
STREAM = {**FIXTURE, "response": {"status": 200, "sse": [{"event": "a", "data": {"b": 1}}]}}
CHANGED = {**FIXTURE, "response": {"status": 200, "json": {"id": 5}}}
LINES = {**FIXTURE, "response": {"status": 200, "ndjson": [{"b": 1}]}}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def odd() -> list[Any]:
    return [
        *(
            None,
            True,
            -1,
            5,
            1.5,
            float("nan"),
            "",
            "x",
            "https://[",
            "$lines",
            [],
            [5],
            [None],
            {},
        ),
        *({"a": None}, {"$lines": 5}, {"$lines": [5]}, {"$blob": []}, {"$blob": 1, "bytes": "x"}),
        *({"type": ["x"]}, {5: 6}, {None: 1}, b"x", object(), {1, 2}, 1j, (1, 2)),
        *(nested(150), nested(5000)),
    ]


ODD = st.integers(0, len(odd()) - 1).map(lambda at: odd()[at])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["response", "request", "status", "headers", "sse", "json", "data"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


ANYTHING = ODD | JSON
GONE = object()  # instead of a value that another one replaces
ANYTHING_OR_GONE = ANYTHING | st.just(GONE)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(*path, key) for key, _ in inner]
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        if isinstance(value[key], (dict, list)) and len(path) < 6:
            found += places(value[key], (*path, key))
    return found


def outcome(function: Any, *arguments: Any, **named: Any) -> tuple[list[Any], str]:
    """Return what a function returns, or its error's one line."""
    try:
        return function(*arguments, **named), ""
    except CachyError as error:
        (line,) = str(error).splitlines()
        return [], line


@st.composite
def malformed(draw: Any) -> Any:
    """A fixture of which one or two values are gone, or something else; or anything at all."""
    if draw(st.integers(0, 5)) == 0:
        return draw(ANYTHING)
    document = copy.deepcopy(draw(st.sampled_from([FIXTURE, STREAM, LINES])))
    for _ in range(draw(st.integers(1, 2))):
        *path, key = draw(st.sampled_from(places(document) or [("cachy",)]))
        holder = document
        for step in path:
            holder = holder[step]
        value = draw(ANYTHING_OR_GONE)
        if value is GONE:
            holder.pop(key, None) if isinstance(holder, dict) else holder.clear()
        else:
            holder[key] = value
    return Fixture(document) if draw(st.booleans()) else document


@given(
    old=malformed(),
    new=malformed(),
    baseline=st.lists(malformed(), max_size=2) | ODD,
)
def test_every_comparison_returns_changes_or_one_clear_line(
    old: Any, new: Any, baseline: Any
) -> None:
    for one, other, more in ((old, FIXTURE, []), (FIXTURE, new, []), (old, new, baseline)):
        found, said = outcome(compare, one, other, baseline=more, sdk=False)
        assert all(isinstance(change, Change) for change in found)
        if said.startswith("compare: "):
            assert said.startswith(("compare: old ", "compare: new ", "compare: baseline"))
            assert "Pass a " in said
        else:
            assert said == "" or said.startswith(("the recorded response ", "the live response "))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (None, "it is nothing"),
        ([FIXTURE], "it is a list"),
        ({}, "its response is nothing"),
        ({"response": "x"}, "its response is text"),
        ({"response": {"headers": [["a", "b"]]}}, "its response.headers are a list"),
        ({"response": {"sse": "data: x"}}, "its response.sse is text"),
        ({"response": {"sse": ["x"]}}, "an event of its response.sse is text"),
        ({"response": {"ndjson": 5}}, "its response.ndjson is int"),
        ({"request": "GET /", "response": {}}, "its request is text"),
        ({"response": {"sse": [{"data": {5: 6}}]}}, "it holds what JSON cannot hold"),
        ({"response": {"sse": [{"data": nested(5000)}]}}, "it is nested too deeply"),
    ],
)
def test_an_argument_that_is_not_a_fixture_is_named(broken: Any, says: str) -> None:
    advice = "Pass a document as a fixture's file holds it, or a Fixture."
    for old, new, name in ((broken, STREAM, "old"), (STREAM, Fixture(broken), "new")):
        with pytest.raises(CachyError) as caught:
            compare(old, new)
        assert str(caught.value) == f"compare: {name} is not a fixture: {says}. {advice}"


def test_a_wrong_url_is_named() -> None:
    broken = {**FIXTURE, "request": {"url": "https://["}}
    for name, old, new in (("old", broken, CHANGED), ("new", CHANGED, broken)):
        with pytest.raises(CachyError, match=f"compare: {name} is not a fixture: its request.url"):
            compare(old, new)


def test_a_recording_of_the_baseline_is_named_by_its_place() -> None:
    with pytest.raises(CachyError, match=r"baseline\[1\] is not a fixture: its response is"):
        compare(FIXTURE, FIXTURE, baseline=[FIXTURE, {}])
    with pytest.raises(CachyError, match=r"baseline\[1\] is not a fixture: it holds what"):
        compare(FIXTURE, CHANGED, baseline=[FIXTURE, {"response": {"json": {5: 6}}}])


@pytest.mark.parametrize("baseline", [None, 5, FIXTURE, "folder"])
def test_a_baseline_is_a_list(baseline: Any) -> None:
    with pytest.raises(CachyError, match=r"^compare: baseline is .*\. Pass a list of fixtures\.$"):
        compare(FIXTURE, FIXTURE, baseline=baseline)


@given(broken=malformed())
def test_diff_of_any_file_ends_in_an_answer_or_one_line(
    broken: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = broken.document if isinstance(broken, Fixture) else broken
    try:
        text = json.dumps(document)
    except (TypeError, RecursionError):
        return
    folder = tmp_path_factory.mktemp("diff")
    (folder / "a.json").write_text(text)
    (folder / "b.json").write_text(json.dumps(FIXTURE))
    for old, new in (("a.json", "b.json"), ("b.json", "a.json"), ("a.json", "a.json")):
        _, said = outcome(compare_files, folder / old, folder / new, sdk=False)
        assert said == "" or "a.json" in said


@pytest.mark.parametrize("levels", [101, 450, 700, 20_000])
def test_a_body_that_nests_too_deeply_ends_in_one_line(
    levels: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * levels + "1" + "]" * levels)
    assert run_program(["diff", str(path), str(path)]) == 2
    said, talk = capsys.readouterr()
    assert (said, talk.count("\n")) == ("", 1)
    assert "deep.json" in talk


class Watched(dict[str, Any]):
    """A document that counts how often somebody looks into it."""

    looks = 0

    def __getitem__(self, name: str) -> Any:
        self.looks += 1
        return super().__getitem__(name)


def test_a_baseline_is_looked_at_only_where_something_differs() -> None:
    watched = [Watched(FIXTURE) for _ in range(3)]
    baseline = [Fixture(one) for one in watched]
    assert compare(FIXTURE, FIXTURE, baseline=baseline, sdk=False) == []
    assert [one.looks for one in watched] == [0, 0, 0]
    assert compare(FIXTURE, CHANGED, baseline=baseline, sdk=False) != []
    assert all(one.looks for one in watched)
