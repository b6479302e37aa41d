"""The Model Context Protocol over HTTP, which any host may speak: JSON-RPC, sessions, streams.

https://modelcontextprotocol.io/specification
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urljoin, urlsplit

from cachy.interaction import Headers, Json, Request, header
from cachy.providers.provider import WireFormat

SESSION = "mcp-session-id"
"""The header that names a session; the server generates it."""
SESSION_KIND = "mcp-session"
"""What stands for such a name in a fixture."""
VERSION = "mcp-protocol-version"
"""The header that names the form of the protocol that both sides speak."""
_LATEST_WITH_SESSIONS = "2025-11-25"
_NEGOTIATED = rb'"protocolVersion" ?: ?"(\d{4}-\d\d-\d\d)"'  # compiled at need
METHOD, NAME = "mcp-method", "mcp-name"
_META = "io.modelcontextprotocol/"
# The headers that repeat what the body or the session says, and how the names of others begin.
REPEATED_HEADERS = (SESSION, METHOD, NAME)
REPEATED_FAMILY = "mcp-param-"

MCP_WIRE = WireFormat(name="mcp", match_headers=(VERSION, "last-event-id"))

_INITIALIZE = "initialize"
LIST_TOOLS = "tools/list"
CALL_TOOL = "tools/call"
# What only reads what a server offers, and acts on nothing.
_READ_ONLY = frozenset((LIST_TOOLS, _INITIALIZE, "server/discover"))
_CANCELLED = "notifications/cancelled"
_STANDING = frozenset(("subscriptions/listen",))
_SUBSCRIPTION = f"{_META}subscriptionId"
_TRACING = ("traceparent", "tracestate", "baggage")
_ENDPOINT = "endpoint"


def is_message(value: Json) -> bool:
    """Return whether a value is a message of JSON-RPC 2.0."""
    return isinstance(value, dict) and value.get("jsonrpc") == "2.0"


def is_call(value: Json) -> bool:
    """Return whether a value is a message that asks for an answer."""
    return is_message(value) and "method" in value and "id" in value


def is_answer(value: Json) -> bool:
    """Return whether a value is a message that answers another."""
    return is_message(value) and "method" not in value and ("result" in value or "error" in value)


def without_noise(message: Mapping[str, Json], mark: str) -> dict[str, Json]:
    """Return a message with `mark` for its id, for what repeats it, and for what an SDK generates.

    The version of the client is that of the SDK or of the program: no more than a user agent.
    """
    clean = {**message, "id": mark} if "id" in message else dict(message)
    params = message.get("params")
    if isinstance(params, dict):
        clean["params"] = _clean_params(message, params, mark)
    return clean


def _clean_params(
    message: Mapping[str, Json], params: Mapping[str, Json], mark: str
) -> dict[str, Json]:
    clean = dict(params)
    if message.get("method") == _CANCELLED and "requestId" in params:
        clean["requestId"] = mark
    if "clientInfo" in params:
        clean["clientInfo"] = _without_version(params["clientInfo"], mark)
    if isinstance(meta := params.get("_meta"), dict):
        clean["_meta"] = _clean_meta(message, meta, mark)
        if not clean["_meta"]:
            del clean["_meta"]
    return clean


def _clean_meta(
    message: Mapping[str, Json], meta: Mapping[str, Json], mark: str
) -> dict[str, Json]:
    clean = {name: value for name, value in meta.items() if name not in _TRACING}
    if "id" in message and meta.get("progressToken") == message["id"]:
        clean["progressToken"] = mark
    if (name := f"{_META}clientInfo") in clean:
        clean[name] = _without_version(clean[name], mark)
    return clean


def _without_version(info: Json, mark: str) -> Json:
    return {**info, "version": mark} if isinstance(info, dict) and "version" in info else info


def as_asked(message: Mapping[str, Json], recorded: Json, wanted: Json) -> Mapping[str, Json]:
    """Return a server's message with the id that is asked now, where it repeats the recorded one.

    An answer has it as its id, a notification of progress as its token, and one of a subscription
    as the subscription's name.
    """
    if recorded is None:
        return message
    if is_answer(message):
        return {**message, "id": wanted} if message.get("id") == recorded else message
    params = message.get("params")
    if not isinstance(params, dict):
        return message
    if params.get("progressToken") == recorded:
        return {**message, "params": {**params, "progressToken": wanted}}
    if subscription_of(message) == recorded:
        meta = {**params["_meta"], _SUBSCRIPTION: wanted}
        return {**message, "params": {**params, "_meta": meta}}
    return message


def subscription_of(message: Mapping[str, Json]) -> Json:
    """Return the subscription to which a notification belongs: the id of the call that made it."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta.get(_SUBSCRIPTION) if isinstance(meta, dict) else None


