"""The GitHub Action with the real cachy, in a project whose fixtures were really recorded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from action_runner import Runner
from drift_server import Provider, json_answer, serving

RECORD = "import httpx, sys; print(httpx.get(sys.argv[1]).json())"
BESIDE_PYTHON = Path(sys.executable).parent


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving({"/v1/price": [json_answer({"name": "tea", "price": 3})]}) as provider:
        yield provider


@pytest.fixture
def project(tmp_path: Path, provider: Provider) -> Runner:
    """A checkout with one fixture; its cachy is the one that is installed beside this Python."""
    work, temp = tmp_path / "work", tmp_path / "temp"
    work.mkdir()
    temp.mkdir()
    (work / "pyproject.toml").write_text(
        f'[tool.cachy]\ndoms = ["{provider.host}"]\n\n'
        f'[tool.cachy.drift]\nallow = ["GET {provider.host}/*"]\n'
        f'hosts = {{"{provider.host}" = ""}}\n'
    )
    cachy = shutil.which("cachy", path=BESIDE_PYTHON)
    assert cachy, "cachy is not installed beside this Python"
    command = [cachy, "run", "--mode", "record", "--", "python", "-c", RECORD]
    subprocess.run([*command, f"{provider.url}/v1/price"], cwd=work, check=True, timeout=60)
    installed = {"python": sys.executable, "cachy": cachy}
    return Runner(work, temp, {}, {"install": installed})


def fixture_of(project: Runner) -> Path:
    [file] = (project.workspace / "cachy_fixtures").rglob("*.json")
    return file


def test_verify_finds_a_recorded_project_clean(project: Runner) -> None:
    ran = project.run()
    assert (ran.code, ran.outputs["outcome"], ran.said) == (0, "clean", [])
    assert ran.summary == "## cachy verify: clean\n\n1 fixtures · 0 errors · 0 warnings\n"
    report = json.loads(Path(ran.outputs["report"]).read_text(encoding="utf-8"))
    assert report["summary"] == {"fixtures": 1, "errors": 0, "warnings": 0}


def test_verify_finds_an_edited_fixture(project: Runner) -> None:
    file = fixture_of(project)
    file.write_text(file.read_text(encoding="utf-8").replace("/v1/price", "/v1/cost"))
    ran = project.run()
    assert (ran.code, ran.outputs["outcome"]) == (1, "findings")
    named = {said.properties["file"] for said in ran.of_kind("error")}
    assert named == {file.relative_to(project.workspace).as_posix()}


def test_a_project_without_fixtures_is_never_clean(project: Runner) -> None:
    shutil.rmtree(project.workspace / "cachy_fixtures")
    ran = project.run()
    assert ran.code in (2, 3)
    assert ran.outputs["outcome"] in ("error", "inconclusive")


def test_a_wrong_option_is_cachys_own_line(project: Runner) -> None:
    ran = project.run(args="--no-such-option")
    assert (ran.code, ran.outputs["outcome"]) == (2, "error")
    (said,) = ran.said
    assert "--no-such-option" in said.message
    assert said.message.endswith("See: cachy verify --help")


def test_drift_reports_a_field_that_the_provider_added(project: Runner, provider: Provider) -> None:
    clean = project.run(command="drift")
    assert (clean.code, clean.outputs["outcome"]) == (0, "clean")
    provider.answers["/v1/price"] = [json_answer({"name": "tea", "price": 3, "stock": 7})]
    ran = project.run(command="drift", fail_on="compatible")
    assert (ran.code, ran.outputs["outcome"], ran.outputs["compatible"]) == (1, "drift", "1")
    assert [said.properties["title"] for said in ran.of_kind("notice")] == ["cachy: field-added"]
    assert "| `$.stock` |" in ran.summary


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_installed_cachy_is_the_actions_own(project: Runner) -> None:
    path = os.pathsep.join((str(BESIDE_PYTHON), os.environ["PATH"]))
    ran = Runner(project.workspace, project.temp, {"PATH": path}).run()
    assert (ran.code, ran.outputs["outcome"]) == (0, "clean")
    installed = project.temp / "cachy-environment"
    scripts = installed / ("Scripts" if os.name == "nt" else "bin")
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
    ran = Runner(project.workspace, project.temp, broken).run()
    assert ran.code == 2
    assert [said.message for said in ran.said] == [
        "cachy could not be installed (exit code 1): see above."
    ]
