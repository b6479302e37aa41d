"""Which requests are sent again: what is harmless, and as few as show every known structure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cachy.config import Config
from cachy.display import matches_glob, relative_path
from cachy.drift.live.inconclusive import Unchecked
from cachy.errors import CachyError, InvalidFixture
from cachy.fixture.document import request_of
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.format.text import parse_headers, plain
from cachy.fixture.identity.fixture_path import parse_target
from cachy.fixture.store.store import Store
from cachy.interaction import Fixture, Json, Request
from cachy.providers import WIRE_FORMATS, find_surface
from cachy.structure.contract import Contract
from cachy.structure.contract_file import surface_of
from cachy.structure.learn import learn

# What a provider runs by itself has effects and costs of its own.
_SERVER_SIDE = tuple(dict.fromkeys(name for wire in WIRE_FORMATS for name in wire.server_side))
# Tools that the caller runs; any other kind may be the provider's.
_CLIENT_TOOLS = frozenset(name for wire in WIRE_FORMATS for name in wire.client_tools)
_CLIENT_TOOL_FIELDS = frozenset(name for wire in WIRE_FORMATS for name in wire.client_tool_fields)
# What an earlier response or an upload gave is gone some day, and that is not drift.
_REFERENCES = frozenset(name for wire in WIRE_FORMATS for name in wire.references)


@dataclass(frozen=True, slots=True)
class Case:
    """A fixture as drift sees it.

    `name` is its path from the project's folder; `paths` is what its answer shows, `branches`
    those of them that another answer to the same request may not show.
    """

    name: str
    surface: str
    fixture: Fixture
    request: Request
    paths: frozenset[str]
    branches: frozenset[str]


@dataclass(frozen=True, slots=True)
class Planned:
    """A case to send again, beside the others of its surface; or why it is not sent."""

    case: Case
    others: tuple[Fixture, ...] = ()
    refusal: Unchecked | None = None
    contract: Contract | None = None


def parse_cases(fixtures: Iterable[Fixture], config: Config) -> list[Case]:
    """Read what drift needs of each fixture.

    Raises:
        CachyError: a fixture that is not whole.
    """
    store = Store(config.fixtures)
    return [_parse_case(fixture, config, store) for fixture in fixtures]


def _parse_case(fixture: Fixture, config: Config, store: Store) -> Case:
    try:
        request = request_of(fixture.document, store.load_blob)
        _read_through(fixture, request)
        paths = learn([fixture]).paths()
        branches = [path for path, fact in paths.items() if fact.is_variant or _is_event(path)]
        surface = surface_of(fixture.document, config)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise InvalidFixture(fixture.path or "fixture") from None
    named = fixture_name(fixture, config)
    return Case(named, surface, fixture, request, frozenset(paths), frozenset(branches))


def _read_through(fixture: Fixture, request: Request) -> None:
    """Touch what is used only later: a fixture that somebody edited fails here, by its name."""
    request.method.encode("ascii")
    request.url.encode("utf-8")
    parse_headers(fixture.document["response"].get("headers", {}))
    fixture.document.get("recorded", {}).items()


def _is_event(path: str) -> bool:
    return path.startswith("event(") and path.endswith(")")


def fixture_name(fixture: Fixture, config: Config) -> str:
    """Name a fixture by its path from the project's folder, with forward slashes."""
    return path_name(fixture.path or config.root, config)


def blob_path(name: str, config: Config) -> str:
    """Name a blob's file in the same way."""
    return path_name(config.fixtures / BLOBS / name, config)


def path_name(path: Path, config: Config) -> str:
    """Name any file in the same way."""
    return relative_path(path, config.root)


