"""Send each planned request once, and again at the end of the run what seems gone."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from cachy.compare.catalogue.change import Change
from cachy.compare.compare import compare
from cachy.drift.live.by_host import run_by_host
from cachy.drift.live.case import Case
from cachy.drift.live.chain import LiveIds, without_storing
from cachy.drift.live.confirm import Trial, Try
from cachy.drift.live.inconclusive import NotExercised, Obstacle, Unchecked, find_obstacle
from cachy.drift.live.limits import estimate_tokens
from cachy.drift.live.mcp_session import McpSessions
from cachy.drift.live.plan import Planned
from cachy.drift.live.resend import Connection
from cachy.errors import CachyError, NotComparable
from cachy.fixture.compose import compose
from cachy.fixture.format.body import Body, parse_response_body
from cachy.fixture.format.text import BODY_KINDS
from cachy.interaction import Json, JsonObject, Request, Response, header
from cachy.structure.learn import learn
from cachy.structure.skeleton import outline_of

APART = 30.0  # seconds at least between the first sighting of a loss and the second try
# Request headers that say who sends, not what is wanted.
_INCIDENTAL = re.compile(
    r"user-agent|accept(-.*)?|connection|content-.*|host|x-stainless-.*|trace(parent|state)|"
    r"baggage|x-request-id|idempotency-key|authorization|cookie|.*api-key"
)
Answered = tuple[Trial, Try | Obstacle]


@dataclass(slots=True)
class Asker:
    """Sends the requests of one run and compares what comes back.

    stamp: the time that a new recording bears.
    tries: how many must agree before something counts as gone.
    apart: seconds between the first sighting of a loss and the second try.
    watch: hears how many of how many requests of a round are done.
    """

    connection: Connection
    stamp: str
    tries: int = 3
    sdk: bool = True
    apart: float = APART
    watch: Callable[[int, int], object] = lambda done, total: None
    _live: LiveIds = field(default_factory=LiveIds)
    _needed: frozenset[str] = frozenset()
    _parsing: threading.Lock = field(default_factory=threading.Lock)
    _sessions: McpSessions = field(init=False)

    def __post_init__(self) -> None:
        self._sessions = McpSessions(self.connection.ask)

    def ask_all(self, plan: Sequence[Planned]) -> list[Trial]:
        """Return a trial for each case of a plan: asked once, and again while it claims a loss."""
        trials = [Trial(planned, obstacle=planned.refusal) for planned in plan]
        self._needed = frozenset(turn.name for one in plan for turn in one.before)
        try:
            self._ask_once([one for one in trials if one.planned.is_sent])
            for number in range(1, self.tries):
                doubtful = [one for one in trials if one.has_claims and one.obstacle is None]
                if number == 1:
                    self._wait(doubtful)
                self._ask_once(doubtful)
        finally:
            self._delete_stored()
        return trials

    def ask_again(self, plan: Sequence[Planned]) -> list[Trial]:
        """Return a trial with one try for each case, for a recording of the new structure."""
        trials = [Trial(one) for one in plan]
        self._ask_once(trials)
        return trials

    def compose(
        self, case: Case, response: Response, body: Body | None = None
    ) -> tuple[dict[str, Json], dict[str, bytes]]:
        """Return the redacted document of a live response and its blobs; `body` is the parsed body.

        It is composed whenever it is needed: to keep many big documents would fill the memory.

        Raises:
            CachyError: the response spells out a value of the environment.
        """
        connection = self.connection
        secrets = connection.secrets(case.request)
        stamped = {"at": self.stamp}
        return compose(case.request, response, stamped, connection.config, secrets, parsed=body)

    def _wait(self, doubtful: Sequence[Trial]) -> None:
        """Wait some time after the first sightings, so that an outage or a roll-out can pass."""
        seen = [trial.tries[0].at for trial in doubtful]
        pause = max(seen, default=0.0) + self.apart - time.monotonic()
        if seen and 0 < pause < self.connection.limits.left():
            time.sleep(pause)

    def _ask_once(self, trials: Sequence[Trial]) -> None:
        """Ask each case once, all hosts at the same time; a chain's turns one after the other."""
        self.watch(0, len(trials))
        answered = run_by_host(_units(trials), _host_of, self._send_unit)
        for done, (trial, found) in enumerate(answered, 1):
            if isinstance(found, Try):
                trial.tries.append(found)
            else:
                trial.obstacle = found
            self.watch(done, len(trials))

    def _send_unit(self, unit: Sequence[Trial]) -> Iterator[Answered]:
        lost: dict[str, Obstacle] = {}
        for trial in unit:
            earlier = next((t.name for t in trial.planned.before if t.name in lost), None)
            found = _after(earlier, lost[earlier]) if earlier else self._send(trial)
            if not isinstance(found, Try):
                lost[trial.planned.case.name] = found
            elif (status := found.status) >= 400:
                lost[trial.planned.case.name] = NotExercised(f"the API answered {status}")
            yield trial, found

    def _send(self, trial: Trial) -> Try | Obstacle:
        planned, case = trial.planned, trial.planned.case
        request = self._live.put_into(case) if planned.before else case.request
        if isinstance(request, NotExercised):
            return request
        outgoing = request if case.name in self._needed else without_storing(request)
        in_session = self._sessions.put_into(outgoing)
        if not isinstance(in_session, Request):
            return in_session
        examine = partial(self._examine, trial)
        return self.connection.resend(in_session, examine, estimate_tokens(case))

    def _examine(self, trial: Trial, response: Response) -> Try | Obstacle:
        """Return what a response says; one is parsed at a time, as a big one fills the memory."""
        case = trial.planned.case
        self._sessions.note(case.request, response)
        with self._parsing:
            media = header(response.headers, "content-type") or ""
            body = parse_response_body(media, response.body)
            obstacle = find_obstacle(response, body, case.fixture.response)
            if obstacle := obstacle or _without_headers(case, response):
                return obstacle
            if case.name in self._needed and response.status < 400:
                self._live.learn(case, response)
            return self._judge(trial, response, body)

    def _judge(self, trial: Trial, response: Response, body: Body) -> Try | Unchecked:
        try:
            changes = self._compare(trial, self.compose(trial.planned.case, response, body)[0])
        except NotComparable as error:
            return Unchecked(error.reason, str(error))
        except CachyError as error:
            return Unchecked("unparsed", str(error))
        except RecursionError:
            return Unchecked("unparsed", "the body is nested too deeply")
        return Try.of(response, changes, is_news=trial.shows_news(changes))

    def _compare(self, trial: Trial, live: dict[str, Json]) -> list[Change]:
        planned, case = trial.planned, trial.planned.case
        if not case.branches <= trial.shown:
            is_alike = _outline(live["response"]) == _outline(case.sample.response)
            trial.shown |= case.branches if is_alike else frozenset(learn([live]).paths())
        return compare(
            *(case.fixture, live),
            baseline=planned.others,
            sdk=self.sdk,
            contract=planned.contract,
            headers=self.connection.config.hdrs,
        )

    def _delete_stored(self) -> None:
        """Delete what the provider had to keep for the chains of this run."""
        for request, name in self._live.stored:
            place = f"{request.url.partition('?')[0]}/{name}"
            self.connection.ask(Request("DELETE", place))
        self._live = LiveIds()
        self._sessions.close()


