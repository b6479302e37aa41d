"""Record a stream that lasts until its client leaves: that is its end, and nothing is missing."""

from __future__ import annotations

import re
from bisect import bisect_left

from cachy.interaction import Request, Response
from cachy.providers.mcp import endpoint_session, find_endpoint, is_standing
from cachy.replay.process import PROCESS
from cachy.replay.streams.channels import (
    channel_of,
    close_endpoint,
    mark,
    messages_of,
    open_endpoint,
)

_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_BEGINNING = 4096  # bytes in which a stream shows that it is one of messages


class StandingStream:
    """What came of such a stream, and how much its client had said when each piece came."""

    def __init__(self, request: Request, key: str, is_sure: bool) -> None:
        self._request = request
        self._endpoint = ""
        self._begun = b""
        self.is_sure = is_sure
        self._key = key
        self._sizes: list[int] = []
        self._counts: list[int] = []

    def add(self, piece: bytes) -> None:
        """Note a piece."""
        if not self._endpoint and len(self._begun) < _BEGINNING and self._request.method == "GET":
            self._begun += piece
            self._look_for_endpoint()
        self._sizes.append((self._sizes[-1] if self._sizes else 0) + len(piece))
        self._counts.append(channel_of(self._key).sent)

    def _look_for_endpoint(self) -> None:
        self._endpoint = find_endpoint(self._request.url, self._begun)
        if self._endpoint:
            self.is_sure = True
            self._key = open_endpoint(self._endpoint)
            if session := endpoint_session(self._endpoint):
                PROCESS.given.remember({session: mark()})

    def end(self) -> None:
        """Note that the client left, or that the server ended the stream."""
        if self._endpoint:
            close_endpoint(self._key)

    def as_left(self, response: Response) -> Response:
        """Return the response to record now that the client has left."""
        whole, counts = self._whole_events(response.body)
        counts = counts if any(counts) else ()
        return response._replace(body=whole, is_open=True, after=counts)

    def _whole_events(self, raw: bytes) -> tuple[bytes, tuple[int, ...]]:
        """Return the events that came whole, and how much was said when each came."""
        events, counts, start = [], [], 0
        for blank in _BLANK.finditer(raw):
            event = raw[start : blank.start()].strip(b"\r\n")
            start = blank.end()
            if event and not event.startswith(b":"):  # which only keeps the connection open
                at = min(bisect_left(self._sizes, start), len(self._counts) - 1)
                events.append(event + b"\n\n")
                counts.append(self._counts[at])
        return b"".join(events), tuple(counts)


def find_standing(request: Request, key: str) -> StandingStream | None:
    """Return what records a stream that may last until its client leaves; None for any other.

    `key` is the session's.
    """
    message = next(iter(messages_of(request.body)), None) if request.method == "POST" else None
    is_sure = is_standing(request, message)
    return StandingStream(request, key, is_sure) if is_sure or request.method == "GET" else None
