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
from cachy.fixture.compose import compose
from cachy.fixture.identity.fingerprint import identify
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response
from cachy.providers import find_provider

DRIFT = ".github/workflows/cachy-drift.yml"
EXAMPLE = "tests/test_cachy_example.py"
# What is written, from which file beside this one.
_FILES = {
    EXAMPLE: "test_example.txt",
    ".github/workflows/cachy-verify.yml": "verify.yml",
    DRIFT: "drift.yml",
}
_LEFT = "left as it is:"
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
# extend-doms = ["api.example.com"]    # hosts to cover besides the known providers

[tool.cachy.drift]
# What drift may re-send beside completions, embeddings and the like: here the example test's.
allow = ["GET api.github.com/zen"]
hosts = { "api.github.com" = "" }      # a host's key: "Authorization: Bearer ${NAME}"; "" for none
"""


@click.command()
def command() -> int:
    """Write what a project needs to start; never overwrite.

    Settings in pyproject.toml, an example test with its recording, two workflows and
    .gitattributes. The workflow for drift gets the keys that the fixtures need: run it again
    once you have recorded some.

    Example: cachy init
    """
    found, pyproject = find_project([Path.cwd()])
    root = found if pyproject else Path.cwd()
    if pyproject:
        parse_pyproject(pyproject)  # before anything is written
    config = load_config(root)
    keys = find_keys(config)
    for name, source in _FILES.items():
        text = files(__name__).joinpath(source).read_text(encoding="utf-8")
        is_written = _write(root / name, _with_keys(text, keys))
        _say(name, "wrote" if is_written else _LEFT)
        if is_written and name == EXAMPLE:
            fixture = write_example_fixture(config)
            _say(fixture.relative_to(root).as_posix(), "wrote")
    _say("pyproject.toml", _append(root / "pyproject.toml", "[tool.cachy", _SETTINGS))
    _say(".gitattributes", _append(root / ".gitattributes", "cachy_fixtures/", _ATTRIBUTES))
    _say_missing_keys(root / DRIFT, keys)
    _say_next(root / "conftest.py")
    return 0


def write_example_fixture(config: Config) -> Path:
    """Write the recording of the example test, so that it passes offline at once."""
    request = Request("GET", "https://api.github.com/zen")
    headers = (("content-type", "text/plain;charset=utf-8"),)
    response = Response(200, headers, b"Keep it logically awesome.")
    document, blobs = compose(request, response, {}, config)
    return Store(config.fixtures).save(identify(request, config), document, blobs)


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


def _say_next(conftest: Path) -> None:
    line = "from cachy import enable_cachy; enable_cachy()"
    text = conftest.read_text("utf-8", errors="replace") if conftest.exists() else ""
    write = "" if "enable_cachy" in text else f"write `{line}` into conftest.py, "
    say(f"Next: {write}run pytest with your keys, and commit cachy_fixtures.", err=True)


def _say(name: str, what: str) -> None:
    click.echo(f"{what} {name}")


def _write(path: Path, text: str) -> bool:
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CachyError(f"cannot be written: {error.strerror}", path=path) from None
    return True


def _append(path: Path, mark: str, text: str) -> str:
    """Add some lines at the end of a file that does not have them yet; return what was done."""
    is_new = not path.exists()
    before = "" if is_new else path.read_text(encoding="utf-8")
    if mark in before:
        return _LEFT
    gap = "" if not before or before.endswith("\n") else "\n"
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(gap + text if before else text.lstrip("\n"))
    except OSError as error:
        raise CachyError(f"cannot be written: {error.strerror}", path=path) from None
    return "wrote" if is_new else "added to"
