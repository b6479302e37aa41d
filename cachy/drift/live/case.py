"""What drift needs of a fixture: its request, what its response shows, what sending it costs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from cachy.config import Config
from cachy.drift.live.large_fixture import in_short, keep_small
from cachy.fixture.document import request_of
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.format.text import parse_headers, plain
from cachy.fixture.identity.fixture_path import parse_target
from cachy.fixture.replayed import LoadBlob
from cachy.fixture.store.store import Store
from cachy.fixture.transcript.usage import tokens_of
from cachy.interaction import Fixture, Json, Request
from cachy.structure.contract_file import surface_of
from cachy.structure.learn import learn
from cachy.structure.paths import Paths

_MODEL = re.compile(r"/(?:models|deployments|model)/([^/:]+)")
# Objects of a request that hold its parameters, as the body itself does elsewhere.
_NESTED = ("generationConfig", "generation_config", "options", "inferenceConfig")


class AskedRequest(NamedTuple):
    """A recorded request: as it is sent, and its JSON body as plain values."""

    request: Request
    body: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What drift needs of a fixture.

    name: its path from the project's folder, with forward slashes.
    host: host and port of the request, as a credential is bound to.
    sample: the fixture for others to learn from; of a large one what its structure needs.
    facets: what a live response to it may show or disprove: each path of the recorded response
        with each of its types and tokens, and the model, parameters, tools and headers asked for.
    branches: the paths of the recorded response that another response to the same request may
        not show.
    size: bytes of the request's body.
    output_tokens: what the recorded response cost, 0 where it does not say.
    """

    name: str
    surface: str
    host: str
    fixture: Fixture
    sample: Fixture
    model: str
    facets: frozenset[str]
    branches: frozenset[str]
    size: int
    output_tokens: int = 0
    total_tokens: int = 0
    is_truncated: bool = False
    is_websocket: bool = False
    load_request: Callable[[], AskedRequest]

    @property
    def request(self) -> Request:
        """Return the recorded request, with placeholders for its secrets."""
        return self.load_request().request

    @property
    def body(self) -> Json:
        """Return the JSON body of the request; None if it has none."""
        return self.load_request().body

    @property
    def test(self) -> str:
        """Return the test that recorded it; empty if unknown."""
        return str(self.fixture.document.get("recorded", {}).get("test", ""))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return the names of the request headers that the fixture does not keep."""
        names = self.fixture.request.get("left_out", ())
        return tuple(map(str, names)) if isinstance(names, (list, tuple)) else ()


def parse_cases(fixtures: Iterable[Fixture], config: Config) -> list[Case]:
    """Return what drift needs of each fixture; a large one is not kept.

    Raises:
        CachyError: a file cannot be read, or is not a valid fixture.
    """
    store = Store(config.fixtures)
    return [_parse_case(fixture, config, store.load_blob) for fixture in fixtures]


def _parse_case(fixture: Fixture, config: Config, load_blob: LoadBlob) -> Case:
    asked = _parse_request(fixture, load_blob)
    request, body = asked
    kept = keep_small(fixture)
    is_kept = kept is fixture
    sample = fixture if is_kept else in_short(fixture)
    paths = learn([sample]).paths()
    response = fixture.response
    tokens = tokens_of(response)
    model = model_of(request.url, body)
    facets = {*_shown(paths), *_asked(fixture, request, body), f"model {model}"}
    return Case(
        name=fixture_name(fixture, config),
        surface=surface_of(fixture.document, config),
        host=parse_target(request.url, config.paths).authority,
        fixture=kept,
        sample=sample,
        load_request=(lambda: asked) if is_kept else partial(_parse_request, kept, load_blob),
        model=model,
        facets=frozenset(facets),
        branches=frozenset(p for p, fact in paths.items() if fact.is_variant or _is_event(p)),
        size=len(request.body),
        output_tokens=tokens[1],
        total_tokens=sum(tokens),
        is_truncated=bool(response.get("truncated")),
        is_websocket="ws" in response,
    )


def _parse_request(fixture: Fixture, load_blob: LoadBlob) -> AskedRequest:
    body = plain(fixture.request.get("json"))
    return AskedRequest(request_of(fixture.document, load_blob), body)


def _is_event(path: str) -> bool:
    return path.startswith("event(") and path.endswith(")")


def _shown(paths: Paths) -> Iterator[str]:
    for path, fact in paths.items():
        yield from (f"{path}: {kind}" for kind in fact.types)
        yield from (f"{path} = {token}" for token in fact.tokens)


def _asked(fixture: Fixture, request: Request, body: Json) -> Iterator[str]:
    """Yield what a request asks for: an API may refuse each by itself."""
    for name, value in parse_headers(fixture.request.get("headers", {})):
        yield f"header {name.lower()}: {value}"
    yield from (f"query {name}" for name, _ in parse_qsl(urlsplit(request.url).query))
    yield from (f"field {name}" for name, _ in fixture.request.get("form", ()))
    yield from (f"field {part.get('name', '')}" for part in fixture.request.get("multipart", ()))
    if not isinstance(body, dict):
        return
    for key, value in body.items():
        yield f"key {key}"
        if key in _NESTED and isinstance(value, dict):
            yield from (f"key {key}.{inner}" for inner in value)
    yield from (f"tool {kind}" for kind in _tool_kinds(body.get("tools")))


def _tool_kinds(tools: Json) -> Iterator[str]:
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            yield from [str(tool["type"])] if "type" in tool else map(str, tool)


def model_of(url: str, body: Json) -> str:
    """Return the model that a request names; empty if it names none."""
    named = body.get("model") if isinstance(body, dict) else None
    if isinstance(named, str):
        return named
    found = _MODEL.search(urlsplit(url).path)
    return found[1] if found else ""


def fixture_name(fixture: Fixture, config: Config) -> str:
    """Return a fixture's path from the project's folder, with forward slashes."""
    return path_name(fixture.path or config.root, config)


def blob_path(name: str, config: Config) -> str:
    """Return the path of a blob's file in the same way."""
    return path_name(config.fixtures / BLOBS / name, config)


def path_name(path: Path, config: Config) -> str:
    """Return the path of any file in the same way."""
    inside = str(path).removeprefix(f"{config.root}{os.sep}")  # faster than by parts
    return inside.replace(os.sep, "/")
