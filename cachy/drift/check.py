"""The whole of `cachy drift`: fixtures, plan, live responses, changes, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cachy.config import Config
from cachy.drift.live.asking import APART, Asker
from cachy.drift.live.case import Case, parse_cases
from cachy.drift.live.limits import Allowance
from cachy.drift.live.plan import Planned, limit_plan, make_plan
from cachy.drift.live.resend import Connection
from cachy.drift.outcome.changed_contracts import SurfaceState, changed_contracts, load_contracts
from cachy.drift.outcome.changed_fixtures import changed_fixtures
from cachy.drift.outcome.judgement import CaseResult, Judge, Rewritten
from cachy.drift.outcome.policy import check_policy, find_idle_ignores
from cachy.drift.outcome.report import DriftReport, FileRow, Spent
from cachy.drift.outcome.results import seen_by_surface, summarize
from cachy.errors import CachyError
from cachy.fixture.store.files import FileChanges, is_chosen, list_fixtures, refuse_outside
from cachy.fixture.store.store import load_fixture
from cachy.interaction import Fixture


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a run is asked to do.

    confirm: tries that must agree before something counts as gone.
    apart: seconds between the first sign of a loss and the second try.
    replace_whole: take whole live responses instead of what changed in them.
    announce: called with the plan before anything is sent.
    watch: called with how many requests of how many are done.
    """

    confirm: int = 3
    sdk: bool = True
    send_all: bool = False
    replace_whole: bool = False
    only: str | None = None
    apart: float = APART
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    announce: Callable[[Sequence[Planned]], object] = lambda plan: None
    watch: Callable[[int, int], object] = lambda done, total: None


@dataclass(slots=True)
class Checked:
    """What a run found: the report, and the files of the drifted fixtures by their paths.

    A fixture's or a contract's file is its new text, a blob's the bytes that the new text names;
    None for a file that is no longer needed.
    """

    report: DriftReport
    files: FileChanges = field(default_factory=dict)


def check(
    config: Config, connection: Connection, fixtures: Iterable[Fixture], options: Options
) -> Checked:
    """Send what is planned again, and return what changed.

    Raises:
        CachyError: a file is not a valid fixture, or `[tool.cachy.drift]` has a mistake.
    """
    check_policy(config.drift)
    known = parse_cases(fixtures, config)
    contracts = load_contracts(known, config)
    plan = _plan(known, contracts, config, connection.limits.allowance, options)
    options.announce(plan)
    now = options.now()
    asker = _make_asker(connection, now, options)
    judge = Judge(config, asker, now, options.replace_whole)
    trials = asker.ask_all(plan)
    results = [judge.judge(trial) for trial in trials if not trial.planned.is_helper]
    rewritten, stale = _renew(results, asker, judge)
    files = dict(changed_fixtures(rewritten, config))
    files |= changed_contracts(contracts, results, config)
    seen = seen_by_surface(results) if _is_whole(known, config, options) else None
    report = replace(
        summarize(results, stale),
        partial=seen is None,
        ignores=find_idle_ignores(config.drift, seen, now.date()),
        files=tuple(_file_row(name, files[name]) for name in sorted(files)),
        spent=Spent(requests=connection.limits.sent, output_tokens=connection.limits.tokens),
    )
    return Checked(report, files)


def _make_asker(connection: Connection, now: datetime, options: Options) -> Asker:
    return Asker(
        connection,
        now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        tries=options.confirm,
        sdk=options.sdk,
        apart=options.apart,
        watch=options.watch,
    )


def _plan(
    known: Sequence[Case],
    contracts: Mapping[str, SurfaceState],
    config: Config,
    allowance: Allowance,
    options: Options,
) -> list[Planned]:
    cases = [case for case in known if _is_chosen(case, config, options.only or "")]
    plan = make_plan(cases, known, config, allowance=allowance, send_all=options.send_all)
    surfaces = {name: state.contract for name, state in contracts.items()}
    with_contracts = [
        replace(planned, contract=surfaces.get(planned.case.surface)) for planned in plan
    ]
    return limit_plan(with_contracts, allowance.requests)


def _renew(
    results: Sequence[CaseResult], asker: Asker, judge: Judge
) -> tuple[list[Rewritten], list[Case]]:
    """Return the new texts of all fixtures, and those fixtures that stay as they were.

    What a graft does not reach, as in a stream, is requested again within the limits.
    """
    rewritten = [one for result in results for one in result.rewritten]
    wanted = {case.name: case for result in results for case in result.stale}
    trials = asker.ask_again([Planned(case=case) for case in wanted.values()])
    renewed = [one for trial in trials if (one := judge.renew(trial))]
    names = {one.case.name for one in renewed}
    kept = [one for one in rewritten if one.case.name not in names]
    return [*kept, *renewed], [case for name, case in wanted.items() if name not in names]


def _file_row(name: str, held: str | bytes | None) -> FileRow:
    return FileRow(path=name, action="remove" if held is None else "write")


def _is_chosen(case: Case, config: Config, only: str) -> bool:
    path = case.fixture.path
    return path is None or is_chosen(path, only, (config.root, config.fixtures))


def _is_whole(known: Iterable[Case], config: Config, options: Options) -> bool:
    """Return whether a run is about every fixture; only then can it call an ignore unused."""
    paths = {case.fixture.path for case in known}
    return options.only is None and paths.issuperset(list_fixtures(config.fixtures))


def load_fixtures(config: Config, paths: Sequence[Path]) -> Iterator[Fixture]:
    """Yield the fixtures below some paths, or all of them, each once it is read.

    Raises:
        CachyError: a path does not exist, or a fixture cannot be read.
    """
    found: set[Path] = set()
    for path in paths or (config.fixtures,):
        if paths and not path.exists():
            advice = "Name a fixture or a folder of fixtures."
            raise CachyError("does not exist", path=path, advice=advice)
        refuse_outside(path, config.fixtures)
        path = Path(os.path.abspath(path))
        found.update([path] if path.is_file() else list_fixtures(path))
    for path in sorted(found):
        yield load_fixture(path)
