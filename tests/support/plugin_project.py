"""A project whose tests run with cachy's plugin, in a process of their own."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from forking import run_module


def prepare(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Make the project: it covers loopback, outside of CI, and only our plugin is loaded."""
    for name in ("CI", "CACHY_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # many plugins load slowly
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p cachy.pytest_plugin")
    monkeypatch.setattr(pytester, "runpytest_subprocess", partial(run_pytest, pytester))
    pytester.makepyprojecttoml('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    return pytester


def run_pytest(
    pytester: pytest.Pytester,
    *arguments: str,
    folder: Path | None = None,
    loaded: tuple[str, ...] = (),
) -> pytest.RunResult:
    """Run a project's tests in a process of their own, as `runpytest_subprocess` does, but fast."""
    given = (f"--basetemp={pytester.path / 'temporary'}", *arguments)
    there = folder or pytester.path
    done = run_module("pytest", *given, folder=there, environ=os.environ, loaded=loaded)
    lines = done.stdout.splitlines(), done.stderr.splitlines()
    return pytest.RunResult(done.returncode, *lines, duration=0.0)
