"""Providers that other people wrote, each in a process of its own; and programs that call them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import trusting_the_system
from places import TESTS

AIMOCK = "@copilotkit/aimock@1.43.0"  # openai, anthropic, gemini, cohere, ollama … in JavaScript
LLMOCK = "llmock==0.2.2"  # the same kind in Python
ANSWERS = TESTS / "sdks" / "answers.json"
Command = Callable[[int], list[str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a provider in a process of its own until the block ends."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not is_open(port):
            assert process.poll() is None, f"{command[0]} ended at once"
            assert time.monotonic() < deadline, f"{command[0]} never listened"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def fetch(command: list[str], what: str) -> None:
    """Install a package; a test that needs one fails where it can't be had."""
    done = subprocess.run(
        command, env=trusting_the_system(), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{what} can't be installed: {done.stderr[-2000:]}"


def make_environment(folder: Path, *packages: str) -> Path:
    """Make a virtual environment that holds some packages; give its Python.

    By uv, which needs seconds where pip needs minutes.
    """
    fetch([sys.executable, "-m", "venv", "--without-pip", str(folder)], "a virtual environment")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--system-certs"]
    fetch([*install, "--python", str(python), *packages], " ".join(packages))
    return python


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Install aimock, a provider for openai and anthropic in JavaScript."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("aimock needs node and npm")
    folder = tmp_path_factory.mktemp("aimock")
    fetch([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), AIMOCK], "aimock")
    program = str(folder / "node_modules/@copilotkit/aimock/dist/cli.js")
    return lambda port: [node, program, "-p", str(port), "-f", str(ANSWERS), "--log-level", "warn"]


@pytest.fixture(scope="session")
def llmock(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Install llmock in an environment of its own: it brings a pytest plugin."""
    python = make_environment(tmp_path_factory.mktemp("llmock"), LLMOCK)
    return lambda port: [str(python.with_name("llmock")), "serve", "-p", str(port)]


def run_program(command: list[str], project: Path, **environ: str) -> Any:
    """Run a program that prints JSON, with no variable of ours but those given."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG")
    }
    (project / "pyproject.toml").touch()
    done = subprocess.run(
        command,
        cwd=project,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
