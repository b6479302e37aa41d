"""Whose requests these are: a test's, or those of a pytest fixture's scope."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cachy.replay import children
from cachy.replay.owner import Owner, set_owner
from cachy.replay.process import PROCESS


def owner_of(node: Any) -> Owner:
    """Return a test, class, module, package or session as an owner of recorded responses."""
    if isinstance(node, pytest.Session):
        return Owner(None)
    return Owner(node.path, node.nodeid.partition("::")[2])


@contextmanager
def owned(owner: Owner) -> Iterator[None]:
    """Let requests inside the block belong to this owner."""
    former = _become(owner)
    try:
        yield
    finally:
        _become(former)


def _become(owner: Owner | None) -> Owner | None:
    """Make this the owner, for child processes too, and return the previous one."""
    former = set_owner(owner)
    children.announce()
    return former


class Ownership:
    """Requests of a pytest fixture of a wider scope belong to that scope, not to the test."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Let cachy look up which tests there are, if it ever needs to."""
        PROCESS.collected = lambda: map(owner_of, session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: Any
    ) -> Generator[None, Any, Any]:
        """Enter the scope for the set-up, and again for the teardown."""
        if fixturedef.scope == "function":
            return (yield)
        owner = owner_of(request.node)._replace(is_wide=True)
        before: list[Owner | None] = []
        fixturedef.addfinalizer(lambda: _become(before.pop()))  # the last of the teardown
        try:
            with owned(owner):
                return (yield)
        finally:
            fixturedef.addfinalizer(lambda: before.append(_become(owner)))  # the first of it
