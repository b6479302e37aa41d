"""The GitHub Action with the real cachy, in a project whose fixtures were really recorded."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from action_runner import Runner
from drift_project import CHAT, CHAT_ANSWER, KEY, record, write_config
from places import ROOT
from pull_request_world import TOKEN, serve_world
from scripted_server import ScriptedServer, json_response, serving

ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hey!"}]}
NEXT = json_response({**CHAT_ANSWER, "tier": "default"})
BESIDE_PYTHON = Path(sys.executable).parent


@pytest.fixture
def provider() -> Iterator[ScriptedServer]:
    with serving({CHAT: [json_response(CHAT_ANSWER)]}) as provider:
        yield provider


@pytest.fixture
def project(tmp_path: Path, provider: ScriptedServer) -> Runner:
    """A checkout with one fixture; its cachy is the one that is installed beside this Python."""
    (tmp_path / "work").mkdir()
    (tmp_path / "temp").mkdir()
    return recorded(tmp_path / "work", tmp_path / "temp", provider)


def recorded(checkout: Path, temp: Path, provider: ScriptedServer, **environ: str) -> Runner:
    write_config(checkout, provider)
    record(checkout, provider, ASK)
    cachy = shutil.which("cachy", path=BESIDE_PYTHON)
    assert cachy, "cachy is not installed beside this Python"
    installed = {"python": sys.executable, "cachy": cachy}
    return Runner(checkout, temp, environ, {"install": installed})


def fixture_of(project: Runner) -> Path:
    [file] = (project.workspace / "cachy_fixtures").rglob("*.json")
    return file


def test_verify_finds_a_recorded_project_clean(project: Runner) -> None:
    ran = project.run()
    assert (ran.code, ran.outputs["outcome"], ran.said) == (0, "clean", [])
    assert ran.summary == "## cachy verify: clean\n\n1 fixtures · 0 errors · 0 warnings\n"
    report = json.loads(Path(ran.outputs["report"]).read_text(encoding="utf-8"))
    assert report["summary"] == {"fixtures": 1, "errors": 0, "warnings": 0}


@pytest.mark.slow
def test_verify_finds_an_edited_fixture(project: Runner) -> None:
    file = fixture_of(project)
    file.write_text(file.read_text(encoding="utf-8").replace("Hey!", "Ho!"))
    ran = project.run()
    assert (ran.code, ran.outputs["outcome"]) == (1, "findings")
    named = {said.properties["file"] for said in ran.of_kind("error")}
    assert named == {file.relative_to(project.workspace).as_posix()}


@pytest.mark.slow
def test_a_project_without_fixtures_is_never_clean(project: Runner) -> None:
    shutil.rmtree(project.workspace / "cachy_fixtures")
    ran = project.run()
    assert (ran.code, ran.outputs["outcome"]) == (3, "inconclusive")
    [error] = ran.said
    assert "no fixtures in cachy_fixtures" in error.message


def test_a_wrong_option_is_cachys_own_line(project: Runner) -> None:
    ran = project.run(args="--no-such-option")
    assert (ran.code, ran.outputs["outcome"]) == (2, "error")
    (said,) = ran.said
    assert "--no-such-option" in said.message
    assert said.message.endswith("See: cachy verify --help")


@pytest.mark.slow
def test_drift_reports_a_field_that_the_provider_added(
    project: Runner, provider: ScriptedServer
) -> None:
    project = replace(project, environ={"MY_KEY": KEY})
    clean = project.run(command="drift")
    assert (clean.code, clean.outputs["outcome"]) == (0, "clean")
    provider.scripts[CHAT] = [NEXT]
    ran = project.run(command="drift", fail_on="compatible")
    assert (ran.code, ran.outputs["outcome"], ran.outputs["compatible"]) == (1, "drift", "1")
    assert [said.properties["title"] for said in ran.of_kind("notice")] == ["cachy: field-added"]
    assert "| `$.tier` |" in ran.summary


@pytest.mark.slow
def test_a_missing_key_is_inconclusive(project: Runner) -> None:
    ran = replace(project, environ={}).run(command="drift")
    assert (ran.code, ran.outputs["outcome"], ran.outputs["inconclusive"]) == (
        3,
        "inconclusive",
        "1",
    )
    [warning] = ran.said
    assert (warning.command, warning.message) == ("warning", "auth; MY_KEY is not set")


@pytest.mark.slow
def test_two_nights_of_drift_are_one_pull_request(tmp_path: Path, provider: ScriptedServer) -> None:
    with serve_world(tmp_path) as world:
        shutil.rmtree(world.checkout / "cachy_fixtures")
        (tmp_path / "temp").mkdir()
        github = {"GITHUB_API_URL": world.github.url, "GITHUB_REPOSITORY": "octo/app"}
        project = recorded(world.checkout, tmp_path / "temp", provider, **github, MY_KEY=KEY)
        world.commit_all()
        provider.scripts[CHAT] = [NEXT]
        nights = [project.run(command="drift", open_pr="true", token=TOKEN) for _ in range(2)]
    url = nights[0].outputs["pull-request-url"]
    told = ("outcome", "pull-request-operation", "pull-request-number", "pull-request-url")
    assert [[ran.outputs[name] for name in told] for ran in nights] == [
        ["drift", "created", "1", url],
        ["drift", "none", "1", url],
    ]
    assert [ran.code for ran in nights] == [0, 0]
    assert f"Pull request [#1]({url}): created" in nights[0].summary
    assert TOKEN not in "".join(ran.log.replace(f"::add-mask::{TOKEN}\n", "") for ran in nights)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_installed_cachy_is_the_actions_own_and_is_installed_once(project: Runner) -> None:
    path = os.pathsep.join((str(BESIDE_PYTHON), os.environ["PATH"]))
    (project.workspace / "cachy.py").write_text("raise SystemExit('the project')\n")
    job = replace(project, environ={"PATH": path, "PYTHONPATH": "."}, stand_ins={})
    first = job.run()
    assert (first.code, first.outputs["outcome"]) == (0, "clean"), first.log
    made = (project.temp / "cachy-environment").stat().st_ctime_ns
    again = job.run(command="drift")
    assert again.outputs["outcome"] == "inconclusive", again.log
    assert (project.temp / "cachy-environment").stat().st_ctime_ns == made
    installed = project.temp / "cachy-environment"
    scripts = installed / ("Scripts" if os.name == "nt" else "bin")
    asked = [str(scripts / "python"), "-I", "-m", "cachy", "--version"]
    said = subprocess.check_output(asked, text=True, timeout=60)
    assert said == f"cachy, version {version('pycachy')}\n"
    where = "import cachy, pytest; print(cachy.__file__); print(pytest.__file__)"
    printed = subprocess.check_output(
        [scripts / "python", "-c", where], cwd=project.temp, text=True, timeout=60
    )
    own, jobs = printed.splitlines()
    assert Path(own).is_relative_to(installed)
    assert Path(jobs) == Path(pytest.__file__)


@pytest.mark.slow
def test_an_install_that_fails_is_one_line(project: Runner) -> None:
    path = os.pathsep.join((str(BESIDE_PYTHON), os.environ["PATH"]))
    broken = {"PATH": path, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
    ran = replace(project, environ=broken, stand_ins={}).run()
    assert ran.code == 2
    assert [said.message for said in ran.said] == [
        "cachy could not be installed (exit code 1): see above."
    ]


def test_pip_sees_no_key_and_no_token() -> None:
    environ = {"OPENAI_API_KEY": "k", "GITHUB_TOKEN": "t", "CACHY_ACTION_TOKEN": "t", "MY_PAT": "p"}
    kept = {"PATH": "/bin", "HOME": "/home/ada", "HTTPS_PROXY": "http://proxy:1"}
    said = asked_of_the_action(
        "install_cachy", f"print(sorted(install_cachy.bare({environ | kept!r})))"
    )
    assert said == "['HOME', 'HTTPS_PROXY', 'PATH']"


def test_what_is_installed_is_pinned_by_hash() -> None:
    lines = (ROOT / "action" / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line and line[0] not in " #"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[>=<\[]", name)[0] for name in project["dependencies"]}
    assert wanted <= pinned
    assert len([line for line in lines if "--hash=sha256:" in line]) >= 2 * len(pinned)


@pytest.mark.parametrize("above", [False, True])
def test_the_sdks_of_a_virtual_environment_are_found(tmp_path: Path, above: bool) -> None:
    folder = tmp_path / "services" / "api" if above else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    make_venv = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")]
    subprocess.run(make_venv, check=True, timeout=60)
    python = tmp_path / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    job = {"GITHUB_WORKSPACE": str(tmp_path)}
    asked = f"found = interpreter.find_interpreter({job!r}, Path({str(folder)!r}))"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.check_output([python, "-I", "-c", where], text=True, timeout=60).strip()
    (Path(packages) / "openai").mkdir()
    told = "print(found.packages, interpreter.find_sdks(found))"
    found = asked_of_the_action("interpreter", f"{asked}\n{told}")
    assert found == f"{packages} ['openai']"


def test_a_project_without_sdks_is_reported(project: Runner) -> None:
    program = project.stand_ins["install"]["python"]
    environ = {"CACHY_ACTION_COMMAND": "drift"}
    asked = (
        f"python = interpreter.look_at({program!r}); from dataclasses import replace; "
        f"own = replace(python, packages=Path({str(project.temp)!r})); "
        f"install_cachy._let_it_read(own, own)"
    )
    said = asked_of_the_action("install_cachy, interpreter", asked, **environ)
    assert said.startswith(f"cachy: found no SDK in {project.temp}, so drift compares without")


def asked_of_the_action(modules: str, asked: str, **environ: str) -> str:
    """Run a line of Python among the action's modules, as its own steps do."""
    line = f"import sys; sys.path.insert(0, {str(ROOT / 'action')!r})\n"
    line += f"from pathlib import Path\nimport {modules}\n{asked}"
    return subprocess.check_output(
        [sys.executable, "-c", line], text=True, timeout=60, env={**os.environ, **environ}
    ).strip()
