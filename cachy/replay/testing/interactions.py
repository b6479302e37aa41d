"""The interactions of a test, for it to assert on: the value of the pytest fixture `cachy`.

Nothing here is loaded, and nothing is kept, for a test that does not ask for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, overload

from cachy.config import Config
from cachy.errors import CannotUnpack
from cachy.fixture.compose import compose
from cachy.fixture.document import request_of
from cachy.fixture.format.content_encoding import decode
from cachy.fixture.replayed import response_of
from cachy.interaction import Frame, Headers, Json, Request, Response, header
from cachy.replay import placeholder_keys
from cachy.replay.decision import Decision, Faulted, Replay
from cachy.replay.owner import Owner, current_owner
from cachy.replay.process import PROCESS
from cachy.replay.recorder import Recording
from cachy.replay.session import Session

_CODING = "content-encoding"


class HeaderMapping(Mapping[str, str]):
    """Headers by their names, which compare without case; several of one name are one list."""

    def __init__(self, headers: Headers) -> None:
        self._values: dict[str, str] = {}
        for name, value in headers:
            known = self._values.get(name.lower())
            self._values[name.lower()] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


@dataclass(frozen=True, slots=True, repr=False)
class _Message:
    headers: HeaderMapping
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Json:
        """The body as JSON.

        Raises:
            ValueError: it is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise ValueError(f"The body of {self!r} is not JSON: {self.text[:80]!r}") from None


@dataclass(frozen=True, slots=True, repr=False)
class SeenRequest(_Message):
    """A request that a test sent, redacted as its fixture is."""

    method: str
    url: str

    def __repr__(self) -> str:
        return f"<{self.method} {self.url}>"


@dataclass(frozen=True, slots=True, repr=False)
class SeenResponse(_Message):
    """A response that a test got, redacted as its fixture is; `frames` are a WebSocket's."""

    status: int
    frames: tuple[Frame, ...] = ()

    def __repr__(self) -> str:
        return f"<response {self.status}>"


class Interaction(NamedTuple):
    """A request, and its response; None where none came, or not all of it yet."""

    request: SeenRequest
    response: SeenResponse | None


class _Note:
    """A request as it was sent, and how it would be written."""

    def __init__(self, config: Config, request: Request, response: Response | None) -> None:
        self._config = config
        self._request = request
        self._response = response
        self._secrets = placeholder_keys.secrets()
        self._read: Interaction | None = None

    def answered(self, response: Response) -> None:
        self._response, self._read = response, None

    def read(self) -> Interaction:
        if self._read is None:
            response = self._response
            whole = _unpacked(response or Response(200))
            document, blobs = compose(
                self._request, whole, {}, self._config, self._secrets, PROCESS.given
            )
            asked = request_of(document, blobs.__getitem__)
            got = response_of(document, blobs.__getitem__) if response else None
            self._read = Interaction(
                SeenRequest(HeaderMapping(asked.headers), asked.body, asked.method, asked.url),
                _response_of(got) if got else None,
            )
        return self._read


def _response_of(got: Response) -> SeenResponse:
    body = b"".join(got.chunks) or got.body
    return SeenResponse(HeaderMapping(got.headers), body, got.status, got.frames)


def _unpacked(response: Response) -> Response:
    """Return a response with its body in one piece, without its content-encoding."""
    body = response.body or b"".join(response.chunks)
    if coding := header(response.headers, _CODING):
        try:
            body = decode(body, coding)
        except CannotUnpack:
            return response._replace(body=body, chunks=())
    headers = tuple(pair for pair in response.headers if pair[0].lower() != _CODING)
    return response._replace(headers=headers, body=body, chunks=(), packed=b"")


class Interactions(Sequence[Interaction]):
    """The interactions of one test so far, in the order in which it sent the requests."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._notes: list[_Note] = []

    def note(self, session: Session, request: Request, decision: Decision) -> Decision:
        """Note a request of this test; return what was decided, which tells of its response."""
        if current_owner() != self._owner:
            return decision
        if isinstance(decision, (Replay, Faulted)):
            settled = session.without_given(request)
            self._notes.append(_Note(session.config, settled, decision.response))
        elif isinstance(decision, Recording):
            note = _Note(session.config, decision.request, None)
            self._notes.append(note)
            return replace(decision, heard=note.answered)
        return decision

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """The requests, in order."""
        return tuple(request for request, _ in self)

    @property
    def responses(self) -> tuple[SeenResponse, ...]:
        """The responses, in the order of their requests; a request that got none has none here."""
        return tuple(response for _, response in self if response is not None)

    @property
    def last(self) -> Interaction:
        """The interaction of the last request."""
        if not self._notes:
            raise IndexError("This test has not sent a request that cachy covers.")
        return self._notes[-1].read()

    def __len__(self) -> int:
        return len(self._notes)

    @overload
    def __getitem__(self, index: int) -> Interaction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Interaction, ...]: ...
    def __getitem__(self, index: int | slice) -> Interaction | tuple[Interaction, ...]:
        if isinstance(index, slice):
            return tuple(note.read() for note in self._notes[index])
        return self._notes[index].read()

    def __call__(self, *args: Any, **kwargs: Any) -> AbstractContextManager[None]:
        """Open a scope, as `cachy(…)` does: the pytest fixture hides the import of that name."""
        from cachy.replay.scope import cachy

        return cachy(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<cachy: {[*self.requests]}>"
