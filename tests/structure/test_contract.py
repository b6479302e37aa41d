"""What a contract says, how it is written, and that learning it has no order."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import (
    CHAT,
    DOCUMENTS,
    WITH_TOOLS,
    answer,
    contract,
    stream,
)

from cachy.errors import CachyError
from cachy.structure.contract import Contract, merge
from cachy.structure.contract_file import parse_contract, render_contract


def text(*bodies: Any) -> dict[str, str]:
    """The lines of the contract that some bodies make."""
    lines: dict[str, str] = json.loads(render_contract(contract(map(answer, bodies))))["structure"]
    return lines


def facts(known: Contract) -> dict[str, Any]:
    """What is known but for how well: a merge can't count who saw a new fact twice."""
    return {
        path: (line.types, line.tokens, line.is_optional, line.is_opaque, line.is_last)
        for path, line in known.facts.items()
    }


@given(DOCUMENTS, st.randoms())
def test_learning_has_no_order(documents: list[Any], random: Any) -> None:
    shuffled = random.sample(documents, len(documents))
    assert render_contract(contract(shuffled)) == render_contract(contract(documents))


@given(DOCUMENTS, st.integers(0, 5), st.integers(0, 5))
def test_contracts_merge_in_any_order_to_what_all_have_seen(
    documents: list[Any], first: int, second: int
) -> None:
    cuts = sorted((first, second))
    parts = (documents[: cuts[0]], documents[cuts[0] : cuts[1]], documents[cuts[1] :])
    a, b, c = [contract(part) for part in parts if part] + [contract(documents)] * (
        3 - sum(map(bool, parts))
    )
    left, right = merge(merge(a, b), c), merge(a, merge(b, c))
    assert render_contract(left) == render_contract(right)
    assert render_contract(merge(b, a)) == render_contract(merge(a, b))
    assert facts(left) == facts(contract(documents))
    assert render_contract(merge(left, left)) == render_contract(left)


@given(DOCUMENTS)
def test_a_contract_reads_back_as_it_was_written(documents: list[Any]) -> None:
    known = contract(documents)
    written = render_contract(known)
    assert render_contract(parse_contract(written)) == written
    assert facts(parse_contract(written)) == facts(known)
    assert all(line.isprintable() for line in written.split("\n"))


def test_one_fact_is_one_line() -> None:
    lines = text(CHAT, CHAT, CHAT, WITH_TOOLS)
    assert lines == {
        "$": "object, object=chat.completion",
        "$.choices": "array",
        "$.choices[*]": "object",
        "$.choices[*].finish_reason": "enum: stop | tool_calls",
        "$.choices[*].message": "object, role=assistant",
        "$.choices[*].message.content": "string | null",
        "$.choices[*].message.role": "enum: assistant",
        "$.choices[*].message.tool_calls": "array, optional, new",
        "$.choices[*].message.tool_calls[*]": "object, new",
        "$.choices[*].message.tool_calls[type=function]": "object, new",
        "$.choices[*].message.tool_calls[type=function].function": "object, new",
        "$.choices[*].message.tool_calls[type=function].function.arguments": "string, opaque, new",
        "$.choices[*].message.tool_calls[type=function].type": "string, new",
        "$.created": "integer",
        "$.object": "string",
        "$.service_tier": "enum: default, optional, new",
    }
    assert list(lines) == sorted(lines)


def test_the_paths_distinguish_the_members_of_a_union() -> None:
    lines = text({"item": {"type": "a", "x": 1}}, {"item": {"type": "b", "y": 1}})
    assert lines["$.item{type=a}.x"] == "integer, new"
    assert lines["$.item{type=b}.y"] == "integer, new"


def test_a_stream_has_a_line_for_each_event_and_for_how_it_ends() -> None:
    events = [{"data": {"type": "start", "n": 1}}, {"data": {"type": "ping"}}, {"data": "[DONE]"}]
    more = [events[0], {"data": {"type": "thought"}}, events[2]]
    lines = json.loads(render_contract(contract([stream(events)] * 3 + [stream(more)])))
    assert lines["structure"] == {
        "event([DONE])": "text, last",
        "event(start)": "object, type=start",
        "event(start).n": "integer",
        "event(start).type": "string",
        "event(thought)": "object, type=thought, optional, new",
        "event(thought).type": "string, new",
    }


