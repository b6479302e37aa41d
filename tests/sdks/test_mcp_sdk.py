"""The official MCP package, client and server, in every form of the protocol that it speaks."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foreign import free_port, make_environment, run_program, running
from places import ROOT, TESTS

SIDES = TESTS / "sdks"
VERSIONS = {"2": "mcp>=2", "1": "mcp<2"}
MORE = {"2": ("openai-agents",)}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
Environment = Callable[[str], Path]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return the Python of an environment with a major version of the package."""
    made: dict[str, Path] = {}

    def find(version: str) -> Path:
        if version not in made:
            folder = tmp_path_factory.mktemp("mcp") / version
            made[version] = make_environment(
                folder, str(ROOT), VERSIONS[version], "uvicorn", "pytest", *MORE.get(version, ())
            )
        return made[version]

    return find


@pytest.mark.parametrize(
    ("version", "kind"),
    [("2", "current"), ("2", "legacy"), ("2", "json"), ("2", "sse"), ("1", "legacy"), ("1", "sse")],
)
def test_a_client_gets_the_same_with_its_server_gone(
    version: str, kind: str, environment: Environment, tmp_path: Path
) -> None:
    python, port = str(environment(version)), free_port()
    client = [python, str(SIDES / "mcp_client_side.py"), kind, str(port)]
    home = {"HOME": str(tmp_path)}
    with running([python, str(SIDES / "mcp_server_side.py"), kind, str(port)], port):
        live: dict[str, Any] = run_program([*client, "record"], tmp_path, **home)
    assert live["add"] == {"result": 3}
    assert live["both"] == [{"result": 10}, {"result": 12}]
    assert live.get("ask", {"result": "42"}) == {"result": "42"}
    assert live.get("book", {"result": "accept: Ada"}) == {"result": "accept: Ada"}
    assert run_program([*client, "replay"], tmp_path, **home) == live
    fixtures = [*(tmp_path / "cachy_fixtures").rglob("*.json")]
    assert any(path.name.startswith("tools-call-add-") for path in fixtures)
    if kind != "current":
        headers = [json.loads(path.read_text())["response"].get("headers", {}) for path in fixtures]
        named = [one["mcp-session-id"] for one in headers if "mcp-session-id" in one]
        assert set(named) <= {"[redacted:mcp-session]"}


@pytest.mark.parametrize("kind", ["legacy", "sse"])
def test_the_client_of_openai_agents_replays_too(
    kind: str, environment: Environment, tmp_path: Path
) -> None:
    python, port = str(environment("2")), free_port()
    client = [python, str(SIDES / "mcp_agents_side.py"), kind, str(port)]
    home = {"HOME": str(tmp_path)}
    with running([python, str(SIDES / "mcp_server_side.py"), kind, str(port)], port):
        live: dict[str, Any] = run_program([*client, "record"], tmp_path, **home)
    assert live["sums"] == ["10", "12"]
    assert run_program([*client, "replay"], tmp_path, **home) == live


def test_the_example_of_the_docs_records_and_replays(
    environment: Environment, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    port = free_port()
    for block in re.finditer(
        r"^```python\n(# (\w+\.py)\n.*?)^```$", page, re.DOTALL | re.MULTILINE
    ):
        text = block[1].replace("8123", str(port))
        (tmp_path / block[2]).write_text(text, encoding="utf-8")
    (tmp_path / "pyproject.toml").touch()
    python = str(environment("2"))
    kept = {name: text for name, text in os.environ.items() if name not in ("CI", "CACHY_MODE")}

    def test(**added: str) -> str:
        command = [python, "-m", "pytest", "-q", "test_sums.py"]
        given: dict[str, Any] = {"cwd": tmp_path, "env": {**kept, **added}, "check": False}
        done = subprocess.run(command, capture_output=True, text=True, **given)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    with running([python, str(tmp_path / "server.py")], port):
        assert "5 recorded" in test()
    assert "5 replayed, 0 recorded" in test(CI="true")
