"""The pipeline: fixture, live request, live response, changes, report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from cachy.config import Config
from cachy.drift.changes import Change, compare
from cachy.drift.graft import graft
from cachy.drift.learning import learn
from cachy.drift.outcome import Outcome, Unchecked
from cachy.drift.plan import cover, why_not_allowed
from cachy.drift.policy import apply_policy
from cachy.drift.resend import Line
from cachy.drift.rules import SEVERITIES
from cachy.errors import CachyError, Inconclusive
from cachy.fixtures.document import compose, request_of
from cachy.fixtures.format import render_fixture
from cachy.fixtures.place import parse_target
from cachy.fixtures.store import Store, list_fixtures, load_fixture
from cachy.interaction import Fixture, Json

# What one try proves only where every further try shows it too.
_ABSENCES = {"field-removed", "field-became-optional", "event-vanished", "terminator-changed"}
_ABSENCES |= {"request-rejected", "model-retired"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a run is asked to do."""

    confirm: int = 3
    is_all: bool = False
    only: str | None = None
    sdk: bool = True
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(slots=True)
class Checked:
    """What a run found: the report, and the new text of each drifted fixture by its path."""

    report: dict[str, Json]
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Finding:
    fixture: Fixture
    surface: str
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    unchecked: Unchecked | None = None
    grafted: str | None = None


def check(config: Config, line: Line, fixtures: Sequence[Fixture], options: Options) -> Checked:
    """Send what is planned again, and report what changed.

    Raises:
        Inconclusive: there is no fixture to check.
    """
    surfaces = _by_surface(fixtures, config, options)
    findings = [
        finding
        for surface, group in sorted(surfaces.items())
        for finding in _check_surface(surface, group, line, options)
    ]
    files = {
        _shown(finding.fixture, config): finding.grafted
        for finding in findings
        if finding.grafted is not None
    }
    return Checked(_report(findings, config), files)


def load_fixtures(config: Config, paths: Sequence[Path]) -> list[Fixture]:
    """Load the fixtures below some paths, or all of them.

    Raises:
        CachyError: a path that does not exist, a fixture that can't be read.
        Inconclusive: there are none.
    """
    found: list[Path] = []
    for path in paths or (config.fixtures,):
        if not path.exists() and paths:
            raise CachyError(f"{path} does not exist. Name a fixture or a folder of fixtures.")
        found += [path] if path.is_file() else list_fixtures(path)
    if not found:
        raise Inconclusive(
            f"{config.fixtures} holds no fixtures: nothing to check. Record some first."
        )
    return [load_fixture(path.absolute()) for path in sorted(set(found))]


def _by_surface(
    fixtures: Sequence[Fixture], config: Config, options: Options
) -> dict[str, list[Fixture]]:
    surfaces: defaultdict[str, list[Fixture]] = defaultdict(list)
    for fixture in fixtures:
        if options.only and not fnmatchcase(_shown(fixture, config), options.only):
            continue
        surfaces[surface_of(fixture, config)].append(fixture)
    return surfaces


def surface_of(fixture: Fixture, config: Config) -> str:
    """Name a fixture's surface: "POST api.openai.com/v1/responses", streams by themselves."""
    request, response = fixture.request, fixture.response
    try:
        target = parse_target(str(request["url"]), config.paths)
        kind = " (stream)" if "sse" in response else ""
        status = f" ({response['status'] // 100}xx)" if response["status"] >= 400 else ""
        return f"{request['method']} {target.authority}{target.template}{kind}{status}"
    except (KeyError, ValueError, TypeError):
        raise CachyError(f"{fixture.path} is no whole fixture. See: cachy verify") from None


def _shown(fixture: Fixture, config: Config) -> str:
    path = fixture.path or Path()
    inside = path.is_relative_to(config.root)
    return path.relative_to(config.root).as_posix() if inside else str(path)


def _check_surface(
    surface: str, group: Sequence[Fixture], line: Line, options: Options
) -> Iterator[_Finding]:
    config = line.config
    known = {_shown(fixture, config): fixture for fixture in group}
    allowed = {
        name: fixture
        for name, fixture in known.items()
        if not why_not_allowed(fixture.request, config)
    }
    shown = {name: frozenset(learn([fixture]).paths()) for name, fixture in allowed.items()}
    chosen = set(allowed) if options.is_all else set(cover(shown))
    for name, fixture in known.items():
        if name not in allowed:
            reason = why_not_allowed(fixture.request, config)
            yield _Finding(
                fixture, surface, "inconclusive", unchecked=Unchecked("not-allowed", reason)
            )
        elif name not in chosen:
            yield _Finding(fixture, surface, "not_exercised")
        else:
            others = [other for other in group if other is not fixture]
            yield _check_fixture(fixture, surface, others, line, options)


