"""Write what a live request got: its fixture, how it was recorded, and gaps closed at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cachy.config import Config, Mode, current_test, is_recorded
from cachy.errors import NAME_A_VARIANT, CachyError, UnusableEntry
from cachy.fixture.compose import compose, parse_user_agent, without_values
from cachy.fixture.document import with_mark
from cachy.fixture.environment_advice import explain_frames, guard_identity
from cachy.fixture.format.frames import with_digest
from cachy.fixture.format.render import render_fixture
from cachy.fixture.identity.fingerprint import Identity
from cachy.fixture.identity.header_credentials import Credentials
from cachy.fixture.identity.own_secrets import find_own_secrets
from cachy.fixture.store.ambiguous import mark_ambiguous
from cachy.fixture.store.blocking import may_block
from cachy.fixture.store.former_times import with_former_times
from cachy.fixture.store.scratch import moment
from cachy.fixture.store.store import Store, file_name, is_same_answer, load_fixture
from cachy.interaction import OTHER_VERSIONS, Json, Request, Response, header
from cachy.providers.aws import passing_error
from cachy.replay import misses, placeholder_keys
from cachy.replay.ambiguity import Asked
from cachy.replay.journal import Journal
from cachy.replay.process import PROCESS
from cachy.replay.sequence import Sequences, Turn
from cachy.replay.streams.answering import find_sdk, lacks_answer


@dataclass(frozen=True, slots=True)
class Recording:
    """A request that goes live: hand its response to `save`, or `abandon` it."""

    recorder: Recorder
    request: Request
    identity: Identity
    index: int
    turn: Turn
    credentials: Credentials = field(default=(), repr=False)
    asked: Asked | None = None
    heard: Callable[[Response], None] | None = None
    started: float = field(default_factory=PROCESS.clock)
    is_adopted: bool = False
    conversation: str = ""  # the key of the session that it belongs to

    def adopt(self, response: Response) -> None:
        """Write the fixture of a response that another program recorded."""
        replace(self, is_adopted=True).save(response)

    def save(self, response: Response) -> None:
        """Write the fixture, unless the status says nothing that lasts."""
        if self.heard:
            self.heard(response)
        if why := self._why_not_recorded(response):
            return self._refuse(why)
        if not self._is_kept():
            return self._refuse(
                f"only its credential differs from that of a recorded request{self._where()}"
            )
        try:
            with may_block():
                self.recorder.write(self, response)
        except UnusableEntry as error:
            self._refuse(error.reason)
        except CachyError as error:
            self.abandon()
            self.recorder.journal.unwritten(self.request, error)

    def _why_not_recorded(self, response: Response) -> str:
        status, config = response.status, self.recorder.config
        if not is_recorded(status, config):
            return f"status {status}"
        if lacks_answer(self.request, response):
            return "its stream ended without the answer"
        if status < 400 or status in config.record_status:
            return ""
        code = passing_error(response.headers, response.body)
        return f"status {status} {code}" if code else ""

    def _refuse(self, why: str) -> None:
        self.abandon()
        self.recorder.journal.refused(self.request, why)

    def abandon(self) -> None:
        """Free the index: no response was recorded."""
        self.recorder.sequences.free(self.turn, self.index)
        self.recorder.close_late()

    def _is_kept(self) -> bool:
        return self.asked is None or self.asked.is_for(self.credentials)

    def _where(self) -> str:
        """Return the places of the credentials, and the tests that sent this one and the first."""
        places = ", ".join(sorted(self.asked.places)) if self.asked else ""
        here, first = current_test(), self.asked.test if self.asked else ""
        tests = f" in {here}" if here else ""
        tests += f", after {first}" if first and first != here else ""
        return f" ({places}{tests})"

    def lose(self, error: BaseException | None) -> None:
        """Free the index, as the response never came whole; count an error, but not its end."""
        self.abandon()
        if isinstance(error, Exception):
            self.recorder.journal.lost(self.request, error)


class Recorder:
    """What a scope has written."""

    def __init__(
        self, config: Config, store: Store, sequences: Sequences, journal: Journal
    ) -> None:
        self.config = config
        self.store = store
        self.sequences = sequences
        self.journal = journal
        self._refreshed: set[tuple[str, int]] = set()
        self._advised: set[str] = set()
        self._in_turn: dict[Hashable, Identity] = {}
        self._is_closed = False
        self.renew_lock()

    def renew_lock(self) -> None:
        """Forget who holds the lock, as a forked process must."""
        self._lock = threading.RLock()  # garbage collection may end a response anywhere

    def has_refreshed(self, identity: Identity, index: int) -> bool:
        """Return whether this scope has recorded this response already."""
        return (identity.name, index) in self._refreshed

    def write(self, recording: Recording, response: Response) -> None:
        """Write the fixture of a recording.

        Raises:
            CachyError: the disk refuses, or the response spells out a value of the environment.
        """
        request, index, secrets = recording.request, recording.index, placeholder_keys.secrets()
        guarded = (*secrets, *PROCESS.given.sent)
        identity, advice = guard_identity(request, recording.identity, self.config, guarded)
        recorded = self._provenance(recording, response)
        document, blobs = compose(request, response, recorded, self.config, secrets, PROCESS.given)
        document, blobs = _hooked(document, blobs, identity, self.config)
        before = self.store.find(identity, index) if self.config.mode is Mode.REFRESH else None
        document = with_former_times(document, before)
        is_equal = before is not None and is_same_answer(Path(before), document)
        places = sorted(recording.asked.places) if recording.asked else []
        document["request"] = with_mark(document["request"], places)
        written = _before_writing(self.config, before, blobs)
        path = self.store.save(identity, document, blobs, index)
        PROCESS.hear(str(path), document["response"])
        PROCESS.written += [one._replace(path=path) for one in written if not is_equal]
        if recording.asked and recording.asked.places - set(places):  # sent meanwhile
            self._mark(recording)
        tally = self.journal.tally
        part = tally.recorded if before is None else tally.equal if is_equal else tally.changed
        with self._lock:
            self._refreshed.add((recording.identity.name, index))
            part.append(str(path))
            if index > 1:
                self._in_turn[recording.turn] = identity
        tally.used.add(file_name(identity.fingerprint, index))
        self.sequences.settle(recording.turn, index)
        self.journal.recorded(identity.name)
        self._advise(path, advice or explain_frames(document["response"], self.config))
        self.close_late()

    def learn(self, request: Request) -> None:
        """Redact what was written before this request shows that it is a secret."""
        own = find_own_secrets(request, self.config.redact)
        for path, (value, mark) in PROCESS.given.find_late(own.marks).items():
            try:
                document = load_fixture(Path(path)).document
                clean = without_values(document["response"], (value,), mark)
                text = render_fixture(with_digest({**document, "response": clean}))
                self.store.write(Path(path), text.encode("utf-8"))
            except CachyError as error:
                self.journal.unwritten(request, error)

    def take_over(self, path: str, identity: Identity, index: int) -> None:
        """Write the recording of a test that is gone as one of the test that it has become."""
        try:
            document = load_fixture(Path(path)).document
            request = {**document["request"], "variant": identity.variant}
            recorded = {**document.get("recorded", {}), "test": identity.variant}
            taken = {**document, "recorded": recorded, "request": request}
            self.store.save(identity, taken, {}, index)
        except CachyError as error:
            print(f"cachy: {error}", file=sys.stderr, flush=True)
        self.journal.tally.used.add(file_name(identity.fingerprint, index))

    def sent(self, recording: Recording, asked: Asked) -> Recording:
        """Return a recording that goes live; mark what is recorded if the two are ambiguous."""
        recording = replace(recording, asked=asked)
        if asked.places:
            self._mark(recording)
            places = ", ".join(sorted(asked.places))
            what = misses.shown(recording.request, self.config)
            self.say_once(
                f"{what} differs from another request only in {places}, so neither can be "
                f"replayed. {NAME_A_VARIANT}"
            )
        return recording

    def _mark(self, recording: Recording) -> None:
        if recording.asked:
            try:
                mark_ambiguous(self.store, recording.identity, sorted(recording.asked.places))
            except CachyError as error:
                self.journal.unwritten(recording.request, error)

    def say_once(self, line: str) -> None:
        """Print a line of advice, once in a scope."""
        with self._lock:
            is_said = line in self._advised
            self._advised.add(line)
        if not is_said:
            print(f"cachy: {line}", file=sys.stderr, flush=True)

    def _advise(self, path: Path, advice: str) -> None:
        with self._lock:
            is_said = not advice or advice in self._advised
            self._advised.add(advice)
        if advice:
            self.journal.tally.advised.append(f"{path.name}: {advice}")
        if not is_said:
            print(f"cachy: {path.name}: {advice}", file=sys.stderr)

    def _provenance(self, recording: Recording, response: Response) -> dict[str, Json]:
        recorded: dict[str, Json] = {"at": _recorded_at(recording, response)}
        agent = header(recording.request.headers, "user-agent") or ""
        if sdk := find_sdk(recording.request) or parse_user_agent(agent):
            recorded["sdk"] = sdk
        if test := current_test():
            recorded["test"] = test
        if response.http_version in OTHER_VERSIONS:
            recorded["http"] = response.http_version
        if not recording.is_adopted:
            recorded["ms"] = round((PROCESS.clock() - recording.started) * 1000)
        return {name: fact for name, fact in recorded.items() if fact != ""}

    def close(self) -> None:
        """End the scope."""
        self._is_closed = True
        self.restart_counts()

    def restart_counts(self, owner: str | None = None) -> None:
        """Count equal requests from 1 again, all or an owner's; close the gaps in sequences."""

        def is_over(turn: Hashable) -> bool:
            return owner is None or (isinstance(turn, Turn) and turn.owner == owner)

        for turn, last in self.sequences.drain(is_over).items():
            if identity := self._in_turn.get(turn):
                try:
                    self.journal.tally.rename(self.store.close_gaps(identity, last))
                except CachyError as error:
                    print(f"cachy: {error}", file=sys.stderr, flush=True)

    def close_late(self) -> None:
        """Close what a response that came after the end of the scope left open."""
        if self._is_closed:
            self.restart_counts()


def _before_writing(config: Config, former: str | None, blobs: Mapping[str, bytes]) -> list[Any]:
    """Return what a recording will replace where a test makes it, else nothing."""
    if not PROCESS.owner:
        return []
    from cachy.replay.testing.set_aside import before_writing  # only tests need it

    return [before_writing(config, former, blobs)]


def _hooked(
    document: dict[str, Json], blobs: dict[str, bytes], identity: Identity, config: Config
) -> tuple[dict[str, Json], dict[str, bytes]]:
    if not config.hooks:
        return document, blobs
    from cachy.fixture.hooks import load_hooks  # few projects have any

    return load_hooks(config).before_record(document, blobs, identity, config)


def _recorded_at(recording: Recording, response: Response) -> str:
    """Return when the response came; "" where only another program could have known it."""
    if not recording.is_adopted:
        return moment().strftime("%Y-%m-%dT%H:%M:%SZ")
    from cachy.importers.parse import find_moment  # few programs adopt anything

    return find_moment(None, response.headers)
