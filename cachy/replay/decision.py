"""A request as it is first looked up, and what can be decided about it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cachy.fixture.identity.fingerprint import Identity
from cachy.fixture.store.store import file_name
from cachy.interaction import Headers, Request, Response

if TYPE_CHECKING:
    from cachy.replay.recorder import Recording


Key = tuple[str, str, bytes, tuple[tuple[bytes, bytes], ...]]
"""A request as it is: method, URL, body, and the headers that `Session.counted` names."""


def request_of_key(key: Key) -> Request:
    """Return the request of a key."""
    method, url, body, headers = key
    return Request(method, url, _decoded(headers), body)


@lru_cache(maxsize=256)
def _decoded(headers: tuple[tuple[bytes, bytes], ...]) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


class FoundFixture:
    """A fixture that answers a request; `used` is its file's name without the slug."""

    __slots__ = ("identity", "path", "used")

    def __init__(self, path: str, identity: Identity, index: int = 1) -> None:
        self.path = path
        self.identity = identity
        self.used = file_name(identity.fingerprint, index)


class Renamed(NamedTuple):
    """A recording of a test that is gone, and what the test that runs would record in its place."""

    former: str  # the variant
    wanted: Identity
    number: int  # of the response in a sequence


class Replay(NamedTuple):
    """The decision to replay a fixture's response."""

    fixture: FoundFixture
    response: Response
    renamed: Renamed | None = None


class Adoption(NamedTuple):
    """The decision to make a fixture of what pycachy 0.0.x recorded for this request."""

    recording: Recording
    response: Response
    asked: Request


class Refusal(NamedTuple):
    """The decision neither to replay a request nor to send it."""

    asked: Request
    identity: Identity
    number: int  # of the response in a sequence
    reason: tuple[str, str]  # and what to do


class Faulted(NamedTuple):
    """The decision to answer a request by a fault; None for one that fails on its way."""

    request: Request
    response: Response | None
    fault: str
    used: str = ""  # the file of a recorded error, without its slug


Decision: TypeAlias = "Replay | Recording | Adoption | Refusal | Faulted"
