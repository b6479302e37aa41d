"""The pipeline: fixture, live request, live response, changes, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cachy.compare.compare import Change
from cachy.config import Config
from cachy.drift.live.confirm import Attempts, attempt
from cachy.drift.live.plan import Case, Planned, make_plan, parse_cases
from cachy.drift.live.resend import Line
from cachy.drift.outcome.changed_contracts import changed_contracts, load_contracts
from cachy.drift.outcome.changed_fixtures import Files, changed_fixtures
from cachy.drift.outcome.graft import graft
from cachy.drift.outcome.policy import apply_policy, check_policy, find_idle_ignores
from cachy.drift.outcome.report import DriftReport, FileRow
from cachy.drift.outcome.results import CaseResult, seen_by_surface, summarize
from cachy.errors import CachyError
from cachy.fixture.format.blobs import blob_names
from cachy.fixture.format.text import render_fixture
from cachy.fixture.store.files import is_chosen, list_fixtures, refuse_outside
from cachy.fixture.store.store import load_fixture
from cachy.interaction import Fixture


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a run is asked to do; `watch` sees each planned case go by."""

    confirm: int = 3
    sdk: bool = True
    is_all: bool = False
    only: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    watch: Callable[[Sequence[Planned]], Iterable[Planned]] = iter


@dataclass(slots=True)
class Checked:
    """What a run found: the report, and the files of the drifted fixtures by their names.

    A fixture's or a contract's file is its new text, a blob's the bytes that the new text names;
    None where a blob is named no more.
    """

    report: DriftReport
    files: Files = field(default_factory=dict)


def check(config: Config, line: Line, fixtures: Sequence[Fixture], options: Options) -> Checked:
    """Send what is planned again, and report what changed.

    Raises:
        CachyError: a fixture that is not whole, a mistake in `[tool.cachy.drift]`.
    """
    check_policy(config.drift)
    known = parse_cases(fixtures, config)
    cases = [case for case in known if _is_chosen(case, config, options.only or "")]
    surfaces = load_contracts(known, config)
    plan = make_plan(cases, known, config, is_all=options.is_all)
    plan = [
        replace(planned, contract=surfaces[planned.case.surface].contract)
        if planned.case.surface in surfaces
        else planned
        for planned in plan
    ]
    results = [_check_case(planned, line, options) for planned in options.watch(plan)]
    is_whole = _is_whole(fixtures, config, options)
    seen = seen_by_surface(results) if is_whole else None
    files = changed_fixtures(results, config)
    files |= changed_contracts(surfaces, results, config)
    report = replace(
        summarize(results, cases),
        partial=not is_whole,
        ignores=find_idle_ignores(config.drift, seen, options.now().date()),
        files=tuple(_file_row(name, files[name]) for name in sorted(files)),
    )
    return Checked(report, files)


def _file_row(name: str, held: str | bytes | None) -> FileRow:
    return FileRow(path=name, action="remove" if held is None else "write")


def _is_chosen(case: Case, config: Config, only: str) -> bool:
    path = case.fixture.path
    return path is None or is_chosen(path, only, (config.root, config.fixtures))


def _is_whole(fixtures: Sequence[Fixture], config: Config, options: Options) -> bool:
    """Whether this run is about every fixture: only then can it say that an ignore is unused."""
    paths = {fixture.path for fixture in fixtures}
    return options.only is None and paths.issuperset(list_fixtures(config.fixtures))


def _check_case(planned: Planned, line: Line, options: Options) -> CaseResult:
    now = options.now()
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    attempts = attempt(planned, line, stamp, tries=options.confirm, sdk=options.sdk)
    learned = attempts.learned() if planned.contract else []
    return _find(attempts, learned, line.config, now)


def _find(
    attempts: Attempts, learned: Sequence[Change], config: Config, now: datetime
) -> CaseResult:
    case, changes = attempts.case, []
    settled = attempts.settled()
    document, is_grafted = case.fixture.document, False
    for answer, news in settled:
        kept = apply_policy(news, case.surface, config.drift, now.date())
        changes += kept
        # A request that is refused now needs another request, not another answer.
        if kept and not answer["response"]["status"] >= 400 > document["response"]["status"]:
            document, is_grafted = graft(document, answer, kept), True
    taught = apply_policy(learned, case.surface, config.drift, now.date())
    named = set(blob_names(document["response"])) if is_grafted else ()
    return CaseResult(
        case=case,
        changes=(*changes, *taught),
        seen=(*(change for _, news in settled for change in news), *learned),
        shown=attempts.shown,
        unchecked=attempts.unchecked,
        answers=tuple(answer for answer, _ in attempts.answers),
        has_learned=bool(taught),
        text=render_fixture(document) if is_grafted else None,
        blobs={name: raw for name, raw in attempts.blobs.items() if name in named},
    )


def load_fixtures(config: Config, paths: Sequence[Path]) -> list[Fixture]:
    """Load the fixtures below some paths, or all of them.

    Raises:
        CachyError: a path that does not exist, a fixture that can't be read.
    """
    found: set[Path] = set()
    for path in paths or (config.fixtures,):
        if paths and not path.exists():
            raise CachyError(f"{path} does not exist. Name a fixture or a folder of fixtures.")
        refuse_outside(path, config.fixtures)
        found.update([path] if path.is_file() else list_fixtures(path))
    return [load_fixture(path.absolute()) for path in sorted(found)]
