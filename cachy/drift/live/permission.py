"""Which requests are sent without a setting, and which settings allow the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cachy.config import Config
from cachy.display import matches_glob
from cachy.drift.live.case import Case
from cachy.drift.live.credentials import is_known_host
from cachy.drift.live.inconclusive import SkipReason
from cachy.errors import CachyError
from cachy.fixture.format.text import plain
from cachy.fixture.identity.fixture_path import parse_target
from cachy.interaction import Json
from cachy.providers import WIRE_FORMATS, find_surface
from cachy.providers.mcp import (
    is_call,
    is_read_only,
    surface_words,
    why_not_harmless,
    why_not_resent,
)

# What a provider runs by itself has effects and costs of its own.
_SERVER_SIDE = tuple(dict.fromkeys(name for wire in WIRE_FORMATS for name in wire.server_side))
# Tools that the caller runs; any other kind may be the provider's.
_CLIENT_TOOLS = frozenset(name for wire in WIRE_FORMATS for name in wire.client_tools)
_CLIENT_TOOL_FIELDS = frozenset(name for wire in WIRE_FORMATS for name in wire.client_tool_fields)
_SERVER_SIDE_MODELS = tuple(name for wire in WIRE_FORMATS for name in wire.server_side_models)


@dataclass(frozen=True, slots=True)
class Skip:
    """Why policy leaves a fixture out; `allow` and `host` are the entries that would send it."""

    reason: SkipReason
    detail: str
    allow: str = ""
    host: str = ""


def find_skip(case: Case, config: Config) -> Skip | None:
    """Return why a fixture is not sent although nothing is wrong with it; None where it may be.

    Raises:
        CachyError: an entry of `[tool.cachy.drift] allow` or `skip` that is not a surface.
    """
    names = surface_names(case.fixture.request, config)
    if any(_covers("skip", entry, name) for entry in config.drift.skip for name in names):
        return Skip("skip", "[tool.cachy.drift] skip names it")
    if case.is_websocket:
        return None  # the plan says that it is not sent
    if case.is_truncated:
        return Skip("truncated", "the recording was cut off; record it again to check it")
    if why := why_not_resent(case.fixture.request, case.sample.response):
        return Skip("session", why)
    why = why_not_allowed(case.fixture.request, config)
    host = "" if is_known_host(case.request.url, config.drift.hosts) else case.host
    if why:
        return Skip("not-allowed", why, names[0], host)
    return Skip("no-host", "no setting says which key its host needs", "", host) if host else None


def surface_names(request: Mapping[str, Json], config: Config) -> tuple[str, ...]:
    """Return the names by which settings may mean a request: by its template, and as it is.

    A call of MCP has its method and its tool in its name, or is meant by the server's.
    """
    target = parse_target(request["url"], config.paths)
    method = str(request["method"]).upper()
    names = (
        f"{method} {target.authority}{target.template}",
        f"{method} {target.authority}{target.path}",
    )
    called = surface_words(request.get("json"))
    return (*(f"{name} {called}" for name in names), *names) if called else names


def why_not_allowed(request: Mapping[str, Json], config: Config) -> str:
    """Return why a document's request may not be sent unasked; empty where it may.

    Generation surfaces of the provider table may, unless the provider is to run tools, keep the
    response or search the web; what the config allows always may.
    """
    names = surface_names(request, config)
    if any(_covers("allow", entry, name) for entry in config.drift.allow for name in names):
        return ""
    if is_call(message := plain(request.get("json"))):
        return "" if is_read_only(message) else why_not_harmless(message)
    target = parse_target(request["url"], config.paths)
    surface = find_surface(target.authority, str(request["method"]).upper(), target.template)
    if surface is None or not surface.generates:
        return "cachy does not know it as a generation surface"
    return next(_effects(plain(request.get("json"))), "")


def refuse_surfaces(setting: str, entries: Iterable[str]) -> None:
    """Refuse entries of a setting that name no surface.

    Raises:
        CachyError: the message says what to write.
    """
    for entry in entries:
        _covers(setting, entry, "")


def _covers(setting: str, entry: str, named: str) -> bool:
    method, _, written = entry.strip().partition(" ")
    place = re.sub(r"^https?://", "", written.strip())
    host, _, path = place.partition("/")
    if not host or "/" not in place:
        raise CachyError(
            f"[tool.cachy.drift] {setting}: {entry!r} is not a surface.",
            advice='Write "GET api.example.com/users".',
        )
    host = host.lower().removesuffix(":443")
    return matches_glob(named, f"{method.upper()} {host}/{path}")


def _effects(body: Json) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    for key in _SERVER_SIDE:
        if body.get(key) or body.get(key) == {}:  # which asks for it with its defaults
            yield f"it asks for {key}"
    others = body.get("models")  # among which a router chooses
    models = [body.get("model", ""), *(others if isinstance(others, list) else ())]
    if any(matches_glob(str(model), name) for model in models for name in _SERVER_SIDE_MODELS):
        yield "its model searches the web"
    tools = body.get("tools") or ()
    if not all(map(_is_client_tool, tools if isinstance(tools, (list, tuple)) else (None,))):
        yield "it has a tool that the provider runs"


def _is_client_tool(tool: Json) -> bool:
    if not isinstance(tool, dict):
        return False
    if "type" in tool:
        return tool["type"] in _CLIENT_TOOLS
    return "name" in tool or _CLIENT_TOOL_FIELDS.issuperset(tool)
