"""The markers of pytest-recording and pytest-vcr, taken for cachy's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_MARKERS = (
    "vcr: replay this test's API calls",
    "default_cassette: the name of this test's cassette",
    "block_network: no effect, as replay mode never goes live",
    "allowed_hosts: no effect, as replay mode never goes live",
)


def counts_as_ours(item: pytest.Item) -> bool:
    """Return whether a test has the marker `vcr`, and the setting `vcr_marker` is on."""
    return item.get_closest_marker("vcr") is not None and is_on(item.path.parent, Path.cwd())


def is_on(*folders: Path) -> bool:
    """Return whether the settings say that cachy answers in the place of vcrpy."""
    from cachy.config import load_config  # most sessions never need the settings here
    from cachy.errors import CachyError

    try:
        return load_config(*folders).vcr_marker
    except CachyError:  # which the scope of each test reports
        return False


class Replaying:
    """Play the cassettes of a test from the start at each try of it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin again; the first try finds nothing played."""
        if migration := sys.modules.get("cachy.pytest_plugin.migration"):
            migration.restart(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """Read the cassettes before the event loop of a test runs, which may not be blocked."""
        if migration := sys.modules.get("cachy.pytest_plugin.migration"):
            migration.read_ahead()


class WithoutCassettes:
    """Take the place of the pytest fixture by which pytest-vcr replays; its others stay."""

    @pytest.fixture
    def vcr_cassette(self) -> None:
        """Use no cassette."""


def replace_recorders(config: pytest.Config, *, is_migrating: bool) -> None:
    """Switch pytest-recording and pytest-vcr off where cachy answers in their place."""
    if is_migrating:
        config.pluginmanager.register(Replaying(), "cachy-migration")
    has_recording = hasattr(config.option, "disable_recording")
    is_there = has_recording or hasattr(config.option, "disable_vcr")
    if not (is_migrating or (is_there and is_on(config.rootpath))):
        return
    if has_recording:
        config.option.disable_recording = True
        return
    if is_there:  # pytest-vcr, whose own option would still catch the requests
        config.pluginmanager.register(WithoutCassettes(), "cachy-without-cassettes")
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
