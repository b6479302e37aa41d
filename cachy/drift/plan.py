"""Which requests are sent again: what is harmless, and as few as show every known structure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from cachy.config import Config
from cachy.fixtures.format import plain
from cachy.fixtures.place import parse_target
from cachy.interaction import Json
from cachy.providers import find_surface

# What a provider runs by itself has effects and costs of its own.
_SERVER_SIDE = (
    *("background", "store", "web_search_options", "mcp_servers", "plugins", "connectors"),
    *("search_parameters", "container"),
)
# Tools that the caller runs; any other kind may be the provider's.
_CLIENT_TOOLS = ("function", "custom")
_GEMINI_CLIENT_TOOLS = frozenset({"functionDeclarations", "function_declarations"})
# What an earlier answer or an upload gave is gone some day, and that is no drift.
_REFERENCES = frozenset(
    {
        *("previous_response_id", "conversation", "file_id", "file_ids", "container_id"),
        *("vector_store_ids", "cached_content", "cachedContent", "fileUri", "file_uri"),
    }
)


def why_not_allowed(request: Mapping[str, Json], config: Config) -> str:
    """Say why a document's request may not be sent unasked; empty where it may.

    Generation surfaces of the provider table may, unless the provider is to run tools, keep the
    answer or look up something that it gave before; what the config allows always may.
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
    wanted = f"{method.upper()} {place.strip()}".replace("[", "[[]")
    return fnmatchcase(named, wanted)


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
    return "name" in tool or _GEMINI_CLIENT_TOOLS.issuperset(tool)


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
