"""The workflows of `cachy init`: which keys they get, and what no job has together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cachy.cli import run_program

HOSTS = '[tool.cachy.drift]\nhosts = { "gw.example" = "Authorization: Bearer ${GATEWAY_KEY}" }\n'


def init(folder: Path, monkeypatch: pytest.MonkeyPatch, *hosts: str, config: str = "") -> Any:
    (folder / "pyproject.toml").write_text(config, encoding="utf-8")
    for host in hosts:
        (folder / "cachy_fixtures" / host).mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert run_program(["init"]) == 0
    path = folder / ".github" / "workflows" / "cachy-drift.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def keys_of(job: Any) -> list[str]:
    return [name for step in job["steps"] for name in step.get("env", {})]


@pytest.mark.parametrize(
    ("hosts", "config", "keys"),
    [
        (["api.openai.com"], "", ["OPENAI_API_KEY"]),
        (["api.anthropic.com", "api.example.com"], "", ["ANTHROPIC_API_KEY"]),
        (["gw.example"], HOSTS, ["GATEWAY_KEY"]),
        ([], "", []),
    ],
)
def test_the_workflow_has_only_the_keys_that_the_fixtures_need(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hosts: list[str],
    config: str,
    keys: list[str],
) -> None:
    jobs = init(tmp_path, monkeypatch, *hosts, config=config)["jobs"]
    assert keys_of(jobs["ask"]) == keys


def test_no_job_has_two_of_keys_code_and_a_token_that_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = init(tmp_path, monkeypatch, "api.openai.com")
    jobs = workflow["jobs"]
    may_write = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    runs_code = [name for name, job in jobs.items() if "--check" in str(job)]
    has_keys = [name for name, job in jobs.items() if keys_of(job)]
    assert (has_keys, runs_code, may_write) == (["ask"], ["tests"], ["pull-request"])
    assert workflow["permissions"] == {}
    assert all(job["timeout-minutes"] for job in jobs.values())
    assert workflow["concurrency"] == {"group": "cachy-drift", "cancel-in-progress": False}


def test_a_key_that_is_missing_later_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init(tmp_path, monkeypatch)
    init(tmp_path, monkeypatch, "api.openai.com")
    said = capsys.readouterr()
    assert "left as it is: .github/workflows/cachy-drift.yml" in said.out
    assert "Add to its env:\n  OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}" in said.err
