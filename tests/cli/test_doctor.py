"""What `cachy doctor` says, and what `cachy run` says of programs that it cannot watch."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import run_cachy, start_cachy

from cachy.cli import run_program
from cachy.cli.doctor.checks import describe_ci, describe_hosts, describe_keys, describe_project
from cachy.cli.doctor.self_test import LibraryResult
from cachy.config import load_config


def test_every_client_library_is_caught_or_refused(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.cachy]\n")
    done = run_cachy(
        "doctor", OPENAI_API_KEY="sk-secret", CI="1", CACHY_MODE="replay", folder=project
    )
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    for name in ("httpx", "httpx2", "requests", "aiohttp", "websockets"):
        assert rows[name].endswith("caught: recorded and replayed")
    for name in ("urllib.request", "pycurl"):
        assert rows[name].endswith("refused in replay mode")
    assert "set: OPENAI_API_KEY" in done.stdout
    assert "secret" not in done.stdout
    assert "from pyproject.toml: the nearest with [tool.cachy]" in done.stdout
    assert not (project / "cachy_fixtures").exists()


def test_a_library_that_goes_live_is_named() -> None:
    result = LibraryResult("other", "1.0", recorded=False, replayed=False, refused=False)
    assert result.is_missed
    assert result.verdict.startswith("NOT CAUGHT")


def test_settings_hosts_keys_and_ci_are_explained(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text("[project]\n")
    first, *_ = describe_project(load_config())
    assert first.endswith("its pyproject.toml has no [tool.cachy]")
    (project / "pyproject.toml").write_text(
        "[tool.cachy]\nmode = 'record'\nextend_doms = ['api.example.com']\n"
    )
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.local:4000/v1")
    config = load_config()
    assert "mode: record, from mode in pyproject.toml" in [*describe_project(config)]
    hosts = [*describe_hosts(config)]
    assert "from extend-doms: api.example.com" in hosts
    assert 'to cover one: extend-doms = ["127.0.0.1:8000"]' in hosts[-1]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:4000/v1")
    assert "on this machine" not in [*describe_hosts(load_config())][-1]
    assert "gateway.local:4000, from OPENAI_BASE_URL" in hosts
    assert [*describe_keys({"GROQ_API_KEY": "x"})] == ["set: GROQ_API_KEY"]
    assert "requests to covered hosts may go live" in [*describe_ci({})][1]
    (project / "pyproject.toml").write_text("")
    assert "in CI: mode replay, from CI; no request" in [*describe_ci({})][1]


def test_chosen_hosts_aliases_and_refusals_are_explained(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        "[tool.cachy]\ndoms = ['api.example.com']\nuncovered = 'refuse'\npass = ['x.example']\n"
        "[tool.cachy.alias]\n'gateway.local:4000' = 'api.example.com'\n"
    )
    assert [*describe_hosts(load_config())] == [
        "from doms: api.example.com",
        "gateway.local:4000, which shares the fixtures of api.example.com",
        "requests to other hosts are refused in replay mode, except for loopback, x.example",
    ]


def test_a_folder_without_settings_says_so(project: Path) -> None:
    (project / "pyproject.toml").unlink()
    (project / ".git").mkdir()
    first, fixtures, mode = describe_project(load_config())
    assert first == f"defaults, in {project}: no settings"
    assert fixtures == "fixtures: cachy_fixtures (0 fixtures)"
    assert mode == "mode: record, from the default outside of CI"


@pytest.mark.slow
def test_a_program_that_is_not_python_was_not_watched(project: Path) -> None:
    recorded = start_cachy("run", "--", "git", "--version", folder=project)
    assert recorded.returncode == 0
    assert "cachy: git was not watched: no Python process" in recorded.stderr
    replayed = start_cachy("run", "--mode", "replay", "--", "git", "--version", folder=project)
    assert replayed.returncode == 3
    failed = start_cachy("run", "--mode", "replay", "--", "git", "nonsense", folder=project)
    assert failed.returncode == 1


def test_a_program_that_starts_python_was_watched(project: Path) -> None:
    (project / "quiet.py").write_text("print('no request at all')\n")
    alias = f"alias.quiet=!'{Path(sys.executable).as_posix()}' quiet.py"
    done = start_cachy("run", "--mode", "replay", "--", "git", "-c", alias, "quiet", folder=project)
    assert (done.returncode, "not watched" in done.stderr) == (0, False)


@pytest.mark.parametrize(
    ("word", "meant"), [("verfy", "verify"), ("docter", "doctor"), ("importt", "import")]
)
def test_a_misspelt_command_gets_a_suggestion(
    word: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_program([word]) == 2
    assert f"Unknown command {word!r}. Did you mean {meant!r}?" in capsys.readouterr().err
