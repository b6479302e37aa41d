"""Every decision about a request: replay it, record it, or refuse it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cachy.config import Config, Mode, current_test, is_covered, is_recorded
from cachy.errors import CachyError, UnrecordedRequest
from cachy.fixture.compose import compose, parse_user_agent
from cachy.fixture.environment_advice import guard_identity
from cachy.fixture.identity.fingerprint import (
    Identity,
    counted_headers,
    identify,
    identify_settled,
)
from cachy.fixture.legacy_pycachy import FILE, find_recorded, with_norm_pats
from cachy.fixture.store.files import is_chosen
from cachy.fixture.store.store import Store, file_name, is_same_answer
from cachy.interaction import (
    OTHER_VERSIONS,
    Headers,
    Json,
    Request,
    Response,
    header,
    host_and_port,
)
from cachy.providers import find_surface
from cachy.replay import misses, placeholder_keys
from cachy.replay.counters import Tally
from cachy.replay.sequence import Sequences

__tracebackhide__ = True  # pytest shows whoever asked, not what is in between
_KNOWN = 64 * 1024 * 1024  # bytes of requests whose fixture is remembered, each with _COST more
_COST = 1024
Clock = Callable[[], datetime]
Key = tuple[str, str, bytes, tuple[tuple[bytes, bytes], ...]]
"""A request as it is: method, URL, body, and the headers that `Session.counted` names."""


def _request_of(key: Key) -> Request:
    method, url, body, headers = key
    return Request(method, url, _decoded(headers), body)


@lru_cache(maxsize=256)
def _decoded(headers: tuple[tuple[bytes, bytes], ...]) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


@dataclass(frozen=True, slots=True)
class Recording:
    """A request that goes live: hand its response to `save`, or `abandon` it."""

    session: Session
    request: Request
    identity: Identity
    index: int

    def save(self, response: Response) -> None:
        """Write the fixture, unless the status is one that says nothing lasting."""
        if not is_recorded(response.status, self.session.config):
            self.abandon()
            return self.session.refuse(self.request, f"status {response.status}")
        try:
            self.session.write(self, response)
        except CachyError as error:
            self.abandon()
            self.session.fail(self.request, error)

    def abandon(self) -> None:
        """Give the index back: no answer was recorded."""
        self.session.sequences.free(self.identity.fingerprint, self.index)
        self.session.close_late()

    def lose(self, error: BaseException | None) -> None:
        """Give the index back, as the response never came whole; count an error, not the end."""
        self.abandon()
        if isinstance(error, Exception):
            self.session.refuse(self.request, type(error).__name__)


class _Found:
    """A fixture that answered a request."""

    __slots__ = ("name", "path", "used")

    def __init__(self, path: str, identity: Identity, index: int = 1) -> None:
        self.path = path
        self.name = identity.name
        self.used = file_name(identity.fingerprint, index)


class Session:
    """One scope's settings, store and counters; safe to use from many threads and tasks."""

    def __init__(self, config: Config, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self.config = config
        self.store = Store(config.fixtures)
        self.sequences = Sequences()
        self.tally = Tally()
        self.covers = lru_cache(maxsize=256)(self._covers)
        self._clock = clock
        self._refreshed: set[tuple[str, int]] = set()
        self._advised: set[str] = set()
        self._in_turn: dict[str, Identity] = {}
        self._is_closed = False
        self._known: dict[Key, _Found] = {}
        self._room = _KNOWN
        named = ("content-type", "upgrade", *counted_headers(config.match.headers))
        self.counted = frozenset(name.encode("latin-1") for name in named)
        self.renew_locks()

    def renew_locks(self) -> None:
        """Forget who holds a lock: in a forked process nobody is left to give it back."""
        self._lock = threading.RLock()  # garbage collection may end an answer anywhere
        self.sequences.renew_lock()
        self.store.renew_lock()

    def _covers(self, host: str, port: int | None) -> bool:
        return self.config.mode is not Mode.OFF and is_covered(host, port, self.config.doms)

    def covers_url(self, url: str) -> bool:
        """Whether requests to this URL are ours to answer."""
        return self.covers(*host_and_port(url))

    def recall(self, key: Key) -> Response | None:
        """Return the response of the fixture that one look finds; None leaves it to `answer`."""
        try:
            known = self._known.get(key)
            if known is None:
                return self._look(_request_of(key), key)
            response = self.store.read(known.path)
        except CachyError:
            return None  # `answer` says what is wrong with the file
        return self._replayed(known, response) if response else None

    def answer(self, request: Request) -> Response | Recording:
        """Answer a request from its fixture, or say that it is to be recorded.

        Raises:
            UnrecordedRequest: nothing recorded fits, and it may not go live; or what is recorded
                can't be read.
        """
        try:
            found = self._look(request)
            return found or self._settled_answer(request, self._settle(request))
        except CachyError as error:  # which SDKs would take for a broken connection
            unreadable = misses.unreadable(request, error, self.config)
        misses.refuse(unreadable)

    def _look(self, request: Request, key: Key | None = None) -> Response | None:
        """Read the fixture of a request as it is; `key` lets `recall` skip this the next time."""
        if self.config.mode is Mode.REFRESH:
            return None
        identity = identify(request, self.config)
        if self._repeats(identity):
            return self._look_in_turn(identity)
        found = _Found(self.store.path_of(identity), identity)
        response = self.store.read(found.path)
        if response is None:
            return None
        if key is not None and self._room > 0:  # full, it stays: a scan of more finds a part of it
            self._room -= len(request.body) + _COST
            self._known[key] = found
        return self._replayed(found, response)

    def _look_in_turn(self, identity: Identity) -> Response | None:
        index = self.sequences.take(identity.fingerprint)
        found = _Found(self.store.path_of(identity, index), identity, index)
        try:
            response = self.store.read(found.path)
        except CachyError:
            self.sequences.free(identity.fingerprint, index)
            raise
        if response is None:
            self.sequences.free(identity.fingerprint, index)
            return None
        self.sequences.settle(identity.fingerprint, index)
        return self._replayed(found, response)

    def _settle(self, request: Request) -> Identity:
        return identify_settled(request, with_norm_pats(self.config))

    def _settled_answer(self, request: Request, identity: Identity) -> Response | Recording:
        index = self._reserve(identity)
        is_chosen = self._is_chosen(identity, index)
        is_anew = self.config.mode is Mode.REFRESH and is_chosen
        response = None
        if not is_anew or (identity.name, index) in self._refreshed:
            response = self._find(identity, index, is_last=not is_chosen)
        if response is None:
            response = self._adopt(request, identity, index)
        if response is not None:
            self.sequences.settle(identity.fingerprint, index)
            return self._replayed(_Found("", identity, index), response)
        if refusal := misses.find_refusal(request, is_chosen, self.config):
            self.sequences.free(identity.fingerprint, index)
            misses.refuse(misses.unrecorded(request, identity, index, self.config, refusal))
        self.tally.used.add(file_name(identity.fingerprint, index))
        self._tell("live", request)
        return Recording(self, request, identity, index)

    def _adopt(self, request: Request, identity: Identity, index: int) -> Response | None:
        """Make an ordinary fixture of what pycachy recorded for this request, if it did."""
        fixtures = self.config.fixtures
        for folder in (fixtures, fixtures.parent):
            found = find_recorded(request, folder / FILE)
            if found is not None:
                Recording(self, request, identity, index).save(found)
                return self._find(identity, index)
        return None

    def _is_chosen(self, identity: Identity, index: int) -> bool:
        """Whether this request may go live: `--only` leaves all others to their fixtures."""
        if not self.config.only:
            return True
        path = Path(self.store.find(identity, index) or self.store.path_of(identity, index))
        return is_chosen(path, self.config.only, (self.config.root, self.config.fixtures))

    def _find(self, identity: Identity, index: int, *, is_last: bool = False) -> Response | None:
        path = self.store.find(identity, index)
        is_over = path is None and (is_last or self.config.mode is Mode.REPLAY)
        if is_over and self._is_polling(identity):
            path = self.store.find_last(identity)
        return self.store.read(path) if path else None

    def _repeats(self, identity: Identity) -> bool:
        return self.config.repeats == "sequence" or self._is_polling(identity)

    def _is_polling(self, identity: Identity) -> bool:
        target = identity.target
        if f"{target.authority}{target.template}" in self.config.polling:
            return True
        surface = find_surface(target.authority, identity.method, target.template)
        return surface is not None and surface.polling is not None

    def _reserve(self, identity: Identity) -> int:
        return self.sequences.take(identity.fingerprint) if self._repeats(identity) else 1

    def _replayed(self, found: _Found, response: Response) -> Response:
        self.tally.replayed += 1
        self.tally.used.add(found.used)
        if self.config.debug is True or self.config.log:
            self._say("hit", found.name)
        return response

    def write(self, recording: Recording, response: Response) -> None:
        """Write the fixture of a recording."""
        request, index, secrets = recording.request, recording.index, placeholder_keys.secrets()
        identity, advice = guard_identity(request, recording.identity, self.config, secrets)
        recorded = self._provenance(request, response)
        document, blobs = compose(request, response, recorded, self.config, secrets)
        before = self.store.find(identity, index) if self.config.mode is Mode.REFRESH else None
        is_equal = before is not None and is_same_answer(Path(before), document)
        path = self.store.save(identity, document, blobs, index)
        tally = self.tally
        part = tally.recorded if before is None else tally.equal if is_equal else tally.changed
        with self._lock:
            self._refreshed.add((recording.identity.name, index))
            part.append(str(path))
            if index > 1:
                self._in_turn[recording.identity.fingerprint] = identity
            is_news = bool(advice) and advice not in self._advised
            self._advised.add(advice)
        self.tally.used.add(file_name(identity.fingerprint, index))
        self.sequences.settle(recording.identity.fingerprint, index)
        self._say("recorded", identity.name)
        if is_news:
            print(f"cachy: {path.name}: {advice}", file=sys.stderr)
        self.close_late()

    def _provenance(self, request: Request, response: Response) -> dict[str, Json]:
        recorded = {"at": self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")}
        if sdk := parse_user_agent(header(request.headers, "user-agent") or ""):
            recorded["sdk"] = sdk
        if test := current_test():
            recorded["test"] = test
        if response.http_version in OTHER_VERSIONS:
            recorded["http"] = response.http_version
        return recorded

    def refuse(self, request: Request, why: str) -> None:
        """Count an answer that is not recorded, and say so."""
        self.tally.refused.append(f"{misses.shown(request, self.config)}: {why}")
        self._say("not recorded", self.tally.refused[-1])

    def fail(self, request: Request, error: CachyError) -> None:
        """Count an answer that the disk did not take; say the first at once."""
        if not self.tally.unwritten and self.config.debug is not True:
            print(f"cachy: not recorded: {error}", file=sys.stderr, flush=True)
        self.refuse(request, str(error))
        self.tally.unwritten.append(self.tally.refused.pop())

    def missed(self, error: UnrecordedRequest) -> None:
        """Say that a request was refused."""
        self._say("miss", f"{error.method} {error.url}")

    def _tell(self, event: str, request: Request) -> None:
        if self.config.debug or self.config.log:
            self._say(event, misses.shown(request, self.config))

    def _say(self, event: str, what: str) -> None:
        if self.config.debug is True or (self.config.debug == "miss" and event == "miss"):
            print(f"cachy: {event}: {what}", file=sys.stderr)
        if self.config.log:
            line = json.dumps({"at": self._clock().isoformat(), "event": event, "what": what})
            with suppress(OSError), open(self.config.log, "a", encoding="utf-8") as file:
                file.write(line + "\n")  # a full disk must not cost the caller the answer

    def close(self) -> None:
        """End the scope."""
        self._is_closed = True
        self.start_anew()

    def start_anew(self) -> None:
        """Count equal requests from 1 again; close the gaps that refused ones left in sequences."""
        for fingerprint, last in self.sequences.drain().items():
            if identity := self._in_turn.get(fingerprint):
                try:
                    self.tally.rename(self.store.close_gaps(identity, last))
                except CachyError as error:
                    print(f"cachy: {error}", file=sys.stderr, flush=True)

    def close_late(self) -> None:
        """Close what an answer that came after the end of the scope left open."""
        if self._is_closed:
            self.start_anew()
