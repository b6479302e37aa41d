"""One request of a program: admit it, let the session decide, write the response."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from typing import TYPE_CHECKING, NamedTuple

from cachy.errors import CachyError, CannotUnpack, MalformedMessage, UnrecordedRequest
from cachy.fixture.format.content_encoding import decode
from cachy.interaction import Headers, Request, Response, header, host_and_port
from cachy.redact import redact_text
from cachy.replay import misses, respond
from cachy.replay.clients.dns_guard import past_the_end
from cachy.replay.run.served_variables import split_mark
from cachy.serve.address import Address
from cachy.serve.http_message import BODILESS, ClientConnection, RequestHead

if TYPE_CHECKING:
    from cachy.replay.recorder import Recording
    from cachy.serve.service import Service

_NOT_PASSED_ON = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"),
        *(b"host", b"content-length", b"expect", b"accept-encoding", b"proxy-connection"),
    )
)
_GRACE = 5.0  # seconds in which a program ends a stream where its recording was cut
_JSON = (("content-type", "application/json"),)


class Admitted(NamedTuple):
    """A request that may be answered."""

    head: RequestHead
    url: str
    body: bytes
    is_last: bool  # of its connection


def exchange(service: Service, connection: ClientConnection, head: RequestHead) -> bool:
    """Answer one request; return whether the connection goes on.

    Raises:
        MalformedMessage: nothing answers it.
    """
    url = _admit(service, head)
    is_last = head.is_old or "close" in head.connection_options
    asked = Admitted(head, url, connection.read_body(head), is_last)
    try:
        answer = _decide(service, asked)
    except UnrecordedRequest as error:
        _refuse(service, connection, asked, error)
        return not is_last
    if isinstance(answer, Response):
        return _replay(service, connection, asked, answer)
    return _record(service, connection, asked, answer)


def _admit(service: Service, head: RequestHead) -> str:
    """Return the URL that a request of one of the user's programs means."""
    address: Address = service.address
    if head.values(b"host") != [address.host]:
        raise MalformedMessage(f"the Host of this server is {address.host}", 403)
    if head.values(b"origin"):
        raise MalformedMessage("web pages may not use this server", 403)
    _, _, rest = head.target.partition("/")
    if not head.target.startswith("/"):
        raise MalformedMessage("this server is not a proxy: set the base URL of your client")
    first, _, place = rest.partition("/")
    segment, mark = split_mark(first)
    if not address.is_ours(segment):
        raise MalformedMessage("not found", 404)
    service.note(mark)
    return address.url_of(place)


def _decide(service: Service, asked: Admitted) -> Response | Recording:
    head, session = asked.head, service.session
    if not session.covers(*host_and_port(asked.url)):
        raise _not_answered(service, asked, "the host is not covered", _how_to_cover(asked.url))
    if "websocket" in ",".join(head.values(b"upgrade")).lower():
        raise _not_answered(service, asked, "cachy serve does not answer WebSocket connections")
    names = session.counted - _NOT_PASSED_ON
    counted = tuple([pair for pair in head.headers if pair[0] in names])
    recalled = respond.recall(session, (head.method, asked.url, asked.body, counted))
    if recalled is not None:
        return recalled
    return respond.answer(session, Request(head.method, asked.url, passed_on(head), asked.body))


def passed_on(head: RequestHead) -> Headers:
    """Return the headers of a request that are not between the program and this server only."""
    dropped = _NOT_PASSED_ON | {name.encode("latin-1") for name in head.connection_options}
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in head.headers
        if name not in dropped
    )


def _how_to_cover(url: str) -> str:
    return f'Add "{host_and_port(url)[0]}" to extend-doms in [tool.cachy].'


def _not_answered(
    service: Service, asked: Admitted, why: str, advice: str = ""
) -> UnrecordedRequest:
    request = Request(asked.head.method, asked.url)
    return misses.unreadable(request, CachyError(why, advice=advice), service.session.config)


def _refuse(
    service: Service, connection: ClientConnection, asked: Admitted, error: UnrecordedRequest
) -> None:
    """Answer a miss; SDKs that understand `x-should-retry` ask once."""
    service.missed(error)
    facts = {
        "message": str(error),
        "type": "unrecorded_request",
        "code": "unrecorded_request",
        "param": None,
        "method": error.method,
        "url": error.url,
        "nearest": error.nearest,
        "differences": list(error.differences),
        "how_to_record": error.how_to_record,
    }
    headers = (*_JSON, ("x-should-retry", "false"))
    body = json.dumps({"type": "error", "error": facts}).encode()
    connection.send(asked.head, 501, headers, body, is_last=asked.is_last)


