"""A hashable skeleton of a response, so that each kind of response is checked once.

It holds keys, types and discriminators. Contracts treat responses with equal skeletons alike.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import groupby

from cachy.fixture.format.event import is_stream, stream_of
from cachy.fixture.format.text import with_json
from cachy.interaction import Json
from cachy.providers.openai import DONE
from cachy.providers.response_fields import ENUMS
from cachy.structure.declared_tools import as_declared
from cachy.structure.discriminators import is_tag
from cachy.structure.json_types import written_kind_of

# Fields whose values count, not their type alone.
_TELLING = frozenset((*ENUMS, "event", "exception", "error"))


def outline_of(response: Mapping[str, Json]) -> Hashable:
    """Return the keys and types of a fixture's response, and its discriminators' values.

    All that is learned of a response but counts, and every breach of a contract in it, follows
    from its skeleton.
    """
    response = with_json(response) if "ws" in response else response
    if is_stream(response):  # in order, as a stream's end is a fact too
        outlines = (outline_of_value(_declared(event, "data"), "") for event in stream_of(response))
        return response.get("truncated"), tuple(kind for kind, _ in groupby(outlines))
    body = {key: item for key, item in response.items() if key != "headers"}
    return outline_of_value(_declared(body, "json"), "")


def _declared(holder: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    return {**holder, name: as_declared(holder[name])} if name in holder else holder


def outline_of_value(value: Json, name: str) -> Hashable:
    """Return the same of a part of a response, which stands in a field of this name."""
    kind = written_kind_of(value)
    if kind == "object":
        return frozenset((key, outline_of_value(item, key)) for key, item in value.items())
    if kind == "array":
        return kind, frozenset(outline_of_value(item, "") for item in value)
    if kind == "string" and (name in _TELLING or is_tag(name) or value == DONE):
        return kind, str(value)
    return kind
