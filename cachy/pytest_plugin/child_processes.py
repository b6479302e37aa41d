"""What the environment tells the processes that tests start, and what these missed."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile

import pytest

from cachy.replay import children, hint

_MISSES = "CACHY_MISSES"  # as `replay.misses` has it, which a session without cachy never loads


def watch_children(config: pytest.Config) -> None:
    """Let child processes have cachy on as the session has it, until the session ends."""
    path = os.path.join(tempfile.gettempdir(), f"cachy-misses-{secrets.token_hex(8)}")
    os.environ[_MISSES] = path
    config.add_cleanup(lambda: _forget(path))
    _set_until_the_end(config, hint.USERS_FOLDER, str(config.invocation_params.dir))
    _set_until_the_end(config, hint.ROOTDIR, str(config.rootpath))
    if not _is_controller(config):
        children.watch()
        config.add_cleanup(children.unwatch)


def _forget(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def _set_until_the_end(config: pytest.Config, name: str, value: str) -> None:
    former = os.environ.get(name)
    os.environ[name] = value

    def restore() -> None:
        os.environ.pop(name, None)
        if former is not None:
            os.environ[name] = former

    config.add_cleanup(restore)


def _is_controller(config: pytest.Config) -> bool:
    """Return whether xdist's workers run the tests; these children need no watching."""
    is_distributed = getattr(config.option, "dist", "no") != "no"
    return is_distributed and not hasattr(config, "workerinput")


def take_missed() -> list[str]:
    """Return the misses of child processes since the last look."""
    if not os.path.exists(os.environ.get(_MISSES, "")):
        return []
    from cachy.replay.misses import of_children

    return of_children()


def peek_at_missed() -> list[str]:
    """Return what `take_missed` returns next."""
    if not os.path.exists(os.environ.get(_MISSES, "")):
        return []
    from cachy.replay.misses import peek_at_children

    return peek_at_children()[0]
