"""What is said at the end of a run: in one line, then what needs a person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from cachy.display import agree, counted
from cachy.replay.coverage import describe_uncovered
from cachy.replay.journal import NOT_REACHED
from cachy.replay.run.savings import describe_savings
from cachy.replay.run.totals import Totals
from cachy.replay.run.unwatched import describe_unwatched

_SHOWN = 20  # kinds of differences
_NAMED = 5  # requests


def summary_lines(totals: Totals) -> Iterator[str]:
    """Yield the lines of a run's totals, the counts first."""
    yield ", ".join(counts(totals))
    if refused := totals.refused:
        yield refused_line(refused)
        yield from _ambiguous_lines(refused)
    for missed in totals.astray:
        yield f"missed outside of a test: {missed}"
    for line in totals.unwritten:
        yield f"not recorded: {line}"
    yield from _advice_lines(totals.advised)
    yield from totals.failed
    yield from dict.fromkeys(totals.renamed)
    yield from _migration_lines(totals)
    yield from describe_uncovered(totals.uncovered)
    yield from describe_unwatched(totals.unwatched)


def _ambiguous_lines(refused: Sequence[str]) -> Iterator[str]:
    """Yield which requests differ from others only in a credential, and in which tests."""
    lines = [*dict.fromkeys(line for line in refused if line.endswith(")"))]
    yield from (f"  {line}" for line in lines[:_NAMED])
    if len(lines) > _NAMED:
        yield f"  and {len(lines) - _NAMED} more"


def _advice_lines(advised: Sequence[str]) -> Iterator[str]:
    """Yield each setting that recordings need to be found elsewhere, and the first of them."""
    named: dict[str, list[str]] = {}
    for line in dict.fromkeys(advised):
        name, _, advice = line.partition(": ")
        named.setdefault(advice, []).append(name)
    for advice, names in [*named.items()][:_NAMED]:
        others = f" and {counted(len(names) - 1, 'other')}" if len(names) > 1 else ""
        yield f"{names[0]}{others}: {advice}"
    if len(named) > _NAMED:
        yield f"and {counted(len(named) - _NAMED, 'more place')} with such a secret"


def _migration_lines(totals: Totals) -> Iterator[str]:
    """Yield what the requests of tests have become since their cassettes were recorded."""
    if migrated := totals.migrated:
        differ = agree(len(migrated), "differs")
        yield f"{counted(len(migrated), 'request')} {differ} from what the cassettes recorded:"
    tests: dict[tuple[str, ...], list[str]] = {}
    for test, *changed in totals.migrated:
        tests.setdefault(tuple(changed), []).append(test)
    for differences, named in [*tests.items()][:_SHOWN]:
        others = f" and {counted(len(named) - 1, 'other')}" if len(named) > 1 else ""
        yield f"  {named[0]}{others}: {'; '.join(differences)}"
    if len(tests) > _SHOWN:
        yield f"  and {len(tests) - _SHOWN} more; CACHY_LOG=FILE lists them all"
    if hosts := sorted(set(totals.to_cover)):
        entries = ", ".join(f'"{host}"' for host in hosts)
        yield f"not covered yet: set extend-doms = [{entries}] in [tool.cachy]"


def counts(totals: Totals) -> list[str]:
    """Return how many requests were replayed, recorded and so on, and what replay saved."""
    saved = describe_savings(totals.replays)
    shown = [f"{totals.replayed} replayed", *saved, f"{len(totals.recorded)} recorded"]
    changed, equal = len(totals.changed), len(totals.equal)
    if changed or equal:
        shown.append(f"{changed + equal} refreshed ({changed} changed, {equal} equal)")
    return [*shown, f"{len(totals.missed)} missed"]


def run_counts(total: Totals) -> list[str]:
    """Return the counts of a run of any command: four always, the others where they are not 0."""
    down = sum(line.rpartition(": ")[2].startswith(NOT_REACHED) for line in total.refused)
    refused = len(total.refused) + len(total.unwritten) - down
    *others, missed = counts(total)
    unreached = [f"{down} {NOT_REACHED}"] if down else []
    return [*others, f"{refused} refused", *unreached, missed]


def run_details(total: Totals) -> list[str]:
    """Return what a run of any command did, a line for each recording and each problem."""
    return [
        *(f"recorded {path}" for path in total.recorded),
        *(f"changed {path}" for path in total.changed),
        *(f"not recorded: {line}" for line in (*total.refused, *total.unwritten)),
        *(f"missed: {error}" for error in dict.fromkeys(total.missed)),
        *dict.fromkeys(total.renamed),
        *describe_uncovered(total.uncovered),
        *describe_unwatched(total.unwatched),
    ]


def refused_line(refused: Sequence[str]) -> str:
    """Return how many responses were not recorded, why, and which setting records them."""
    whole = (line.rpartition(": ")[2].removeprefix("status ") for line in refused)
    reasons = Counter(reason.partition(" (")[0] for reason in whole)
    shown = ", ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
    statuses = sorted(int(reason) for reason in reasons if re.fullmatch("[0-9]{3}", reason))
    advice = f"; to record these: record_status = {statuses}" if statuses else ""
    return f"{len(refused)} not recorded: {shown}{advice}"
