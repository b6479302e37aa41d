"""What the client of each session has said so far: its streams tell their events in step with it.

A session is named by a header or by the URL for messages. While recording it is the server's own;
while replaying a placeholder stands for it, numbered, so that two sessions stay two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache

from cachy.config import Config, Mode
from cachy.fixture.identity.fixture_path import parse_target
from cachy.interaction import Headers, Json, Request, Response, header
from cachy.providers.mcp import SESSION, SESSION_KIND, is_answer, is_call
from cachy.replay.process import PROCESS

JSON_RPC = b'"jsonrpc"'
# As it is, or percent-encoded in the way of some library.
_NUMBERED = rf"((?:\[|%5B)redacted(?::|%3A){SESSION_KIND}(?:\]|%5D))\.\d+"
_KEPT = 256  # sessions that are remembered


@cache
def mark() -> str:
    """Return what stands for the name of a session in a fixture."""
    from cachy.redact.placeholders import placeholder  # most requests belong to no session

    return placeholder(SESSION_KIND)


class Channel:
    """What the client of one session has said."""

    def __init__(self) -> None:
        self.sent = 0  # calls, and answers to the server's calls
        self.answered: list[str] = []  # the ids of the server's calls, as JSON
        self.asked: list[tuple[Json, Json]] = []  # ids of calls: as recorded, and as asked now
        self.heard = 0  # how often more was said
        self.waiting: list[Callable[[], object]] = []  # what to call then

    def wake(self) -> None:
        """Let the streams of the session look again at what they wait for."""
        self.heard += 1
        waiting, self.waiting = self.waiting, []
        for wake in waiting:
            wake()


def channel_of(key: str) -> Channel:
    """Return the channel of a session; the oldest ones are forgotten."""
    channels = PROCESS.sessions.channels
    while len(channels) > _KEPT:
        channels.pop(next(iter(channels)))
    channel: Channel = channels.setdefault(key, Channel())
    return channel


def key_of(url: str, headers: Headers) -> str:
    """Return what tells the session of a request from others."""
    target = parse_target(url)
    return f"{target.origin}{target.path}?{target.query} {header(headers, SESSION) or ''}"


def note(request: Request) -> str:
    """Count what a client says in its session; return the session's key."""
    key = key_of(request.url, request.headers)
    for message in messages_of(request.body):
        if is_call(message) or is_answer(message):
            channel = channel_of(key)
            channel.sent += 1
            if is_answer(message):
                channel.answered.append(json.dumps(message.get("id")))
            channel.wake()
    return key


def messages_of(raw: bytes) -> list[Json]:
    """Return the messages of a body: one, or a batch; none where it is not JSON-RPC."""
    if JSON_RPC not in raw:
        return []
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else [value]


def is_live(request: Request, config: Config) -> bool:
    """Return whether a request belongs to a session that a live server opened while recording.

    That server must hear it, so it goes live although an answer to it may be recorded.
    """
    if config.mode not in (Mode.RECORD, Mode.REFRESH):
        return False
    session = header(request.headers, SESSION)
    if session is not None:
        return not session.startswith(mark())
    return is_on_live_stream(request)


def is_on_live_stream(request: Request) -> bool:
    """Return whether the answer to a request comes in a live stream that is open."""
    endpoints = PROCESS.sessions.endpoints
    return bool(endpoints) and key_of(request.url, ()) in endpoints


def is_replayed(request: Request) -> bool:
    """Return whether a request belongs to a session that a fixture opened."""
    return (header(request.headers, SESSION) or "").startswith(mark())


def open_endpoint(url: str) -> str:
    """Note that messages to a URL are answered in a live stream; return the session's key."""
    key = key_of(url, ())
    PROCESS.sessions.endpoints.add(key)
    return key


def close_endpoint(key: str) -> None:
    """Forget a live stream that has ended."""
    PROCESS.sessions.endpoints.discard(key)


def numbered(text: str) -> str:
    """Return a text that opens a session, with a number after its placeholder."""
    if mark() not in text:
        return text
    PROCESS.sessions.opened += 1
    return text.replace(mark(), f"{mark()}.{PROCESS.sessions.opened}")


def unnumbered(request: Request) -> Request:
    """Return a request as recorded, whichever replayed session its URL names."""
    if SESSION_KIND not in request.url:
        return request
    return request._replace(url=without_number(request.url))


def without_number(text: str) -> str:
    """Return a URL or header as recorded, whichever replayed session it names."""
    return re.sub(_NUMBERED, r"\1", text)


def open_session(response: Response) -> Response:
    """Return the response that names a session to its client, with a name of its own."""
    if header(response.headers, SESSION) is None:
        return response
    named = [
        (name, numbered(value) if name == SESSION else value) for name, value in response.headers
    ]
    return response._replace(headers=tuple(named))
