"""What the installed SDK knows of a surface: the JSON Schema of its response model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from cachy.compare.bodies.witnesses import Verdict
from cachy.compare.catalogue.rule_type import RuleId
from cachy.compare.catalogue.rules import RULES
from cachy.compare.envelope.envelope_rules import status_of
from cachy.fixture.format.event import is_stream
from cachy.fixture.identity.fixture_path import parse_target
from cachy.interaction import Json
from cachy.providers import find_provider
from cachy.structure.paths import Step, parent_of, parse_path

ModelSchema = Mapping[str, Any]

_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """What the model says of a path: its possible schemas, and whether it is required."""

    schemas: tuple[ModelSchema, ...]
    is_required: bool = False

    @property
    def types(self) -> frozenset[str]:
        """The JSON types allowed here; empty if any is."""
        found = [_types(schema) for schema in self.schemas]
        return frozenset[str]() if not all(found) else frozenset[str]().union(*found)

    @property
    def tokens(self) -> frozenset[str]:
        """The enumeration's values allowed here; empty if other text is allowed."""
        texts = [schema for schema in self.schemas if "string" in _types(schema)]
        found = [_tokens(schema) for schema in texts]
        return frozenset[str]() if not all(found) else frozenset[str]().union(*found)


def _types(schema: ModelSchema) -> frozenset[str]:
    named = schema.get("type")
    if named:
        return frozenset([named] if isinstance(named, str) else named)
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return frozenset(_TYPES.get(type(value), "object") for value in values)


def _tokens(schema: ModelSchema) -> frozenset[str]:
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return frozenset(value for value in values if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Model:
    """A response model as JSON Schema 2020-12, as pydantic writes it."""

    schema: ModelSchema
    defs: Mapping[str, ModelSchema] = field(default_factory=dict)
    verdict: Verdict = "sdk-broken"

    def judge(self, rule: RuleId, path: str, old: str | None, new: str | None) -> Verdict:
        """Return whether the provider, the fixture or the SDK is behind; "known" if none is.

        `path`, `old` and `new` are those of the change.
        """
        question = RULES[rule].sdk
        if question == "member":
            return self._judge_member(path)
        place = self.find(path)
        if question == "field":
            return "fixture-stale" if place else self._judge_unheard(path)
        if question is None or place is None or not place.schemas:
            return "unknown"
        if question == "required" or new is None:
            return "sdk-broken" if place.is_required else "known"
        if question == "token":
            return _judge_token(place.tokens, new)
        return _judge_types(place.types, old or "", new)

    def _judge_member(self, path: str) -> Verdict:
        """Judge a member of a union, or an event of a stream."""
        siblings = self.find(parent_of(path)) if "=" in path else self._root("")
        schemas = [*self._leaves(self._items(siblings.schemas) if siblings else ())]
        if len(schemas) < 2 and "=" not in path:
            return "unknown"  # one model for every event
        if self.find(path):
            return "known"
        return "provider-ahead" if len(schemas) > 1 else "unknown"

    def _judge_unheard(self, path: str) -> Verdict:
        """Judge a field that the model lacks: a change only if it knows the object around it."""
        around = self.find(parent_of(path))
        is_known = around and any(schema.get("properties") for schema in around.schemas)
        return "provider-ahead" if is_known else "unknown"

    def find(self, path: str) -> ModelPlace | None:
        """Return what the model says of a path; None if it does not know it."""
        try:
            root, steps = parse_path(path)
        except ValueError:
            return None
        place = self._root("" if root == "$" else root[6:-1])
        for step in steps:
            place = self._follow(place, step) if place else None
        return place

    def _root(self, event: str) -> ModelPlace | None:
        """Return the whole model, or the member of its union that an event is."""
        schemas = tuple(self._leaves([self.schema]))
        if event and len(schemas) > 1:
            schemas = tuple(self._members(schemas, "type", event))
        return ModelPlace(schemas) if schemas else None

    def _follow(self, place: ModelPlace, step: Step) -> ModelPlace | None:
        if step.field is not None:
            return self._field(place, step.field)
        if step.each == "value":
            values = (schema.get("additionalProperties") for schema in place.schemas)
            found = tuple(self._leaves(value for value in values if isinstance(value, dict)))
        else:
            found = tuple(self._items(place.schemas))
        if step.variant:
            found = tuple(self._members(found, *step.variant))
        return ModelPlace(found) if found else None

    def _field(self, place: ModelPlace, name: str) -> ModelPlace | None:
        objects = [schema for schema in place.schemas if schema.get("properties")]
        holders = [schema for schema in objects if name in schema["properties"]]
        found = tuple(self._leaves(schema["properties"][name] for schema in holders))
        needed = all(name in schema.get("required", ()) for schema in objects)
        return ModelPlace(found, needed) if found else None

    def _items(self, schemas: Iterable[ModelSchema]) -> Iterator[ModelSchema]:
        """Yield the schemas of an array's items; any other schema as it is."""
        for schema in schemas:
            if "items" in schema:
                yield from self._leaves([schema["items"]])
            elif schema.get("type") != "null":
                yield schema

    def _members(
        self, schemas: Iterable[ModelSchema], key: str, name: str
    ) -> Iterator[ModelSchema]:
        for schema in schemas:
            named = schema.get("properties", {}).get(key, {})
            if any(name in _tokens(leaf) for leaf in self._leaves([named])):
                yield schema

    def _leaves(self, schemas: Iterable[ModelSchema]) -> Iterator[ModelSchema]:
        """Follow references and unions to schemas that say something themselves."""
        pending, seen = [*schemas], set[str]()
        while pending:
            schema = pending.pop(0)
            reference = schema.get("$ref", "")
            if reference:
                name = reference.rpartition("/")[2]
                pending += [] if name in seen else [self.defs.get(name, {})]
                seen.add(name)
            elif inner := [
                *schema.get("anyOf", ()),
                *schema.get("oneOf", ()),
                *schema.get("allOf", ()),
            ]:
                pending += inner
            else:
                yield schema


def _judge_token(tokens: frozenset[str], new: str) -> Verdict:
    if not tokens:
        return "unknown"
    return "known" if new in tokens else "sdk-broken"


def _judge_types(allowed: frozenset[str], old: str, new: str) -> Verdict:
    if not allowed:
        return "unknown"
    known = allowed | ({"integer"} if "number" in allowed else set())
    if not known.issuperset(new.split(" | ")):
        return "sdk-broken"
    return "known" if known.issuperset(old.split(" | ")) else "fixture-stale"


def find_model(document: Mapping[str, Json]) -> Model | None:
    """Return the installed SDK's model of a fixture's response, or None."""
    request, response = document.get("request") or {}, document["response"]
    if status_of(response) >= 400 or not isinstance(request.get("url"), str):
        return None
    target = parse_target(request["url"])
    provider = find_provider(target.authority)
    for ending, body, event in map(str.split, provider.sdk_models if provider else ()):
        if provider and target.template in [prefix + ending for prefix in provider.sdk_prefixes]:
            return _load(event if is_stream(response) else body)
    return None


@lru_cache(maxsize=64)
def _load(reference: str) -> Model | None:
    """Return a model; None if the SDK is not installed or keeps the model elsewhere."""
    module, _, name = reference.partition(":")
    if not name or find_spec(module.partition(".")[0]) is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            model = getattr(import_module(module), name)
            schema = import_module("pydantic").TypeAdapter(model).json_schema()
    except Exception:  # an SDK's import runs its own code, which may fail
        return None
    return Model(schema, schema.get("$defs", {}))
