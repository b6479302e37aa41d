"""The markers of pytest-recording and pytest-vcr, taken for cachy's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from cachy.pytest_plugin.asserting import interactions_of

_RECORDING = "pytest-recording"
_SETTING = "set vcr_marker = true in [tool.cachy]"
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


class WithoutRecording:
    """Take the place of the pytest fixture by which pytest-recording replays."""

    @pytest.fixture
    def vcr(self, request: pytest.FixtureRequest) -> Any:
        """Return what tests read of their cassette."""
        return _view(request) if request.node.get_closest_marker("vcr") else None


class WithoutCassettes:
    """The same for pytest-vcr, whose other pytest fixtures stay."""

    @pytest.fixture
    def vcr_cassette(self, request: pytest.FixtureRequest) -> Any:
        """Return what tests read of their cassette."""
        return _view(request)


class WithoutCassetter:
    """The same for cassetter."""

    @pytest.fixture
    def cassette(self) -> None:
        """Use no cassette."""


def _view(request: pytest.FixtureRequest) -> Any:
    from cachy.pytest_plugin.cassette_view import CassetteView  # only such tests need it

    return CassetteView(interactions_of(request.node))


def replace_recorders(config: pytest.Config, *, is_migrating: bool) -> None:
    """Switch the other recorders' plugins off where cachy answers in their place."""
    if is_migrating:
        config.pluginmanager.register(Replaying(), "cachy-migration")
    found = _find_recorder(config)
    if not (is_migrating or (found and is_on(config.rootpath))):
        return
    if found == _RECORDING:
        config.option.disable_recording = True
        config.pluginmanager.register(WithoutRecording(), "cachy-without-cassettes")
        return
    if found:  # whose own options would still catch the requests, if they have one
        replacement = WithoutCassettes() if found == "pytest-vcr" else WithoutCassetter()
        config.pluginmanager.register(replacement, "cachy-without-cassettes")
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


def _find_recorder(config: pytest.Config) -> str:
    """Return the name of the other recorder that has a plugin in this session, or ""."""
    if hasattr(config.option, "disable_recording"):
        return _RECORDING
    if hasattr(config.option, "disable_vcr"):
        return "pytest-vcr"
    names = ("cassetter", "cassetter.pytest_plugin")
    return names[0] if any(map(config.pluginmanager.has_plugin, names)) else ""


def advise(config: pytest.Config, mode: str, *, is_migrating: bool, has_marked: bool) -> str:
    """Return what is left to do so that cachy answers tests with the marker `vcr`, or ""."""
    recorder = _find_recorder(config)
    is_off = getattr(config.option, "disable_recording", False)
    if mode in ("", "off") or not has_marked or is_on(config.rootpath):
        return ""
    if is_migrating:
        return f"next: {_SETTING}; then run pytest, which replays the fixtures"
    if not recorder or is_off:
        return ""
    return f"{recorder} answered the tests with the marker vcr: {_SETTING} to replay the fixtures"
