"""The structure of a surface, learned from fixtures: of the body, or of each event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from cachy.fixture.format.event import is_stream, stream_of, wire_name
from cachy.fixture.format.lossless_json import parse_data
from cachy.fixture.format.text import with_json
from cachy.interaction import Fixture, Json
from cachy.providers.openai import DONE
from cachy.providers.response_fields import KEEP_ALIVE_EVENTS
from cachy.structure.declared_tools import as_declared
from cachy.structure.learn_value import learn_value
from cachy.structure.node import Node, add_counts, add_node, align_nodes
from cachy.structure.paths import Paths, flatten
from cachy.structure.plain_body import decode

FixtureOrDocument = Mapping[str, Json] | Fixture
MOST_EVENTS = 64  # kinds of events whose order is learned


@dataclass(slots=True)
class Structure:
    """What is known of a surface: one node for a body, or one for each kind of event.

    `endings` counts streams by their last event, `orders` by pairs of events, the one that
    comes first first.
    """

    roots: dict[str, Node] = field(default_factory=dict)
    recordings: int = 0
    streams: int = 0
    endings: dict[str, int] = field(default_factory=dict)
    orders: dict[tuple[str, str], int] = field(default_factory=dict)
    _resources: dict[str, int] = field(default_factory=dict)

    def learn(self, document: FixtureOrDocument, *, counts_once: bool = False) -> None:
        """Add one recorded response.

        `counts_once`: several responses to one GET show one resource, and are one recording.
        """
        found = document_of(document)
        response = with_json(found["response"])
        mark = self._mark(found.get("request") or {} if counts_once else {})
        if is_stream(response):
            self._learn_stream(response, mark)
        elif "ndjson" in response:
            for line in response["ndjson"]:
                self._root("event(line)", decode(line), mark)
        elif "json" in response:
            self._root("$", as_declared(decode(response["json"])), mark)
        elif kind := next((kind for kind in ("text", "base64", "blob") if kind in response), None):
            self._root("$", "", mark)
            self.endings[kind] = self.endings.get(kind, 0) + 1

    def _mark(self, request: Mapping[str, Json]) -> int:
        """Return the bit of a recording, a new one unless its resource was seen before."""
        url = str(request.get("url", "")) if request.get("method") == "GET" else ""
        at = self._resources.get(url, self.recordings)
        if url:
            self._resources[url] = at
        self.recordings = max(self.recordings, at + 1)
        return 1 << at

    def _root(self, name: str, value: Json, mark: int) -> None:
        learn_value(self.roots.setdefault(name, Node()), value, mark, name)

    def _learn_stream(self, response: Mapping[str, Json], mark: int) -> None:
        self.streams += 1
        last, names = "", dict[str, None]()
        for name, data in events_of(response):
            if isinstance(data, (dict, list)):
                self._root(f"event({name})", data, mark)
            last = name
            names.setdefault(name)
        for pair in combinations([*names][:MOST_EVENTS], 2):
            self.orders[pair] = self.orders.get(pair, 0) + 1
        self.endings[last] = self.endings.get(last, 0) + 1

    def add(self, other: Structure) -> None:
        """Add what another structure has learned."""
        for name, node in other.roots.items():
            add_node(self.roots.setdefault(name, Node()), node, self.recordings)
        self.recordings += other.recordings
        self.streams += other.streams
        add_counts(self.endings, other.endings)
        add_counts(self.orders, other.orders)

    def paths(self) -> Paths:
        """Return every path of every root, with its observation."""
        found: Paths = {}
        for name, node in sorted(self.roots.items()):
            found.update(flatten(node, name))
        return found


def events_of(response: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield the name and the data of each event of a stream that has data."""
    for fields in stream_of(response):
        data = decode(fields["data"]) if "data" in fields else None
        data = parse_data(data) if isinstance(data, str) else data
        name = event_name(wire_name(fields), data)
        if data is not None and name.rpartition(".")[2] not in KEEP_ALIVE_EVENTS:
            yield name, as_declared(data)


def event_name(event: str, data: Json) -> str:
    """Return the kind of an event: its own name, else the `type` or `object` of its data."""
    if event and event != "message":
        return event
    if isinstance(data, dict):
        named = data.get("type") or data.get("object")
        return named if isinstance(named, str) else "data"
    return DONE if data == DONE else "data"


def document_of(document: FixtureOrDocument) -> Mapping[str, Json]:
    """Return the document of a fixture or document."""
    return document.document if isinstance(document, Fixture) else document


def learn(documents: Iterable[FixtureOrDocument], *, counts_once: bool = False) -> Structure:
    """Return the structure of some responses of one surface; see `Structure.learn`."""
    structure = Structure()
    for document in documents:
        structure.learn(document, counts_once=counts_once)
    return structure


def align(one: Structure, other: Structure) -> None:
    """Bring two structures into one layout: what is data in either is data in both."""
    for name in one.roots.keys() & other.roots.keys():
        align_nodes(one.roots[name], other.roots[name])
