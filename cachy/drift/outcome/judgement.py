"""What the tries of one case mean: its changes, and its fixture's new text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cachy.compare.catalogue.change import Change
from cachy.compare.catalogue.rules import RULES
from cachy.compare.compare import compare
from cachy.config import Config
from cachy.drift.live.asking import Asker
from cachy.drift.live.case import Case
from cachy.drift.live.confirm import Trial, Try, is_partial
from cachy.drift.live.inconclusive import NotExercised, Outcome, Unchecked
from cachy.drift.live.models_endpoint import ask_for_model
from cachy.drift.live.permission import Skip
from cachy.drift.outcome.api_words import find_message, find_parameter
from cachy.drift.outcome.graft import graft, is_writable
from cachy.drift.outcome.policy import apply_policy
from cachy.fixture.format.blobs import blob_names
from cachy.fixture.format.render import render_fixture
from cachy.interaction import JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedChange:
    """A change that counts, and what the API says of it."""

    change: Change
    case: Case
    message: str = ""
    parameter: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
    """A fixture's new text, and the payloads that it names."""

    case: Case
    text: str
    blobs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """What was found in one case.

    counted: the changes that count.
    seen: those that the settings ignore, too.
    live: the documents that showed that something comes and goes, for the contract.
    rewritten: its own new text, and those of the cases that it stands for.
    stale: the cases that still show the old structure.
    """

    case: Case
    stands_for: tuple[Case, ...] = ()
    counted: tuple[CountedChange, ...] = ()
    seen: tuple[Change, ...] = ()
    transient: tuple[Change, ...] = ()
    shown: frozenset[str] = frozenset()
    tries: int = 0
    unchecked: Unchecked | None = None
    not_exercised: NotExercised | None = None
    skip: Skip | None = None
    live: tuple[JsonObject, ...] = ()
    rewritten: tuple[Rewritten, ...] = ()
    stale: tuple[Case, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if self.counted:
            return "drift"
        if self.unchecked:
            return "inconclusive"
        if self.skip:
            return "skipped"
        return "not_exercised" if self.not_exercised else "clean"


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges cases by the settings and the day; it may ask again through the asker."""

    config: Config
    asker: Asker
    now: datetime
    replace_whole: bool = False

    def judge(self, trial: Trial) -> CaseResult:
        """Return what the tries of one case mean; its fixture takes what changed."""
        planned, obstacle = trial.planned, trial.obstacle
        result = CaseResult(
            case=planned.case,
            stands_for=planned.stands_for,
            transient=tuple(trial.transient()),
            shown=trial.shown,
            tries=len(trial.tries),
            unchecked=obstacle if isinstance(obstacle, Unchecked) else None,
            not_exercised=obstacle if isinstance(obstacle, NotExercised) else None,
            skip=planned.skip,
        )
        settled = [(one, changes) for one, changes in trial.settled() if changes]
        return self._with_changes(result, settled) if settled else result

    def _with_changes(
        self, result: CaseResult, settled: Sequence[tuple[Try, list[Change]]]
    ) -> CaseResult:
        case, counted, shown = (
            result.case,
            list[CountedChange](),
            list[tuple[JsonObject, list[Change]]](),
        )
        blobs: dict[str, bytes] = {}
        for one, changes in settled:
            live, payloads = self.asker.compose(case, one.response())
            kept = apply_policy(changes, case.surface, self.config.drift, self.now.date())
            counted += [self._counted(change, case, live["response"]) for change in kept]
            if kept:
                shown.append((live, kept))
                blobs |= payloads
        seen = tuple(change for _, changes in settled for change in changes)
        result = replace(result, counted=tuple(counted), seen=seen)
        return self._rewritten(result, shown, blobs)

    def _counted(self, change: Change, case: Case, response: JsonObject) -> CountedChange:
        refused = RULES[change.rule].refused
        if refused is None:
            return CountedChange(change=change, case=case)
        return CountedChange(
            change=change,
            case=case,
            message=find_message(response),
            parameter=find_parameter(response),
            note=ask_for_model(case, self.asker.connection) if refused == "model" else "",
        )

    def _rewritten(
        self,
        result: CaseResult,
        shown: Sequence[tuple[JsonObject, list[Change]]],
        blobs: Mapping[str, bytes],
    ) -> CaseResult:
        """Return the new texts of the fixture and of those that it stands for."""
        lasting = [(live, [c for c in kept if not is_partial(c)]) for live, kept in shown]
        lasting = [
            (live, kept)
            for live, kept in lasting
            if kept and is_writable(result.case.fixture.document, live)
        ]
        rewritten, stale = [], []
        for case in (result.case, *result.stands_for) if lasting else ():
            is_sent = case is result.case
            takes_whole = self.replace_whole or "json" not in case.fixture.response
            document = None
            if is_sent or not takes_whole:
                document = self._with(case, lasting, take_whole=takes_whole)
            if document is not None:
                named = set(blob_names(document["response"]))
                payloads = {name: blobs[name] for name in named & blobs.keys()}
                text = render_fixture(document)
                rewritten.append(Rewritten(case=case, text=text, blobs=payloads))
            if not is_sent and self._is_stale(case, document, lasting):
                stale.append(case)
        partial = tuple(live for live, kept in shown if any(map(is_partial, kept)))
        return replace(result, rewritten=tuple(rewritten), stale=tuple(stale), live=partial)

    def _with(
        self, case: Case, shown: Sequence[tuple[JsonObject, list[Change]]], *, take_whole: bool
    ) -> JsonObject | None:
        """Return a fixture's document with its changes; None if they change nothing."""
        document: JsonObject = case.fixture.document
        for live, kept in shown:
            document = graft(document, live, kept, take_whole=take_whole)
        is_same = document["response"] == case.fixture.document["response"]
        return None if is_same else document

    def renew(self, trial: Trial) -> Rewritten | None:
        """Return a fixture with the whole live response; None if that may not be taken."""
        case = trial.planned.case
        if trial.obstacle or not trial.tries or not trial.tries[0].changes:
            return None
        live, blobs = self.asker.compose(case, trial.tries[0].response())
        if not is_writable(case.fixture.document, live):
            return None
        document = graft(case.fixture.document, live, (), take_whole=True)
        named = set(blob_names(document["response"]))
        kept = {name: raw for name, raw in blobs.items() if name in named}
        return Rewritten(case=case, text=render_fixture(document), blobs=kept)

    def _is_stale(
        self,
        case: Case,
        document: JsonObject | None,
        shown: Sequence[tuple[JsonObject, list[Change]]],
    ) -> bool:
        """Return whether a fixture still shows what has changed, its new text included."""
        before = {**(document or case.fixture.document), "request": case.fixture.request}
        for live, kept in shown:
            wanted = {(change.rule, change.path) for change in kept}
            found = compare(before, live, sdk=self.asker.sdk)
            if any((change.rule, change.path) in wanted for change in found):
                return True
        return False
