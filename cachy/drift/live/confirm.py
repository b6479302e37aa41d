"""One fixture against the live API, asked as often as a claim needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cachy.compare.compare import Change, compare
from cachy.compare.rule import RuleId
from cachy.compare.rules import RULES
from cachy.drift.live.inconclusive import Unchecked
from cachy.drift.live.plan import Case, Planned
from cachy.drift.live.resend import Line
from cachy.errors import CachyError, NotComparable
from cachy.fixture.compose import compose
from cachy.fixture.format.text import render_fixture
from cachy.interaction import Json
from cachy.structure.learn import learn

_Key = tuple[RuleId, str, str | None]
Answered = tuple[Mapping[str, Json], list[Change]]  # a live document, and what changed in it


@dataclass(slots=True)
class Attempts:
    """The answers to one request, each with the changes that it shows.

    `unchecked` says why there are no answers, or fewer than a claim needs.
    """

    case: Case
    answers: list[Answered] = field(default_factory=list)
    unchecked: Unchecked | None = None
    blobs: dict[str, bytes] = field(default_factory=dict)  # the answers' payloads, by name

    @property
    def shown(self) -> frozenset[str]:
        """The paths that any answer shows."""
        return frozenset(learn(answer for answer, _ in self.answers).paths())

    @property
    def claims(self) -> set[_Key]:
        """What every answer so far lacks, and one more might have."""
        found = [{_key(change) for change in changes} for _, changes in self.answers]
        return {key for key in set.intersection(*found) if _is_claim(key[0])} if found else set()

    def settled(self) -> list[Answered]:
        """Give each change once, at the answer that shows it first.

        What could not be asked for often enough is not claimed.
        """
        claimed, known = set[_Key]() if self.unchecked else self.claims, set[_Key]()
        settled = []
        for answer, changes in self.answers:
            news = {
                _key(change): self._stamped(change)
                for change in changes
                if not _is_claim(change.rule) or _key(change) in claimed
            }
            settled.append((answer, [news[key] for key in news if key not in known]))
            known.update(news)
        return settled

    def learned(self) -> list[Change]:
        """Give what one answer lacked and another had: it comes and goes, and breaks nothing."""
        if self.unchecked:
            return []
        seen = {_key(change): change for _, changes in self.answers for change in changes}
        return [
            replace(
                change,
                rule=rule,
                severity="compatible",
                new=f"{change.old}, optional",
                confirmed=f"{len(self.answers)}/{len(self.answers)}",
                fixtures=(self.case.name,),
            )
            for key, change in seen.items()
            if (rule := RULES[change.rule].when_seen_again) and key not in self.claims
        ]

    def _stamped(self, change: Change) -> Change:
        times = len(self.answers) if _is_claim(change.rule) else 1
        return replace(change, confirmed=f"{times}/{times}", fixtures=(self.case.name,))


def _key(change: Change) -> _Key:
    return change.rule, change.path, None if _is_claim(change.rule) else change.new


def _is_claim(rule: RuleId) -> bool:
    """Whether one response is not enough: what it lacks proves nothing, what it has does."""
    return RULES[rule].evidence == "absence"


def attempt(planned: Planned, line: Line, now: str, *, tries: int, sdk: bool = True) -> Attempts:
    """Ask, and ask again while something seems gone: one answer that has it clears it."""
    attempts = Attempts(planned.case, unchecked=planned.refusal)
    while attempts.unchecked is None and len(attempts.answers) < tries:
        answered = _ask(planned, line, now, sdk, attempts.blobs)
        if isinstance(answered, Unchecked):
            attempts.unchecked = answered
            break
        attempts.answers.append(answered)
        if not attempts.claims:
            break
    return attempts


def _ask(
    planned: Planned, line: Line, now: str, sdk: bool, blobs: dict[str, bytes]
) -> Answered | Unchecked:
    case = planned.case
    answer = line.resend(case.request, case.fixture.response)
    if isinstance(answer, Unchecked):
        return answer
    secrets = line.secrets(case.request)
    try:
        live, payloads = compose(case.request, answer, {"at": now}, line.config, secrets)
        render_fixture(live)
        blobs |= payloads
        return live, compare(
            *(case.fixture, live),
            baseline=planned.others,
            sdk=sdk,
            contract=planned.contract,
            headers=line.config.hdrs,
        )
    except NotComparable as error:
        return Unchecked(error.reason, str(error))
    except CachyError as error:
        return Unchecked("unparsed", str(error))
    except RecursionError:
        return Unchecked("unparsed", "the body is nested too deeply")
