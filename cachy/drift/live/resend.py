"""The door to live APIs: a recorded request is sent again, past every patched client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from cachy.config import Config
from cachy.drift.live.credentials import find_credential
from cachy.drift.live.inconclusive import PAUSE, Unchecked, why_unchecked
from cachy.fixture.identity.fingerprint import matched_header_names, with_required_header
from cachy.fixture.identity.fixture_path import parse_target
from cachy.interaction import Headers, Json, Request, Response
from cachy.redact import secret_values
from cachy.replay.clients.reentrancy import inside
from cachy.replay.placeholder_keys import PLACEHOLDER

_TIMEOUT = {"connect": 10.0, "read": 120.0, "write": 30.0, "pool": 10.0}
_WHOLE = 600.0  # seconds for one answer
_LONGEST_PAUSE = 60.0  # seconds; a limit that lasts longer is for the next run
_LARGEST = 32 * 1024 * 1024  # bytes of one answer
_REDACTED = (b"[redacted:", PLACEHOLDER.encode())
_OURS = (("user-agent", "cachy-drift"), ("accept-encoding", "gzip, deflate"))


@dataclass(slots=True)
class Line:
    """The line to live APIs: one request at a time, counted, no faster than they ask for."""

    config: Config
    environ: Mapping[str, str]
    budget: int
    transport: httpx.BaseTransport
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    patience: float = 180.0  # seconds to wait, of all pauses together
    sent: int = 0

    def resend(self, request: Request, recorded: Mapping[str, Json]) -> Response | Unchecked:
        """Send a recorded request; once more where the cause of a failure may pass.

        `recorded` is the fixture's response: see `why_unchecked`.
        """
        answer = self._once(request, recorded)
        if isinstance(answer, Response) or not self._waits(answer.retry_after):
            return answer
        return self._once(request, recorded)

    def secrets(self, request: Request) -> tuple[str, ...]:
        """Give what an answer to a request must not bring to the disk."""
        sent = find_credential(request.url, self.config.drift.hosts, self.environ)
        values = () if isinstance(sent, Unchecked) else [value for _, value in sent]
        keys = [part for value in values for part in (value, value.split()[-1])]
        return (*secret_values(self.environ), *keys)

    def _waits(self, pause: float | None) -> bool:
        if pause is None or pause > min(_LONGEST_PAUSE, self.patience) or self._is_spent():
            return False
        self.patience -= pause
        self.sleep(pause)
        return True

    def _is_spent(self) -> bool:
        return self.sent >= self.budget

    def _once(self, request: Request, recorded: Mapping[str, Json]) -> Response | Unchecked:
        outgoing = outgoing_request(request, self.config, self.environ)
        if isinstance(outgoing, Unchecked):
            return outgoing
        if self._is_spent():
            return Unchecked("budget", f"--max-requests {self.budget} is reached")
        self.sent += 1
        answer = self._transmit(outgoing)
        if isinstance(answer, Unchecked):
            return answer
        return why_unchecked(answer, recorded) or answer

    def _transmit(self, outgoing: httpx.Request) -> Response | Unchecked:
        try:
            with inside():
                return self._read(self.transport.handle_request(outgoing))
        except httpx.DecodingError:
            return Unchecked("unparsed", "the body's content-encoding is broken", PAUSE)
        except httpx.HTTPError as error:
            # Its own text may quote a header.
            return Unchecked("provider", type(error).__name__, PAUSE)

    def _read(self, incoming: httpx.Response) -> Response | Unchecked:
        headers = tuple((name.lower(), value) for name, value in incoming.headers.multi_items())
        response, body = Response(incoming.status_code, headers), bytearray()
        end = self.now() + _WHOLE
        try:
            for chunk in incoming.iter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    return Unchecked("unparsed", f"the body is larger than {_LARGEST >> 20} MiB")
                if self.now() > end:
                    return Unchecked("provider", f"no end after {_WHOLE:.0f} seconds")
        except (httpx.RemoteProtocolError, httpx.ReadError):
            return response._replace(body=bytes(body), truncated=True)
        finally:
            incoming.close()
        return response._replace(body=bytes(body))


@contextmanager
def open_line(config: Config, environ: Mapping[str, str], budget: int) -> Iterator[Line]:
    """Open a line to live APIs; `environ` holds the credentials, `budget` caps the requests."""
    with httpx.HTTPTransport() as transport:
        yield Line(config, environ, budget, transport)


def outgoing_request(
    request: Request, config: Config, environ: Mapping[str, str]
) -> httpx.Request | Unchecked:
    """Build the request to send: its headers are the matched ones, ours and the credential."""
    if any(mark in text for text in _texts(request) for mark in _REDACTED):
        return Unchecked("redacted", "the recorded request holds a placeholder for a secret")
    credential = find_credential(request.url, config.drift.hosts, environ)
    if isinstance(credential, Unchecked):
        return credential
    try:
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers=[*_kept_headers(request, config), *_OURS, *credential],
            content=request.body,
            extensions={"timeout": _TIMEOUT},
        )
    except (httpx.InvalidURL, ValueError):
        return Unchecked("not-allowed", "the recorded request can't be written as HTTP")
    if _authority(outgoing.url) != parse_target(request.url).authority:
        return Unchecked("not-allowed", "the recorded URL can be read in two ways")
    return outgoing


def _kept_headers(request: Request, config: Config) -> Headers:
    """Give the headers that choose the answer's shape; a fixture may name no others."""
    authority = parse_target(request.url).authority
    names = {"content-type", *matched_header_names(authority, config.match.headers)}
    kept = tuple((name, value) for name, value in request.headers if name.lower() in names)
    return with_required_header(authority, kept)


def _texts(request: Request) -> tuple[bytes, ...]:
    values = (value.encode("utf-8", "surrogatepass") for _, value in request.headers)
    return (request.url.encode("utf-8", "surrogatepass"), request.body, *values)


def _authority(url: httpx.URL) -> str:
    """The host that the credential would go to, as httpx reads the URL."""
    return parse_target(f"{url.scheme}://{url.netloc.decode('ascii')}/").authority
