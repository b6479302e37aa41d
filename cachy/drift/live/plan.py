"""Which requests are sent: only harmless ones, and as few as cover every known structure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, zip_longest

from cachy.config import Config
from cachy.drift.live.case import Case
from cachy.drift.live.chain import find_links, order_chain
from cachy.drift.live.inconclusive import Unchecked
from cachy.drift.live.limits import Allowance, estimate_tokens, share_out
from cachy.drift.live.permission import Skip, find_skip
from cachy.interaction import Fixture
from cachy.structure.contract import Contract

_NOT_SENT = Unchecked("websocket", "a WebSocket connection is not re-sent")
_EXACT = 12  # candidates among which the smallest set is looked for exhaustively


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A case and the other recordings of its surface, or why it is not sent.

    stands_for: cases of the surface that show nothing that this one, or another that is sent,
        does not show.
    before: the earlier turns of its chain, the first one first.
    is_helper: sent only as an earlier turn of a case that the run is about.
    """

    case: Case
    others: tuple[Fixture, ...] = ()
    stands_for: tuple[Case, ...] = ()
    before: tuple[Case, ...] = ()
    refusal: Unchecked | None = None
    skip: Skip | None = None
    contract: Contract | None = None
    is_helper: bool = False

    @property
    def is_sent(self) -> bool:
        return self.refusal is None and self.skip is None


def make_plan(
    cases: Sequence[Case],
    known: Sequence[Case],
    config: Config,
    *,
    allowance: Allowance | None = None,
    send_all: bool = False,
) -> list[Planned]:
    """Plan by surface: the smallest set of cases that covers all facets, or every case.

    `known` are the project's: what is learned from, and the earlier turns of chains.
    """
    every = [*{case.name: case for case in (*known, *cases)}.values()]
    skips = _find_skips(every, config, allowance or Allowance())
    links = find_links(every, every)
    chains = {case.name: skips.get(case.name) or order_chain(case, links, skips) for case in every}
    surfaces: defaultdict[str, list[Case]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: (case.surface, case.name)):
        surfaces[case.surface].append(_with_turn(case, chains[case.name]))
    whole: defaultdict[str, list[Fixture]] = defaultdict(list)
    for case in known:
        if not case.is_truncated:
            whole[case.surface].append(case.sample)
    plan = [
        replace(planned, others=_without(whole[surface], planned.case.sample))
        for surface, group in surfaces.items()
        for planned in _plan_surface(group, chains, send_all)
    ]
    return _with_earlier_turns(plan, chains)


def _with_turn(case: Case, chain: list[Case] | Skip) -> Case:
    """Mark the turns of a chain: each shows that the API still knows the turns before it."""
    if isinstance(chain, Skip) or len(chain) < 2:
        return case
    return replace(case, facets=case.facets | {f"turn {len(chain)}"})


def _find_skips(cases: Iterable[Case], config: Config, allowance: Allowance) -> dict[str, Skip]:
    found = {}
    for case in cases:
        why = find_skip(case, config)
        tokens = estimate_tokens(case)
        if why is None and tokens > allowance.output_tokens:
            why = Skip(
                "cost",
                f"it may cost {tokens:,} output tokens; --max-output-tokens {tokens} would send it",
            )
        if why:
            found[case.name] = why
    return found


def _without(fixtures: Iterable[Fixture], left_out: Fixture) -> tuple[Fixture, ...]:
    return tuple(fixture for fixture in fixtures if fixture is not left_out)


def _plan_surface(
    group: Sequence[Case], chains: Mapping[str, list[Case] | Skip], send_all: bool
) -> Iterator[Planned]:
    sendable = [case for case in group if not isinstance(chains[case.name], Skip)]
    if any(case.is_websocket for case in sendable):
        yield from (Planned(case=case, refusal=_NOT_SENT) for case in sendable)
        sendable = []
    chosen = sendable if send_all else cover(sendable)
    names = {case.name for case in chosen}
    represented: defaultdict[str, list[Case]] = defaultdict(list)
    for case in sendable:
        if case.name not in names:
            represented[_nearest(case, chosen).name].append(case)
    for case in group:
        chain = chains[case.name]
        if isinstance(chain, Skip):
            yield Planned(case=case, skip=chain)
        elif case.name in names:
            stands_for = tuple(represented[case.name])
            yield Planned(case=case, stands_for=stands_for, before=tuple(chain[:-1]))


