"""`cachy init`: what a project needs to start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import click

from cachy.cli.terminal import say
from cachy.config import Config, find_project, load_config, parse_pyproject
from cachy.errors import CachyError
from cachy.providers import find_provider

DRIFT = ".github/workflows/cachy-drift.yml"
# What is written, from which file beside this one.
_FILES = {
    "tests/test_cachy_example.py": "test_example.txt",
    ".github/workflows/cachy-verify.yml": "verify.yml",
    DRIFT: "drift.yml",
}
_PLACE = "        # KEYS"
_NO_KEYS = """\
        # env: the keys that your fixtures need; `cachy init` names them once there are fixtures
        #   OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}"""
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
# GitHub folds what is generated, git can show transcripts; the last line that matches counts.
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

[tool.cachy.drift]
# What drift may re-send beside completions, embeddings and the like: here the example test's.
allow = ["GET api.github.com/zen"]
hosts = { "api.github.com" = "" }      # a host's key: "Authorization: Bearer ${NAME}"; "" for none
"""


@click.command()
def command() -> int:
    """Write what a project needs to start; never overwrite.

    Settings in pyproject.toml, an example test, two workflows and .gitattributes. The workflow
    for drift gets the keys that the fixtures need: run it again once you have recorded some.

    Example: cachy init
    """
    root, pyproject = find_project([Path.cwd()])
    if pyproject is None:
        raise CachyError(
            "has no pyproject.toml", path=root, advice="Run this in your project's folder."
        )
    parse_pyproject(pyproject)  # before anything is written
    keys = find_keys(load_config(root))
    for name, source in _FILES.items():
        text = files(__name__).joinpath(source).read_text(encoding="utf-8")
        _say(name, _write(root / name, _with_keys(text, keys)))
    _say("pyproject.toml", _append(pyproject, "[tool.cachy", _SETTINGS))
    _say(".gitattributes", _append(root / ".gitattributes", "cachy_fixtures/", _ATTRIBUTES))
    _say_missing_keys(root / DRIFT, keys)
    line = "from cachy import enable_cachy; enable_cachy()"
    todo = "run pytest with your keys, and commit cachy_fixtures."
    say(f"Next: write `{line}` into conftest.py, {todo}", err=True)
    return 0


def find_keys(config: Config) -> list[str]:
    """Return the variables of the keys that the recorded hosts need, and those of the settings."""
    folders = config.fixtures.iterdir() if config.fixtures.is_dir() else ()
    providers = (find_provider(folder.name) for folder in folders if folder.is_dir())
    known = {provider.key_variables[0] for provider in providers if provider and provider.auth}
    lines = " ".join(config.drift.hosts.values())
    return sorted(known.union(_VARIABLE.findall(lines)))


def _with_keys(text: str, keys: Sequence[str]) -> str:
    if not keys:
        return text.replace(_PLACE, _NO_KEYS)
    lines = [f"          {key}: ${{{{ secrets.{key} }}}}" for key in keys]
    return text.replace(_PLACE, "\n".join(("        env:", *lines)))


def _say_missing_keys(workflow: Path, keys: Sequence[str]) -> None:
    text = workflow.read_text(encoding="utf-8", errors="replace")
    if missing := [key for key in keys if not re.search(rf"^ *{key}:", text, re.MULTILINE)]:
        say(f"Your fixtures need keys that {DRIFT} does not have. Add to its env:", err=True)
        for key in missing:
            say(f"  {key}: ${{{{ secrets.{key} }}}}", err=True)


def _say(name: str, is_written: bool) -> None:
    click.echo(f"{'wrote' if is_written else 'left as it is:'} {name}")


def _write(path: Path, text: str) -> bool:
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CachyError(f"cannot be written: {error.strerror}", path=path) from None
    return True


def _append(path: Path, mark: str, text: str) -> bool:
    """Add some lines at the end of a file that does not have them yet."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if mark in before:
        return False
    gap = "" if not before or before.endswith("\n") else "\n"
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(gap + text)
    except OSError as error:
        raise CachyError(f"cannot be written: {error.strerror}", path=path) from None
    return True