def _check_fixture(
    fixture: Fixture, surface: str, others: Sequence[Fixture], line: Line, options: Options
) -> _Finding:
    changes: list[Change] | None = None
    live: Mapping[str, Json] = {}
    for attempt in range(max(options.confirm, 1)):
        answer = _live_document(fixture, line, options)
        if isinstance(answer, Unchecked):
            if changes is None:
                return _Finding(fixture, surface, "inconclusive", unchecked=answer)
            break  # what the attempts before it showed stands, less surely
        found = compare(fixture, answer, baseline=others, sdk=options.sdk)
        changes = found if changes is None else _confirmed(changes, found, attempt + 1)
        live = answer
        if not any(change.rule in _ABSENCES for change in changes):
            break
    policed = apply_policy(changes or [], surface, line.config.drift, options.now().date())
    if not policed:
        return _Finding(fixture, surface, "clean")
    shown = _shown(fixture, line.config)
    named = tuple(replace(change, fixtures=(shown,)) for change in policed)
    grafted = graft(fixture.document, live, [change.path for change in policed])
    refused = live["response"]["status"] >= 400 > fixture.response["status"]
    text = None if refused else render_fixture(grafted)
    return _Finding(fixture, surface, "drift", named, grafted=text)


def _confirmed(before: Sequence[Change], now: Sequence[Change], attempts: int) -> list[Change]:
    """Keep presences; keep absences that this try shows again: one clean try clears them."""
    again = {(change.rule, change.path) for change in now}
    kept = [
        replace(change, confirmed=f"{attempts}/{attempts}") if change.rule in _ABSENCES else change
        for change in before
        if change.rule not in _ABSENCES or (change.rule, change.path) in again
    ]
    seen = {(change.rule, change.path) for change in kept}
    more = [c for c in now if c.rule not in _ABSENCES and (c.rule, c.path) not in seen]
    return [*kept, *more]


def _live_document(
    fixture: Fixture, line: Line, options: Options
) -> Mapping[str, Json] | Unchecked:
    store = Store(line.config.fixtures)
    request = request_of(fixture.document, store.load_blob)
    answer = line.resend(request, fixture.response)
    if isinstance(answer, Unchecked):
        return answer
    recorded = {"at": options.now().strftime("%Y-%m-%dT%H:%M:%SZ")}
    document, _ = compose(request, answer, recorded, line.config)
    return document


def _report(findings: Sequence[_Finding], config: Config) -> dict[str, Json]:
    surfaces: defaultdict[str, list[_Finding]] = defaultdict(list)
    for finding in findings:
        surfaces[finding.surface].append(finding)
    rows = [_surface_row(name, group, config) for name, group in surfaces.items()]
    changes = [change for row in rows for change in row["changes"]]
    outcomes = [finding.outcome for finding in findings]
    summary: dict[str, int] = {
        "checked": outcomes.count("clean") + outcomes.count("drift"),
        **{
            outcome: outcomes.count(outcome)
            for outcome in ("clean", "drift", "inconclusive", "not_exercised")
        },
        **{
            severity: [change["severity"] for change in changes].count(severity)
            for severity in SEVERITIES
        },
    }
    inconclusive = [
        {
            "fixture": _shown(finding.fixture, config),
            "reason": finding.unchecked.reason,
            "detail": finding.unchecked.detail,
        }
        for finding in findings
        if finding.unchecked
    ]
    return {"cachy": 1, "summary": summary, "surfaces": rows, "inconclusive": inconclusive}


def _surface_row(name: str, group: Sequence[_Finding], config: Config) -> dict[str, Json]:
    outcomes = {finding.outcome for finding in group}
    ranked = ("drift", "inconclusive", "clean", "not_exercised")
    merged: dict[tuple[str, str], Change] = {}
    for change in (change for finding in group for change in finding.changes):
        key = (change.rule, change.path)
        before = merged.get(key)
        fixtures = (*(before.fixtures if before else ()), *change.fixtures)
        merged[key] = replace(change, fixtures=fixtures)
    worst = sorted(merged.values(), key=lambda change: SEVERITIES.index(change.severity))
    return {
        "surface": name,
        "outcome": next(outcome for outcome in ranked if outcome in outcomes),
        "fixtures": [_shown(finding.fixture, config) for finding in group],
        "changes": [change.to_json() for change in worst],
    }
