"""What a list of the tools of an MCP server declares, and which changes of it break a caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tool_lists import ADD, NUMBER, TEXT, tool, tool_list

from cachy.compare.compare import compare
from cachy.config import Config
from cachy.fixture.store.files import CONTRACT
from cachy.structure.contract import contract_of
from cachy.structure.contract_file import contract_path, render_contract, surface_of
from cachy.structure.json_schema import ContractValidator
from cachy.structure.learn import learn

PLACE = "$.result.tools[kind=add]"
NESTED = {"type": "object", "properties": {"x": NUMBER}, "required": ["x"]}
COLOUR = {"enum": ["red", "blue"]}


def referring(**properties: Any) -> dict[str, Any]:
    """Return the tool with a parameter whose schema stands elsewhere."""
    found = tool("add", ["a"], a=NUMBER, b={"$ref": "#/$defs/B"})
    found["inputSchema"]["$defs"] = {"B": {"type": "object", "properties": properties}}
    return found


CHANGES = {
    "nothing": (ADD, ADD, []),
    "a description": (ADD, tool("add", ["a"], "It sums.", a=NUMBER, b=NUMBER), []),
    "a parameter is gone": (ADD, tool("add", ["a"], a=NUMBER), [("parameter-removed", "b")]),
    "a required one is gone": (ADD, tool("add", b=NUMBER), [("parameter-removed", "a")]),
    "an optional one is new": (
        *(ADD, tool("add", ["a"], a=NUMBER, b=NUMBER, c=TEXT)),
        [("parameter-added", "c")],
    ),
    "a required one is new": (
        *(ADD, tool("add", ["a", "c"], a=NUMBER, b=NUMBER, c=TEXT)),
        [("parameter-required", "c")],
    ),
    "an optional one is required": (
        *(ADD, tool("add", ["a", "b"], a=NUMBER, b=NUMBER)),
        [("parameter-required", "b")],
    ),
    "a required one is optional": (ADD, tool("add", a=NUMBER, b=NUMBER), []),
    "another type": (ADD, tool("add", ["a"], a=TEXT, b=NUMBER), [("parameter-changed", "a")]),
    "a narrower type": (
        *(ADD, tool("add", ["a"], a={"type": "integer"}, b=NUMBER)),
        [("parameter-changed", "a")],
    ),
    "a wider type": (ADD, tool("add", ["a"], a={"type": ["number", "null"]}, b=NUMBER), []),
    "any type": (ADD, tool("add", ["a"], a={}, b=NUMBER), []),
    "an integer becomes a number": (
        *(tool("add", a={"type": "integer"}), tool("add", a=NUMBER)),
        [],
    ),
    "a value is gone": (
        *(tool("add", a=COLOUR), tool("add", a={"enum": ["red"]})),
        [("parameter-changed", "a")],
    ),
    "a value is new": (tool("add", a={"enum": ["red"]}), tool("add", a=COLOUR), []),
    "only some values are left": (
        *(tool("add", a=TEXT), tool("add", a=COLOUR)),
        [("parameter-changed", "a")],
    ),
    "a part of a parameter is gone": (
        *(tool("add", a=NESTED), tool("add", a={"type": "object", "properties": {}})),
        [("parameter-removed", "a.x")],
    ),
    "a parameter is gone with its parts": (
        *(tool("add", a=NESTED, b=TEXT), tool("add", b=TEXT)),
        [("parameter-removed", "a")],
    ),
    "a part behind a reference is gone": (
        *(referring(x=NUMBER, y=TEXT), referring(x=NUMBER)),
        [("parameter-removed", "b.y")],
    ),
    "a choice of types": (
        *(tool("add", a=NUMBER), tool("add", a={"anyOf": [NUMBER, {"type": "null"}]})),
        [],
    ),
}


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("name", CHANGES)
def test_a_list_of_tools_is_judged_by_what_its_callers_may_send(
    name: str, is_streamed: bool
) -> None:
    old, new, expected = CHANGES[name]
    both = (tool_list(one, is_streamed=is_streamed) for one in (old, new))
    found = [(change.rule, change.path) for change in compare(*both)]
    assert found == [(rule, f"{PLACE}.inputSchema.{path}") for rule, path in expected]


def test_what_breaks_a_caller_is_breaking_by_one_recording() -> None:
    other = tool("subtract", ["a"], a=NUMBER)
    changes = compare(tool_list(ADD, other), tool_list(tool("add", ["a"], a=NUMBER), tool("neu")))
    assert [(one.severity, one.rule, one.path) for one in changes] == [
        ("breaking", "parameter-removed", f"{PLACE}.inputSchema.b"),
        ("breaking", "tool-removed", "$.result.tools[kind=subtract]"),
        ("compatible", "tool-added", "$.result.tools[kind=neu]"),
    ]


def test_the_order_of_tools_is_not_a_change() -> None:
    other = tool("subtract", ["a"], a=NUMBER)
    assert compare(tool_list(ADD, other), tool_list(other, ADD)) == []


@pytest.mark.parametrize(
    "schema",
    [
        *(None, [], "text", {"type": "object"}, {"properties": []}, {"properties": {"a": True}}),
        *({"properties": {"a": {"type": 7}}}, {"properties": {"a": {"$ref": "#/nowhere"}}}),
        {"$defs": {"A": {"$ref": "#/$defs/A"}}, "properties": {"a": {"$ref": "#/$defs/A"}}},
        *({"properties": {"a": {"enum": "red"}}}, {"properties": {"a": {"anyOf": [7]}}}),
        {"properties": {"a] evil [b": {"type": "string"}}, "required": 7},
    ],
)
def test_a_strange_schema_is_compared_without_an_error(schema: Any) -> None:
    strange = tool_list({"name": "add]`x`", "inputSchema": schema})
    assert compare(strange, strange) == []
    assert {one.rule for one in compare(tool_list(ADD), strange)} == {"tool-added", "tool-removed"}
    assert not any("`" in one.path for one in compare(tool_list(ADD), strange))


def test_a_contract_holds_each_tool_with_its_parameters(tmp_path: Path) -> None:
    config = Config(root=tmp_path, fixtures=tmp_path)
    document = tool_list(ADD, tool("now"))
    assert surface_of(document, config) == "POST tools.example.com/mcp tools/list"
    assert contract_path(document, config).name == f"{CONTRACT}POST.tools-list.json"
    contract = contract_of(learn([document] * 3), surface_of(document, config))
    text = render_contract(contract)
    assert '"$.result.tools[kind=add].inputSchema.b": "number"' in text
    assert "description" not in text
    validator = ContractValidator(contract)
    assert [*validator.find_breaches(document["response"])] == []
    without = tool_list(tool("add", ["a"], a=NUMBER), tool("now"))
    assert any("'b'" in one for one in validator.find_breaches(without["response"]))


def test_each_tool_has_a_contract_of_its_own(tmp_path: Path) -> None:
    config = Config(root=tmp_path, fixtures=tmp_path)
    names = []
    for name in ("add", "Add", "a/d", "x" * 200):
        document = tool_list()
        params = {"name": name, "arguments": {}}
        document["request"]["json"] = {"jsonrpc": "2.0", "method": "tools/call", "params": params}
        names.append(contract_path(document, config).name.lower())
    assert names[0] == f"{CONTRACT}post.tools-call.add.json"
    assert len({*names}) == 4
    assert max(map(len, names)) < 120
