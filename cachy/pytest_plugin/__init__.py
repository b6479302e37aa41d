"""The pytest plugin: `--cachy=MODE`, a scope for each test, and misses that fail the test."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cachy.errors import UnrecordedRequest
from cachy.pytest_plugin.asserting import Asserting, is_asked_for
from cachy.pytest_plugin.child_processes import peek_at_missed, take_missed, watch_children
from cachy.pytest_plugin.failures import Failures
from cachy.pytest_plugin.full_run import FullRun
from cachy.pytest_plugin.own_settings import own_settings
from cachy.pytest_plugin.ownership import Ownership, owned, owner_of
from cachy.pytest_plugin.vcr_calls import VcrCalls
from cachy.pytest_plugin.vcr_markers import counts_as_ours, replace_recorders
from cachy.replay.process import PROCESS
from cachy.replay.respond import restart_counts
from cachy.replay.run.totals import Totals
from cachy.replay.scope import open_sessions

if TYPE_CHECKING:
    from cachy.config import Config
    from cachy.replay.session import Session

_ARGUMENTS = "mode, repeats, share, variant, record_status, fault, doms, hdrs, cache_dir"
_KNOWN = f"The marker takes {_ARGUMENTS}, each by its name."
MIGRATE = "migrate"
_totals = pytest.StashKey[Totals]()
_wrong = pytest.StashKey[str]()
_failed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("cachy", "recorded API calls").addoption(
        "--cachy",
        choices=("record", "replay", "refresh", "off", MIGRATE),
        help="Turn cachy on for every test, in this mode; migrate: replay from vcrpy's cassettes",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"cachy({_ARGUMENTS}): replay this test's API calls")
    config.stash[_totals] = Totals()
    config.pluginmanager.register(FullRun(config), "cachy-full-run")
    config.pluginmanager.register(Failures(config.stash[_totals]), "cachy-failures")
    config.pluginmanager.register(Asserting(), "cachy-asserting")
    config.pluginmanager.register(Ownership(), "cachy-ownership")
    if mode := config.getoption("--cachy"):
        # For what calls enable_cachy() itself, and for workers.
        os.environ["CACHY_MODE"] = "replay" if mode == MIGRATE else mode
    replace_recorders(config, is_migrating=mode == MIGRATE)
    vcr_calls = VcrCalls(config, is_migrating=mode == MIGRATE)
    config.pluginmanager.register(vcr_calls, "cachy-vcr-calls")
    watch_children(config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Open a scope around the import of a module: what it requests belongs to no test."""
    if not isinstance(collector, pytest.Module) or not collector.config.getoption("--cachy"):
        return (yield)
    with _scope(collector, None):
        _raise_as_failures()
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Open the test's scope around its setup, its call and its teardown."""
    item.config.stash[_totals].astray += _take_misses(item.config)
    os.environ["PYTEST_CURRENT_TEST"] = f"{item.nodeid} (setup)"  # as pytest soon does itself
    marker = item.get_closest_marker("cachy")
    mode = item.config.getoption("--cachy")
    is_wanted = marker or mode or is_asked_for(item) or counts_as_ours(item)
    is_wanted = is_wanted or _has_own_settings(item)
    with (
        owned(owner_of(item)),
        _scope(item, marker) if is_wanted else own_settings(partial(_own_session, item)),
    ):
        _raise_as_failures()
        return (yield)


def _has_own_settings(item: pytest.Item) -> bool:
    """Return whether cachy is on with settings of a project that is not the test's."""
    scope = sys.modules.get("cachy.replay.scope")
    session = scope.current_session() if scope else None
    if session is None:
        return False
    from cachy.config import config_at
    from cachy.errors import CachyError

    try:
        return config_at(item.path.parent, session.config) is not session.config
    except CachyError:  # which the test's scope reports
        return True


def _own_session(item: pytest.Item, around: Config) -> Session | None:
    """Make a session for a test whose own folder has other settings than what it enables."""
    from cachy.config import config_at

    there = config_at(item.path.parent, around)
    return None if there is around else _new_session(item, {}, there)


@contextlib.contextmanager
def _scope(item: pytest.Item | pytest.Module, marker: pytest.Mark | None) -> Generator[None]:
    from cachy.config import config_at, load_config
    from cachy.errors import CachyError
    from cachy.replay.scope import current_session, in_session

    arguments = dict(marker.kwargs) if marker else {}

    counting: list[Any] = []  # the faults: of the whole test, also if it enables cachy itself

    def inherit(around: Config) -> Session:
        there = config_at(item.path.parent, around)
        made = _new_session(item, arguments, there)
        counting.append(made.faults)
        made.faults = counting[0]
        return made

    try:
        if marker and marker.args:
            raise CachyError(f"the argument {marker.args[0]!r} has no name", advice=_KNOWN)
        for name in arguments.keys() - _ARGUMENTS.split(", "):
            raise CachyError(f"unknown argument {name!r}", advice=_KNOWN)
        outer = current_session()
        session = inherit(outer.config if outer else load_config(item.path.parent, Path.cwd()))
    except CachyError as error:
        item.stash[_wrong] = f"@pytest.mark.cachy: {error}" if marker else f"cachy: {error}"
        yield
        return
    with in_session(session, inherit):
        yield


