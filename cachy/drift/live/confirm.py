"""The tries of one case, and what they say together."""

from __future__ import annotations

import re
import time
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from cachy.compare.catalogue.change import Change
from cachy.compare.catalogue.rule_type import RuleId
from cachy.compare.catalogue.rules import RULES
from cachy.drift.live.inconclusive import Obstacle
from cachy.drift.live.plan import Planned
from cachy.interaction import Response

_VARIANT = re.compile(r"\{([^{}]*)\}")
_Key = tuple[RuleId, str, str | None]


@dataclass(frozen=True, slots=True)
class Try:
    """One live response to a case, and what changed in it.

    A run may keep many large bodies until they are judged, so they are kept packed: in memory, as
    they may hold secrets. What shows nothing new has no body.
    """

    changes: tuple[Change, ...]
    _head: Response
    _packed: bytes
    at: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, response: Response, changes: Iterable[Change], *, is_news: bool) -> Try:
        """Return the try that a response is; `is_news` where its body will be looked at again."""
        packed = zlib.compress(response.body, 1) if is_news else b""
        return cls(tuple(changes), response._replace(body=b""), packed)

    @property
    def status(self) -> int:
        return self._head.status

    def response(self) -> Response:
        """Return the response with its body."""
        return self._head._replace(body=zlib.decompress(self._packed) if self._packed else b"")


@dataclass(slots=True)
class Trial:
    """The tries of one case.

    `obstacle` says why there is no response, or fewer than a claim needs; `shown` are the paths
    that any response shows.
    """

    planned: Planned
    tries: list[Try] = field(default_factory=list)
    obstacle: Obstacle | None = None
    shown: frozenset[str] = frozenset()

    def shows_news(self, changes: Iterable[Change]) -> bool:
        """Return whether the next try shows a change that none before it does."""
        known = {_key(change) for one in self.tries for change in one.changes}
        return any(_key(change) not in known for change in changes)

    @property
    def has_claims(self) -> bool:
        """Return whether a response lacks something that another might have."""
        return any(_is_claim(change.rule) for one in self.tries for change in one.changes)

    def settled(self) -> list[tuple[Try, list[Change]]]:
        """Return each change once, at the try that shows it first.

        What was seen in one try of several is transient; what could not be asked for often
        enough is not claimed.
        """
        known: set[_Key] = set()
        settled = []
        for one in self.tries:
            found = {_key(change): self._settle(change) for change in one.changes}
            news = {key: change for key, change in found.items() if change}
            settled.append((one, [news[key] for key in news if key not in known]))
            known.update(news)
        return settled

    def transient(self) -> list[Change]:
        """Return what was seen in one try, and not in the others."""
        if self.obstacle or len(self.tries) < 2:
            return []
        counts = self._counts()
        seen = {_key(change): change for one in self.tries for change in one.changes}
        return [
            self._stamped(change, counts[key])
            for key, change in seen.items()
            if _is_claim(change.rule) and counts[key] == 1
        ]

    def _settle(self, change: Change) -> Change | None:
        if not _is_claim(change.rule):
            return replace(change, confirmed="1/1", fixtures=(self.planned.case.name,))
        count, total = self._counts()[_key(change)], len(self.tries)
        if self.obstacle or (count == 1 and total > 1):
            return None
        stamped = self._stamped(change, count)
        return stamped if count == total else self._as_partial(stamped)

    def _as_partial(self, change: Change) -> Change:
        """Return the change of something that most tries lack and at least one has."""
        is_required = change.sdk == "sdk-broken" or self._is_in_contract(change.path)
        rule = RULES[change.rule].when_seen_again
        if not rule:
            return replace(change, severity="risky")
        return replace(
            change,
            rule=rule,
            severity="risky" if is_required else "compatible",
            new=f"{change.old}, optional",
        )

    def _is_in_contract(self, path: str) -> bool:
        facts = self.planned.contract.facts if self.planned.contract else {}
        return any(
            not (fact.is_optional or fact.is_new)
            for known, fact in facts.items()
            # A change names a variant only where there is another beside it.
            if path in (_VARIANT.sub("", known), _VARIANT.sub(r"[\1]", known))
        )

    def _stamped(self, change: Change, count: int) -> Change:
        confirmed = f"{count}/{len(self.tries)}"
        return replace(change, confirmed=confirmed, fixtures=(self.planned.case.name,))

    def _counts(self) -> Counter[_Key]:
        return Counter(key for one in self.tries for key in {_key(c) for c in one.changes})


def is_partial(change: Change) -> bool:
    """Return whether only some of the tries showed a change: what it is about comes and goes."""
    seen, _, total = change.confirmed.partition("/")
    return seen != total


def _key(change: Change) -> _Key:
    return change.rule, change.path, None if _is_claim(change.rule) else change.new


def _is_claim(rule: RuleId) -> bool:
    """Return whether one response is not enough: what it lacks proves nothing, what it has does."""
    return RULES[rule].evidence == "absence"
