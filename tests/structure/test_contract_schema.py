"""What a contract's JSON Schema accepts and refuses."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from deepdiff import DeepDiff
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sample_answers import CHAT, DOCUMENTS, SCALARS, WITH_TOOLS, answer, contract, stream

from cachy.compare.compare import compare
from cachy.structure.contract_file import parse_contract, render_contract
from cachy.structure.json_schema import ContractValidator, compile_contract
from cachy.structure.skeleton import outline_of


def breaches(documents: list[Any], new: Any) -> list[str]:
    """What an answer breaks of the contract that others make, as read back from its file."""
    written = render_contract(contract(documents))
    return [*ContractValidator(parse_contract(written)).find_breaches(new["response"])]


@given(DOCUMENTS)
def test_a_contract_accepts_what_it_was_learned_from(documents: list[Any]) -> None:
    known = contract(documents * 3)
    for schema in compile_contract(known).roots.values():
        Draft202012Validator.check_schema(schema)
    validator = ContractValidator(known)
    assert [[*validator.find_breaches(document["response"])] for document in documents] == [
        [] for _ in documents
    ]


KNOWN = [answer(CHAT), answer(WITH_TOOLS)] * 5
MESSAGE, CALL = ("choices", 0, "message"), ("choices", 0, "message", "tool_calls", 0)
GONE = object()


def changed(body: Any, path: tuple[str | int, ...], value: Any) -> Any:
    body = copy.deepcopy(body)
    at = body
    for step in path[:-1]:
        at = at[step]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return answer(body)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("created",), GONE, "$ lacks 'created'"),
        (("created",), "today", "$.created is not number"),
        (("created",), True, "$.created is not number"),
        (("created",), None, "$.created is not number"),
        (("choices",), {}, "$.choices is not array"),
        (MESSAGE, GONE, "$.choices[*] lacks 'message'"),
        ((*MESSAGE, "content"), GONE, "$.choices[*].message lacks 'content'"),
        ((*MESSAGE, "content"), [], "$.choices[*].message.content is not null | string"),
        ((*CALL, "function"), GONE, "$.choices[*].message.tool_calls[*] lacks 'function'"),
        (
            (*CALL, "function", "arguments"),
            {"a": 1},
            "$.choices[*].message.tool_calls[*].function.arguments is not string",
        ),
        (("service_tier",), 1, "$.service_tier is not null | string"),
    ],
)
def test_what_breaks_a_client_is_refused(path: Any, value: Any, told: str) -> None:
    new = changed(WITH_TOOLS, path, value)
    assert breaches(KNOWN, new) == [told]
    wanted = {"field-removed", "field-became-optional", "type-changed", "type-widened"}
    rules = {change.rule for change in compare(KNOWN[1], new, baseline=KNOWN)}
    assert rules & (wanted | {"null-added"})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("new",), {"deep": 1}),
        (("created",), 1.5),
        (("service_tier",), GONE),
        (("service_tier",), None),
        (("choices",), []),
        ((*MESSAGE, "tool_calls"), GONE),
        ((*MESSAGE, "content"), None),
        (("choices", 0, "finish_reason"), "refusal"),
        ((*CALL, "type"), "custom"),
        (CALL, {"type": "custom", "input": 1}),
        (MESSAGE, {"role": "critic"}),
    ],
)
def test_what_breaks_no_client_is_accepted(path: Any, value: Any) -> None:
    assert breaches(KNOWN, changed(WITH_TOOLS, path, value)) == []


def test_what_was_seen_once_or_twice_is_not_a_promise() -> None:
    assert breaches(KNOWN[:2], answer({"object": "chat.completion"})) == []
    new = answer({"object": "chat.completion", "created": "today"})
    assert breaches(KNOWN[:2], new) == ["$.created is not null | number"]


def test_maps_and_blobs_are_held_by_their_values() -> None:
    bodies = [answer({"metadata": {name: 1}, "image": {"$blob": "x.png"}}) for name in "abc"]
    assert breaches(bodies, answer({"metadata": {"z": 1}, "image": "text"})) == []
    assert breaches(bodies, answer({"metadata": {"z": {}}, "image": {"$blob": "y.png"}})) == [
        "$.metadata.z is not number"
    ]


START, STOP = {"data": {"type": "start", "n": 1}}, {"data": {"type": "stop"}}


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([START, {"data": {"type": "ping"}}, {"data": {"type": "new"}}, STOP], []),
        ([START, STOP, {"data": "[DONE]"}], ["the stream does not end with event(stop)"]),
        ([STOP], ["the stream has no event(start)"]),
        ([{"data": {"type": "start"}}, STOP], ["event(start) lacks 'n'"]),
        ([], []),
    ],
)
def test_a_stream_is_held_event_by_event_and_to_its_grammar(events: Any, told: list[str]) -> None:
    assert breaches([stream([START, STOP])] * 3, stream(events)) == told


def test_a_cut_stream_is_not_held_to_its_end() -> None:
    cut = stream([START])
    cut["response"]["truncated"] = True
    assert breaches([stream([START, STOP])] * 3, cut) == []


def test_a_body_as_deep_as_any_that_is_read_is_held() -> None:
    body: Any = 1
    for _ in range(45):
        body = {"type": "a", "x": [body]}
    assert breaches([answer(body)] * 3, answer(body)) == []
    assert breaches([answer(body)] * 3, answer({**body, "x": 1})) == ["$.x is not array"]


def with_other_values(value: Any, name: str = "") -> Any:
    """The same answer on another day: other text and numbers, of the same types."""
    if isinstance(value, dict):
        return {key: with_other_values(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [with_other_values(item) for item in value] * 2
    if isinstance(value, bool) or value is None or name in ("type", "role", "status"):
        return value
    return "other words" if isinstance(value, str) else value + 1


@given(DOCUMENTS)
def test_answers_of_one_outline_are_one_to_a_contract(documents: list[Any]) -> None:
    for document in documents:
        response = document["response"]
        if "json" in response:
            other = answer(with_other_values(response["json"]))
            assert outline_of(other["response"]) == outline_of(response)
            assert render_contract(contract([other])) == render_contract(contract([document]))
            assert breaches(documents * 3, other) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 1.5}),
        ({"a": 1}, {"a": True}),
        ({"a": [1]}, {"a": ["1"]}),
        ({"a": []}, {"a": {}}),
        ({"type": "a"}, {"type": "b"}),
        ({"status": "done"}, {"status": "failed"}),
        ({"a": None}, {}),
    ],
)
def test_what_a_contract_tells_apart_has_another_outline(one: Any, other: Any) -> None:
    assert outline_of(answer(one)["response"]) != outline_of(answer(other)["response"])


def test_how_a_stream_ends_is_in_its_outline() -> None:
    streams = [stream([START, STOP]), stream([STOP, START]), stream([START, START, STOP])]
    first, second, third = (outline_of(one["response"]) for one in streams)
    assert first != second
    assert first == third


# Without names that make a map: there, what was learned and one answer have other paths.
FIELDS = st.sampled_from(["id", "type", "role", "status", "a b"])
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(FIELDS, BODIES, max_size=4)


@given(OBJECTS, OBJECTS, st.data())
def test_the_schema_and_the_comparison_of_path_maps_agree(a: Any, b: Any, data: Any) -> None:
    both, shared = {**a, **b}, {name: value for name, value in a.items() if name in b}
    new = answer(data.draw(st.sampled_from([a, b, both, shared]) | OBJECTS))
    documents = [answer(a), answer(b)] * 6
    optional = {path for path, line in contract(documents).facts.items() if line.is_optional}
    claims = {
        change.rule
        for change in compare(documents[0], new, baseline=documents[1:])
        if change.rule != "null-added" or change.path not in optional  # risky, not breaking
    }
    breaking = {"field-removed", "field-became-optional", "type-changed", "type-widened"}
    told = breaches(documents, new)
    assert told or not claims & (breaking | {"null-added"})
    assert compare_maps(documents, new) or not told


def compare_maps(documents: list[Any], new: Any) -> bool:
    """Return whether deepdiff finds a difference between the path maps."""
    known, live = (
        {path: (line.types, line.is_optional) for path, line in contract(side).facts.items()}
        for side in (documents, [new])
    )
    return bool(DeepDiff(known, live, threshold_to_diff_deeper=0))
