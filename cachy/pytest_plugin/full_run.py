"""Whether a session ran every test of the project; if so, its use of fixtures goes on record."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from cachy.replay.run.totals import Line, Totals, add_up

_FILE = "CACHY_RUN_REPORT"  # as `replay.report` has it, which a session without cachy never loads
_PARTIAL = ("collectonly", "lf", "stepwise", "setuponly", "setupplan", "ignore", "ignore_glob")


class FullRun:
    """What one session knows of itself: what it leaves out, and what its processes use."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = time.time()
        self._left_out = False
        self._skipped: list[str] = []
        self._lines: list[dict[str, Any]] = []
        self._is_worker = hasattr(config, "workerinput")
        self._outer = os.environ.get(_FILE)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if not self._is_worker and "CACHY_RUN" not in os.environ:
            self._folder = tempfile.TemporaryDirectory(prefix="cachy-")
            os.environ[_FILE] = os.path.join(self._folder.name, "report.jsonl")

    def pytest_unconfigure(self) -> None:
        """Leave the environment as it was."""
        if self._folder is not None:
            self._folder.cleanup()
            os.environ.pop(_FILE, None)
            if self._outer:
                os.environ[_FILE] = self._outer

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note that tests are left out."""
        self._left_out = self._left_out or bool(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Note a file that is skipped."""
        report = yield
        if report.skipped:
            self._skipped.append(collector.nodeid)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that is skipped."""
        if report.skipped:
            self._skipped.append(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add what a worker used and left out."""
        reported = getattr(node, "workeroutput", {}).get("cachy_run")
        if reported:
            self._left_out = self._left_out or reported["left_out"]
            self._skipped += reported["skipped"]
            self._lines += reported["lines"]

    def read_children(self) -> Totals:
        """Return what the processes did that tests started; workers leave it to the session."""
        if self._folder is None or not os.path.exists(os.environ.get(_FILE, "")):
            return Totals()
        from cachy.replay.run import summary

        ours = {line["process"] for line in (*self._lines, summary.so_far().to_json())}
        said = summary.read_lines(os.environ[_FILE])
        found = add_up(line for line in said if line.process not in ours)
        return replace(found, missed=[], skipped=[], partial=[])  # which others count

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the record of a complete run; a worker reports to its session instead."""
        if "cachy.replay.run.summary" in sys.modules:
            from cachy.replay.run.summary import so_far

            self._lines.append(so_far().to_json())
        if self._is_worker:
            reported = {"left_out": self._left_out, "skipped": self._skipped, "lines": self._lines}
            self._config.workeroutput["cachy_run"] = reported  # type: ignore[attr-defined]
        elif self._lines or os.path.exists(os.environ.get(_FILE, "")):
            self._conclude(int(session.exitstatus))

    def _conclude(self, exitstatus: int) -> None:
        from cachy.config import load_config
        from cachy.errors import CachyError
        from cachy.fixture.store.run_log import PYTEST
        from cachy.replay.run import completeness, summary

        partial = [*filter(None, [self._partial()])]
        about = Totals(has_tests=True, skipped=self._skipped, partial=partial)
        lines = [*map(Line.from_json, self._lines), Line("pytest", about)]
        if summary.RUN in os.environ:
            for line in lines:
                summary.add_line(line)
            return
        try:
            settings = load_config()
            total = add_up([*summary.read_lines(os.environ[_FILE]), *lines])
            if not completeness.why_partial(total, exitstatus, settings):
                completeness.put_on_record(total, PYTEST, self._began, settings)
        except CachyError as error:
            print(f"cachy: {error}", file=sys.stderr)

    def _partial(self) -> str:
        """Return why this session leaves tests out; "" if it runs them all."""
        from cachy.replay.run.completeness import find_left_out

        config = self._config
        if self._left_out:
            return "tests were deselected"
        for name in _PARTIAL:
            if getattr(config.option, name, None):
                return f"pytest was run with --{name.replace('_', '-')}"
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            return ""
        named = [str(config.invocation_params.dir / argument) for argument in config.args]
        patterns, passed_over = config.getini("python_files"), config.getini("norecursedirs")
        found = find_left_out(named, config.rootpath, patterns, passed_over)
        return f"{found} was left out" if found else ""
