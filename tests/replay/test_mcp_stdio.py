"""MCP servers over stdio: what the `mcp` package starts is watched, named or refused."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import Scope

import cachy
from cachy import UnrecordedRequest
from cachy.replay import children
from cachy.replay.process import PROCESS

# As mcp/client/stdio.py is: a function of the module starts each server.
LIBRARY = """
import asyncio, sys
async def _create_platform_compatible_process(command, args, env=None, errlog=sys.stderr, cwd=None):
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(command, *args, env=env, cwd=cwd, stdout=pipe)
async def start(command, *args):
    started = await _create_platform_compatible_process(command, list(args), env={"PATH": "/bin"})
    return (await started.communicate())[0].decode()
"""
SAYS = "import sys; print('cachy' in sys.modules)"


@pytest.fixture
def library(
    project: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Any]:
    """Import a library in the place of `mcp` while cachy is on."""
    folder = project / "site" / "mcp" / "client"
    folder.mkdir(parents=True)
    for place in (folder.parent / "__init__.py", folder / "__init__.py"):
        place.write_text("")
    (folder / "stdio.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(project / "site"))

    def load() -> ModuleType:
        import mcp.client.stdio

        module: ModuleType = mcp.client.stdio
        return module

    yield load
    for name in [name for name in sys.modules if name.split(".")[0] == "mcp"]:
        del sys.modules[name]


@pytest.fixture
def foreign(project: Path) -> str:
    """A program that is not Python by its name."""
    program = project / "server"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    return str(program)


def run(library: Any, *command: str) -> str:
    return str(asyncio.run(library().start(*command)))


def test_a_foreign_server_is_refused_in_replay_mode(
    library: Any, foreign: str, replaying: Scope
) -> None:
    with replaying(), pytest.raises(UnrecordedRequest, match=r"pass = \[\"server.stdio\"\]"):
        run(library, foreign, "--token", "secret-of-mine")
    (miss,) = PROCESS.misses
    PROCESS.misses.clear()
    assert "secret-of-mine" not in str(miss)


def test_a_foreign_server_is_named_while_recording(
    library: Any, foreign: str, recording: Scope
) -> None:
    with recording():
        assert run(library, foreign) == "started\n"
        (session,) = cachy.replay.scope.open_sessions()
        assert session.journal.tally.unwatched == ["server (MCP over stdio)"]


@pytest.mark.parametrize("entry", ["stdio", "server.stdio"])
def test_a_setting_lets_a_foreign_server_start(
    entry: str, library: Any, foreign: str, project: Path, replaying: Scope
) -> None:
    (project / "pyproject.toml").write_text(f'[tool.cachy]\npass = ["{entry}"]\n')
    with replaying():
        assert run(library, foreign) == "started\n"


def test_a_block_without_cachy_lets_it_start(library: Any, foreign: str, replaying: Scope) -> None:
    with replaying():
        library()
        with cachy.no_cachy():
            assert run(library, foreign) == "started\n"


def test_a_server_in_python_has_cachy_on_where_children_have(
    library: Any, replaying: Scope
) -> None:
    children.watch()
    try:
        with replaying():
            assert run(library, sys.executable, "-c", SAYS) == "True\n"
            with pytest.raises(UnrecordedRequest):
                run(library, sys.executable, "-I", "-c", SAYS)
    finally:
        children.unwatch()
        PROCESS.misses.clear()


def test_a_server_in_python_is_refused_where_children_are_not_watched(
    library: Any, replaying: Scope
) -> None:
    with replaying(), pytest.raises(UnrecordedRequest):
        run(library, sys.executable, "-c", SAYS)
    PROCESS.misses.clear()
