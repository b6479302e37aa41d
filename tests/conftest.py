"""What every test may use: a server, a folder of fixtures, and a clean environment."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from loopback import Server, serving

from cachy.replay import misses


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no setting in, and no miss that a test provoked out."""
    for name in ("CI", "CACHY_MODE", "CACHY_LOG"):
        monkeypatch.delenv(name, raising=False)
    yield
    misses.remembered.clear()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """Give httpx and httpx2 in turn: what holds of one holds of both."""
    return importlib.import_module(request.param)


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    return tmp_path / "cachy_fixtures"