def slug_words(message: Mapping[str, Json]) -> str:
    """Return what a message is about: its method, which tool, prompt or resource, and for what."""
    params = message.get("params")
    named = params if isinstance(params, dict) else {}
    given = _telling_argument(named.get("arguments"))
    if isinstance(named.get("ref"), dict):  # what is to be completed
        named = named["ref"]
    method = message.get("method") or ("answer" if is_answer(message) else "")
    return f"{method} {named.get('name') or named.get('uri') or ''} {given}"


def _telling_argument(arguments: Json) -> str:
    """Return the first argument that is a text, else a number, and not a secret; "" for none."""
    given = list(arguments.values()) if isinstance(arguments, dict) else []
    texts = [value for value in given if isinstance(value, str) and "[redacted:" not in value]
    numbers = [value for value in given if isinstance(value, (int, float))]
    return str(next(iter([*texts, *numbers]), ""))


def is_standing(request: Request, message: Json) -> bool:
    """Return whether a request opens a stream that lasts until the client leaves."""
    if request.method == "GET":
        return header(request.headers, SESSION) is not None and not _resumes(request.headers)
    return is_call(message) and message["method"] in _STANDING


def _resumes(headers: Headers) -> bool:
    return header(headers, "last-event-id") is not None


def ends_session(request: Request) -> bool:
    """Return whether a request is of a session but says nothing to a tool: its stream, its end."""
    return request.method in ("GET", "DELETE") and header(request.headers, SESSION) is not None


def find_endpoint(url: str, raw: bytes) -> str:
    """Return the URL for messages that the stream of an HTTP+SSE server begins with; "" for none.

    https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
    """
    text = raw[:4096].replace(b"\r", b"").decode("utf-8", "replace")
    event, end, _ = text.partition("\n\n")
    fields = dict(line.partition(":")[::2] for line in event.split("\n"))
    if not end or fields.get("event", "").strip() != _ENDPOINT:
        return ""
    return urljoin(url, fields.get("data", "").strip())


def endpoint_session(endpoint: str) -> str:
    """Return the session that the URL for messages names; "" where none is seen in it."""
    url = urlsplit(endpoint)
    last = url.path.rpartition("/")[2]  # where a name has digits, and "messages" has none
    values = [value for _, value in parse_qsl(url.query)]
    return max(*values, last if re.search(r"\d", last) else "", "", key=len)


def initialize_messages(version: str | None) -> tuple[Json, Json]:
    """Return the call that opens a session and the notification that follows it."""
    params = {
        "protocolVersion": version or _LATEST_WITH_SESSIONS,
        "capabilities": {},
        "clientInfo": {"name": "cachy-drift", "version": "1"},
    }
    call = {"jsonrpc": "2.0", "id": 0, "method": _INITIALIZE, "params": params}
    return call, {"jsonrpc": "2.0", "method": "notifications/initialized"}


def session_headers(headers: Headers, body: bytes) -> Headers | None:
    """Return the headers of a session that was opened so; None where it was not."""
    found = re.search(_NEGOTIATED, body)
    if found is None:
        return None
    named = ((SESSION, name),) if (name := header(headers, SESSION)) else ()
    return (*named, (VERSION, found[1].decode()))


def opens_session(message: Json) -> bool:
    """Return whether a call opens a session, so that it is sent outside of any."""
    return is_call(message) and message["method"] == _INITIALIZE


def is_read_only(message: Json) -> bool:
    """Return whether a call only reads what a server offers."""
    return is_call(message) and message["method"] in _READ_ONLY


def tools_of(message: Json) -> list[dict[str, Json]] | None:
    """Return the tools that an answer lists; None where it lists none."""
    result = message.get("result") if is_message(message) else None
    tools = result.get("tools") if isinstance(result, dict) else None
    if not isinstance(tools, list):
        return None
    return [tool for tool in tools if isinstance(tool, dict) and "name" in tool]


def surface_words(message: Json) -> str:
    """Return what tells the answers to a message from those to others: its method and tool."""
    if not is_message(message):
        return ""
    params = message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    method = str(message.get("method", ""))
    return f"{method} {name}" if method == CALL_TOOL and isinstance(name, str) else method


_BETWEEN = "it is a part of a session, and drift opens its own"
_IN_A_STREAM = "its answer came in a stream of its own, which drift cannot ask for"
_OPEN = "it is a stream that lasts until its client leaves"


def why_not_resent(request: Mapping[str, Json], response: Mapping[str, Json]) -> str:
    """Return why a recorded request of a session says nothing by itself; empty for any other."""
    message = request.get("json")
    if response.get("open"):
        return _OPEN
    if is_call(message):
        return _IN_A_STREAM if response["status"] == 202 else ""
    is_of_session = message is None and VERSION in (request.get("headers") or {})
    return _BETWEEN if is_message(message) or is_of_session else ""


def why_not_harmless(message: Json) -> str:
    """Return why a call is not sent unasked."""
    if message["method"] == CALL_TOOL:
        return "it calls a tool, which may change something"
    return "it reads what may be private"
