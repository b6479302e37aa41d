"""The limits of a run: requests, output tokens, time, and hosts that do not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from cachy.drift.live.case import Case
from cachy.drift.live.inconclusive import Unchecked
from cachy.interaction import Json

WIDTH = 4  # requests at once for a host
_SILENCES = 2  # time-outs after which a host counts as dead
_LONGEST_PAUSE = 60.0  # seconds; a limit that lasts longer is for the next run
_PATIENCE = 180.0  # seconds to wait for one host, of all pauses together
_RESERVE = 5  # one part in so many of the requests is kept for confirmations
_FEWEST = 200  # output tokens of a response that was short when it was recorded
_UNKNOWN = 1000  # output tokens of one choice where the request sets no cap


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What a run may spend. `begin` and `end` are seconds for one response, `run` for them all."""

    requests: int = 100
    output_tokens: int = 20_000
    begin: float = 60.0
    end: float = 120.0
    run: float = 1200.0


def estimate_tokens(case: Case) -> int:
    """Estimate the output tokens of a request, from above.

    One response is like the recorded one: more than ten times as long would be a surprise. Of
    several choices each may be as long as the request allows.
    """
    if not _generates_text(case):
        return 0
    body = case.body if isinstance(case.body, dict) else {}
    settings = _settings(body)
    choices = max([1, *_numbers(settings, ("n", "best_of", "candidateCount"))])
    caps = _numbers(settings, _CAPS)
    if choices > 1:
        return choices * min(caps, default=_UNKNOWN)
    expected = 10 * case.output_tokens if case.output_tokens else 2 * _UNKNOWN
    return min([max(expected, _FEWEST), *caps])


_CAPS = (
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"),
    *("num_predict", "max_new_tokens"),
)


def _generates_text(case: Case) -> bool:
    path = case.surface.partition("/")[2]
    return not any(word in path for word in ("embed", "moderation", "rerank", "count", "classify"))


def _settings(body: Mapping[str, Json]) -> dict[str, Json]:
    inner = [value for value in body.values() if isinstance(value, dict)]
    return {key: value for part in (*inner, body) for key, value in part.items()}


def _numbers(settings: Mapping[str, Json], names: tuple[str, ...]) -> list[int]:
    values = [settings.get(name) for name in names]
    return [int(value) for value in values if isinstance(value, (int, float)) and value > 0]


def share_out(wanted: Mapping[str, int], requests: int) -> dict[str, int]:
    """Share out requests among hosts: each gets what it wants, as far as all get the same.

    Where not all can be sent, a part is kept for confirmations.
    """
    if sum(wanted.values()) > requests:
        requests -= requests // _RESERVE
    shares = dict.fromkeys(wanted, 0)
    while requests > 0 and (open_hosts := [h for h in wanted if shares[h] < wanted[h]]):
        each = max(1, requests // len(open_hosts))
        for host in sorted(open_hosts)[: requests if each == 1 else None]:
            given = min(each, wanted[host] - shares[host])
            shares[host] += given
            requests -= given
    return shares


@dataclass(slots=True)
class _Host:
    """What is known of one host in this run."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    is_proven: bool = False
    in_flight: int = 0
    silences: int = 0
    closed: Unchecked | None = None
    resume_at: float = 0.0
    patience: float = _PATIENCE


@dataclass(slots=True)
class Limits:
    """What is left of an allowance, shared by all threads."""

    allowance: Allowance = Allowance()
    sent: int = 0
    tokens: int = 0  # output tokens, by what the responses say
    _reserved: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Return the seconds that are left for the run."""
        return self.allowance.run - (time.monotonic() - self._started)

    def requests_left(self) -> int:
        return self.allowance.requests - self.sent

    def reserve(self, tokens: int) -> Unchecked | None:
        """Reserve one request and its output tokens; return which limit is reached, if one is.

        What others may still give back is waited for.
        """
        limit = self.allowance.output_tokens
        with self._lock:
            while self._reserved and self.tokens + self._reserved + tokens > limit:
                self._lock.wait()
            if self.left() <= 0:
                return Unchecked("budget", f"--time-limit {self.allowance.run:.0f}s is reached")
            if self.sent >= self.allowance.requests:
                return Unchecked("budget", f"--max-requests {self.allowance.requests} is reached")
            if self.tokens + self._reserved + tokens > self.allowance.output_tokens:
                return Unchecked("budget", f"--max-output-tokens {limit} is reached")
            self.sent += 1
            self._reserved += tokens
            return None

    def settle(self, reserved: int, used: int) -> None:
        """Release what was reserved for a request, and count what it used."""
        with self._lock:
            self._reserved -= reserved
            self.tokens += used
            self._lock.notify_all()

    @contextmanager
    def turn(self, name: str) -> Iterator[Unchecked | None]:
        """Wait for a turn at a host, whose first request is sent alone to see if it answers."""
        host = self._host(name)
        with host.changed:
            while host.closed is None and not host.is_proven and host.in_flight:
                host.changed.wait()
            host.in_flight += 1
        try:
            if host.closed is None and (pause := host.resume_at - time.monotonic()) > 0:
                time.sleep(pause)
            yield host.closed
        finally:
            with host.changed:
                host.in_flight -= 1
                host.changed.notify_all()

    def note(self, name: str, unchecked: Unchecked | None) -> None:
        """Note whether a host answered; it is given up after two time-outs in a row."""
        host = self._host(name)
        with host.changed:
            if unchecked is None or not unchecked.is_silence:
                host.is_proven, host.silences = True, 0
            else:
                host.silences += 1
                if host.silences >= _SILENCES:
                    detail = f"{name} did not answer twice ({unchecked.detail})"
                    host.closed = Unchecked("provider", detail)
            host.changed.notify_all()

    def pause(self, name: str, seconds: float | None) -> bool:
        """Wait before a second try, as long as the API asks; False where that is too long."""
        host = self._host(name)
        with host.changed:
            if host.closed or seconds is None or self.requests_left() <= 0:
                return False
            if seconds > min(_LONGEST_PAUSE, host.patience, self.left()):
                return False
            host.patience -= seconds
            mine = time.monotonic() + seconds
            host.resume_at = max(host.resume_at, mine)
        time.sleep(seconds)
        with host.changed:
            if host.resume_at <= mine:
                host.resume_at = 0.0
        return True

    def _host(self, name: str) -> _Host:
        with self._lock:
            return self._hosts.setdefault(name, _Host())
