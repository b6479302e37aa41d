"""The demo, as somebody runs it who has just installed cachy."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from commands import run_cachy, start_cachy


def run_demo(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return start_cachy("demo", *arguments, folder=folder, TMPDIR=str(folder), **environ)


@pytest.mark.slow
def test_the_demo_tells_the_whole_story_and_leaves_nothing(tmp_path: Path) -> None:
    # What surrounds it must not disturb it.
    (tmp_path / "pyproject.toml").write_text("[tool.cachy]\nmode = 'sometimes'\n")
    done = run_demo(tmp_path, CI="true", CACHY_MODE="off")
    assert (done.returncode, done.stderr) == (0, "")
    told = ["1. Record", "12 fixtures", "2. Replay", "3. Verify", "12 fixtures: 0 errors"]
    told += [
        "4. Drift",
        "model-retired",
        "Model: demo-0",
        "type-changed",
        "field-removed",
        "field-added",
        "event-added",
    ]
    told += ["5. Check", "fails with the new responses: python chat.py"]
    places = [done.stdout.find(words) for words in told]
    assert -1 not in places
    assert places[:6] == sorted(places[:6])
    assert "\x1b" not in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


@pytest.mark.slow
def test_the_demo_can_be_kept(tmp_path: Path) -> None:
    done = run_demo(tmp_path, "--keep", "kept")
    assert done.returncode == 0
    assert len([*(tmp_path / "kept" / "cachy_fixtures").rglob("*.json")]) == 12


def test_a_folder_that_is_not_empty_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine.txt").touch()
    again = run_cachy("demo", "--keep", "kept", folder=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "cachy: kept is not empty. Name a new folder for --keep.\n"


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_cachy("demo", "--port", str(port), folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"cachy: Port {port} cannot be used: ")
    assert done.stderr.endswith("Choose another with --port.\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent otherwise on Windows")
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cachy", "demo"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    while "Record" not in process.stdout.readline():
        assert process.poll() is None
    os.killpg(process.pid, 2)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert [*tmp_path.iterdir()] == []
