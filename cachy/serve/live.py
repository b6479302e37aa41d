"""Requests that `cachy serve` sends on to covered hosts, and records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import httpx

from cachy.interaction import Headers, Request
from cachy.replay.clients.httpx_client import taped
from cachy.replay.clients.reentrancy import sending
from cachy.replay.process import PROCESS
from cachy.replay.recorder import Recording

FAILURES = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL)
_CONNECT = 30.0  # seconds
_PATIENCE = 600.0  # seconds between two pieces, as the SDKs wait themselves
_UNPACKED = ("gzip", "deflate", "x-gzip")


class Forwarder:
    """One client for all requests; it keeps connections, and no cookie and no credential."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: list[httpx.Client] = []

    def open(self, recording: Recording, request: Request) -> httpx.Response:
        """Send a request; its response is recorded as it is read.

        Raises:
            httpx.HTTPError: the host cannot be reached, or its certificate is not valid.
        """
        client = self._client()
        recording = replace(recording, started=PROCESS.clock())  # to load a client takes a while
        with sending(recording):
            outgoing = httpx.Request(
                request.method,
                request.url,
                headers=[*request.headers, ("accept-encoding", "identity")],
                content=request.body,
            )
            incoming = client.send(outgoing, stream=True, auth=None, follow_redirects=False)
        response: httpx.Response = taped(httpx, recording, incoming, is_async=False)
        return response

    def _client(self) -> httpx.Client:
        with self._lock:
            if not self._made:
                timeout = httpx.Timeout(_PATIENCE, connect=_CONNECT)
                self._made.append(httpx.Client(timeout=timeout))
            return self._made[0]

    def close(self) -> None:
        """Close the connections."""
        for client in self._made:
            client.close()


def described(incoming: httpx.Response) -> tuple[Headers, int | None, Iterator[bytes]]:
    """Return a response's headers, its length where that is known, and its pieces, unpacked."""
    pairs: list[tuple[str, str]] = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in incoming.headers.raw
    ]
    coding = incoming.headers.get("content-encoding", "")
    if coding in _UNPACKED:
        headers = tuple(pair for pair in pairs if pair[0].lower() not in _PACKING)
        return headers, None, incoming.iter_bytes()
    length = incoming.headers.get("content-length", "")
    if not length.isdecimal():
        return tuple(pairs), None, incoming.iter_raw()
    return tuple(pairs), int(length), _last_when_recorded(incoming.iter_raw())


_PACKING = ("content-encoding", "content-length")


def _last_when_recorded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces, the last one when the response is recorded: a program may ask again at once."""
    held = b""
    for piece in pieces:
        if held:
            yield held
        held = piece
    if held:
        yield held