def _nearest(case: Case, chosen: Sequence[Case]) -> Case:
    """Return the chosen case that covers most of what a case shows, of equals the smallest."""
    return max(chosen, key=lambda one: (len(one.facets & case.facets), -len(one.facets), one.name))


def _with_earlier_turns(
    plan: Sequence[Planned], chains: Mapping[str, list[Case] | Skip]
) -> list[Planned]:
    """Add the earlier turns of chains: they are sent anyway, so they are checked too."""
    turns = {turn.name: turn for one in plan if one.is_sent for turn in one.before}
    missing = {name: turns[name] for name in turns.keys() - {one.case.name for one in plan}}
    chosen = {case.name for planned in plan for case in planned.stands_for}
    lifted = [
        replace(
            _of_surface(case, plan),
            case=case,
            stands_for=(),
            before=tuple(_chain(chains[name])[:-1]),
            is_helper=name not in chosen,
        )
        for name, case in sorted(missing.items())
    ]
    return [*(_without_turns(planned, missing) for planned in plan), *lifted]


def _of_surface(case: Case, plan: Iterable[Planned]) -> Planned:
    found = (one for one in plan if one.case.surface == case.surface and one.is_sent)
    return next(found, Planned(case=case))


def _chain(found: list[Case] | Skip) -> list[Case]:
    return [] if isinstance(found, Skip) else found


def _without_turns(planned: Planned, turns: Mapping[str, Case]) -> Planned:
    rest = tuple(case for case in planned.stands_for if case.name not in turns)
    return replace(planned, stands_for=rest) if len(rest) < len(planned.stands_for) else planned


def cover(cases: Sequence[Case]) -> list[Case]:
    """Choose the smallest set that covers each facet that any case has, the cheapest of equals.

    The order of the cases makes no difference.
    """
    left = sorted(cases, key=lambda case: (_cost(case), case.name))
    needed = frozenset[str]().union(*(case.facets for case in left))
    candidates = _without_dominated(left)
    counts = Counter(facet for case in candidates for facet in case.facets)
    chosen = [case for case in candidates if any(counts[facet] == 1 for facet in case.facets)]
    missing = needed.difference(*(case.facets for case in chosen))
    rest = [case for case in candidates if case not in chosen]
    return sorted([*chosen, *_complete(missing, rest)], key=lambda case: case.name)


def _cost(case: Case) -> int:
    """Return what sending a case costs: its recorded tokens, or else its size."""
    return case.total_tokens or case.size // 4


def _without_dominated(cases: Iterable[Case]) -> list[Case]:
    """Leave out each case that shows no more than another one; keep the first of equals."""
    distinct = {case.facets: case for case in reversed(list(cases))}
    return [
        case
        for facets, case in reversed(distinct.items())
        if not any(facets < others for others in distinct)
    ]


def _complete(missing: frozenset[str], rest: Sequence[Case]) -> list[Case]:
    greedy = _greedily(missing, rest)
    if len(rest) <= _EXACT:
        for size in range(1, len(greedy)):
            for some in combinations(rest, size):
                if missing <= frozenset[str]().union(*(case.facets for case in some)):
                    return list(some)
    return greedy


def _greedily(missing: frozenset[str], rest: Sequence[Case]) -> list[Case]:
    chosen: list[Case] = []
    while missing:
        best = min(rest, key=lambda case: (-len(case.facets & missing), _cost(case), case.name))
        chosen.append(best)
        missing -= best.facets
    return chosen


def limit_plan(plan: Sequence[Planned], requests: int) -> list[Planned]:
    """Refuse what goes beyond the requests that a run may send; hosts and surfaces share them."""
    hosts: defaultdict[str, list[Planned]] = defaultdict(list)
    for planned in plan:
        if planned.is_sent:
            hosts[planned.case.host].append(planned)
    shares = share_out({host: len(group) for host, group in hosts.items()}, requests)
    kept = {
        planned.case.name
        for host, group in hosts.items()
        for planned in _by_turns(group)[: shares[host]]
    }
    why = Unchecked("budget", f"--max-requests {requests} is reached")
    return [
        planned
        if not planned.is_sent or planned.case.name in kept
        else replace(planned, refusal=why)
        for planned in plan
    ]


def _by_turns(group: Iterable[Planned]) -> list[Planned]:
    """Order cases so that the surfaces take turns."""
    surfaces: defaultdict[str, list[Planned]] = defaultdict(list)
    for planned in group:
        surfaces[planned.case.surface].append(planned)
    return [planned for row in zip_longest(*surfaces.values()) for planned in row if planned]
