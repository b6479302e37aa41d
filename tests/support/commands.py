"""The `cachy` program as a user runs it: in this process, or in one of its own where it must be."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
from pathlib import Path
from unittest import mock

from forking import run_module

from cachy.cli import run_program

Done = subprocess.CompletedProcess[str]
SETTINGS_OF_TESTS = ("CI", "PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS", "FORCE_COLOR", "COLUMNS")


def run_cachy(*arguments: str, folder: Path, **environ: str) -> Done:
    """Run a cachy command in this process, in a folder, with no setting of the tests."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment(environ), clear=True),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run_program(list(arguments))
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def start_cachy(*arguments: str, folder: Path, **environ: str) -> Done:
    """Run a cachy command in a process of its own: `cachy run`, which starts another one."""
    return start_module("cachy", *arguments, folder=folder, **environ)


def start_module(name: str, *arguments: str, folder: Path, **environ: str) -> Done:
    """Run `python -m` in a folder, with no setting of the tests."""
    return run_module(name, *arguments, folder=folder, environ=environment(environ))


def environment(more: dict[str, str]) -> dict[str, str]:
    """Return the environment of this process without the settings of the tests and without keys."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in SETTINGS_OF_TESTS
        and not name.startswith("CACHY_")
        and not name.endswith(("_API_KEY", "_TOKEN"))
    }
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NO_COLOR": "1", **more}
