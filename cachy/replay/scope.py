"""Where cachy is on: scopes that nest, each task and thread seeing the right one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from pathlib import Path
from typing import Any, Literal

from cachy.config import Mode, Repeats, load_config
from cachy.replay import doors, keys, report
from cachy.replay.session import Session

_UNSET = object()
_scope: ContextVar[Session | None] = ContextVar("cachy_scope")
_process: list[Session | None] = []  # innermost last, for threads that inherit no context
_base: list[Session] = []  # what enable_cachy() made, at most one
_lock = threading.RLock()


def current_session() -> Session | None:
    """Find the session of this task or thread; None where cachy is off."""
    session = _scope.get(_UNSET)
    if isinstance(session, Session) or session is None:
        return session
    return _process[-1] if _process else None


def enable_cachy(
    cache_dir: str | os.PathLike[str] | None = None,
    doms: Sequence[str] | None = None,
    hdrs: Sequence[str] | None = None,
    debug: bool | Literal["miss"] = False,
    *,
    mode: str | Mode | None = None,
    repeats: Repeats | None = None,
    record_status: Sequence[int] = (),
) -> None:
    """Replay recorded answers, and record what is missing; in CI only replay.

    Args:
        cache_dir: the folder of fixtures; default `cachy_fixtures` beside pyproject.toml.
        doms: hosts to cover, each with the hosts below it; default the known providers.
        hdrs: further response headers to keep.
        debug: print hits and misses to stderr, or with "miss" the misses only.
        mode: "record", "replay", "refresh" or "off"; default CACHY_MODE, the config, CI.
        repeats: "same" gives equal requests the same answer, "sequence" each its own.
        record_status: further status codes to record.

    Raises:
        CachyError: a setting that can't be right; the message says what to write.
    """
    session = new_session(
        cache_dir, doms, hdrs, debug, mode=mode, repeats=repeats, record_status=record_status
    )
    with _lock:
        if _base:
            _process[_process.index(_base[0])] = session
            _base[0] = session
            keys.place(session.config.mode)
        else:
            _base.append(session)
            _process.insert(0, session)
            _open(session)


def disable_cachy() -> None:
    """Undo `enable_cachy()`; nothing happens where it is not on."""
    with _lock:
        if _base:
            session = _base.pop()
            _process.remove(session)
            _close(session)


@contextmanager
def cachy(
    cache_dir: str | os.PathLike[str] | None = None,
    doms: Sequence[str] | None = None,
    hdrs: Sequence[str] | None = None,
    debug: bool | Literal["miss"] = False,
    *,
    mode: str | Mode | None = None,
    repeats: Repeats | None = None,
    record_status: Sequence[int] = (),
) -> Iterator[None]:
    """Turn cachy on inside a block, as `enable_cachy` does; then the state before."""
    session = new_session(
        cache_dir, doms, hdrs, debug, mode=mode, repeats=repeats, record_status=record_status
    )
    with in_session(session):
        yield


@contextmanager
def no_cachy() -> Iterator[None]:
    """Go live inside a block."""
    with _scoped(None):
        yield


@contextmanager
def in_session(session: Session) -> Iterator[Session]:
    """Make a session the innermost scope inside a block."""
    _open(session)
    try:
        with _scoped(session):
            yield session
    finally:
        _close(session)


def new_session(
    cache_dir: str | os.PathLike[str] | None = None,
    doms: Sequence[str] | None = None,
    hdrs: Sequence[str] | None = None,
    debug: bool | Literal["miss"] = False,
    *,
    mode: str | Mode | None = None,
    repeats: Repeats | None = None,
    record_status: Sequence[int] = (),
) -> Session:
    """Make the session of a scope; the arguments are those of `enable_cachy`."""
    chosen: dict[str, Any] = {"mode": mode, "repeats": repeats, "debug": debug or None}
    if cache_dir is not None:
        chosen["fixtures"] = Path.cwd() / os.path.expanduser(cache_dir)
    for name, value in (("doms", doms), ("hdrs", hdrs)):
        chosen[name] = None if value is None else (value,) if isinstance(value, str) else (*value,)
    chosen["record_status"] = frozenset(record_status) or None
    return Session(load_config(**chosen))


@contextmanager
def _scoped(session: Session | None) -> Iterator[None]:
    token: Token[Session | None] = _scope.set(session)
    with _lock:
        _process.append(session)
    try:
        yield
    finally:
        with _lock:
            last = len(_process) - 1 - _process[::-1].index(session)
            del _process[last]
        _scope.reset(token)


_open_scopes = 0


def _open(session: Session) -> None:
    global _open_scopes
    with _lock:
        _open_scopes += 1
        if _open_scopes == 1:
            doors.install(current_session)
        keys.place(session.config.mode)
        report.watch(session)


def _close(session: Session) -> None:
    global _open_scopes
    with _lock:
        session.close()
        _open_scopes -= 1
        if _open_scopes == 0:
            doors.uninstall()
            keys.remove()
