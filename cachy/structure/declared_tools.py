"""The tools that an MCP server offers: its list of them declares what may be sent.

What a list says of a tool is a JSON Schema of its arguments; here it becomes parameters by path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cachy.interaction import Json
from cachy.providers.mcp import tools_of
from cachy.structure.json_types import kind_of

_DEEPEST = 8  # levels of parameters
_EXAMPLES: dict[str, Json] = {
    **{"integer": 1, "number": 0.5, "boolean": True, "null": None, "array": [], "object": {}},
    "string": "a text",
}
_ANY = frozenset(_EXAMPLES)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What may be passed for one argument of a tool; `values` is None where any is allowed."""

    types: frozenset[str]
    values: frozenset[str] | None
    is_required: bool

    @property
    def type(self) -> str:
        """The types as a report writes them."""
        return " | ".join(sorted(self.types)) if self.types != _ANY else "any"


Parameters = Mapping[str, Parameter]
"""The parameters of a tool by their paths, such as `filter.name`."""


def parse_tools(message: Json) -> dict[str, Parameters] | None:
    """Return the parameters of each tool in a list of them; None where a body lists no tools."""
    tools = tools_of(message)
    if tools is None:
        return None
    found: dict[str, Parameters] = {}
    for tool in tools:
        schema = tool.get("inputSchema")
        schema = schema if isinstance(schema, dict) else {}
        found[str(tool["name"])] = dict(_parameters(schema, schema, "", 0))
    return found


def as_declared(value: Json) -> Json:
    """Return a list of tools as a value that has a field for each parameter; any other as it is.

    Its tools differ by `kind`, which is their name.
    """
    tools = parse_tools(value)
    if tools is None:
        return value
    rows = [
        {
            "kind": name,
            "inputSchema": _example({path: one for path, one in given.items() if "." not in path}),
            "required": sorted(path for path, one in given.items() if one.is_required),
        }
        for name, given in tools.items()
    ]
    return {**value, "result": {**value["result"], "tools": rows}}


def _example(parameters: Parameters) -> dict[str, Json]:
    return {
        name: _EXAMPLES[min(one.types - {"null"}, default="null")]
        for name, one in parameters.items()
    }


def _parameters(
    schema: Mapping[str, Json], root: Mapping[str, Json], prefix: str, depth: int
) -> Iterator[tuple[str, Parameter]]:
    fields, required = schema.get("properties"), schema.get("required")
    if not isinstance(fields, dict) or depth > _DEEPEST:
        return
    needed = required if isinstance(required, list) else []
    for name, given in fields.items():
        parts = [*_alternatives(given, root, 0)]
        types = frozenset(kind for part in parts for kind in _types(part))
        yield prefix + name, Parameter(types, _values(parts), name in needed)
        for part in parts:
            inner = part.get("items") if isinstance(part.get("items"), dict) else part
            for one in _alternatives(inner, root, 0):
                yield from _parameters(one, root, f"{prefix}{name}.", depth + 1)


def _alternatives(
    schema: Json, root: Mapping[str, Json], depth: int
) -> Iterator[Mapping[str, Json]]:
    """Yield a schema, or those that it may be, with references to the tool's own ones followed."""
    if not isinstance(schema, dict):
        if schema is not False:
            yield {}
        return
    reference = schema.get("$ref", schema.get("$$ref"))  # as a fixture's document writes it
    others = schema.get("anyOf") or schema.get("oneOf")
    if depth > _DEEPEST:
        yield {}
    elif isinstance(reference, str):
        yield from _alternatives(_referred(reference, root), root, depth + 1)
    elif isinstance(others, list):
        for other in others:
            yield from _alternatives(other, root, depth + 1)
    else:
        yield schema


def _referred(reference: str, root: Mapping[str, Json]) -> Json:
    found: Json = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step, found.get(f"${step}")) if isinstance(found, dict) else None
    return found


def _types(schema: Mapping[str, Json]) -> frozenset[str]:
    named = schema.get("type")
    if isinstance(named, str):
        named = [named]
    if isinstance(named, list):
        return frozenset(map(str, named)) & _ANY
    listed = _listed(schema)
    if listed is not None:
        return frozenset(map(kind_of, listed))
    return frozenset({"object"}) if "properties" in schema else _ANY


def _listed(schema: Mapping[str, Json]) -> list[Json] | None:
    if "const" in schema:
        return [schema["const"]]
    listed = schema.get("enum")
    return listed if isinstance(listed, list) else None


def _values(parts: list[Mapping[str, Json]]) -> frozenset[str] | None:
    listed = [_listed(part) for part in parts if _types(part) != {"null"}]
    if not listed or any(one is None for one in listed):
        return None
    return frozenset(str(value) for one in listed for value in one or ())
