"""Every decision about a request: replay it, record it, or refuse it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachy.config import Config, Mode
from cachy.errors import AmbiguousFixture
from cachy.fixture.format.body import unpacked_body
from cachy.fixture.format.lossless_json import parse_data
from cachy.fixture.identity.fingerprint import Identity, identify, identify_settled
from cachy.fixture.identity.header_credentials import HEADERS as CREDENTIALS
from cachy.fixture.identity.header_credentials import header_credentials
from cachy.fixture.identity.route import counted_headers
from cachy.fixture.legacy_pycachy import find_former, with_norm_pats
from cachy.fixture.store.files import is_chosen
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response
from cachy.providers.mcp import SESSION
from cachy.replay.ambiguity import Ambiguity
from cachy.replay.coverage import Coverage, with_alias
from cachy.replay.decision import (
    Adoption,
    Decision,
    FoundFixture,
    Key,
    Refusal,
    Renamed,
    Replay,
    request_of_key,
)
from cachy.replay.journal import Journal
from cachy.replay.owner import current_owner, variant_to_record, variants_to_try
from cachy.replay.polling import is_listed, is_polling, polling_of, repeats
from cachy.replay.process import PROCESS
from cachy.replay.sequence import Sequences, Turn
from cachy.replay.streams.channels import is_live, is_on_live_stream, note, unnumbered

if TYPE_CHECKING:
    from cachy.replay.recorder import Recorder, Recording

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_KNOWN = 64 * 1024 * 1024  # bytes of requests whose fixture is remembered, each with _COST more
_COST = 1024
_BODY_HEADERS = ("content-type", "content-encoding", "upgrade", SESSION)


class Session:
    """One scope's decisions, which `respond` carries out; for many threads and tasks at once."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store(config.fixtures)
        self.sequences = Sequences()
        self.ambiguity = Ambiguity(config.fixtures)
        self.journal = Journal(config)
        self.equal: Counter[str] = Counter()  # requests while recording, by the files used
        self.coverage = Coverage(config, self.journal.uncovered)
        self.covers: Callable[[str, int | None], bool] = self.coverage.covers
        self.faults: Any = None  # those that a test asks for
        self._made: dict[str, Recorder] = {}
        self._known: dict[Key, FoundFixture] = {}
        self._room = _KNOWN
        named = (*_BODY_HEADERS, *counted_headers(config.match.headers))
        self.counted = CREDENTIALS.union(name.encode("latin-1") for name in named)
        self.renew_locks()

    def renew_locks(self) -> None:
        """Forget who holds a lock: in a forked process nobody is left to give it back."""
        for recorder in self._made.values():
            recorder.renew_lock()
        self.sequences.renew_lock()
        self.store.renew_lock()

    @property
    def recorder(self) -> Recorder:
        """What writes the responses of live requests: replay needs none."""
        if "recorder" not in self._made:
            from cachy.replay.recorder import Recorder

            made = Recorder(self.config, self.store, self.sequences, self.journal)
            self._made.setdefault("recorder", made)  # the first of several threads wins
        return self._made["recorder"]

    def close(self) -> None:
        """End the scope."""
        for recorder in self._made.values():
            recorder.close()

    def recall(self, key: Key) -> Replay | None:
        """Find the fixture of a request by one look; None leaves it to `decide`.

        Raises:
            CachyError: its file cannot be read.
        """
        known = None if PROCESS.owner else self._known.get(key)
        if known is None:
            return self._look(self.known_as(request_of_key(key)), key)
        response = self.store.read(known.path)
        return Replay(known, response) if response else None

    def decide(self, request: Request) -> Decision:
        """Decide whether to replay, record or refuse a request.

        Raises:
            CachyError: a fixture cannot be read.
        """
        return self._look(request) or self._decide_settled(request)

    def known_as(self, request: Request) -> Request:
        """Return a request as its fixture knows it: the setting `alias` may rename its host."""
        return with_alias(request, self.config) if self.config.alias else request

    def _look(self, request: Request, key: Key | None = None) -> Replay | None:
        """Read the fixture of a request as it is; `key` lets `recall` skip this the next time."""
        if PROCESS.has_heard:
            self.recorder.learn(request)
        mode = self.config.mode
        if mode is not Mode.REPLAY and (mode is Mode.REFRESH or is_live(request, self.config)):
            return None
        identity = identify(request, self.config)
        if repeats(identity, self.config):
            return self._look_in_turn(identity, request)
        found, response = self._read_first(identity, 1)
        if response is None or not self._may_replay(found, request):
            return None
        # When full it stays as it is: a scan of more requests than fit finds a part of them.
        if key is not None and self._room > 0 and not PROCESS.owner:
            self._room -= len(request.body) + _COST
            self._known[key] = found
        return Replay(found, response)

    def _may_replay(self, found: FoundFixture, request: Request) -> bool:
        credentials = header_credentials(request.headers, PROCESS.gave)
        return self.ambiguity.may_replay(found.identity, credentials)

    def _read_first(self, identity: Identity, index: int) -> tuple[FoundFixture, Response | None]:
        """Read the first file that is there, of the variants in which it may be recorded."""
        for variant in variants_to_try(identity, self.config):
            varied = identity.varied(variant) if variant else identity
            found = FoundFixture(self.store.path_of(varied, index), varied, index)
            response = self._stored(found.path)
            if response is not None or (index > 1 and self.store.find(varied)):
                break  # a test with recordings of its own gets no others
        return found, response

    def _stored(self, path: str) -> Response | None:
        try:
            return self.store.read(path)
        except AmbiguousFixture:
            if self.config.mode is Mode.REPLAY:
                raise
            return None  # it is recorded again, perhaps with a variant for each request

    def _look_in_turn(self, identity: Identity, request: Request) -> Replay | None:
        turn = self._turn(identity)
        index, response = self.sequences.take(turn), None
        try:
            found, response = self._read_first(identity, index)
            if response is not None and not self._may_replay(found, request):
                response = None
        finally:
            if response is None:
                self.sequences.free(turn, index)
        if response is None:
            return None
        self.sequences.settle(turn, index)
        return Replay(found, response)

    def _turn(self, identity: Identity) -> Turn:
        whose = (one.name(self.config), one.is_wide) if (one := current_owner()) else ("",)
        return Turn(identity.fingerprint, *whose)

    def without_given(self, request: Request) -> Request:
        """Return a request without what responses of this process gave as a secret."""
        request = unnumbered(request)
        return PROCESS.given.take_out(request._replace(body=unpacked_body(request)))

    def _decide_settled(self, asked: Request) -> Decision:
        from cachy.fixture.identity.named_credentials import credentials_of
        from cachy.replay.recorder import Recording

        key = note(asked)
        settled = self.without_given(asked)
        identity = identify_settled(settled, with_norm_pats(self.config))
        variant = variant_to_record(identity, self.config)
        wanted, turn = identity.varied(variant), self._turn(identity)
        index = self.sequences.take(turn) if repeats(identity, self.config) else 1
        credentials = credentials_of(settled, self.config, PROCESS.gave)
        parts = (settled._replace(variant=variant), wanted, index, turn, credentials)
        recording = Recording(self.recorder, *parts, conversation=key)
        if found := self._find_recorded(recording, identity, asked):
            return self.settle(recording, found, asked)
        if former := find_former(asked, self.config.fixtures):
            return Adoption(recording, former, asked)
        return self.decide_live(recording, asked)

    def settle(
        self, recording: Recording, found: Replay, asked: Request
    ) -> Replay | Recording | Refusal:
        """Decide whether the fixture of a request may answer it."""
        if not self.ambiguity.may_replay(found.fixture.identity, recording.credentials):
            return self.decide_live(recording, asked, ambiguous=found.fixture.identity)
        self.sequences.settle(recording.turn, recording.index)
        from cachy.replay.streams.answering import answer_in_session

        response = answer_in_session(asked, found.response, found.fixture.path)
        return found._replace(response=response)

    def decide_live(
        self, recording: Recording, asked: Request, *, ambiguous: Identity | None = None
    ) -> Recording | Refusal:
        """Decide whether a request may go live; `ambiguous` has answered another credential."""
        from cachy.replay import misses

        wanted, index = recording.identity, recording.index
        is_chosen, used = self._is_chosen(wanted, index), self.journal.tally.used
        refusal = misses.find_refusal(asked, is_chosen, self.config, used, wanted.variant)
        if not refusal:
            return recording
        self.sequences.free(recording.turn, index)
        if ambiguous:
            places = self.ambiguity.differences(ambiguous, recording.credentials)
            refusal = misses.ambiguous(places, refusal)
        return Refusal(recording.request, wanted, index, refusal)

    def _find_recorded(
        self, recording: Recording, identity: Identity, asked: Request
    ) -> Replay | None:
        wanted, index = recording.identity, recording.index
        is_chosen, is_renewed = self._is_chosen(wanted, index), is_live(asked, self.config)
        if not is_renewed and (self.config.mode is not Mode.REFRESH or not is_chosen):
            found = self._find(identity, index, is_last=not is_chosen)
            found = found or self._find_of_renamed(recording, identity)
            return found or self._find_set_aside(recording)
        if self.recorder.has_refreshed(wanted, index) and not is_on_live_stream(asked):
            return self.read(wanted, index)
        return None if is_renewed else self._find_set_aside(recording)

    def _find_of_renamed(self, recording: Recording, identity: Identity) -> Replay | None:
        """Find what the test that runs recorded before it was renamed or moved."""
        if self.config.mode is Mode.REFRESH or not PROCESS.owner:
            return None
        from cachy.replay.renamed import find_former_variant

        former = find_former_variant(identity, self.config)
        found = self.read(identity.varied(former), recording.index) if former else None
        renamed = Renamed(former, recording.identity, recording.index)
        return found._replace(renamed=renamed) if found else None

    def _find_set_aside(self, recording: Recording) -> Replay | None:
        """Find what the last run recorded for a test that failed."""
        if self.config.keep == "always":
            return None
        from cachy.replay.testing.set_aside import take_back  # only this setting needs it

        wanted, index = recording.identity, recording.index
        is_back = take_back(self.config, self.store.path_of(wanted, index))
        return self.read(wanted, index) if is_back else None

    def _is_chosen(self, identity: Identity, index: int) -> bool:
        """Return whether this request may go live: `--only` leaves all others to their fixtures."""
        if not self.config.only:
            return True
        path = Path(self.store.find(identity, index) or self.store.path_of(identity, index))
        return is_chosen(path, self.config.only, (self.config.root, self.config.fixtures))

    def _find(self, identity: Identity, index: int, *, is_last: bool) -> Replay | None:
        """Find the file of a settled request, whatever its slug; a job's last state repeats."""
        for variant in variants_to_try(identity, self.config):
            varied = identity.varied(variant)
            if found := self.read(varied, index):
                return found
            if index > 1 and self.store.find(varied):
                is_over = is_last or self.config.mode is Mode.REPLAY
                last = self.store.find_last(varied) if is_over else None
                return self._final(last, varied) if is_polling(identity, self.config) else None
        return None

    def _final(self, path: str | None, identity: Identity) -> Replay | None:
        """Read the last response to a polled request: a state that is not final never repeats."""
        last = self._read_at(path, identity)
        polling = polling_of(identity)
        if last is None or polling is None or is_listed(identity, self.config):
            return last
        return last if polling.is_final(parse_data(last.response.body.decode())) else None

    def read(self, identity: Identity, index: int) -> Replay | None:
        """Read the fixture of an identity, whatever its slug."""
        return self._read_at(self.store.find(identity, index), identity, index)

    def _read_at(self, path: str | None, identity: Identity, index: int = 1) -> Replay | None:
        response = self._stored(path) if path else None
        return Replay(FoundFixture(path or "", identity, index), response) if response else None
