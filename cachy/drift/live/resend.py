"""Sends recorded requests to live APIs, past every client that replay patches."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar
from urllib import request as urllib_request

import httpx

from cachy.config import Config
from cachy.drift.live.credentials import LOOPBACK, find_credential
from cachy.drift.live.deadline import Deadline, Watch
from cachy.drift.live.inconclusive import Obstacle, Unchecked
from cachy.drift.live.limits import Limits
from cachy.drift.live.retry_after import PAUSE
from cachy.fixture.identity.fixture_path import parse_target
from cachy.fixture.identity.route import matched_header_names, with_required_header
from cachy.interaction import Headers, Request, Response
from cachy.providers.mcp.call_headers import is_sent
from cachy.redact import secret_values
from cachy.replay.clients.reentrancy import inside
from cachy.replay.placeholder_keys import PLACEHOLDER

_CONNECT = 10.0  # seconds
_LARGEST = 8 * 1024 * 1024  # bytes of one response
_USED = re.compile(
    rb'"(?:completion_tokens|output_tokens|candidatesTokenCount|eval_count)": ?(\d{1,9})'
)
_REDACTED = (b"[redacted:", PLACEHOLDER.encode())
_OURS = (("user-agent", "cachy-drift"), ("accept-encoding", "gzip, deflate"))
_Found = TypeVar("_Found")
OpenTransport = Callable[[str | None], httpx.BaseTransport]  # given a proxy's URL, or None


@dataclass(slots=True)
class Connection:
    """The connection to live APIs: it counts requests, and waits as long as an API asks for."""

    config: Config
    environ: Mapping[str, str]
    open_transport: OpenTransport
    limits: Limits = field(default_factory=Limits)
    _own: threading.local = field(default_factory=threading.local)
    _opened: list[httpx.BaseTransport] = field(default_factory=list)
    _watch: Watch = field(default_factory=Watch)
    _own_secrets: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._own_secrets = secret_values(self.environ)

    def resend(
        self, request: Request, examine: Callable[[Response], _Found | Obstacle], tokens: int = 0
    ) -> _Found | Obstacle:
        """Return what `examine` finds in the response to a recorded request.

        Where the cause of a failure may pass, the request is sent once more. `tokens` may be spent.
        """
        found = self._once(request, examine, tokens)
        if not isinstance(found, Unchecked):
            return found
        if not self.limits.pause(parse_target(request.url).authority, found.retry_after):
            return found
        return self._once(request, examine, tokens)

    def ask(self, request: Request) -> Response | Unchecked:
        """Send a request of our own, with the credential of its host; it costs no tokens."""
        outgoing = outgoing_request(request, self.config, self.environ)
        if isinstance(outgoing, Unchecked):
            return outgoing
        return self._counted(outgoing, parse_target(request.url).authority, 0)

    def secrets(self, request: Request) -> tuple[str, ...]:
        """Return the secrets that must not be written if a response contains them."""
        sent = find_credential(request.url, self.config.drift.hosts, self.environ)
        values = () if isinstance(sent, Unchecked) else [value for _, value in sent]
        keys = [part for value in values for part in (value, value.split()[-1])]
        return (*self._own_secrets, *keys)

    def close(self) -> None:
        """Close every transport."""
        self._watch.close()
        for transport in self._opened:
            transport.close()

    def _once(
        self, request: Request, examine: Callable[[Response], _Found | Obstacle], tokens: int
    ) -> _Found | Obstacle:
        outgoing = outgoing_request(request, self.config, self.environ)
        if isinstance(outgoing, Unchecked):
            return outgoing
        found = self._counted(outgoing, parse_target(request.url).authority, tokens)
        return found if isinstance(found, Unchecked) else examine(found)

    def _counted(self, outgoing: httpx.Request, host: str, tokens: int) -> Response | Unchecked:
        with self.limits.turn(host) as closed:
            refused = closed or self.limits.reserve(tokens)
            if refused:
                return refused
            used = 0
            try:
                found = self._transmit(outgoing)
                used = _spent(found.body) if isinstance(found, Response) else 0
            finally:
                self.limits.settle(tokens, used)
            self.limits.note(host, found if isinstance(found, Unchecked) else None)
            return found

    def _transmit(self, outgoing: httpx.Request) -> Response | Unchecked:
        allowance, deadline = self.limits.allowance, self._deadline()
        left = max(0.1, self.limits.left())
        outgoing.extensions = {
            "trace": deadline.watch,
            "timeout": {"connect": _CONNECT, "read": left, "write": 30.0, "pool": _CONNECT},
        }
        try:
            with inside(), deadline.within(min(allowance.begin, left)):
                incoming = self._transport(outgoing.url).handle_request(outgoing)
            return self._read(incoming, deadline, min(allowance.end, left))
        except httpx.DecodingError:
            return Unchecked("unparsed", "the body's content-encoding is broken", PAUSE)
        except httpx.HTTPError as error:
            return _failed(error, deadline, outgoing.url.host)

    def _read(
        self, incoming: httpx.Response, deadline: Deadline, seconds: float
    ) -> Response | Unchecked:
        headers = tuple((name.lower(), value) for name, value in incoming.headers.multi_items())
        response, body = Response(incoming.status_code, headers), bytearray()
        try:
            with deadline.within(seconds - deadline.elapsed()):
                for chunk in incoming.iter_bytes():
                    body += chunk
                    if len(body) > _LARGEST:
                        largest = f"{_LARGEST >> 20} MiB"
                        return Unchecked("unparsed", f"the body is larger than {largest}")
        except (httpx.RemoteProtocolError, httpx.ReadError):
            if deadline.is_over:
                return _late(f"no end after {seconds:.0f} s")
            return response._replace(body=bytes(body), truncated=True)
        finally:
            incoming.close()
        return response._replace(body=bytes(body))

    def _deadline(self) -> Deadline:
        """Return the deadline of this thread, which knows the socket of its connection."""
        if not hasattr(self._own, "deadline"):
            self._own.deadline = Deadline(self._watch)
        deadline: Deadline = self._own.deadline
        deadline.start()
        return deadline

    def _transport(self, url: httpx.URL) -> httpx.BaseTransport:
        if not hasattr(self._own, "transports"):
            self._own.transports = {}
        proxy = find_proxy(url.scheme, url.netloc.decode("ascii"), self.environ)
        transports: dict[str | None, httpx.BaseTransport] = self._own.transports
        if proxy not in transports:
            transports[proxy] = self.open_transport(proxy)
            self._opened.append(transports[proxy])
        return transports[proxy]


def _spent(body: bytes) -> int:
    """Return the output tokens that a response says it cost; a stream says it more than once."""
    return max(map(int, _USED.findall(body)), default=0)


def _failed(error: httpx.HTTPError, deadline: Deadline, host: str) -> Unchecked:
    """Return why there is no response, by the error's type, as its text may quote a header."""
    if deadline.is_over:
        return _late(f"no response within {deadline.seconds:.0f} s")
    if isinstance(error, httpx.TimeoutException):
        return _late(f"{host} timed out ({type(error).__name__})")
    is_silence = isinstance(error, (httpx.ConnectError, httpx.ProxyError))
    return Unchecked("provider", type(error).__name__, PAUSE, is_silence)


