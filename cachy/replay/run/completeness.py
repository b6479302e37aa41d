"""Whether a run asked for all that a project asks for; if so it is put on record."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from cachy.config import Config
from cachy.fixture.store.run_log import PYTEST, Run, save_run
from cachy.redact import redact_text, redact_values
from cachy.replay import placeholder_keys
from cachy.replay.run.totals import Totals


def why_partial(total: Totals, code: int, config: Config) -> str:
    """Return why a run proves of no fixture that it is unused; empty for a complete run."""
    if code:
        return f"it ended with exit code {code}"
    if total.missed:
        return "a request had no fixture"
    if total.partial:
        return total.partial[0]
    is_on = total.is_on and str(config.fixtures) in total.used
    return "" if is_on else f"cachy was not on for {config.fixtures}"


def put_on_record(total: Totals, command: str, began: float, config: Config) -> str:
    """Save what a complete run used, or return why not; all runs of the tests go by one name.

    Raises:
        CachyError: the disk refuses.
    """
    secrets = placeholder_keys.secrets()
    name = PYTEST if total.has_tests else redact_values(redact_text(command), secrets)
    skipped = tuple(map(redact_text, total.skipped))
    used = frozenset(total.used[str(config.fixtures)])
    if not config.fixtures.is_dir():
        return ""
    is_saved = save_run(config.fixtures, Run(name, began, used, skipped))
    return "" if is_saved else "the folder of fixtures is read-only"


def find_left_out(
    named: Sequence[str], root: Path, patterns: Sequence[str], passed_over: Sequence[str]
) -> str:
    """Find a file of tests below `root` that lies in none of the named files and folders.

    `patterns` and `passed_over` are pytest's own python_files and norecursedirs. A test named
    within its file leaves out the others of that file.
    """
    if single := next((name for name in named if "::" in name), ""):
        return f"the tests beside {single}"
    roots = [Path(name).absolute() for name in named]
    for path in _test_files(root, patterns, passed_over):
        if not any(path.is_relative_to(base) for base in roots):
            return path.relative_to(root).as_posix()
    return ""


def _test_files(root: Path, patterns: Sequence[str], passed_over: Sequence[str]) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if not any(fnmatch(name, pattern) for pattern in passed_over)
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        ]
        for name in names:
            if any(fnmatch(name, pattern) for pattern in patterns):
                yield Path(folder, name)
