"""Changes made on purpose in real answers: each row of the catalogue at random places.

A mutation is drawn where it means something by the catalogue's own words: what is removed was in
every recording and leaves its object with another field, what becomes null never was, an order is
broken that always held. Keys of maps, generated content and discriminators are left alone. It is
made at every value of its path, as a provider would; the other recordings of the surface are the
baseline.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cachy.compare.bodies.excuses import KNOWN, SURE
from cachy.compare.bodies.tool_calls import is_call
from cachy.compare.compare import traits_of
from cachy.providers.response_fields import ENUMS, JUDGED_HEADERS, PADDING, SHUTDOWNS
from cachy.structure.discriminators import DISCRIMINATORS, find_discriminator
from cachy.structure.learn import Structure, event_name, learn
from cachy.structure.paths import Observation

NEW = "zz_new"
Document = dict[str, Any]
Mutated = tuple[Document, str]  # the document, and the path that a change must name
_PLAIN = re.compile(r"[A-Za-z_$@][\w$@-]*")


@dataclass(frozen=True)
class Place:
    """One value of a body: what holds it, under which key, and its path."""

    holder: Any
    key: Any
    path: str

    @property
    def value(self) -> Any:
        return self.holder[self.key]


@dataclass
class Case:
    """An answer, the other recordings of its surface, and what all of them show."""

    document: Document
    baseline: list[Document]

    def __post_init__(self) -> None:
        self.known: Structure = learn([self.document, *self.baseline], counts_once=True)
        self.facts = self.known.paths()
        host = self.document["request"]["url"].split("/")[2]
        traits = traits_of(self.document["request"])
        self.is_closed = traits is not None and traits.is_closed
        self.least = SURE if host.endswith("googleapis.com") else 1

    def places(self, document: Document) -> Iterator[Place]:
        response = document["response"]
        if "json" in response:
            yield from self._walk(response, "json", "$")
        for event in response.get("sse", ()):
            if isinstance(event.get("data"), (dict, list)):
                name = event_name(event.get("event") or "", event["data"])
                yield from self._walk(event, "data", f"event({name})")

    def _walk(self, holder: Any, key: Any, path: str) -> Iterator[Place]:
        if not self._is_told(path):
            return
        value = holder[key]
        yield Place(holder, key, path)
        inside = self._variant(path, value)
        if inside != path:
            yield Place(holder, key, inside)
        if isinstance(value, dict):
            for name in filter(_PLAIN.fullmatch, list(value)):
                if not name.startswith("$"):
                    yield from self._walk(value, name, f"{inside}.{name}")
        elif isinstance(value, list):
            for at in range(len(value)):
                yield from self._walk(value, at, f"{path}[*]")

    def _is_told(self, path: str) -> bool:
        """Return whether a value is the API's own: a map's value and a model's text are not."""
        fact = self.facts.get(path)
        return bool(fact and not fact.is_map and (fact.lengths or not fact.is_opaque))

    def _variant(self, path: str, value: Any) -> str:
        found = find_discriminator(value) if isinstance(value, dict) else None
        name = "=".join(found or ())
        inside = f"{path[:-3]}[{name}]" if path.endswith("[*]") else f"{path}{{{name}}}"
        return inside if found and inside in self.facts else path


Wanted = Callable[[Case, Place, Observation], bool]


def at_values(wanted: Wanted, change: Callable[[list[Place], random.Random], str]) -> Any:
    """Make a mutation of the values of one path; `change` gives what the path then ends in."""

    def mutate(case: Case, draw: random.Random) -> Mutated | None:
        document = copy.deepcopy(case.document)
        groups: dict[str, list[Place]] = {}
        for place in case.places(document):
            groups.setdefault(place.path, []).append(place)
        fit = [path for path, all_ in groups.items() if wanted(case, all_[0], case.facts[path])]
        if not fit:
            return None
        path = draw.choice(fit)
        ending = change(groups[path], draw)
        return (document, path + ending) if ending != "no" else None

    return mutate


def is_field(case: Case, place: Place, fact: Observation) -> bool:
    """A named field of which every recorded object had one, beside others."""
    return (
        isinstance(place.key, str)
        and isinstance(place.holder, dict)
        and not fact.is_variant
        and place.path.endswith(f".{place.key}")
        and place.key not in (*DISCRIMINATORS, *PADDING)
        and not fact.is_optional
        and fact.count > 0
    )


