"""Where the project's own packages are: its virtual environment, or the job's Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SDKS = {"openai": "openai", "anthropic": "anthropic", "google-genai": "google/genai"}
OLDEST = (3, 11)
_QUESTION = (
    "import sys, sysconfig; print(*sys.version_info[:2], sysconfig.get_path('purelib'), sep='\\n')"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python, its version, and the folder of its packages."""

    path: Path
    version: tuple[int, int]
    packages: Path

    @property
    def is_new_enough(self) -> bool:
        return self.version >= OLDEST


def find_interpreter(environ: Mapping[str, str], folder: Path) -> Interpreter | None:
    """Return the Python that has the project's SDKs, else the first found, or None."""
    if environ.get("CACHY_ACTION_PYTHON"):  # the input python-version names it
        return look_at(environ["CACHY_ACTION_PYTHON"])
    found = [python for path in _candidates(environ, folder) if (python := look_at(path))]
    with_sdks = [python for python in found if python.is_new_enough and find_sdks(python)]
    return next(iter([*with_sdks, *found]), None)


def find_sdks(python: Interpreter) -> list[str]:
    """Return the names of the SDKs whose response models cachy can read here."""
    return [name for name, folder in SDKS.items() if (python.packages / folder).is_dir()]


def look_at(path: str | Path) -> Interpreter | None:
    """Return what a Python reports of itself; None if there is none."""
    try:
        said = subprocess.run(
            [str(path), "-I", "-c", _QUESTION],
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    major, minor, packages = said.stdout.splitlines()[:3]
    return Interpreter(Path(path), (int(major), int(minor)), Path(packages))


def _candidates(environ: Mapping[str, str], folder: Path) -> Iterator[Path | str]:
    program = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    named = [environ.get(name) for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")]
    environments = [folder / name for name in named if name]
    inside = folder.resolve()
    workspace = Path(environ.get("GITHUB_WORKSPACE") or inside).resolve()
    above = [inside, *inside.parents] if inside.is_relative_to(workspace) else [inside]
    environments += [place / ".venv" for place in above if place.is_relative_to(workspace)]
    environments += [Path(environ["CONDA_PREFIX"])] if environ.get("CONDA_PREFIX") else []
    yield from (place / program for place in environments)
    yield sys.executable
