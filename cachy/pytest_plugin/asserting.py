"""The pytest fixture `cachy`: the interactions of the test that takes it as an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cachy.pytest_plugin.ownership import owner_of
from cachy.replay.process import PROCESS

if TYPE_CHECKING:
    from cachy.replay.testing.interactions import Interactions


def is_asked_for(item: pytest.Item) -> bool:
    """Return whether a test takes the pytest fixture `cachy`."""
    return "cachy" in getattr(item, "fixturenames", ())


class Asserting:
    """Keep the interactions of a test that asks for them, from its setup on."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin with none, also where a test is run again."""
        PROCESS.interactions = _begin(item) if is_asked_for(item) else None

    @pytest.fixture(name="cachy")
    def interactions(self, request: pytest.FixtureRequest) -> Interactions:
        """Replay this test's API calls and record those that are missing; return both."""
        return interactions_of(request.node)


def interactions_of(item: Any) -> Interactions:
    """Return the interactions of the test that runs, and keep them if nothing has asked before."""
    if PROCESS.interactions is None:
        PROCESS.interactions = _begin(item)
    found: Interactions = PROCESS.interactions
    return found


def _begin(item: Any) -> Interactions:
    from cachy.replay.testing.interactions import Interactions  # only such a test needs it

    return Interactions(owner_of(item))
