"""Carry out what a session decides: count and log it, adopt a recording, raise a miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from cachy.config import Mode, is_loopback
from cachy.errors import CachyError, NetworkFault
from cachy.fixture.identity.fingerprint import Identity
from cachy.fixture.store.blocking import may_block
from cachy.fixture.store.store import file_name
from cachy.interaction import Headers, Request, Response, host_and_port
from cachy.providers.mcp import ends_session
from cachy.replay import placeholder_keys
from cachy.replay.coverage import shown_host
from cachy.replay.decision import Adoption, Decision, Faulted, Key, Refusal, Replay
from cachy.replay.owner import Owner, own_variant
from cachy.replay.polling import repeats, surface_of
from cachy.replay.process import PROCESS
from cachy.replay.session import Session
from cachy.replay.streams.channels import is_replayed

if TYPE_CHECKING:
    from cachy.replay.recorder import Recording

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_MANY = 20  # equal requests


def recall(session: Session, key: Key) -> Response | None:
    """Return the response of the fixture that one look finds; None leaves it to `answer`."""
    is_seen_whole = session.faults is not None or session.config.hooks
    if PROCESS.interactions is not None or is_seen_whole:
        return None  # a hook, and what a test asks of its requests, need them whole
    try:
        replay = session.recall(key)
    except CachyError:
        return None  # `answer` says what is wrong with the file
    if replay is None:
        return None
    return _replayed(session, replay)


def answer(session: Session, request: Request) -> Response | Recording:
    """Return the recorded response to a request, or its recording if it goes live now.

    Raises:
        UnrecordedRequest: nothing recorded fits, and it may not go live; or what is recorded
            cannot be read.
        NetworkFault: the test wants this request to fail on its way.
    """
    try:
        with may_block():
            request = known_request(session, request)
            decision = _adopted(session, _decide(session, request))
            if PROCESS.interactions is not None:
                decision = PROCESS.interactions.note(session, request, decision)
        unreadable = None
    except CachyError as error:  # which SDKs would take for a broken connection
        unreadable = error
    if unreadable is not None:
        refuse(session, request, unreadable)
    if isinstance(decision, Replay):
        return _replayed(session, decision)
    if isinstance(decision, Refusal):
        if is_replayed(request) and ends_session(request):  # which a server may do without
            return Response(405)
        refuse(session, request, decision)
    if isinstance(decision, Faulted):
        return _faulted(session, decision)
    return _sent(session, decision)


def known_request(session: Session, request: Request) -> Request:
    """Return a request as its fixture knows it.

    Raises:
        CachyError: a hook of the user's fails.
    """
    if session.config.hooks:
        from cachy.fixture.hooks import load_hooks  # few projects have any

        request = load_hooks(session.config).before_match(request)
    return session.known_as(request)


def refuse(session: Session, request: Request, why: CachyError | Refusal) -> NoReturn:
    """Log and raise a miss."""
    from cachy.replay import misses  # replay needs none

    with may_block():
        if isinstance(why, Refusal):
            miss = misses.unrecorded(*why[:3], session.config, why.reason)
        else:
            miss = misses.unreadable(request, why, session.config)
    session.journal.missed(miss)
    misses.refusal_of(miss)()


def pass_by(session: Session, method: str, url: str, headers: Headers) -> None:
    """Count a request to an uncovered host, which then goes live.

    Raises:
        UnrecordedRequest: it would carry a placeholder to another machine.
    """
    request, (host, port) = Request(method, url, headers), host_and_port(url)
    key = placeholder_keys.missing_for(request)
    if key and not is_loopback(host):
        why = f"its host is not covered, and it carries the placeholder of {key}"
        how = f'Set {key}, or add "{shown_host(host, port)}" to extend-doms in [tool.cachy].'
        refuse(session, request, CachyError(why, advice=how))
    session.coverage.pass_by(host, port, has_placeholder=bool(key))


def _replayed(session: Session, replay: Replay) -> Response:
    fixture, response, renamed = replay
    session.journal.replayed(fixture.path, fixture.used, fixture.identity.name)
    if renamed:
        session.journal.renamed(renamed.former, renamed.wanted.variant)
        if session.config.mode is Mode.RECORD:
            session.recorder.take_over(fixture.path, renamed.wanted, renamed.number)
    elif session.config.mode is Mode.RECORD and not PROCESS.owner:
        _count_equal(session, fixture.identity, fixture.used)
    return response


def _count_equal(session: Session, identity: Identity, used: str) -> None:
    """Advise a program that may be waiting for what its recording will never say."""
    session.equal[used] += 1
    if session.equal[used] == _MANY and not repeats(identity, session.config):
        surface = surface_of(identity)
        session.recorder.say_once(
            f"{_MANY} equal requests to {identity.method} {surface} got the same response. If the "
            f'program waits for another one, set polling = ["{surface}"] or repeats = "sequence".'
        )


def _decide(session: Session, request: Request) -> Decision:
    if session.faults is None:
        return session.decide(request)
    decision: Decision = session.faults.decide(request, session.decide)
    return decision


def _faulted(session: Session, decision: Faulted) -> Response:
    session.journal.faulted(decision.request, decision.fault, decision.used)
    if decision.response is None:
        raise NetworkFault("timeout" if decision.fault == "timeout" else "reset")
    return decision.response


def _adopted(session: Session, decision: Decision) -> Replay | Recording | Refusal | Faulted:
    """Write the fixture where a session decides so, and go on with that."""
    if not isinstance(decision, Adoption):
        return decision
    recording, response, asked = decision
    recording.adopt(response)
    if found := session.read(recording.identity, recording.index):
        return session.settle(recording, found, asked)
    return session.decide_live(recording, asked)


def _sent(session: Session, recording: Recording) -> Recording:
    """Count a request that goes live, and compare its credentials with those sent before."""
    wanted = recording.identity
    if session.config.mode is Mode.RECORD and not PROCESS.owner:
        _count_equal(session, wanted, file_name(wanted.fingerprint, recording.index))
    session.journal.live(recording.request, file_name(wanted.fingerprint, recording.index))
    return session.recorder.sent(recording, session.ambiguity.send(wanted, recording.credentials))


def restart_counts(session: Session, owner: Owner) -> None:
    """Count equal requests from 1 again, as each try of a test does."""
    name = owner.name(session.config)
    session.recorder.restart_counts(name)
    if session.faults is not None:
        session.faults.restart()
    if name:
        session.ambiguity.forget(own_variant(owner, session.config))
