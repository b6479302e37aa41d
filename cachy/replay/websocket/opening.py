"""What is decided about a WebSocket connection as it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from cachy.config import Mode
from cachy.errors import CachyError, UnrecordedRequest
from cachy.fixture.identity.fingerprint import Identity, identify_settled
from cachy.fixture.identity.same_message import MessageMatch
from cachy.fixture.store.blocking import may_block
from cachy.fixture.store.store import file_name
from cachy.interaction import Headers, Request
from cachy.replay import placeholder_keys, respond
from cachy.replay.decision import FoundFixture, Refusal, Replay
from cachy.replay.owner import current_owner, variant_to_record, variants_to_try
from cachy.replay.process import PROCESS
from cachy.replay.sequence import Turn
from cachy.replay.session import Session
from cachy.replay.websocket.conversation import Conversation, Miss

if TYPE_CHECKING:
    from cachy.replay.recorder import Recording
    from cachy.replay.websocket.message_tape import MessageTape

__tracebackhide__ = True  # pytest shows the caller, not what is in between
# What each opening has, with a key of its own (RFC 6455 section 4.1).
_HANDSHAKE = (
    *("upgrade", "connection", "sec-websocket-key"),
    *("sec-websocket-version", "sec-websocket-extensions"),
)
Link: TypeAlias = "Conversation | MessageTape"


def request_of(url: str, headers: Headers) -> Request:
    """Return the request that opens a connection; aiohttp takes the URL with http, too."""
    scheme, colon, rest = url.partition(":")
    scheme = {"http": "ws", "https": "wss"}.get(scheme.lower(), scheme)
    kept = tuple(pair for pair in headers if pair[0].lower() not in _HANDSHAKE)
    return Request("GET", f"{scheme}{colon}{rest.partition('#')[0]}", kept)


def open_link(session: Session, asked: Request) -> Link:
    """Return what follows a connection from here on.

    Raises:
        UnrecordedRequest: nothing recorded fits, and it may not go live; or what is recorded
            cannot be read.
    """
    try:
        with may_block():
            return _Opening(session, asked).decide()
    except CachyError as error:  # which SDKs would take for a broken connection
        unreadable = error
    respond.refuse(session, asked, unreadable)


class _Opening:
    """One connection that is being opened.

    A connection is a conversation with a state, so under pytest it belongs to the test that opened
    it, and its number in the test is its number on the disk. What tests share, and what a script
    opens, is found by what the program sends.
    """

    def __init__(self, session: Session, asked: Request) -> None:
        self._session = session
        config = self._config = session.config
        known = respond.known_request(session, asked)
        if not known.url.startswith("ws"):  # `alias` names a host, whatever is spoken to it
            known = known._replace(url=known.url.replace("http", "ws", 1))
        self._asked = session.without_given(known)
        self._identity = identify_settled(self._asked, config)
        self._wanted = self._identity.varied(variant_to_record(self._identity, config))
        self._is_own = self._wanted.variant != config.variant
        owner = current_owner()
        self._turn = Turn(self._identity.fingerprint, owner.name(config) if owner else "")

    def decide(self) -> Link:
        session = self._session
        index = session.sequences.take(self._turn) if self._is_own else 1
        found = [*self._candidates(index)]
        if found and not self._is_recording(found):
            session.sequences.settle(self._turn, index)
            return self._conversation(found)
        from cachy.replay.recorder import Recording  # what is replayed needs neither
        from cachy.replay.websocket.message_tape import MessageTape

        request = self._asked._replace(variant=self._wanted.variant)
        recording = Recording(session.recorder, request, self._wanted, index, self._turn)
        decision = session.decide_live(recording, self._asked)
        if isinstance(decision, Refusal):
            respond.refuse(session, self._asked, decision)
        session.journal.live(request, file_name(self._wanted.fingerprint, index))
        tape = self._noted(decision)
        return MessageTape(tape, is_own=self._is_own, new_match=self._new_match)

    def _is_recording(self, found: list[Replay]) -> bool:
        """Return whether this run has recorded one of them: then what comes now may be another.

        A replayed connection cannot go on live, and the program may be one that connects again.
        """
        is_free = self._config.mode is Mode.RECORD and not self._is_own
        recorded = self._session.journal.tally.recorded if is_free else ()
        return any([replay.fixture.path in recorded for replay in found])

    def _noted(self, recording: Recording) -> Recording:
        if PROCESS.interactions is None:
            return recording
        noted: Recording = PROCESS.interactions.note(self._session, self._asked, recording)
        return noted

    def _candidates(self, index: int) -> Iterator[Replay]:
        """Yield the recordings that may be this connection, the likeliest first."""
        if self._config.mode is Mode.REFRESH:
            return
        for variant in self._variants():
            known = [*self._recordings(self._identity.varied(variant))]
            if self._is_own and variant != self._config.variant:
                if known and len(known) < index:
                    return  # the test opens one more than it did
                known = [*known[index - 1 : index], *known[: index - 1], *known[index:]]
            yield from known
            if known:
                return

    def _variants(self) -> Iterator[str]:
        yield from variants_to_try(self._identity, self._config)
        if self._is_own:
            from cachy.replay.renamed import find_former_variant

            if former := find_former_variant(self._identity, self._config):
                yield former

    def _recordings(self, identity: Identity) -> Iterator[Replay]:
        index = 1
        while path := self._session.store.find(identity, index):
            response = self._session.store.read(path)
            if response is None:
                return
            yield Replay(FoundFixture(path, identity, index), response)
            index += 1

    def _conversation(self, found: list[Replay]) -> Conversation:
        from cachy.replay.websocket.frame_miss import unrecorded_frame

        def miss(what: Miss) -> UnrecordedRequest:
            return unrecorded_frame(session, self._asked, self._wanted, what)

        session = self._session
        if PROCESS.interactions is not None:
            PROCESS.interactions.note(session, self._asked, found[0])
        return Conversation(found, self._new_match, miss, partial(_use, session))

    def _new_match(self) -> MessageMatch:
        return MessageMatch(self._config, partial(_settle, self._session, self._asked))


def _settle(session: Session, asked: Request, raw: bytes) -> bytes:
    """Take out of a message what responses gave, and values of the environment."""
    from cachy.redact.environment import redact_value_bytes

    clean = session.without_given(Request("POST", asked.url, (), raw)).body
    secrets = placeholder_keys.secrets()
    return redact_value_bytes(clean, secrets) if secrets else clean


def _use(session: Session, recording: Replay) -> None:
    fixture = recording.fixture
    session.journal.replayed(fixture.path, fixture.used, fixture.identity.name)
