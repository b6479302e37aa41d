"""The recorded answer to a message, as the client that sends it now is to get it."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cachy.fixture.format.body import parse_sse
from cachy.fixture.format.text import plain
from cachy.fixture.identity.json_rpc import answer_as_asked, messages_in
from cachy.fixture.store.store import load_fixture
from cachy.interaction import Json, Request, Response, header
from cachy.providers.mcp import SESSION, is_answer, is_call
from cachy.replay.streams.channels import (
    JSON_RPC,
    channel_of,
    key_of,
    messages_of,
    open_session,
    without_number,
)

_PACKAGE = "mcp"  # the official one


def answer_in_session(asked: Request, response: Response, path: str) -> Response:
    """Return a recorded response with the ids that are asked now.

    One whose answer comes in another stream lets that stream tell it.
    """
    key = key_of(asked.url, asked.headers)
    if without_number(asked.url) != asked.url:
        _announce(asked, path, key)
    response = open_session(answer_as_asked(asked.body, response, lambda: _recorded_messages(path)))
    has_calls = any(is_call(one) for chunk in response.chunks for one in messages_in(chunk))
    return response._replace(session=key) if has_calls and not response.is_open else response


def find_sdk(request: Request) -> str:
    """Return the package of MCP that sent a request, as its user agent is that of httpx."""
    is_ours = JSON_RPC in request.body or header(request.headers, SESSION) is not None
    if not is_ours or _PACKAGE not in sys.modules:
        return ""
    try:
        return f"{_PACKAGE} {version(_PACKAGE)}"
    except PackageNotFoundError:  # a module of the user's own
        return ""


def lacks_answer(request: Request, response: Response) -> bool:
    """Return whether the stream that was to answer a call ended without doing so.

    One whose events have ids may go on in the answer to a later request.
    """
    media = header(response.headers, "content-type") or ""
    if response.is_open or response.status != 200 or not media.startswith("text/event-stream"):
        return False
    if not any(map(is_call, messages_of(request.body))):
        return False
    events = parse_sse(response.body)
    if events is None:
        return True
    can_resume = any(name == "id" for event in events.content for name, _ in event.fields)
    return not can_resume and not any(is_answer(event.data) for event in events.content)


def _announce(asked: Request, path: str, key: str) -> None:
    channel = channel_of(key)
    pairs = zip(_recorded_messages(path), messages_of(asked.body), strict=False)
    channel.asked += [
        (recorded["id"], message["id"])
        for recorded, message in pairs
        if is_call(recorded) and is_call(message)
    ]
    channel.wake()


def _recorded_messages(path: str) -> list[Json]:
    value = plain(load_fixture(Path(path)).request.get("json"))
    return value if isinstance(value, list) else [value]
