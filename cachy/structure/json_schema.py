"""A contract as JSON Schema 2020-12: what a response must keep; it may add anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cachy.fixture.format.event import is_stream
from cachy.fixture.format.text import BODY_KINDS, with_json
from cachy.interaction import Json
from cachy.structure.contract import FIRM, Contract, is_path, structure_of
from cachy.structure.declared_tools import as_declared
from cachy.structure.discriminators import DISCRIMINATORS
from cachy.structure.learn import events_of
from cachy.structure.node import Node
from cachy.structure.paths import types_of
from cachy.structure.plain_body import decode

Schema = dict[str, Json]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What tells the members of a union apart: `find_discriminator` as a pattern.
_NAME = r"^(?!.*\d{4})[A-Za-z_][\w.:#+-]{0,63}$(?!\n)"
_NAMED: Schema = {"type": "string", "pattern": _NAME}


@dataclass(frozen=True, slots=True)
class Schemas:
    """A schema for each root, and a stream's grammar.

    `roots` are schemas by `$` or an event's name; `always` are the events that every stream
    has, `last` those that one may end with (empty: any).
    """

    roots: Mapping[str, Schema]
    always: frozenset[str]
    last: frozenset[str]


def compile_contract(contract: Contract) -> Schemas:
    """Return the schemas of a contract.

    A field is required, and null refused, if three recordings or more show it. An integer may
    become a number; a field, a token or a member of a union may be added: that breaks nothing.
    """
    structure = structure_of(contract)
    lines = contract.facts.items()
    events = {root[6:-1]: line for root, line in lines if re.fullmatch(r"event\(.*\)", root)}
    return Schemas(
        roots={
            root if root == "$" else root[6:-1]: {
                "$schema": DIALECT,
                **_schema(node, is_required=True, is_root=True),
            }
            for root, node in structure.roots.items()
        },
        always=frozenset(
            name
            for name, line in events.items()
            if not (line.is_optional or line.is_new or "text" in line.types)
        ),
        last=frozenset(name for name, line in events.items() if line.is_last),
    )


def _schema(node: Node, *, is_required: bool = False, is_root: bool = False) -> Schema:
    types = {"number" if kind == "integer" else kind for kind in types_of(node)}
    if types <= {"null"}:
        return {}  # what was always null may turn out to be anything
    is_firm = is_required and node.seen >= FIRM
    schema: Schema = {"type": sorted(types if is_firm else types | {"null"})}
    if node.is_opaque:
        return schema
    if node.is_map and node.items:
        schema["additionalProperties"] = _schema(node.items, is_required=True)
    elif node.items:
        schema["items"] = _schema(node.items, is_required=True)
    if node.variants:
        schema["allOf"] = [*_members(node)]
    elif node.fields:
        schema |= _object(node, is_root=is_root)
    return schema


def _object(node: Node, *, is_root: bool = False) -> Schema:
    required = {name for name, child in node.fields.items() if child.count >= node.objects}
    firm = sorted(name for name in required if node.fields[name].seen >= FIRM)
    schema: Schema = {
        "properties": {
            name: _schema(child, is_required=name in required)
            for name, child in node.fields.items()
        }
    }
    if firm and is_root:
        schema["required"] = firm
    elif firm:  # an empty object says nothing of its fields
        schema |= {"if": {"minProperties": 1}, "then": {"required": firm}}
    return schema


def _members(node: Node) -> Iterator[Schema]:
    """Yield schemas that hold each known member of a union to its own fields."""
    for (key, name), variant in sorted(node.variants.items()):
        before = (
            DISCRIMINATORS[: DISCRIMINATORS.index(key)] if key in DISCRIMINATORS else DISCRIMINATORS
        )
        tells = {**_unnamed(before), key: {"const": name}}
        yield {"if": {"properties": tells, "required": [key]}, "then": _object(variant)}
    if node.fields:
        keys = (*DISCRIMINATORS, *sorted({key for key, _ in node.variants} - {*DISCRIMINATORS}))
        yield {"if": {"properties": _unnamed(keys)}, "then": _object(node)}


def _unnamed(keys: Iterable[str]) -> Schema:
    return {key: {"not": _NAMED} for key in keys}


class ContractValidator:
    """Holds responses to a contract; its schemas are compiled once."""

    def __init__(self, contract: Contract) -> None:
        from jsonschema import Draft202012Validator  # heavy: only where there is a contract

        self.schemas = compile_contract(contract)
        self._validators: dict[str, Any] = {
            root: Draft202012Validator(schema) for root, schema in self.schemas.roots.items()
        }

    def find_breaches(self, response: Mapping[str, Json]) -> Iterator[str]:
        """Yield where a fixture's response breaks the contract; no value is quoted."""
        response = with_json(response)
        if "json" in response:
            yield from self._breaches("$", "$", as_declared(decode(response["json"])))
        elif "ndjson" in response:
            for value in response["ndjson"]:
                yield from self._breaches("line", "event(line)", decode(value))
        elif is_stream(response):
            yield from self._stream_breaches(response)
        elif not response.keys().isdisjoint(BODY_KINDS):
            yield from self._breaches("$", "$", "")

    def _stream_breaches(self, response: Mapping[str, Json]) -> Iterator[str]:
        named = [*events_of(response)]
        for name, data in named:
            if isinstance(data, (dict, list)):
                yield from self._breaches(name, f"event({name})", data)
        if response.get("truncated") or not named:
            return
        for name in sorted(self.schemas.always.difference(name for name, _ in named)):
            yield f"the stream has no event({name})"
        end = named[-1][0]
        if self.schemas.last and end not in self.schemas.last and is_path(f"event({end})"):
            known = " or ".join(f"event({name})" for name in sorted(self.schemas.last))
            yield f"the stream does not end with {known}"

    def _breaches(self, root: str, shown: str, value: Json) -> Iterator[str]:
        validator = self._validators.get(root)
        for error in validator.iter_errors(value) if validator else ():
            place = shown + re.sub(r"\[\d+\]", "[*]", error.json_path[1:])
            yield f"{place} {_what_is_wrong(error)}"


def _what_is_wrong(error: Any) -> str:
    if error.validator == "required":
        lacking = [name for name in error.validator_value if name not in error.instance]
        return "lacks " + ", ".join(map(repr, lacking))
    return "is not " + " | ".join(error.validator_value)
