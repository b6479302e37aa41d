"""The GitHub Action: every failure is one line and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from action_project import Project, drifted, finding, verified
from action_runner import Ran


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"command": "prune"}, "command: 'prune' is not one of verify, drift."),
        (
            {"command": "drift", "open_pr": "maybe"},
            "open-pr: 'maybe' is not one of true, false.",
        ),
        ({"args": "'open"}, "args: No closing quotation. Quote them as in a shell."),
        (
            {"working_directory": "nowhere\n::error::x"},
            "working-directory: 'nowhere\\\\u000a::error::x' is not a folder of this checkout.",
        ),
        (
            {"fail_on": "risky"},
            "open-pr and fail-on belong to command: drift. Leave them out.",
        ),
    ],
)
def test_a_wrong_input_is_one_line_and_exit_code_2(
    project: Project, inputs: dict[str, Any], message: str
) -> None:
    ran = project.run(verified(), **inputs)
    assert failure(ran) == message
    assert not project.was_called


@pytest.mark.parametrize(
    ("printed", "code", "talk", "message"),
    [
        (
            "",
            2,
            "Reading\nNo fixtures in cachy_fixtures. Run: x\n",
            "No fixtures in cachy_fixtures.",
        ),
        ("", 1, "Traceback\n", "cachy verify ended with exit code 1 and no report"),
        ("not json", 0, "", "cachy verify ended with exit code 0 and no report"),
        ("[]", 0, "", "cachy verify ended with exit code 0 and no report"),
        ("[" * 100_000, 0, "", "cachy verify ended with exit code 0 and no report"),
        ('{"cachy": 2}', 0, "", "cachy verify ended with exit code 0 and no report"),
        ('{"cachy": 1}', 0, "", "cachy verify ended with exit code 0 and no report"),
        (
            json.dumps(verified(finding("fatal") | {"severity": "fatal"})),
            1,
            "",
            "cachy verify ended with exit code 1 and no report",
        ),
    ],
)
def test_no_readable_report_is_one_line_and_exit_code_2(
    project: Project, printed: str, code: int, talk: str, message: str
) -> None:
    project.says(talk)
    ran = project.run(printed, code)
    assert failure(ran).startswith(message)
    assert "Traceback (most recent" not in ran.log


def test_a_missing_cachy_is_one_line_and_exit_code_2(project: Project) -> None:
    project.program.unlink()
    assert failure(project.run(verified())).startswith("Cannot start cachy: ")


def failure(ran: Ran) -> str:
    """The one error of a run that failed as a wrong usage does."""
    assert ran.code == 2
    assert {name: value for name, value in ran.outputs.items() if value} == {"outcome": "error"}
    assert ran.summary == ""
    [error] = ran.said
    assert error.command == "error"
    return error.message


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
@pytest.mark.parametrize(
    ("head", "allowed"),
    [({"full_name": "o/r"}, True), ({"full_name": "fork/r"}, False), (None, False)],
)
def test_drift_does_not_run_for_a_fork(
    project: Project, event: str, head: Any, allowed: bool
) -> None:
    pull_request = {"head": {"repo": head}, "base": {"repo": {"full_name": "o/r"}}}
    file = project.temp / "event.json"
    file.write_text(json.dumps({"pull_request": pull_request}))
    environ = {"GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(file)}
    ran = project.run(drifted(), command="drift", environ=environ)
    assert project.was_called is allowed
    if not allowed:
        assert failure(ran).startswith(f"cachy drift does not run on {event} from a fork")


def test_verify_runs_for_a_fork(project: Project) -> None:
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": "/nowhere"}
    assert project.run(verified(), environ=environ).outputs["outcome"] == "clean"
