"""Mutations of a body itself and of the tags in it: exactly the change, and nothing beside it."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable
from typing import Any

from drift_mutations import NEW, Case, Document, Place

from cachy.structure.discriminators import DISCRIMINATORS, find_discriminator

Expected = set[tuple[str, str]]  # rules and bare paths
Exact = tuple[Document, Expected]
Tagging = Callable[[Place, str], Expected]


def top_fields(case: Case) -> list[str]:
    """Return the fields that every recorded body has, of a body whose fields are its own."""
    body = case.document["response"].get("json")
    if not isinstance(body, dict) or len(body) < 2 or case.facts["$"].is_map:
        return []
    found = find_discriminator(body)
    root = "${" + "=".join(found) + "}" if found else "$"
    fields = [f"{root}.{name}" for name in body]
    if not all(name in case.facts and name.isprintable() for name in fields):
        return []
    is_whole = case.document["response"]["status"] < 400 and "error" not in body
    return fields if is_whole else []


def _tag_of(path: str) -> str:
    """Return the name of the tag of a union's member; "" where an event is named by it."""
    key = path[max(path.rfind("["), path.rfind("{")) + 1 :].partition("=")[0]
    is_event = path.startswith("event(") and path.partition(")")[2].startswith("{")
    return key if key in DISCRIMINATORS and not is_event else ""


def removed(case: Case) -> Expected:
    """Return the removals of all fields that every recorded body had."""
    facts = {plain_path(name): case.facts[name] for name in top_fields(case)}
    return {
        ("absent-null-swapped" if fact.types == {"null"} else "field-removed", name)
        for name, fact in facts.items()
        if not fact.is_optional
    }


def replace_root(value: Callable[[Any], Any], more: Callable[[Case], Expected]) -> Any:
    """Make a mutation that replaces the whole body."""

    def mutate(case: Case, draw: random.Random) -> Exact | None:
        if len(top_fields(case)) < 2:
            return None
        document = copy.deepcopy(case.document)
        document["response"]["json"] = value(document["response"]["json"])
        return document, more(case)

    return mutate


def retag(change: Tagging) -> Any:
    """Make a mutation of the tag of all objects at one place of a provider's own union."""

    def mutate(case: Case, draw: random.Random) -> Exact | None:
        if not case.is_closed:
            return None
        document = copy.deepcopy(case.document)
        groups: dict[str, list[Place]] = {}
        for place in case.places(document):
            fact = case.facts.get(place.path)
            is_tagged = fact is not None and fact.is_variant and _tag_of(place.path)
            if is_tagged and isinstance(place.value, dict) and len(place.value) > 2:
                groups.setdefault(place.path, []).append(place)
        if not groups:
            return None
        path = draw.choice(sorted(groups))
        key = _tag_of(path)
        expected = [change(place, key) for place in groups[path]]
        inside = plain_path(path)
        return document, {(rule, f"{inside}.{name}") for rule, name in expected[0]}

    return mutate


def drop(place: Place, key: str) -> Expected:
    del place.value[key]
    return {("field-removed", key)}


def rename(place: Place, key: str) -> Expected:
    place.value[f"{NEW}_{key}"] = place.value.pop(key)
    return {("field-removed", key), ("field-added", f"{NEW}_{key}")}


def give_new_value(place: Place, key: str) -> Expected:
    place.value[key] = NEW
    return {("enum-value-added", key)}


EXACT_ROWS: dict[str, Any] = {
    "root emptied": replace_root(lambda body: {}, removed),
    "root null": replace_root(lambda body: None, lambda case: {("null-added", "$")}),
    "root a list": replace_root(lambda body: [body], lambda case: {("type-changed", "$")}),
    "root wrapped": replace_root(
        lambda body: {NEW: body}, lambda case: removed(case) | {("field-added", f"$.{NEW}")}
    ),
    "tag gone": retag(drop),
    "tag renamed": retag(rename),
    "tag of a new value": retag(give_new_value),
}


def plain_path(path: str) -> str:
    """Return a path without variants and items: how a report shows them depends on the rest."""
    return re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", path)
