"""Requests that carry an id of an earlier response: the earlier one is sent first."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cachy.drift.live.case import Case
from cachy.drift.live.inconclusive import NotExercised
from cachy.drift.live.permission import Skip
from cachy.fixture.format.body import parse_response_body
from cachy.fixture.transcript.usage import response_values
from cachy.interaction import Json, Request, Response, header
from cachy.providers import WIRE_FORMATS
from cachy.providers.openai import TURN_REFERENCES

_CHAINED = (*TURN_REFERENCES, "prompt")
# What an upload or a job gave is gone some day, and a chain cannot make it again.
_UPLOADS = frozenset(
    name for wire in WIRE_FORMATS for name in wire.references if name not in _CHAINED
)
_SCHEMAS = ("parameters", "input_schema", "schema")  # names in there are the caller's
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")


def find_links(cases: Iterable[Case], known: Iterable[Case]) -> dict[str, tuple[Case, ...] | Skip]:
    """Return for each case that carries ids of earlier responses the cases that gave them.

    A `Skip` says why it cannot be chained: the fixture that gave the id is missing, or the id
    is that of an upload. `known` are the project's fixtures. Keys are names of cases.
    """
    wanted = {case.name: [*_references(case)] for case in cases}
    givers = _givers(known, {ref for refs in wanted.values() for _, ref in refs})
    found: dict[str, tuple[Case, ...] | Skip] = {}
    for name, refs in wanted.items():
        missing = next((where for where, ref in refs if ref not in givers), "")
        if missing:
            found[name] = Skip("reference", f"no recorded response gave its {missing}")
        elif refs:
            found[name] = tuple({givers[ref].name: givers[ref] for _, ref in refs}.values())
    for case in cases:
        if upload := next(_uploads(case.body), ""):
            found[case.name] = Skip("reference", f"it refers to an upload by {upload}")
    return found


def _references(case: Case) -> Iterator[tuple[str, str]]:
    """Yield the place and the id of each reference to an earlier response."""
    body = case.body
    if not isinstance(body, dict):
        return
    for key in _CHAINED:
        value = body.get(key)
        value = value.get("id") if isinstance(value, dict) else value
        if isinstance(value, str) and value and (key != "prompt" or isinstance(body[key], dict)):
            yield key, value
    if not urlsplit(case.request.url).path.endswith("/responses"):
        return
    items = body.get("input")
    for at, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield f"input[{at}].id", item["id"]


def _uploads(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if item and key in _UPLOADS:
                yield key
            elif key == "audio" and isinstance(item, dict) and "id" in item:
                yield "audio.id"
            elif key not in _SCHEMAS:
                yield from _uploads(item)
    elif isinstance(value, list):
        for item in value:
            yield from _uploads(item)


def _givers(known: Iterable[Case], ids: set[str]) -> dict[str, Case]:
    """Return, by id, the case whose recorded response contains it."""
    found: dict[str, Case] = {}
    for case in known if ids else ():
        if not case.is_truncated:
            for given in _ids_of(list(response_values(case.fixture.response))) & ids:
                found.setdefault(given, case)
    return found


def _ids_of(value: Json) -> set[str]:
    found: set[str] = set()
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            found.add(value["id"])
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        found |= _ids_of(item)
    return found


def order_chain(
    case: Case, links: Mapping[str, tuple[Case, ...] | Skip], skips: Mapping[str, Skip]
) -> list[Case] | Skip:
    """Return a case after all those that it needs, the first turn first; or why it cannot be.

    `skips` are the cases that may not be sent.
    """
    ordered: dict[str, Case] = {}

    def visit(one: Case, path: tuple[str, ...]) -> Skip | None:
        if one.name in ordered:
            return None
        if one.name in path:
            return Skip("reference", "its chain of earlier responses has no beginning")
        before = links.get(one.name, ())
        if isinstance(before, Skip):
            return before
        for earlier in before:
            if why := skips.get(earlier.name) or visit(earlier, (*path, one.name)):
                return Skip("reference", f"{earlier.name} comes before it: {why.detail}")
        ordered[one.name] = one
        return None

    return visit(case, ()) or list(ordered.values())


@dataclass(slots=True)
class LiveIds:
    """The ids that live responses of a chain have in place of the recorded ones."""

    ids: dict[str, str] = field(default_factory=dict)
    items: dict[str, Json] = field(default_factory=dict)  # recorded item id -> live item
    stored: list[tuple[Request, str]] = field(default_factory=list)  # what to delete at the end

    def learn(self, case: Case, response: Response) -> None:
        """Pair the ids of a live response with those of the recorded one, kind by kind."""
        media = header(response.headers, "content-type") or ""
        body = parse_response_body(media, response.body)
        live = _whole([body.content] if body.kind == "json" else _data(body.content))
        recorded = _whole(response_values(case.fixture.response))
        self._pair(recorded, live)
        self._pair(recorded.get("conversation"), live.get("conversation"))
        theirs = defaultdict(list)
        for item in _items(live):
            theirs[item.get("type")].append(item)
        for item in _items(recorded):
            if theirs[item.get("type")]:
                self._pair_items(item, theirs[item.get("type")].pop(0))
        if isinstance(live.get("id"), str) and _SAFE_ID.fullmatch(live["id"]):
            self.stored.append((case.request, live["id"]))

    def _pair(self, recorded: Json, live: Json) -> None:
        if isinstance(recorded, dict) and isinstance(live, dict):
            for key in ("id", "call_id"):
                old, new = recorded.get(key), live.get(key)
                if isinstance(old, str) and isinstance(new, str):
                    self.ids[old] = new

    def _pair_items(self, recorded: Mapping[str, Json], live: Mapping[str, Json]) -> None:
        self._pair(recorded, live)
        if isinstance(recorded.get("id"), str):
            self.items[recorded["id"]] = live

    def put_into(self, case: Case) -> Request | NotExercised:
        """Return a case's request with the live ids in place of the recorded ones."""
        lost = [place for place, ref in _references(case) if ref not in self.ids]
        if lost:
            return NotExercised(f"the responses before it gave nothing for its {lost[0]}")
        body = {key: self._replaced(key, value) for key, value in case.body.items()}
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return case.request._replace(body=raw)

    def _replaced(self, key: str, value: Json) -> Json:
        if key == "input" and isinstance(value, list):
            return [self._item(item) for item in value]
        if key in TURN_REFERENCES:
            return self._id(value)
        return value

    def _item(self, item: Json) -> Json:
        if not isinstance(item, dict):
            return item
        known = item.get("id")
        if item.get("type") != "item_reference" and known in self.items:
            return self.items[known]
        return {
            key: self._id(part) if key in ("id", "call_id") else part for key, part in item.items()
        }

    def _id(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {key: self._id(part) if key == "id" else part for key, part in value.items()}
        return self.ids.get(value, value) if isinstance(value, str) else value


def _data(content: Json) -> Iterator[Json]:
    return (event.data for event in content if hasattr(event, "data")) if content else iter(())


def _whole(values: Iterable[Json]) -> dict[str, Json]:
    """Return the response object itself: the body, or what the last event of a stream holds."""
    found: dict[str, Json] = {}
    for value in values:
        if isinstance(value, dict):
            inner = value.get("response")
            found = inner if isinstance(inner, dict) else found if "type" in value else value
    return found


def _items(response: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    output = response.get("output")
    return [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []


def without_storing(request: Request) -> Request:
    """Return a Responses request that says nothing of `store` with `"store": false` added.

    It changes only what the provider keeps. Any other request stays as it is.
    """
    if request.method != "POST" or not urlsplit(request.url).path.endswith("/responses"):
        return request
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return request
    if not isinstance(body, dict) or "store" in body:
        return request
    raw = json.dumps({**body, "store": False}, ensure_ascii=False, separators=(",", ":"))
    return request._replace(body=raw.encode())
