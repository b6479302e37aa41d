"""Which project's settings hold, tried with real programs and a real pytest."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import environment, run_cachy, start_module
from forking import run_script
from scripted_server import ScriptedServer, json_response

SCRIPT = """\
import sys, httpx
from cachy import enable_cachy
enable_cachy()
print(httpx.get(sys.argv[1]).json())
"""
TEST = """\
import httpx
def test_it({argument}):
    assert httpx.get({url!r}).json() == {{"n": 1}}
"""
TABLE = '[tool.cachy]\ndoms = ["127.0.0.1"]\n'


@pytest.fixture
def url(origin: ScriptedServer) -> str:
    return origin.on("/v1/n", lambda _: json_response({"n": 1}))


@pytest.fixture
def mono(tmp_path: Path) -> Path:
    """A repository whose package `a` has settings of its own."""
    mono = tmp_path / "mono"
    (mono / ".git").mkdir(parents=True)
    (mono / "pytest.ini").write_text("[pytest]\n")
    (mono / "packages" / "a" / "tests").mkdir(parents=True)
    (mono / "packages" / "a" / "pyproject.toml").write_text(TABLE)
    return mono


def recorded(folder: Path) -> int:
    return len([*(folder / "cachy_fixtures").rglob("*.json")])


def test_a_script_finds_the_settings_beside_it(mono: Path, url: str, tmp_path: Path) -> None:
    script = mono / "packages" / "a" / "tests" / "ask.py"
    script.write_text(SCRIPT)
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run_script(script, url, folder=elsewhere, environ=kept)
    assert done.returncode == 0, done.stderr
    assert recorded(mono / "packages" / "a") == 1
    assert not [*elsewhere.iterdir()]


PYTEST = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "cachy.pytest_plugin")


@pytest.mark.slow
@pytest.mark.parametrize("by", ["option", "fixture", "conftest"])
def test_each_test_has_the_settings_of_its_own_folder(by: str, mono: Path, url: str) -> None:
    argument = "cachy" if by == "fixture" else ""
    package = mono / "packages" / "a"
    (package / "tests" / "test_a.py").write_text(TEST.format(argument=argument, url=url))
    (mono / "test_root.py").write_text("def test_nothing():\n    pass\n")
    if by == "conftest":
        (mono / "conftest.py").write_text("import cachy\ncachy.enable_cachy()\n")
    options = ["--cachy=record"] if by == "option" else []
    done = start_module(*PYTEST, *options, "test_root.py", "packages/a", folder=mono)
    assert done.returncode == 0, done.stdout
    assert recorded(package) == 1
    assert not (mono / "cachy_fixtures").exists()
    (package / "cachy_fixtures").rename(package / "gone")
    options = ["--cachy=replay"] if by == "option" else []
    missed = start_module(*PYTEST, *options, "packages/a", folder=mono, CI="true")
    assert missed.returncode == 1
    assert "No fixture answers GET" in missed.stdout


ENABLING = """
import cachy, pytest

@pytest.fixture
def enabled():
    cachy.enable_cachy()
    yield
    cachy.disable_cachy()
"""


def test_what_a_pytest_fixture_enables_has_the_settings_of_the_test(mono: Path, url: str) -> None:
    """It is so in the first test too, and over when the pytest fixture ends."""
    package = mono / "packages" / "a"
    (mono / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["api.example.com"]\n')
    (mono / "conftest.py").write_text(ENABLING)
    test = TEST.format(argument="enabled", url=url)
    more = TEST.format(argument="", url=url).replace("test_it", "test_off")
    (package / "tests" / "test_a.py").write_text(f"{test}{more}")
    done = start_module(*PYTEST, "packages/a", folder=mono)
    assert done.returncode == 0, done.stdout
    assert "cachy: 0 replayed, 1 recorded, 0 missed" in done.stdout
    assert recorded(package) == 1
    assert not (mono / "cachy_fixtures").exists()


@pytest.mark.slow
def test_the_hint_of_a_miss_works_from_where_pytest_was_started(mono: Path, url: str) -> None:
    package = mono / "packages" / "a"
    (package / "tests" / "test_a.py").write_text(TEST.format(argument="cachy", url=url))
    for folder in (mono, package, package / "tests"):
        start_module(*PYTEST, f"{package}", folder=folder)
        (fixture,) = (package / "cachy_fixtures").rglob("*.json")
        fixture.rename(fixture.with_name(f"other-{'0' * 16}.json"))
        missed = start_module(*PYTEST, f"{package}", folder=folder, CI="true")
        hint = next(line for line in missed.stdout.splitlines() if "Record it: " in line)
        near = next(line for line in missed.stdout.splitlines() if "Nearest: " in line)
        assert (folder / near.partition("Nearest: ")[2]).exists()
        command = shlex.split(hint.partition("Record it: ")[2])
        assert command[0] == "pytest"
        assert (folder / command[2].partition("::")[0]).is_file()
        done = start_module(*PYTEST, *command[1:], folder=folder)
        assert "1 recorded" in done.stdout
        shutil.rmtree(package / "cachy_fixtures")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["script", "module", "below"])
def test_the_hint_of_a_program_keeps_its_arguments(way: str, mono: Path, url: str) -> None:
    package = mono / "packages" / "a"
    (package / "ask.py").write_text(SCRIPT)
    code = f"import subprocess, sys; subprocess.run([sys.executable, 'ask.py', {url!r}, 'a b'])"
    command, folder, given = {
        "script": (["packages/a/ask.py", url, "a b"], mono, "python packages/a/ask.py"),
        "module": (["-m", "ask", url, "a b"], package, "python -m ask"),
        "below": (["-c", f"import os; os.chdir('packages/a'); {code}"], mono, "python ask.py"),
    }[way]
    kept = environment({"CI": "true", "PWD": str(folder)})
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    start = f"cd {package} && " if way == "below" else ""
    hint = f"Record it: {start}cachy run --mode record -- {given} {url} 'a b'"
    assert hint in done.stderr


def test_a_command_takes_the_settings_of_its_path(mono: Path, tmp_path: Path) -> None:
    package = mono / "packages" / "a"
    (package / "pyproject.toml").write_text("[tool.cachy]\nmax_age = 'x'\n")
    (package / "cachy_fixtures").mkdir()
    done = run_cachy("verify", "mono/packages/a/cachy_fixtures", folder=tmp_path)
    assert done.returncode == 2
    assert "mono/packages/a/pyproject.toml has a wrong [tool.cachy] max_age" in done.stderr
    (package / "pyproject.toml").write_text(TABLE)
    done = run_cachy("verify", "packages/a", folder=mono)
    assert done.returncode == 3
    assert "no fixtures in packages/a" in done.stderr