def _outline(response: JsonObject) -> Hashable:
    return outline_of({kind: response[kind] for kind in BODY_KINDS if kind in response})


def _units(trials: Iterable[Trial]) -> list[list[Trial]]:
    """Group trials whose chains share a turn, each group with its earlier turns first."""
    units: list[list[Trial]] = []
    for trial in sorted(trials, key=lambda one: len(one.planned.before)):
        names = {turn.name for turn in trial.planned.before}
        if not names:
            units.append([trial])
            continue
        linked = [unit for unit in units if any(t.planned.case.name in names for t in unit)]
        units = [unit for unit in units if unit not in linked]
        units.append([*(one for unit in linked for one in unit), trial])
    return units


def _host_of(unit: Sequence[Trial]) -> str:
    return unit[0].planned.case.host


def _after(earlier: str, why: Obstacle) -> Obstacle:
    return replace(why, detail=f"{earlier} comes before it: {why.detail}")


def _without_headers(case: Case, response: Response) -> Unchecked | None:
    """Return why a refusal may be due to request headers that the fixture does not keep."""
    names = [name for name in case.left_out if not _INCIDENTAL.fullmatch(name.lower())]
    if not names or response.status < 400 or response.status == case.fixture.response.get("status"):
        return None
    listed = ", ".join(f'"{name}"' for name in names[:5])
    return Unchecked(
        "headers",
        f"{response.status}, but the program also sent {', '.join(names[:5])}, which is not kept; "
        f"[tool.cachy.match] headers = [{listed}] keeps it",
    )
