"""Faults that a test asks for: what its first requests get in the place of a recorded answer."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from cachy.config import Config
from cachy.errors import CachyError
from cachy.fixture.identity.fingerprint import identify
from cachy.fixture.store.store import Store, file_name, parse_file_name
from cachy.interaction import Request, Response
from cachy.providers.documented_errors import documented_error
from cachy.replay.decision import Decision, Faulted, Replay

_Kind = Literal["status", "timeout", "reset", "cut", "malformed", "slow"]
_COUNTED = re.compile(r"(?:(?P<status>[45]\d\d)|(?P<kind>timeout|reset))(?:\s*x\s*(?P<times>\d+))?")
_AFTER = re.compile(r"(?P<kind>cut|malformed)\s+after\s+(?P<count>\d+)\s+events?")
_SLOW = re.compile(r"first\s+token\s+after\s+(?P<seconds>\d+(?:\.\d+)?)\s*s")
_DATA = re.compile(rb"^data: ?", re.MULTILINE)
_ADVICE = (
    "Write '429 x2', 'timeout', 'reset x3', 'cut after 2 events', 'malformed after 2 events' or "
    "'first token after 5s'."
)
_AT_ONCE = (("retry-after", "0"), ("retry-after-ms", "1"))  # SDKs take 0 as if nothing was said


class WantedFault(NamedTuple):
    """One fault; `number` is a status, a count of events, or seconds."""

    kind: _Kind
    number: float = 0
    times: int = 1


def parse_fault(text: str) -> WantedFault:
    """Return the fault that a text names.

    Raises:
        CachyError: it names none.
    """
    wanted = text.strip().lower() if isinstance(text, str) else ""
    if (found := _COUNTED.fullmatch(wanted)) and (times := int(found["times"] or 1)) > 0:
        kind = found["kind"] or "status"
        return WantedFault(kind, int(found["status"] or 0), times)  # type: ignore[arg-type]
    if found := _AFTER.fullmatch(wanted):
        return WantedFault(found["kind"], int(found["count"]))  # type: ignore[arg-type]
    if found := _SLOW.fullmatch(wanted):
        return WantedFault("slow", float(found["seconds"]))
    raise CachyError(f"fault={text!r} is not a fault that cachy knows", advice=_ADVICE)


class Faults:
    """The fault of one scope, and how many of its requests have had it."""

    def __init__(self, fault: WantedFault, config: Config, store: Store) -> None:
        self._fault = fault
        self._config = config
        self._store = store
        self._recorded: dict[str, tuple[str, Response] | None] = {}  # errors, by their folder
        self.restart()

    def restart(self) -> None:
        """Begin again with the first request."""
        self._turns = itertools.count()  # which threads may share

    def decide(self, request: Request, otherwise: Callable[[Request], Decision]) -> Decision:
        """Decide about a request; from the last fault on as without one."""
        fault = self._fault
        if next(self._turns) >= fault.times:
            return otherwise(request)
        if fault.kind in ("timeout", "reset"):
            return Faulted(request, None, fault.kind)
        if fault.kind == "status":
            return self._error(request)
        decision = otherwise(request)
        if isinstance(decision, Replay):  # what goes live is recorded whole
            return decision._replace(response=_spoil(decision.response, fault))
        return decision

    def _error(self, request: Request) -> Faulted:
        """Answer with a recorded response of the surface, else with the documented one."""
        status, identity = int(self._fault.number), identify(request, self._config)
        folder = os.path.dirname(self._store.path_of(identity))
        if folder not in self._recorded:
            self._recorded[folder] = _find_recorded(status, folder, self._store)
        name, response = self._recorded[folder] or ("", None)
        if response is None:
            target = identity.target
            body = documented_error(target.authority, request.method, target.path, status)
            response = Response(status, (("content-type", "application/json"),), body)
        names = {name for name, _ in _AT_ONCE}
        headers = tuple(pair for pair in response.headers if pair[0].lower() not in names)
        at_once = response._replace(headers=(*headers, *_AT_ONCE))
        return Faulted(request, at_once, f"status {status}", name)


def _find_recorded(status: int, folder: str, store: Store) -> tuple[str, Response] | None:
    """Find a recorded response with this status, and the name of its file without the slug."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return None
    for name in names:
        if named := parse_file_name(name):
            try:
                response = store.read(os.path.join(folder, name))
            except CachyError:
                continue
            if response is not None and response.status == status:
                used = named["fingerprint"]
                return file_name(used, int(named["index"] or 1)), response
    return None


def _spoil(response: Response, fault: WantedFault) -> Response:
    """Return a recorded response as the fault leaves it; without events, its body is halved."""
    count = int(fault.number)
    if fault.kind == "slow":
        return response._replace(delay=fault.number)
    chunks = response.chunks
    if not chunks:
        half = response.body[: len(response.body) // 2]
        is_cut = fault.kind == "cut"
        return response._replace(body=b"", chunks=(half,), truncated=is_cut, is_cut=is_cut)
    if fault.kind == "cut":
        return response._replace(chunks=chunks[:count] or (b"",), truncated=True, is_cut=True)
    at = min(count, len(chunks) - 1)
    return response._replace(chunks=(*chunks[:at], _malformed(chunks[at]), *chunks[at + 1 :]))


def _malformed(event: bytes) -> bytes:
    """Return an event whose data breaks off, as no JSON does, or whose checksum is wrong."""
    if event[:1] == b"\0":  # a message of AWS, from its length to its checksum
        return event[:-1] + bytes([event[-1] ^ 1])
    data = _DATA.search(event)
    text = event[data.end() :].strip() if data else event.strip()
    broken = text[: len(text) // 2] if text.startswith(b"{") else b"{"
    return event[: data.end()] + broken + b"\n\n" if data else broken + b"\n"
