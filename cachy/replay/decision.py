"""What can be decided about a request."""

from __future__ import annotations

from typing import NamedTuple

from cachy.fixture.identity.fingerprint import Identity
from cachy.fixture.store.store import file_name
from cachy.interaction import Request, Response
from cachy.replay.recorder import Recording


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


Decision = Replay | Recording | Adoption | Refusal