def _late(detail: str) -> Unchecked:
    return Unchecked("provider", detail, None, is_silence=True)


def find_proxy(scheme: str, host: str, environ: Mapping[str, str]) -> str | None:
    """Return the proxy that the environment names for a host; None for a direct connection."""
    lowered = {name.lower(): value for name, value in environ.items() if value}
    bypassed = {"no": lowered.get("no_proxy", "")}
    if host.rpartition(":")[0] in LOOPBACK or host in LOOPBACK:
        return None
    with suppress(ValueError):
        if urllib_request.proxy_bypass_environment(host, bypassed):  # type: ignore[attr-defined]
            return None
    proxy = lowered.get(f"{scheme}_proxy") or lowered.get("all_proxy")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


@contextmanager
def open_connection(
    config: Config, environ: Mapping[str, str], limits: Limits | None = None
) -> Iterator[Connection]:
    """Open a connection to live APIs; `environ` holds the credentials."""
    trusted = httpx.create_ssl_context()  # once: it takes 20 ms

    def open_transport(proxy: str | None) -> httpx.BaseTransport:
        return httpx.HTTPTransport(verify=trusted, proxy=proxy)

    connection = Connection(config, environ, open_transport, limits or Limits())
    try:
        yield connection
    finally:
        connection.close()


def outgoing_request(
    request: Request, config: Config, environ: Mapping[str, str]
) -> httpx.Request | Unchecked:
    """Build the request to send: its headers are the kept ones, ours and the credential."""
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
        )
    except (httpx.InvalidURL, ValueError):
        return Unchecked("unsafe", "the recorded request cannot be written as HTTP")
    if _authority(outgoing.url) != parse_target(request.url).authority:
        return Unchecked("unsafe", "the recorded URL can be read in two ways")
    return outgoing


def _kept_headers(request: Request, config: Config) -> Headers:
    """Return the headers that choose the response's shape; a fixture may name no others."""
    authority = parse_target(request.url).authority
    names = {"content-type", *matched_header_names(authority, config.match.headers)}
    kept = tuple(
        (name, value)
        for name, value in request.headers
        if name.lower() in names or is_sent(name.lower())
    )
    return with_required_header(authority, kept)


def _texts(request: Request) -> tuple[bytes, ...]:
    values = (value.encode("utf-8", "surrogatepass") for _, value in request.headers)
    return (request.url.encode("utf-8", "surrogatepass"), request.body, *values)


def _authority(url: httpx.URL) -> str:
    """Return the host that would receive the credential, as httpx reads the URL."""
    return parse_target(f"{url.scheme}://{url.netloc.decode('ascii')}/").authority
