"""The title and the first line: what the worst change is about, and whether a person must act."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from cachy.compare.catalogue.headlines import find_headline
from cachy.display import agree, counted, inline_code
from cachy.drift.outcome.report import CheckRow, DriftReport
from cachy.pull_request.record import Known

LONGEST_TITLE = 120
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/=|*\[\]() $+-]+")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,60}")
SAFE = "compatible"


def render_title(known: Sequence[Known]) -> str:
    """Return the subject of the worst change, as plain text: "gpt-4o is retired (3 fixtures)"."""
    if not known:
        return "The API responds as recorded again"
    subject = _subject(known[0], known, _as_plain)
    return (
        subject[:1].upper() * (not _begins_with_a_name(subject))
        + subject[not _begins_with_a_name(subject) :]
    )


def render_first_line(known: Sequence[Known], report: DriftReport) -> str:
    """Return whether a person must act, and why, naming the test or the model."""
    if not known:
        return "**Nothing to do**: the API responds as recorded again."
    subject, tests = _subject(known[0], known, inline_code), report.tests
    if tests and tests.failed:
        return f"**Act before you merge**: {_failing(tests)}; {subject}."
    worst = known[0].change.severity
    said = {
        "breaking": "**Act before you merge**",
        "risky": "**Read before you merge**",
        "compatible": "**Safe to merge**" if tests else "**Merge once your tests pass**",
    }[worst]
    return f"{said}: {subject}; {_tested(tests)}."


def find_host(surface: str) -> str:
    """Return the host of a surface; "an API" if it is not a plain name."""
    host = surface.partition(" ")[2].partition("/")[0]
    return host if _HOST.fullmatch(host) else "an API"


def _subject(one: Known, known: Sequence[Known], quote: Callable[[str], str]) -> str:
    change = one.change
    facts = {
        "path": change.path,
        "old": change.old or "",
        "new": change.new or "",
        "parameter": change.parameter,
        "model": ", ".join(change.models[:2]),
    }
    quoted = {name: quote(fact) for name, fact in facts.items() if fact}
    headline = find_headline(change.rule, {**quoted, "host": find_host(one.surface)})
    names = _list_fixtures(one, known)
    count = f" ({counted(len(names), 'fixture')})" if names else ""
    return f"{headline}{count}"


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
        return "your tests were not run against the new responses"
    if tests.problem:
        return "your tests could not be run against the new responses"
    passed = counted(tests.passed, "test")
    verb = "passes" if tests.passed == 1 else "pass"
    return f"{passed} {verb} with the new responses, none fails"


def _as_plain(text: str) -> str:
    """Return text for a title, where GitHub links `#1` and `@name` and reads `fixes #1`."""
    shown = "".join(char if _PLAIN.fullmatch(char) else "?" for char in text)
    return shown if len(shown) <= LONGEST_TITLE else f"{shown[:LONGEST_TITLE]}…"


def _begins_with_a_name(subject: str) -> bool:
    """Return whether a title begins with a name, which keeps its own case."""
    return not re.match(r"(?:a|an|the|events|streams|error|responses) ", subject)