def test_names_that_look_like_secrets_are_left_out() -> None:
    key = "sk-proj-" + "Ab3dEf6hIj9lMn2p" * 3
    lines = text({"fine": 1, key: {"deep": 1}, "status": key.replace("-", "_")})
    assert set(lines) == {"$", "$.fine", "$.status"}
    assert key not in json.dumps(lines)


def test_what_a_provider_says_cannot_leave_its_line() -> None:
    known = contract([answer({'x", "y': 1, "a\nb": 1, "\u202e": 1, "status": "stop, optional"})])
    written = render_contract(known)
    assert set(json.loads(written)["structure"]) == {
        *("$", '$["x\\", \\"y"]', '$["a\\\\nb"]'.replace("\\\\", "\\"), '$["\\u202e"]'),
        "$.status",
    }
    assert json.loads(written)["structure"]["$.status"] == "string, new"
    assert written.isascii()


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (
            lambda text: text.replace('    "$": ', '<<<<<<< HEAD\n    "$": '),
            "a merge conflict marker in line",
        ),
        (lambda text: text.replace('"$": "object', '"$": "objekt'), "cannot read (objekt)"),
        (lambda text: text.replace("optional", "optinal"), "cannot read (integer, optinal"),
        (lambda text: text.replace('"$.a"', '"$ a"'), "cannot read"),
        (lambda text: text.replace('"$.a"', '"$.b"'), "it holds the same line twice"),
        (lambda text: text.replace('"$.a"', '"$' + ".a" * 200 + '"'), "too many steps"),
        (lambda text: text.replace('"cachy": 1', '"cachy": 2'), "pip install -U pycachy"),
        (lambda text: text.replace('"cachy": 1', '"cachy": "x"'), "is not a contract"),
        (lambda text: text.replace('"structure"', '"other"'), "is not a contract"),
        (lambda text: text[:-4], "is not valid JSON"),
        (lambda text: "[" * 100_000, "is not valid JSON"),
        (lambda text: text.replace('"integer, optional, new"', "[1]"), "cannot read"),
        (lambda text: text.replace("integer", "enum: x | y, a=b"), "cannot read"),
    ],
)
def test_a_file_that_is_not_a_contract_ends_in_one_line(edit: Any, says: str) -> None:
    written = render_contract(contract([answer({"a": 1, "b": 1}), answer({"b": 1})]))
    parse_contract(written)
    with pytest.raises(CachyError) as caught:
        parse_contract(edit(written), "_contract.POST.json")
    assert says in str(caught.value)
    assert str(caught.value).startswith("_contract.POST.json ")
    assert len(str(caught.value).splitlines()) == 1


def test_branches_that_each_learn_a_field_merge_by_themselves(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        command = ["git", *identity, "-c", "commit.gpgsign=false", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    def commit(*bodies: Any) -> None:
        file.write_text(render_contract(contract(map(answer, bodies))))
        git("commit", "-qam", "learn")

    file = tmp_path / "_contract.POST.json"
    body = {"alpha": 1, "beta": {"one": 1, "two": 2}, "gamma": 3, "omega": 4}
    git("init", "-q", "-b", "main")
    file.write_text("{}\n")
    git("add", ".")
    commit(body)
    git("checkout", "-qb", "other")
    commit(body | {"aleph": 1})
    git("checkout", "-q", "main")
    commit(body | {"beta": {"one": 1, "two": 2, "three": 3}, "gamma": None})
    git("merge", "-q", "--no-edit", "other")
    merged = file.read_text()
    assert parse_contract(merged).facts["$.aleph"].types == {"integer"}
    assert parse_contract(merged).facts["$.beta.three"].types == {"integer"}
    assert render_contract(parse_contract(merged)) == merged