def _replay(
    service: Service, connection: ClientConnection, asked: Admitted, response: Response
) -> bool:
    response = _acceptable(asked.head, response)
    covers = service.session.covers
    headers = service.address.with_served_links(response.headers, asked.url, covers)
    if response.is_open or response.session:
        return _replay_in_step(connection, asked, response, headers)
    if not response.truncated and (len(response.chunks) < 2 or asked.head.method == "HEAD"):
        body = response.body or b"".join(response.chunks)
        connection.send(asked.head, response.status, headers, body, is_last=asked.is_last)
        return not asked.is_last
    connection.begin(asked.head, response.status, headers, None, is_last=asked.is_last)
    connection.send_pieces(response.chunks or (response.body,))
    if response.truncated:
        if not connection.is_ended_within(_GRACE):
            service.missed(past_the_end())
        return False
    connection.end()
    return not asked.is_last


def _replay_in_step(
    connection: ClientConnection, asked: Admitted, response: Response, headers: Headers
) -> bool:
    """Replay a stream of a session, whose client and server take turns."""
    from cachy.replay.streams import pacing  # few programs have sessions
    from cachy.serve.leaving import send_in_step

    pieces = (
        pacing.until_left(response, asked.url, passed_on(asked.head))
        if response.is_open
        else pacing.in_step(response)
    )
    connection.begin(asked.head, response.status, headers, None, is_last=asked.is_last)
    if not send_in_step(connection, pieces):
        return False
    connection.end()
    return not asked.is_last


def _acceptable(head: RequestHead, response: Response) -> Response:
    """Return a response without the content-encoding that this program does not read."""
    coding = header(response.headers, "content-encoding")
    if not coding or coding.lower() in ",".join(head.values(b"accept-encoding")).lower():
        return response
    with suppress(CannotUnpack):
        kept = tuple(pair for pair in response.headers if pair[0] != "content-encoding")
        return response._replace(headers=kept, body=decode(response.body, coding))
    return response


def _record(
    service: Service, connection: ClientConnection, asked: Admitted, recording: Recording
) -> bool:
    """Send a request on, and pass its response on as it comes; it is recorded by then."""
    from cachy.serve import leaving, live  # replay sends nothing

    head = asked.head
    request = Request(head.method, asked.url, passed_on(head), asked.body)
    try:
        with closing(service.forwarder.open(recording, request)) as incoming:
            headers, length, pieces = live.described(incoming)
            headers = service.address.with_served_links(headers, asked.url, service.session.covers)
            if head.method == "HEAD" or incoming.status_code in BODILESS:
                body = b"".join(pieces)
                connection.send(head, incoming.status_code, headers, body, is_last=asked.is_last)
                return not asked.is_last
            is_last = asked.is_last
            connection.begin(head, incoming.status_code, headers, length, is_last=is_last)
            with closing(leaving.until_left(connection, pieces, live.FAILURES)) as coming:
                for piece in coming:
                    connection.send_pieces((piece,))
            connection.end()
    except live.FAILURES as error:
        return _fail(service, connection, asked, error)
    return not asked.is_last


def _fail(
    service: Service, connection: ClientConnection, asked: Admitted, error: Exception
) -> bool:
    """Answer that an API cannot be reached; a response that has begun is cut off instead."""
    if connection.has_begun:
        return False
    why = redact_text(f"{type(error).__name__}: {error}", service.session.config.redact)
    host = host_and_port(asked.url)[0]
    facts = {"message": f"Cannot reach {host}: {why}", "type": "connection_error"}
    body = json.dumps({"error": facts}).encode()
    connection.send(asked.head, 502, _JSON, body, is_last=asked.is_last)
    return not asked.is_last


def refuse_message(connection: ClientConnection, error: MalformedMessage) -> None:
    """Answer what is not a request of one of the user's programs; the connection ends."""
    body = json.dumps({"error": {"message": f"cachy serve: {error.problem}"}}).encode()
    head = RequestHead("GET", "/", ())
    connection.send(head, error.status, _JSON, body, is_last=True)
    connection.linger()
