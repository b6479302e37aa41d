"""What changed between two lists of the tools of an MCP server, for who calls them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cachy.compare.catalogue.change import Change, make_change
from cachy.fixture.format.event import is_stream, stream_of
from cachy.interaction import Json
from cachy.providers.mcp import is_message
from cachy.structure.declared_tools import Parameter, Parameters, parse_tools
from cachy.structure.plain_body import decode

_PLACE = "$.result.tools"
_STREAMED = "event(data).result.tools"
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NO_NAME = re.compile(r"[^\w.@/-]", re.ASCII)  # what no step of a path may hold


def compare_tools(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[Change] | None:
    """Return what changed for callers of the tools; None where the responses list no tools.

    A description is prose; what allows more than before breaks no caller.
    """
    before, after = _tools_in(old), _tools_in(new)
    if before is None or after is None:
        return None
    return [*_compare(before, after)]


def is_about_tools(change: Change) -> bool:
    """Return whether a change of structure is one of a list of tools, which has its own rules."""
    return change.path.startswith((_PLACE, _STREAMED))


def _tools_in(response: Mapping[str, Json]) -> dict[str, Parameters] | None:
    events = stream_of(response) if is_stream(response) else ()
    bodies = (response.get("json"), *(event.get("data") for event in events))
    lists = (parse_tools(decode(body)) for body in bodies if is_message(body))
    return next((tools for tools in lists if tools is not None), None)


def _compare(before: Mapping[str, Parameters], after: Mapping[str, Parameters]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        place = f"{_PLACE}[kind={_NO_NAME.sub('_', name)}]"
        if name not in after:
            yield make_change("tool-removed", place, "object", None)
        elif name not in before:
            yield make_change("tool-added", place, None, "object")
        else:
            yield from _compare_parameters(before[name], after[name], f"{place}.inputSchema")


def _compare_parameters(old: Parameters, new: Parameters, place: str) -> Iterator[Change]:
    for path in sorted(old.keys() | new.keys()):
        outer = path.rpartition(".")[0]
        if outer and (outer in old) != (outer in new):
            continue  # it came or went with what it is a part of
        at = "".join(map(_as_step, path.split(".")))
        yield from _compare_parameter(old.get(path), new.get(path), place + at)


def _as_step(name: str) -> str:
    return f".{name}" if _PLAIN.fullmatch(name) else f'["{_NO_NAME.sub("_", name)}"]'


def _compare_parameter(old: Parameter | None, new: Parameter | None, at: str) -> Iterator[Change]:
    if new is None:
        if old is not None:
            yield make_change("parameter-removed", at, old.type, None)
        return
    if new.is_required and not (old and old.is_required):
        former = f"{old.type}, optional" if old else None
        yield make_change("parameter-required", at, former, new.type)
    elif old is None:
        yield make_change("parameter-added", at, None, f"{new.type}, optional")
    if old is None:
        return
    if not _with_integers(new.types) >= old.types:
        yield make_change("parameter-changed", at, old.type, new.type)
    elif new.values is not None and not (old.values is not None and new.values >= old.values):
        yield make_change("parameter-changed", at, _shown(old), _shown(new))


def _with_integers(types: frozenset[str]) -> frozenset[str]:
    """Return the types that are allowed: where a number is, so is an integer."""
    return types | {"integer"} if "number" in types else types


def _shown(one: Parameter) -> str:
    return one.type if one.values is None else f"one of {len(one.values)} values"