def is_removable(case: Case, place: Place, fact: Observation) -> bool:
    is_alone = any(len(one) < 2 for one in [place.holder])
    is_set = fact.types != {"null"} and fact.seen >= case.least
    return is_field(case, place, fact) and is_set and not is_alone


def may_be_empty(case: Case, place: Place, fact: Observation) -> bool:
    """A list of an API that leaves out empty ones."""
    return case.least > 1 and fact.types == {"array"}


def remove(places: list[Place], draw: random.Random) -> str:
    if any(len(place.holder) < 2 for place in places):
        return "no"
    for place in places:
        del place.holder[place.key]
    return ""


def remove_some(places: list[Place], draw: random.Random) -> str:
    return "no" if len(places) < 2 else remove(places[: len(places) // 2], draw)


def set_to(value: Any) -> Callable[[list[Place], random.Random], str]:
    def change(places: list[Place], draw: random.Random) -> str:
        for place in places:
            place.holder[place.key] = copy.deepcopy(value)
        return ""

    return change


def set_other_type(places: list[Place], draw: random.Random) -> str:
    return set_to(7 if isinstance(places[0].value, str) else "seven")(places, draw)


def widen(places: list[Place], draw: random.Random) -> str:
    kept = [place for place in places if place.value is not None]
    return "no" if len(kept) < 2 else set_other_type(kept[:1], draw)


def add_field(places: list[Place], draw: random.Random) -> str:
    for place in places:
        place.value[NEW] = 1
    return f".{NEW}"


def add_variant(places: list[Place], draw: random.Random) -> str:
    key, _ = find_discriminator(places[0].value) or ("type", "")
    places[0].holder.append({**places[0].value, key: NEW})
    return f"\0[{key}={NEW}]"


def shorten(places: list[Place], draw: random.Random) -> str:
    for place in places:
        place.value.pop()
    return ""


def has_one_length(case: Case, place: Place, fact: Observation) -> bool:
    return len(fact.lengths) == 1 and len(place.value) > 2


def is_demanded(case: Case, place: Place, fact: Observation) -> bool:
    """A tool call beside something else."""
    if not (fact.is_variant and isinstance(place.holder, list) and is_call(place.path)):
        return False
    return any(find_discriminator(one) != find_discriminator(place.value) for one in place.holder)


def drop_members(places: list[Place], draw: random.Random) -> str:
    gone = {id(place.value) for place in places}
    for place in places:
        place.holder[:] = [one for one in place.holder if id(one) not in gone]
    return ""


def demand_call(case: Case, draw: random.Random) -> Mutated | None:
    """Demand a tool call in the request, and give none."""
    mutated: Mutated | None = at_values(is_demanded, drop_members)(case, draw)
    case.document["request"]["json"] = {"tool_choice": "required"}
    return mutated


def is_object(case: Case, place: Place, fact: Observation) -> bool:
    value = place.value
    return isinstance(value, dict) and len(value) > 1 and "$lines" not in value


def has_one_type(case: Case, place: Place, fact: Observation) -> bool:
    known = case.facts[place.path].types
    new = "integer" if isinstance(place.value, str) else "string"
    return is_field(case, place, fact) and place.value is not None and new not in known | {"number"}


def never_null(case: Case, place: Place, fact: Observation) -> bool:
    speaks = any("null" in one.types for one in case.facts.values())
    least = SURE if speaks else KNOWN
    return is_field(case, place, fact) and "null" not in fact.types and fact.seen >= least


def always_null(least: int) -> Wanted:
    return lambda case, place, fact: (
        is_field(case, place, fact) and fact.types == {"null"} and fact.seen >= least
    )


def is_enum(case: Case, place: Place, fact: Observation) -> bool:
    is_known = isinstance(place.value, str) and bool(fact.tokens) and fact.seen >= SURE
    return is_known and place.key in ENUMS and place.key not in DISCRIMINATORS


def has_format(case: Case, place: Place, fact: Observation) -> bool:
    return (
        len(fact.formats) == 1
        and fact.formats != {""}
        and fact.seen >= KNOWN
        and bool(place.value)
        and isinstance(place.value, str)
    )


def is_item_of_union(case: Case, place: Place, fact: Observation) -> bool:
    """A member of a provider's own union: elsewhere a list may hold records of any kind."""
    key = place.path[place.path.rfind("[") + 1 :].partition("=")[0]
    is_named = fact.is_variant and isinstance(place.holder, list) and key in DISCRIMINATORS
    return is_named and case.is_closed


def announce(places: list[Place], draw: random.Random) -> str:
    name = draw.choice(SHUTDOWNS)
    for place in places:
        place.value[name] = "2026-12-31"
    return f".{name}"


def is_model(case: Case, place: Place, fact: Observation) -> bool:
    is_listed = isinstance(place.holder, list) and isinstance(place.value, dict)
    return is_listed and not set(SHUTDOWNS) & set(place.value) and len(place.value) > 1


def events_of(document: Document) -> list[Any]:
    events: list[Any] = document["response"].get("sse") or []
    return events


def name_of(event: Any) -> str:
    return event_name(event.get("event") or "", event.get("data"))


def add_event(case: Case, draw: random.Random) -> Mutated | None:
    document = copy.deepcopy(case.document)
    if len(events := events_of(document)) < 2:
        return None
    events.insert(draw.randrange(1, len(events)), {"event": NEW, "data": {"type": NEW}})
    return document, f"event({NEW})"


def drop_event(case: Case, draw: random.Random) -> Mutated | None:
    document = copy.deepcopy(case.document)
    events, roots = events_of(document), case.known.roots
    always = [
        name
        for name in sorted({name_of(event) for event in events[:-1]})
        if f"event({name})" in roots and name != name_of(events[-1])
        if roots[f"event({name})"].seen == case.known.recordings
    ]
    if not always:
        return None
    name = draw.choice(always)
    document["response"]["sse"] = [event for event in events if name_of(event) != name]
    return document, f"event({name})"


def swap_events(case: Case, draw: random.Random) -> Mutated | None:
    document = copy.deepcopy(case.document)
    events, orders = events_of(document), case.known.orders
    names = [name_of(event) for event in events]
    pairs = [
        (one, other)
        for (one, other), count in sorted(orders.items())
        if count >= KNOWN and (other, one) not in orders and {one, other} <= set(names[:-1])
    ]
    if not pairs:
        return None
    one, other = draw.choice(pairs)
    events.insert(names.index(one), copy.deepcopy(events[names.index(other)]))
    return document, "stream"


def cut_end(case: Case, draw: random.Random) -> Mutated | None:
    document = copy.deepcopy(case.document)
    events = events_of(document)
    while events and name_of(events[-1]) in case.known.endings:
        events.pop()
    left = {name_of(event) for event in events} & case.known.roots.keys()
    return (document, "stream") if len(events) > 1 or left else None


def answer(
    status: int, kind: str = "json", body: Any = None, media: str = "application/json"
) -> Any:
    """Answer otherwise altogether."""

    def mutate(case: Case, draw: random.Random) -> Mutated | None:
        if case.document["response"].get("status") != 200:
            return None
        response = {"status": status, "headers": {"content-type": media}, kind: body}
        is_same = status == 200
        if is_same and "json" not in case.document["response"]:
            return None
        kept = case.document["response"] if status == 202 else {}
        document = {**case.document, "response": {**kept, **({} if kept else response)}}
        document["response"]["status"] = status
        return document, "headers.content-type" if is_same else "status"

    return mutate


def with_header(name: str, value: str, before: str | None = None) -> Any:
    """Send a header, in place of another value of it where one is given."""

    def mutate(case: Case, draw: random.Random) -> Mutated | None:
        response = case.document["response"]
        documents = [one["response"] for one in (case.document, *case.baseline)]
        lowered = [{key.lower() for key in one.get("headers") or {}} for one in documents]
        if any(name in one for one in lowered) or not response.get("headers"):
            return None
        if before is not None:
            response["headers"][name] = before
        headers = {**response["headers"], name: value}
        return {**case.document, "response": {**response, "headers": headers}}, f"headers.{name}"

    return mutate


def without_header(case: Case, draw: random.Random) -> Mutated | None:
    response = case.document["response"]
    response["headers"] = {**(response.get("headers") or {"date": "x"}), "etag": "x"}
    for one in case.baseline:
        one["response"]["headers"] = {**(one["response"].get("headers") or {}), "etag": "x"}
    headers = {key: value for key, value in response["headers"].items() if key != "etag"}
    return {**case.document, "response": {**response, "headers": headers}}, "headers.etag"


def move_redirect(case: Case, draw: random.Random) -> Mutated | None:
    redirect = {"status": 302, "headers": {"location": "https://files.example.com/a"}, "text": ""}
    case.document = {**case.document, "response": redirect}
    moved = {**redirect, "headers": {"location": "https://cdn.example.net/a"}}
    return {**case.document, "response": moved}, "headers.location"


def move_error(case: Case, draw: random.Random) -> Mutated | None:
    response = case.document["response"]
    body = response.get("json")
    if not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return None
    return {
        **case.document,
        "response": {**response, "json": {"failure": body["error"]}},
    }, "$.error"


def move_alias(case: Case, draw: random.Random) -> Mutated | None:
    document = copy.deepcopy(case.document)
    body = document["response"].get("json")
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return None
    if not re.fullmatch(r"[A-Za-z][\w.:/@-]{0,60}", body["model"]):
        return None
    body["model"] += "-b"
    body[NEW] = 1
    return document, "$.model"


REFUSED = {"error": {"code": "unknown_parameter", "message": "no"}}
ROWS: dict[str, tuple[Callable[[Case, random.Random], Mutated | None], ...]] = {
    "field-added": (at_values(is_object, add_field),),
    "field-removed": (at_values(is_removable, remove),),
    "field-became-optional": (
        at_values(
            lambda *of: is_removable(*of) and of[2].seen >= KNOWN and not may_be_empty(*of),
            remove_some,
        ),
    ),
    "type-changed": (at_values(has_one_type, set_other_type),),
    "type-widened": (at_values(has_one_type, widen),),
    "null-added": (at_values(never_null, set_to(None)),),
    "null-resolved": (at_values(always_null(SURE), set_to({"a": 1})),),
    "absent-null-swapped": (
        at_values(lambda *of: always_null(1)(*of) and of[2].seen >= of[0].least, remove),
    ),
    "enum-value-added": (at_values(is_enum, set_to(NEW)),),
    "format-changed": (at_values(has_format, set_to("something else")),),
    "array-length-changed": (at_values(has_one_length, shorten),),
    "variant-vanished": (demand_call,),
    "variant-added": (at_values(is_item_of_union, add_variant),),
    "model-shutdown-announced": (at_values(is_model, announce),),
    "event-added": (add_event,),
    "event-vanished": (drop_event,),
    "stream-order-changed": (swap_events,),
    "terminator-changed": (cut_end,),
    "status-changed": (answer(202),),
    "request-rejected": (answer(400, body=REFUSED), answer(422, body=REFUSED)),
    "model-retired": (
        *(answer(404, body=REFUSED), answer(410, "text", "gone", "text/plain")),
        answer(400, body={"error": {"code": "model_not_found"}}),
    ),
    "content-type-changed": (answer(200, "text", "<html>", "text/html"),),
    "header-added": tuple(with_header(name, "x") for name in JUDGED_HEADERS),
    "header-removed": (without_header,),
    "api-version-changed": (with_header("x-api-version", "2026-10-21", "2023-06-01"),),
    "deprecation-announced": (with_header("deprecation", "@1735689600"),),
    "sunset-announced": (with_header("sunset", "Sat, 31 Oct 2026 23:59:59 GMT"),),
    "redirect-host-changed": (move_redirect,),
    "error-shape-changed": (move_error,),
    "model-alias-moved": (move_alias,),
}


def bare(path: str) -> str:
    """Return a path without its variants: how a report shows them depends on their neighbours."""
    head, _, variant = path.partition("\0")
    path = head.rsplit("[", 1)[0] + variant if variant else head
    inside = path.rpartition("[")
    if "=" in inside[2] and path.endswith("]"):
        return re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", inside[0]) + "[" + inside[2]
    return re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", path)