def make_plan(
    cases: Sequence[Case], known: Iterable[Case], config: Config, *, is_all: bool = False
) -> list[Planned]:
    """Plan by surface: the fewest cases that show all that these show, or all of them.

    `known` are the project's: what is learned from, whatever of it is sent.
    """
    surfaces: defaultdict[str, list[Case]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: (case.surface, case.name)):
        surfaces[case.surface].append(case)
    whole: defaultdict[str, list[Fixture]] = defaultdict(list)
    for case in known:
        if not case.fixture.response.get("truncated"):
            whole[case.surface].append(case.fixture)
    return [
        replace(planned, others=_without(whole[surface], planned.case.fixture))
        for surface, group in surfaces.items()
        for planned in _plan_surface(group, config, is_all)
    ]


def _without(fixtures: Iterable[Fixture], left_out: Fixture) -> tuple[Fixture, ...]:
    return tuple(fixture for fixture in fixtures if fixture is not left_out)


def _plan_surface(group: Sequence[Case], config: Config, is_all: bool) -> Iterator[Planned]:
    refusals = {case.name: _find_refusal(case, config) for case in group}
    # A surface without a body has no path, but an answer to hear.
    shown = {case.name: case.paths | {""} for case in group if not refusals[case.name]}
    chosen = set(shown if is_all else cover(shown))
    for case in group:
        if case.name in chosen or refusals[case.name]:
            yield Planned(case, refusal=refusals[case.name])


def _find_refusal(case: Case, config: Config) -> Unchecked | None:
    if reason := why_not_allowed(case.fixture.request, config):
        return Unchecked("not-allowed", reason)
    if case.fixture.response.get("truncated"):
        return Unchecked("unparsed", "the recording was cut; record it again")
    return None


def why_not_allowed(request: Mapping[str, Json], config: Config) -> str:
    """Say why a document's request may not be sent unasked; empty where it may.

    Generation surfaces of the provider table may, unless the provider is to run tools, keep the
    answer or look up something that it gave before; what the config allows always may.

    Raises:
        CachyError: an entry of `[tool.cachy.drift] allow` that names no method or no path.
    """
    target = parse_target(request["url"], config.paths)
    method = request["method"].upper()
    named = f"{method} {target.authority}{target.template}"
    exact = f"{method} {target.authority}{target.path}"
    if any(_covers(entry, name) for entry in config.drift.allow for name in (named, exact)):
        return ""
    surface = find_surface(target.authority, method, target.template)
    hint = f'[tool.cachy.drift] allow = ["{named}"] permits it'
    if surface is None or not surface.generates:
        return f"it is no generation surface that cachy knows; {hint}"
    reason = next(_effects(plain(request.get("json"))), "")
    return reason and f"{reason}; {hint}"


def _covers(entry: str, named: str) -> bool:
    method, _, place = entry.strip().partition(" ")
    if "/" not in place:
        raise CachyError(
            f'[tool.cachy.drift] allow: {entry!r} is no surface. Write "GET api.example.com/users".'
        )
    return matches_glob(named, f"{method.upper()} {place.strip()}")


def _effects(body: Json) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    for key in _SERVER_SIDE:
        if body.get(key):
            yield f"it asks for {key}"
    tools = body.get("tools") or ()
    if not all(map(_is_client_tool, tools if isinstance(tools, (list, tuple)) else (None,))):
        yield "it has a tool that the provider runs"
    if found := sorted(_REFERENCES.intersection(_keys(body))):
        yield f"it refers to an earlier answer by {found[0]}"


def _is_client_tool(tool: Json) -> bool:
    if not isinstance(tool, dict):
        return False
    if "type" in tool:
        return tool["type"] in _CLIENT_TOOLS
    return "name" in tool or _CLIENT_TOOL_FIELDS.issuperset(tool)


def _keys(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if item and key not in ("parameters", "input_schema", "schema"):
                yield key
                yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


def cover(known: Mapping[str, frozenset[str]], seen: Iterable[str] = ()) -> list[str]:
    """Choose few names that together show all that any of them shows; the same ones every time.

    `known` says what each name shows; what was `seen` needs no showing.
    """
    missing = frozenset[str]().union(*known.values()) - frozenset(seen)
    chosen: list[str] = []
    while missing:
        best = min(known, key=lambda name: (-len(known[name] & missing), name))
        chosen.append(best)
        missing -= known[best]
    return sorted(chosen)
