"""Put structural changes into a recorded answer, keeping its values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cachy.drift.structure import DISCRIMINATORS, kind_of
from cachy.fixtures.format import encode, plain
from cachy.interaction import Json

_SELECTOR = re.compile(r'\[(?!")[^\]]*\]|\.\*')


def graft(
    recorded: Mapping[str, Json], live: Mapping[str, Json], paths: Iterable[str]
) -> dict[str, Json]:
    """Give the recorded document with what changed at `paths`, and its other values as they are.

    Both are documents in the fixture format. An answer that is no JSON, or whose status or
    media type is another, is taken whole. The day of the recording stays, as its values do.
    """
    old, new = recorded["response"], live["response"]
    provenance = {**recorded.get("recorded", {}), "grafted": True}
    if not _is_alike(old, new):
        return {**recorded, "recorded": provenance, "response": new}
    wanted = {_bare(path) for path in paths}
    body = encode(_merged(plain(old["json"]), plain(new["json"]), "$", wanted))
    headers = {name: value for name, value in new.get("headers", {}).items() if _is_news(name)}
    response = {**old, "headers": {**old.get("headers", {}), **headers}, "json": body}
    return {**recorded, "recorded": provenance, "response": response}


def _is_alike(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    return "json" in old and "json" in new and old.get("status") == new.get("status")


def _is_news(name: str) -> bool:
    return name in ("deprecation", "sunset", "link")


def _bare(path: str) -> str:
    """Give a path without its selectors: which element or variant is told by the values."""
    return _SELECTOR.sub("", path)


def _merged(old: Json, new: Json, path: str, wanted: set[str]) -> Json:
    if kind_of(old) != kind_of(new):
        return new if path in wanted else old
    if isinstance(old, dict):
        return _merged_object(old, new, path, wanted)
    if isinstance(old, list) and old and new:
        return [_merged(item, _partner(item, at, new), path, wanted) for at, item in enumerate(old)]
    return old


def _merged_object(
    old: dict[str, Json], new: dict[str, Json], path: str, wanted: set[str]
) -> dict[str, Json]:
    merged = {}
    for name, value in old.items():
        at = f"{path}.{name}"
        if name in new:
            merged[name] = _merged(value, new[name], at, wanted)
        elif at not in wanted:
            merged[name] = value
    added = {name: value for name, value in new.items() if f"{path}.{name}" in wanted}
    return (
        {**added, **merged}
        if not merged
        else merged | {name: value for name, value in added.items() if name not in old}
    )


def _partner(item: Json, at: int, candidates: list[Json]) -> Json:
    """Find the live element that stands for a recorded one: of its variant, else at its place."""
    if isinstance(item, dict):
        kind = [item.get(key) for key in DISCRIMINATORS]
        for candidate in candidates:
            if isinstance(candidate, dict) and kind == [candidate.get(k) for k in DISCRIMINATORS]:
                return candidate
    return candidates[min(at, len(candidates) - 1)]
