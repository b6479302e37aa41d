"""Record the real SDKs against providers that other people wrote, stop them, and replay."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from foreign import aimock, free_port, is_open, llmock, run_program, running
from places import TESTS

__all__ = ["aimock", "llmock"]  # pytest fixtures
PROGRAM = TESTS / "sdks" / "openai_and_anthropic.py"
KEY = "test-key-that-nobody-has"
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("provider", "paths"),
    [("aimock", ("/v1", "")), ("llmock", ("/v1", "/anthropic"))],
)
def test_a_foreign_provider_replays_keyless_with_its_process_gone(
    provider: str, paths: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    command = request.getfixturevalue(provider)
    port = free_port()
    urls = [f"http://127.0.0.1:{port}{path}" for path in paths]
    program = [sys.executable, str(PROGRAM), *urls]
    with running(command(port), port):
        recorded = run_program(program, tmp_path, OPENAI_API_KEY=KEY, ANTHROPIC_API_KEY=KEY)
    assert not is_open(port)
    replayed = run_program(program, tmp_path, CI="true", NO_SOCKETS="1")
    assert replayed == recorded
    assert len(recorded) == 12
    fixtures = list((tmp_path / "cachy_fixtures").rglob("*.json"))
    assert len(fixtures) == 12
    assert not any(KEY in path.read_text() for path in fixtures)
