"""`cachy init`: what a project needs to start."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from cachy.cli.terminal import say
from cachy.config import find_project, parse_pyproject
from cachy.errors import CachyError

# What is written, from which file beside this one.
_FILES = {
    "tests/test_cachy_example.py": "test_example.txt",
    ".github/workflows/cachy-verify.yml": "verify.yml",
    ".github/workflows/cachy-drift.yml": "drift.yml",
}
# GitHub folds what is generated, git can show transcripts (README); the last line that fits counts.
_ATTRIBUTES = """\
cachy_fixtures/** linguist-generated
cachy_fixtures/**/*.json text eol=lf diff=cachy
cachy_fixtures/**/_contract.*.json linguist-generated=false !diff
cachy_fixtures/blobs/** binary
"""
_SETTINGS = """
[tool.cachy]
# fixtures = "cachy_fixtures"          # the folder of fixtures
# doms = ["api.example.com"]           # hosts to cover instead of the known providers
"""


@click.command()
def command() -> int:
    """Write what a project needs to start; never overwrite.

    Settings in pyproject.toml, an example test, the two workflows and .gitattributes.

    Example: cachy init
    """
    root, pyproject = find_project([Path.cwd()])
    if pyproject is None:
        raise CachyError(f"{root} has no pyproject.toml. Run this in your project's folder.")
    parse_pyproject(pyproject)  # before anything is written
    for name, source in _FILES.items():
        text = files(__name__).joinpath(source).read_text(encoding="utf-8")
        _tell(name, _write(root / name, text))
    _tell("pyproject.toml", _append(pyproject, "[tool.cachy", _SETTINGS))
    _tell(".gitattributes", _append(root / ".gitattributes", "cachy_fixtures/", _ATTRIBUTES))
    line = "from cachy import enable_cachy; enable_cachy()"
    todo = "run pytest with your keys, and commit cachy_fixtures."
    say(f"Next: write `{line}` into conftest.py, {todo}", err=True)
    return 0


def _tell(name: str, is_written: bool) -> None:
    click.echo(f"{'wrote' if is_written else 'left as it is:'} {name}")


def _write(path: Path, text: str) -> bool:
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CachyError(f"{path} can't be written: {error.strerror}. Mend that.") from None
    return True


def _append(path: Path, sign: str, text: str) -> bool:
    """Add some lines at the end of a file that doesn't have them yet."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if sign in before:
        return False
    gap = "" if not before or before.endswith("\n") else "\n"
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(gap + text)
    except OSError as error:
        raise CachyError(f"{path} can't be written: {error.strerror}. Mend that.") from None
    return True
