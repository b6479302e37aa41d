"""Sessions with MCP servers that drift opens itself: a recorded one is long gone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping

from cachy.drift.live.inconclusive import Obstacle, Unchecked
from cachy.fixture.format.body import parse_response_body
from cachy.interaction import Headers, Json, Request, Response, header
from cachy.providers.mcp import (
    SESSION,
    VERSION,
    initialize_messages,
    is_call,
    opens_session,
    session_headers,
    tools_of,
)
from cachy.providers.mcp.call_headers import call_headers, listing_of

Ask = Callable[[Request], Response | Unchecked]


class McpSessions:
    """The sessions of one run, one for each server; `ask` sends a request."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._opened: dict[str, Headers | Unchecked] = {}
        self._listed: dict[str, Mapping[str, Json]] = {}
        self._others: list[tuple[str, Headers]] = []
        self._lock = threading.Lock()

    def put_into(self, request: Request) -> Request | Obstacle:
        """Return a request with the headers that its server requires, in an open session."""
        message = _message(request)
        if not is_call(message):
            return request
        if own := call_headers(message, self._tools(request, message)):
            return _with(request, own)
        if opens_session(message):
            return request
        headers = self._headers(request)
        return headers if isinstance(headers, Unchecked) else _with(request, headers)

    def _tools(self, request: Request, message: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the schemas of the live tools by name, where a call may have to know them."""
        listing = listing_of(message)
        if listing is None:
            return {}
        with self._lock:
            if request.url not in self._listed:
                asked = _with(request, call_headers(listing, {}))
                found = self._ask(asked._replace(body=json.dumps(listing).encode()))
                self._listed[request.url] = _schemas(found)
            return self._listed[request.url]

    def _headers(self, request: Request) -> Headers | Unchecked:
        with self._lock:
            if request.url not in self._opened:
                self._opened[request.url] = self._open(request)
            return self._opened[request.url]

    def _open(self, request: Request) -> Headers | Unchecked:
        call, notice = initialize_messages(header(request.headers, VERSION))
        opening = request._replace(headers=_without_version(request.headers))
        found = self._ask(opening._replace(body=json.dumps(call).encode()))
        if isinstance(found, Unchecked):
            return found
        headers = session_headers(found.headers, found.body)
        if headers is None:
            return Unchecked("provider", f"initialize was answered with {found.status}")
        self._ask(_with(request, headers)._replace(body=json.dumps(notice).encode()))
        return headers

    def note(self, request: Request, response: Response) -> None:
        """Note the session that a recorded call opened, so that it is ended too."""
        if opens_session(_message(request)) and (name := header(response.headers, SESSION)):
            self._others.append((request.url, ((SESSION, name),)))

    def close(self) -> None:
        """End the sessions that servers have opened for this run."""
        for url, headers in (*self._opened.items(), *self._others):
            if not isinstance(headers, Unchecked) and header(headers, SESSION):
                self._ask(Request("DELETE", url, headers))
        self._opened.clear()
        self._others.clear()


def _message(request: Request) -> Json:
    try:
        return json.loads(request.body) if b'"jsonrpc"' in request.body else None
    except (ValueError, RecursionError):
        return None


def _schemas(found: Response | Unchecked) -> Mapping[str, Json]:
    if isinstance(found, Unchecked):
        return {}
    body = parse_response_body(header(found.headers, "content-type") or "", found.body)
    said = [body.content] if body.kind == "json" else [event.data for event in body.events]
    tools = (tool for message in said for tool in tools_of(message) or ())
    return {str(tool["name"]): tool.get("inputSchema") for tool in tools}


def _without_version(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() != VERSION)


def _with(request: Request, headers: Headers) -> Request:
    names = {name for name, _ in headers}
    kept = tuple(pair for pair in request.headers if pair[0].lower() not in names)
    return request._replace(headers=(*kept, *headers))
