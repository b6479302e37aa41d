"""Checks of what callers pass to a comparison: whether it is a fixture that can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cachy.errors import CachyError
from cachy.fixture.format.event import STREAMS
from cachy.fixture.format.text import DEEPEST_DOCUMENT
from cachy.fixture.identity.fixture_path import parse_target
from cachy.interaction import Fixture, Json
from cachy.structure.learn import FixtureOrDocument, document_of

_SCALARS = (str, int, float, bool, type(None))
_KINDS = {dict: "an object", list: "a list", str: "text", type(None): "nothing"}


def read_document(given: FixtureOrDocument, name: str) -> Mapping[str, Json]:
    """Return the document that a caller's argument `name` is or holds.

    Raises:
        CachyError: it is not a fixture; its bodies are not checked yet.
    """
    document: Json = document_of(given)
    _refuse(name, _flaw_of(document))
    return document  # type: ignore[no-any-return]


def read_baseline(given: Iterable[FixtureOrDocument]) -> list[Mapping[str, Json]]:
    """Return the documents of more recordings; a `Fixture` was checked when its file was read.

    Raises:
        CachyError: they are not a list, or one of them is not a fixture.
    """
    if isinstance(given, (Mapping, str, bytes)) or not isinstance(given, Iterable):
        raise CachyError(f"compare: baseline is {_kind(given)}.", advice="Pass a list of fixtures.")
    return [
        one.document if isinstance(one, Fixture) else read_document(one, f"baseline[{at}]")
        for at, one in enumerate(given)
    ]


def refuse_bodies(documents: Mapping[str, Mapping[str, Json]]) -> None:
    """Raise CachyError for the first document, given by argument, that cannot be compared."""
    for name, document in documents.items():
        _refuse(name, _flaw_of(document) or next(_flaws_within(document), ""))


def _refuse(name: str, flaw: str) -> None:
    if flaw:
        raise CachyError(
            f"compare: {name} is not a fixture: {flaw}",
            advice="Pass a document as a fixture's file holds it, or a Fixture.",
        )


def _flaw_of(document: Json) -> str:
    """Return why a value is not a document; "" if it is one."""
    if not isinstance(document, Mapping):
        return f"it is {_kind(document)}"
    request, response = document.get("request") or {}, document.get("response")
    if not isinstance(request, Mapping):
        return f"its request is {_kind(request)}"
    if not isinstance(response, Mapping):
        return f"its response is {_kind(response)}"
    if not isinstance(response.get("headers") or {}, Mapping):
        return f"its response.headers are {_kind(response['headers'])}"
    for kind in (*STREAMS, "ndjson", "ws"):
        if kind in response and not isinstance(response[kind], (list, tuple)):
            return f"its response.{kind} is {_kind(response[kind])}"
    return ""


def _flaws_within(document: Mapping[str, Json]) -> Iterator[str]:
    """Yield what is wrong inside a document: a URL, an event, a value that JSON lacks."""
    try:
        parse_target(str((document.get("request") or {}).get("url", "")))
    except ValueError:
        yield "its request.url is not a URL"
    for kind in STREAMS:
        for event in document["response"].get(kind, ()):
            if not isinstance(event, dict):
                yield f"an event of its response.{kind} is {_kind(event)}"
    level: list[Json] = [document]
    for _ in range(DEEPEST_DOCUMENT):
        inner = [item for value in level for item in _items(value)]
        if any(not isinstance(item, (*_SCALARS, list, dict)) for item in inner):
            yield "it holds what JSON cannot hold"
        level = [item for item in inner if isinstance(item, (list, dict))]
    if level:
        yield "it is nested too deeply"


def _items(value: Json) -> Iterator[Json]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield item if isinstance(key, str) else object()
    else:
        yield from value


def _kind(value: Json) -> str:
    return _KINDS.get(type(value), type(value).__name__)
