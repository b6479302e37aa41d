"""The title and the first line: how much changed, how bad and where, and whether to act."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from cachy.compare.catalogue.headlines import find_headline
from cachy.compare.catalogue.rule_type import SEVERITIES
from cachy.display import agree, counted, inline_code
from cachy.drift.outcome.report import CheckRow, DriftReport
from cachy.pull_request.record import Known

LONGEST = 60  # characters of one fact in a title
HOSTS = 2  # that are named
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/=|*\[\]() $+-]+")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,60}")
_ADVICE = {"breaking": "Act before you merge", "risky": "Read before you merge"}


def render_title(known: Sequence[Known]) -> str:
    """Return the worst change as plain text, where it is, and how many more there are.

    "gpt-4o is retired at api.openai.com, and 11 more changes"
    """
    if not known:
        return "The API responds as recorded again"
    title = _subject(known[0], known, _as_plain)
    others = len(_one_of_each(known)) - 1
    if others:
        title += f", and {counted(others, 'more change')}"
    else:
        title += _count_fixtures(known[0], known)
    return title if _begins_with_a_name(title) else title[:1].upper() + title[1:]


def render_first_line(known: Sequence[Known], report: DriftReport) -> str:
    """Return whether a person must act, how much changed, how bad and where, and the worst of it.

    What the tests say comes first where one fails.
    """
    if not known:
        return "**Nothing to do**: the API responds as recorded again."
    tests, found = report.tests, _summary(known)
    if tests and tests.failed:
        return f"**{_ADVICE['breaking']}**: {_failing(tests)}. {found}."
    severity = known[0].change.severity
    is_safe = tests is not None and tests.passed and not tests.problem
    advice = _ADVICE.get(severity, "Safe to merge" if is_safe else "Merge once your tests pass")
    return f"**{advice}**: {found}. {_tested(tests)}."


def find_host(surface: str) -> str:
    """Return the host of a surface; "" if it is not a plain name."""
    host = surface.partition(" ")[2].partition("/")[0]
    return host if _HOST.fullmatch(host) else ""


def _summary(known: Sequence[Known]) -> str:
    """Return how many changes there are of each severity and where, and the worst one."""
    changes, where = _one_of_each(known), _at_hosts(known, inline_code)
    worst = _subject(known[0], known, inline_code)
    if len(changes) > 1:
        worst = worst.removesuffix(where)  # which is said before it
    worst += _count_fixtures(known[0], known)
    if len(changes) == 1:
        return worst
    counts = Counter(change.change.severity for change in changes)
    named = [f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity]]
    if len(named) == 1:
        example = "One of them" if known[0].change.severity == "compatible" else "The worst"
        return f"{named[0]} changes{where}. {example}: {worst}"
    return f"{len(changes)} changes{where} ({', '.join(named)}). The worst: {worst}"


def _one_of_each(known: Sequence[Known]) -> list[Known]:
    return [*{one.said: one for one in known}.values()]


def _at_hosts(known: Sequence[Known], quote: Callable[[str], str]) -> str:
    hosts = [*dict.fromkeys(filter(None, (find_host(one.surface) for one in known)))]
    named = [quote(host) for host in hosts[:HOSTS]]
    if len(hosts) > HOSTS:
        named.append(counted(len(hosts) - HOSTS, "more host"))
    return f" at {_join(named)}" if named else ""


def _join(parts: Sequence[str]) -> str:
    """Return parts as a sentence lists them: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _subject(one: Known, known: Sequence[Known], quote: Callable[[str], str]) -> str:
    """Return what a change is about, and at which hosts."""
    change, host = one.change, find_host(one.surface)
    facts = {
        "path": change.path,
        "old": change.old or "",
        "new": change.new or "",
        "parameter": change.parameter,
        "model": ", ".join(change.models[:2]),
    }
    quoted = {name: quote(fact) for name, fact in facts.items() if fact}
    shown = quote(host) if host else "an API"
    headline = find_headline(change.rule, {**quoted, "host": shown})
    if shown in headline:
        return headline
    return headline + _at_hosts([other for other in known if other.said == one.said], quote)


def _count_fixtures(one: Known, known: Sequence[Known]) -> str:
    names = _list_fixtures(one, known)
    return f" ({counted(len(names), 'fixture')})" if names else ""


def _list_fixtures(one: Known, known: Sequence[Known]) -> set[str]:
    """Return the fixtures that show the same change, on whatever surface."""

    def key(other: Known) -> tuple[object, ...]:
        change = other.change
        return change.rule, change.path, change.old, change.new, change.models

    return {name for other in known if key(other) == key(one) for name in other.change.fixtures}


def _failing(tests: CheckRow) -> str:
    first = inline_code(tests.failed[0], 160)
    more = f" and {counted(len(tests.failed) - 1, 'more test')}" if len(tests.failed) > 1 else ""
    return f"{first}{more} {agree(len(tests.failed), 'fails')} with the new responses"


def _tested(tests: CheckRow | None) -> str:
    if tests is None:
        return "Your tests were not run against the new responses"
    if tests.problem:
        return "Your tests could not be run against the new responses"
    passed = counted(tests.passed, "test")
    verb = "passes" if tests.passed == 1 else "pass"
    return f"{passed} {verb} with the new responses, none fails"


def _as_plain(text: str) -> str:
    """Return text for a title, where GitHub links `#1` and `@name` and reads `fixes #1`.

    Of a long path the end says most.
    """
    shown = "".join(char if _PLAIN.fullmatch(char) else "?" for char in text[-LONGEST:])
    return shown if len(text) <= LONGEST else f"…{shown[max(shown.find('.'), 0) :]}"


def _begins_with_a_name(subject: str) -> bool:
    """Return whether a title begins with a name, which keeps its own case."""
    return not re.match(r"(?:a|an|the|events|streams|error|responses) ", subject)
