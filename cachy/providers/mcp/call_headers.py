"""The headers in which a call repeats its body, where each call says its protocol's version.

https://modelcontextprotocol.io/specification/draft/basic/transports
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping

from cachy.interaction import Headers, Json
from cachy.providers.mcp import (
    CALL_TOOL,
    LIST_TOOLS,
    METHOD,
    NAME,
    REPEATED_FAMILY,
    REPEATED_HEADERS,
    VERSION,
)

_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
# What is named by which parameter.
_NAMED = {CALL_TOOL: "name", "prompts/get": "name", "resources/read": "uri"}
_IN_HEADER = "x-mcp-header"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # RFC 9110 section 5.1
_MISMATCH = -32020  # of JSON-RPC: a header does not repeat the body
_REPEATED = re.compile(r"\bmcp-(?:method|name|param-[\w-]+)", re.I)


def is_sent(name: str) -> bool:
    """Return whether a live call bears a header that its fixture does not keep."""
    return name in REPEATED_HEADERS or name.startswith(REPEATED_FAMILY)


def call_headers(message: Mapping[str, Json], tools: Mapping[str, Json]) -> Headers:
    """Return the headers that must repeat a call; none for a form of the protocol without them.

    `tools` are the schemas of the arguments of tools, by name: some arguments are repeated too.
    """
    params = _dict(message.get("params"))
    version = _dict(params.get("_meta")).get(_VERSION_KEY)
    if not isinstance(version, str):
        return ()
    headers = ((VERSION, version), (METHOD, str(message["method"])))
    named = params.get(_NAMED.get(str(message["method"]), ""))
    if not isinstance(named, str):
        return headers
    schema = tools.get(named) if message["method"] == CALL_TOOL else None
    return (*headers, (NAME, _as_header(named)), *_repeated(schema, params.get("arguments")))


def listing_of(message: Mapping[str, Json]) -> Json:
    """Return the call that lists the tools, in the protocol's form that a call of one has.

    None where no argument is repeated: for other calls, and for another form of the protocol.
    """
    meta = _dict(_dict(message.get("params")).get("_meta"))
    if message["method"] != CALL_TOOL or not isinstance(meta.get(_VERSION_KEY), str):
        return None
    return {"jsonrpc": "2.0", "id": 0, "method": LIST_TOOLS, "params": {"_meta": meta}}


def refuses_headers(error: Json) -> bool:
    """Return whether a server refuses a call because of a header that should repeat its body."""
    found = _dict(_dict(error).get("error"))
    return found.get("code") == _MISMATCH or bool(_REPEATED.search(str(found.get("message"))))


def _repeated(schema: Json, arguments: Json) -> Iterator[tuple[str, str]]:
    """Yield the headers of the arguments that a tool's schema wants repeated, at any depth."""
    for name, described in _dict(_dict(schema).get("properties")).items():
        value, header = _dict(arguments).get(name), _dict(described).get(_IN_HEADER)
        if isinstance(header, str) and _TOKEN.fullmatch(header) and _is_scalar(value):
            yield f"{REPEATED_FAMILY}{header.lower()}", _as_header(_as_text(value))
        elif isinstance(value, dict):
            yield from _repeated(described, value)


def _is_scalar(value: Json) -> bool:
    return isinstance(value, (str, bool, int, float))


def _as_text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_header(value: str) -> str:
    """Return a value as a header has it: in base64 where it is not plain text."""
    is_plain = value.isascii() and value.isprintable() and value == value.strip()
    if is_plain and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode('utf-8', 'replace')).decode('ascii')}?="


def _dict(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
