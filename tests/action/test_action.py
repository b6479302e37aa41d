"""The GitHub Action: action.yml, and what it asks of cachy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from action_project import Project, drifted, finding, verified
from action_runner import ACTION
from places import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_inputs_and_outputs_are_those_of_the_documentation() -> None:
    assert list(ACTION["inputs"]) == [
        "command",
        "args",
        "python-version",
        "working-directory",
        "open-pr",
        "token",
        "fail-on",
    ]
    assert list(ACTION["outputs"]) == [
        "outcome",
        "breaking",
        "risky",
        "compatible",
        "inconclusive",
        "report",
        "pull-request-number",
        "pull-request-url",
        "pull-request-operation",
    ]


def test_no_expression_stands_in_a_script() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert len(scripts) == 3
    assert not [script for script in scripts if "${{" in script]


def test_only_the_step_that_runs_cachy_sees_the_token() -> None:
    steps = {step["id"]: json.dumps(step) for step in ACTION["runs"]["steps"]}
    assert [name for name, text in steps.items() if "token" in text.lower()] == ["run"]


@pytest.mark.parametrize(
    "file", ["action.yml", ".github/workflows/ci.yml", ".github/workflows/release.yml"]
)
def test_every_foreign_action_is_pinned_to_a_commit(file: str) -> None:
    used = re.findall(r"uses: (\S+)(.*)", (ROOT / file).read_text(encoding="utf-8"))
    foreign = [(action, note) for action, note in used if not action.startswith("./")]
    assert foreign
    for action, note in foreign:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", note)


@pytest.mark.parametrize(
    ("inputs", "arguments"),
    [
        ({}, ["verify", "--format", "json"]),
        ({"command": "drift"}, ["drift", "--format", "json"]),
        (
            {"command": "drift", "args": "--check 'pytest -q' -- python my.py", "open_pr": "true"},
            [
                *("drift", "--format", "json", "--open-pr"),
                *("--check", "pytest -q", "--", "python", "my.py"),
            ],
        ),
        (
            {"command": "drift", "fail_on": "risky", "args": "--only\n'$(touch x)' `id` $HOME"},
            [
                *("drift", "--format", "json", "--fail-on=risky"),
                *("--only", "$(touch x)", "`id`", "$HOME"),
            ],
        ),
    ],
)
def test_inputs_become_arguments_without_a_shell(
    project: Project, inputs: dict[str, Any], arguments: list[str]
) -> None:
    report = drifted() if "command" in inputs else verified()
    assert project.run(report, **inputs).code == 0
    assert project.called[0] == arguments


@pytest.mark.parametrize("above", ["", "./", "WORKSPACE/"])
def test_cachy_runs_in_the_working_directory_and_files_are_named_from_the_checkout(
    project: Project, above: str
) -> None:
    (project.workspace / "packages" / "one").mkdir(parents=True)
    folder = above.replace("WORKSPACE", str(project.workspace)) + "packages/one"
    ran = project.run(verified(finding()), 1, working_directory=folder)
    assert project.called[1] == str(project.workspace / "packages" / "one")
    assert [said.properties["file"] for said in ran.of_kind("error")] == [
        "packages/one/cachy_fixtures/secret-left.json"
    ]


@pytest.mark.parametrize(
    ("inputs", "token"),
    [
        ({"command": "drift", "open_pr": "true"}, "ghs_token-of-the-job"),
        ({"command": "drift", "open_pr": "true", "token": "ghp_mine"}, "ghp_mine"),
        ({"command": "drift", "token": "ghp_mine"}, None),
        ({"command": "verify", "token": "ghp_mine"}, None),
    ],
)
def test_cachy_gets_the_token_only_to_open_a_pull_request(
    project: Project, inputs: dict[str, Any], token: str | None
) -> None:
    project.run(drifted() if inputs["command"] == "drift" else verified(), **inputs)
    environ = project.called[2]
    assert environ.get("GITHUB_TOKEN") == token
    assert not [name for name in environ if name.startswith(("CACHY_ACTION_", "INPUT_"))]
    assert [name for name, value in environ.items() if value == token] == ["GITHUB_TOKEN"] * bool(
        token
    )


def test_the_jobs_environment_reaches_cachy(project: Project) -> None:
    project.run(verified(), environ={"OPENAI_API_KEY": "sk-of-the-job", "CACHY_LOG": "log"})
    environ = project.called[2]
    assert (environ["OPENAI_API_KEY"], environ["CACHY_LOG"]) == ("sk-of-the-job", "log")
