"""What failed tests recorded: it is named in the summary, and may be set aside."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from cachy.pytest_plugin.ownership import owner_of
from cachy.replay.process import PROCESS
from cachy.replay.run.totals import Totals

if TYPE_CHECKING:
    from cachy.replay.testing.set_aside import Written

_NAMED = 5  # fixtures of one test


class Failures:
    """Follows which test fails and what it recorded."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._has_failed = False

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Look at what a test wrote once all its tries are over, but before its scope ends."""
        PROCESS.written.clear()
        try:
            return (yield)
        finally:
            if self._has_failed and PROCESS.written:
                self._report(item)
            PROCESS.written.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin a try, perhaps not the first."""
        self._has_failed = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Note that a step of the test failed."""
        report = yield
        self._has_failed = self._has_failed or report.failed
        return report

    def _report(self, item: pytest.Item) -> None:
        from cachy.display import shown_path
        from cachy.replay.testing.set_aside import FAILED, is_apart

        owner = owner_of(item)
        mine = {one.path: one for one in PROCESS.written if one.owner == owner}.values()
        for apart in (False, True):
            some = [one for one in mine if is_apart(one.config) == apart]
            names = [_end(one, apart) for one in some]
            if names := [name for name in names if name]:
                more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                listed = ", ".join(names[:_NAMED]) + more
                folder = shown_path(some[0].config.fixtures / ".cachy" / FAILED)
                self._totals.failed.append(
                    f"{item.nodeid} failed; set aside in {folder} until it passes: {listed}"
                    if apart
                    else f"{item.nodeid} failed; check what it recorded: {listed}"
                )


def _end(written: Written, apart: bool) -> str:
    """Set a recording aside where that is wanted; return how it is named, or nothing."""
    from cachy.display import shown_path
    from cachy.errors import CachyError
    from cachy.replay.testing.set_aside import set_aside

    try:
        is_there = set_aside(written) if apart else written.path.is_file()
    except CachyError as error:
        return str(error)
    name = written.path.name if apart else shown_path(written.path)
    return name if is_there else ""
