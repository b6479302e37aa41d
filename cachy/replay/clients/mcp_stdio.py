"""MCP servers that the `mcp` package starts and speaks to over stdio, which is not recorded.

A server in Python has cachy on as the program that starts it, where children have it on at all. Any
other one would go live, so replay mode refuses to start it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from cachy.config import Mode, is_covered
from cachy.errors import UnrecordedRequest
from cachy.replay.clients.patching import CurrentSession, Patches
from cachy.replay.process import PROCESS
from cachy.replay.session import Session

__tracebackhide__ = True  # pytest shows the caller, not what is in between
_START = "_create_platform_compatible_process"
_FAMILY = "stdio"  # `pass = ["stdio"]` lets every such server through, "npx.stdio" those of npx


def open_door(library: ModuleType, current: CurrentSession, patches: Patches) -> None:
    """Patch what starts a server; `library` is `mcp.client.stdio`."""

    def make(original: Any) -> Any:
        @wraps(original)
        async def start(command: Any, args: Any, env: Any = None, *rest: Any, **more: Any) -> Any:
            session = current()
            if session is not None and session.config.mode is not Mode.OFF:
                env = _environment(session, str(command), args, env)
            return await original(command, args, env, *rest, **more)

        return start

    if hasattr(library, _START):
        patches.replace(library, _START, make)


def _environment(
    session: Session, command: str, args: Sequence[str], environ: Mapping[str, str] | None
) -> Mapping[str, str] | None:
    """Return the environment in which a server has cachy on, or its own.

    Raises:
        UnrecordedRequest: in replay mode, where it would not have it on.
    """
    watched = PROCESS.run.watch_child([command, *args], environ)
    if watched is not None:
        return watched
    program = Path(command).name.removesuffix(".exe").lower() or command
    if is_covered(f"{program}.{_FAMILY}", None, session.config.passed):
        return environ
    if session.config.mode is Mode.REPLAY:
        _refuse(program)
    session.journal.tally.unwatched.append(f"{program} (MCP over stdio)")
    return environ


def _refuse(program: str) -> None:
    from cachy.replay import misses  # replay needs none

    error: UnrecordedRequest = misses.raised_class()(
        f"Blocked an MCP server over stdio ({program}): cachy records MCP over HTTP, and what this "
        f'program requests would go live. Let it start by pass = ["{program}.{_FAMILY}"] in '
        "[tool.cachy], or put the call into `with no_cachy():`.",
        url=f"{program}.{_FAMILY}",
    )
    misses.remember(error)
    misses.refusal_of(error)()
