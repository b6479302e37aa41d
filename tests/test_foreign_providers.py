"""Record the real SDKs against providers that other people wrote, stop them, and replay."""

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

import pytest

PROGRAM = Path(__file__).with_name("sdk_program.py")
AIMOCK = "@copilotkit/aimock@1.43.0"
LLMOCK = "llmock==0.2.2"
ANSWERS = {"fixtures": [{"match": {}, "response": {"content": "Hello there, how are you?"}}]}
pytestmark = pytest.mark.slow


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
        deadline = time.monotonic() + 30
        while not is_open(port):
            assert process.poll() is None, f"{command[0]} ended at once"
            assert time.monotonic() < deadline, f"{command[0]} never listened"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def fetch(command: list[str], what: str) -> None:
    """Install a package, or skip with the reason why it can't be had."""
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=240)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{what} can't be installed here: {error}")


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[str]]:
    """Install aimock, a provider for openai and anthropic in JavaScript."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("aimock needs node and npm")
    folder = tmp_path_factory.mktemp("aimock")
    fetch([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), AIMOCK], "aimock")
    (folder / "answers.json").write_text(json.dumps(ANSWERS))
    program = str(folder / "node_modules/@copilotkit/aimock/dist/cli.js")
    answers = str(folder / "answers.json")
    return lambda port: [node, program, "-p", str(port), "-f", answers, "--log-level", "warn"]


@pytest.fixture(scope="session")
def llmock(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[str]]:
    """Install llmock, a provider in Python, in an environment of its own."""
    folder = tmp_path_factory.mktemp("llmock")
    fetch([sys.executable, "-m", "venv", str(folder)], "a virtual environment")
    binaries = folder / ("Scripts" if os.name == "nt" else "bin")
    fetch([str(binaries / "python"), "-m", "pip", "install", "-q", LLMOCK], "llmock")
    return lambda port: [str(binaries / "llmock"), "serve", "-p", str(port)]


def run_program(project: Path, urls: tuple[str, str], **environ: str) -> dict[str, object]:
    """Run the user's program in a new process, with no key but those given."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG")
    }
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *urls],
        cwd=project,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, object] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize(
    ("provider", "paths"),
    [("aimock", ("/v1", "")), ("llmock", ("/v1", "/anthropic"))],
)
def test_a_foreign_provider_replays_keyless_with_its_process_gone(
    provider: str, paths: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    command = request.getfixturevalue(provider)
    (tmp_path / "pyproject.toml").touch()
    port = free_port()
    urls = f"http://127.0.0.1:{port}{paths[0]}", f"http://127.0.0.1:{port}{paths[1]}"
    key = "test-key-that-nobody-has"
    with running(command(port), port):
        recorded = run_program(tmp_path, urls, OPENAI_API_KEY=key, ANTHROPIC_API_KEY=key)
    assert not is_open(port)
    replayed = run_program(tmp_path, urls, CI="true", NO_SOCKETS="1")
    assert replayed == recorded
    assert len(recorded) == 12
    fixtures = list((tmp_path / "cachy_fixtures").rglob("*.json"))
    assert len(fixtures) == 12
    assert not any(key in path.read_text() for path in fixtures)
