"""Programs that a test starts in a project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

QUIET = ("CI", "CACHY_MODE", "CACHY_LOG", "CACHY_RUN_REPORT", "PYTEST_CURRENT_TEST")


def call(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in QUIET}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NO_COLOR": "1", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_with_cachy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return call(folder, "cachy", "run", *arguments)