def _new_session(
    item: pytest.Item | pytest.Module, arguments: dict[str, Any], around: Config
) -> Session:
    """Return a session: settings of a test's marker, then the option, then around it."""
    from cachy.config import override
    from cachy.replay.scope import new_session

    option = item.config.getoption("--cachy")
    if option == MIGRATE and isinstance(item, pytest.Item):
        from cachy.pytest_plugin.migration import migrating_session

        return migrating_session(item, arguments, around)
    if option:
        mode = "replay" if option == MIGRATE else option  # no cassette belongs to a module
        around = override(around, mode=mode)._replace(mode_from="--cachy")
    return new_session(**arguments, around=around)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start counting again: a test that is run again sends its requests again."""
    item.stash[_failed] = False
    for session in open_sessions():
        restart_counts(session, owner_of(item))
    if wrong := item.stash.get(_wrong, ""):
        pytest.fail(wrong, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Name the miss where what it broke hides it: a closed portal, an exception group."""
    before = len(_remembered())
    try:
        return (yield)
    except BaseException as error:
        missed = [str(miss) for miss in _remembered()[before:]] or peek_at_missed()
        if "portal is not running" in str(error):  # a miss of an earlier test may have ended it
            missed += item.config.stash[_totals].missed[-1:]
        if missed and missed[0] not in str(error):
            error.add_note(f"cachy: before that, {missed[0]}")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail the test that swallowed a miss."""
    try:
        result = yield
    except BaseException:
        _take_misses(item.config)
        raise
    new = _take_misses(item.config)
    if new and not item.stash.get(_failed, False):
        pytest.fail(f"This test swallowed a miss: {new[0]}", pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test has failed, so that its misses are not reported again."""
    report = yield
    if report.failed or hasattr(report, "wasxfail"):
        item.stash[_failed] = True
    return report


def _take_misses(config: pytest.Config) -> list[str]:
    """Count the misses since the last look, of this process and of those that it started."""
    module = sys.modules.get("cachy.replay.misses")
    new = [str(error) for error in module.take()] if module else []
    new += take_missed()
    config.stash[_totals].missed += new
    return new


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that missed something outside of every test; hand a worker's totals on."""
    totals = session.config.stash[_totals]
    totals.astray += _take_misses(session.config)
    full_run: Any = session.config.pluginmanager.get_plugin("cachy-full-run")
    totals.add(full_run.read_children())
    if "cachy.replay.run.summary" in sys.modules:
        from cachy.replay.run.summary import summary

        done = summary()  # of every scope, by whichever code it was opened
        done.missed = []  # which are in there already
        totals.add(done)
    if totals.astray and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["cachy"] = totals.to_json()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add a worker's totals to ours."""
    if totals := getattr(node, "workeroutput", {}).get("cachy"):
        node.config.stash[_totals].add(Totals.from_json(totals))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what became of the API calls, and what to do about those not recorded."""
    totals = config.stash[_totals]
    lines: list[str] = []
    if not totals.is_silent:
        from cachy.replay.run.summary_lines import summary_lines

        lines += summary_lines(totals)
    vcr_calls: Any = config.pluginmanager.get_plugin("cachy-vcr-calls")
    for line in [*lines, *vcr_calls.advice()]:
        terminalreporter.write_line(f"cachy: {line}")


def _remembered() -> list[UnrecordedRequest]:
    """Return the misses that are not reported yet."""
    return PROCESS.misses


def _raise_as_failures() -> None:
    """Make misses pytest's own failures, which even a cached session fixture raises again."""
    if PROCESS.miss_class is UnrecordedRequest:
        missed: Any = UnrecordedRequest  # pytest's own exception is a type at run time only
        failure: Any = pytest.fail.Exception

        class Miss(missed, failure):  # type: ignore[misc]
            __module__ = "cachy.errors"
            __qualname__ = __name__ = "UnrecordedRequest"

            def __init__(self, message: str, **facts: Any) -> None:
                failure.__init__(self, message, pytrace=True)
                missed.__init__(self, message, **facts)

        PROCESS.miss_class = Miss
