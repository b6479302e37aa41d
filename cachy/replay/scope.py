"""Where cachy is on: scopes that nest, each task and thread seeing the right one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

from cachy.config import Config, Mode, Repeats, Share, calling_folder, load_config, override
from cachy.errors import CachyError
from cachy.replay import placeholder_keys
from cachy.replay.clients import install
from cachy.replay.process import PROCESS
from cachy.replay.run import summary
from cachy.replay.session import Session

Inherit = Callable[[Config], Session]
"""Makes a new session for a scope, from the settings that hold around it."""


class _Scope:
    """A block, or the whole program, in which requests are replayed or, without a session, live."""

    __slots__ = ("inherit", "is_over", "outer", "session")

    def __init__(
        self,
        session: Session | None,
        outer: _Scope | None = None,
        inherit: Inherit | None = None,  # None: what is enabled meanwhile changes nothing inside
    ) -> None:
        self.session = session
        self.outer = outer
        self.inherit = inherit
        self.is_over = False


_scope: ContextVar[_Scope | None] = ContextVar("cachy_scope", default=None)


def _changed() -> None:
    for listener in PROCESS.listeners:
        listener()


def current_session() -> Session | None:
    """Find the session of this task or thread; None where cachy is off."""
    scope = _scope.get()
    while scope is not None and scope.is_over:  # a task may outlive the block it started in
        scope = scope.outer
    if scope is None:  # as in a thread that inherits no context
        scope = next(iter(PROCESS.scopes[-1:]), None)  # it may end meanwhile, in another thread
    return scope.session if scope else None


def enable_cachy(
    cache_dir: str | os.PathLike[str] | None = None,
    doms: Sequence[str] | None = None,
    hdrs: Sequence[str] | None = None,
    debug: bool | Literal["miss"] = False,
    *,
    mode: str | Mode | None = None,
    repeats: Repeats | None = None,
    share: Share | None = None,
    variant: str = "",
    record_status: Sequence[int] = (),
) -> None:
    """Replay recorded answers, and record what is missing; in CI only replay.

    Args:
        cache_dir: the folder of fixtures; default `cachy_fixtures` beside pyproject.toml.
        doms: hosts to cover, each with the hosts below it; default the known providers.
        hdrs: further response headers to keep.
        debug: print hits and misses to stderr, or with "miss" the misses only.
        mode: "record", "replay", "refresh" or "off"; default CACHY_MODE, the config, CI.
        repeats: "same" answers equal requests with the same response, "sequence" each with its
            own; default "sequence" in a test, else "same".
        share: whose a recorded response is in tests: "project", "module" or "test"; default
            "project" for what a model generates, else "test".
        variant: a name for the state of the world in which the requests are answered.
        record_status: further status codes to record.

    Raises:
        CachyError: a setting that can't be right; the message says what to write.
    """
    session = new_session(
        cache_dir,
        doms,
        hdrs,
        debug,
        mode=mode,
        repeats=repeats,
        share=share,
        variant=variant,
        record_status=record_status,
    )
    enable(session)


def enable(session: Session) -> None:
    """Make a session the outermost scope, in the place of the one that was."""
    with PROCESS.lock:
        _open(session)
        scope = _Scope(session)
        PROCESS.scopes.insert(0, scope)  # before the last one ends: nothing goes live in between
        _end_base()
        PROCESS.base = scope
        for inner in PROCESS.scopes:
            if inner.inherit is not None and inner.session is not None:
                former, inner.session = inner.session, inner.inherit(session.config)
                _open(inner.session)
                _close(former)
    _changed()


def open_sessions() -> list[Session]:
    """Return the sessions of all scopes of this process that are open."""
    return [scope.session for scope in tuple(PROCESS.scopes) if scope.session is not None]


def disable_cachy() -> None:
    """Undo `enable_cachy()`; nothing happens where it is not on."""
    with PROCESS.lock:
        _end_base()
    _changed()


def _end_base() -> None:
    scope, PROCESS.base = PROCESS.base, None
    if scope is not None:
        PROCESS.scopes.remove(scope)
        scope.is_over = True
        _close(scope.session)


def _outwards(scope: _Scope | None) -> Iterator[_Scope]:
    while scope is not None:
        yield scope
        scope = scope.outer


def _begin_child() -> None:
    """Begin as a forked process: nobody is left to give a lock back."""
    PROCESS.begin_child()
    for scope in (*PROCESS.scopes, *_outwards(_scope.get())):
        if scope.session is not None:
            scope.session.renew_locks()
    summary.outlive_bootstrap()


def _end_program() -> None:
    """End what a program leaves open, which stays on to the end, and say what it did."""
    for buffer in tuple(PROCESS.buffers):
        buffer.end_program()
    if PROCESS.base is not None:
        PROCESS.base.session.close()
    summary.end_program()


@contextmanager
def cachy(
    cache_dir: str | os.PathLike[str] | None = None,
    doms: Sequence[str] | None = None,
    hdrs: Sequence[str] | None = None,
    debug: bool | Literal["miss"] = False,
    *,
    mode: str | Mode | None = None,
    repeats: Repeats | None = None,
    share: Share | None = None,
    variant: str = "",
    record_status: Sequence[int] = (),
    fault: str = "",
) -> Iterator[None]:
    """Turn cachy on inside a block, as `enable_cachy` does; then the state before.

    `fault`, such as "429 x2", is what the first requests get: see docs/faults.md.
    """
    session = new_session(
        cache_dir,
        doms,
        hdrs,
        debug,
        mode=mode,
        repeats=repeats,
        share=share,
        variant=variant,
        record_status=record_status,
        fault=fault,
    )
    with in_session(session):
        yield


@contextmanager
def no_cachy() -> Iterator[None]:
    """Go live inside a block."""
    with _entered(_Scope(None, _scope.get())):
        yield


@contextmanager
def in_session(session: Session, inherit: Inherit | None = None) -> Iterator[None]:
    """Make a session the innermost scope inside a block.

    Where `inherit` is given, what `enable_cachy` chooses inside the block holds there at once.
    """
    _open(session)
    scope = _Scope(session, _scope.get(), inherit=inherit)
    try:
        with _entered(scope):
            yield
    finally:
        _close(scope.session or session)


def new_session(
    cache_dir: str | os.PathLike[str] | None = None,
    doms: Sequence[str] | None = None,
    hdrs: Sequence[str] | None = None,
    debug: bool | Literal["miss"] = False,
    *,
    mode: str | Mode | None = None,
    repeats: Repeats | None = None,
    share: Share | None = None,
    variant: str = "",
    record_status: Sequence[int] = (),
    fault: str = "",
    around: Config | None = None,
) -> Session:
    """Make the session of a scope; the arguments are those of `cachy`.

    What is not chosen is taken from `around`, by default from the project's settings.
    """
    if isinstance(record_status, (int, str)):
        raise CachyError(f"record_status={record_status!r} is not a list of numbers: write [429].")
    if repeats not in (None, "same", "sequence"):
        raise CachyError(f"repeats={repeats!r}: write 'same' or 'sequence'.")
    if share not in (None, "project", "module", "test"):
        raise CachyError(f"share={share!r}: write 'project', 'module' or 'test'.")
    chosen: dict[str, Any] = {"mode": mode, "repeats": repeats, "share": share}
    chosen |= {"debug": debug or None, "variant": variant or None}
    chosen["record_status"] = frozenset(record_status) or None
    if cache_dir is not None:
        chosen["fixtures"] = Path.cwd() / os.path.expanduser(cache_dir)
    for name, value in (("doms", doms), ("hdrs", hdrs)):
        chosen[name] = None if value is None else (value,) if isinstance(value, str) else (*value,)
    return _with_fault(override(around, **chosen) if around else _load(chosen), fault)


def _load(chosen: dict[str, Any]) -> Config:
    starts = [folder for folder in (calling_folder(), Path.cwd()) if folder is not None]
    return load_config(*starts, **chosen)


def _with_fault(config: Config, fault: str) -> Session:
    session = Session(config)
    if fault:
        from cachy.replay.testing.faults import Faults, parse_fault  # only such a scope needs it

        session.faults = Faults(parse_fault(fault), session.config, session.store)
    return session


@contextmanager
def _entered(scope: _Scope) -> Iterator[None]:
    token = _scope.set(scope)
    with PROCESS.lock:
        PROCESS.scopes.append(scope)
    _changed()
    try:
        yield
    finally:
        scope.is_over = True
        with PROCESS.lock:
            PROCESS.scopes.remove(scope)
        with suppress(ValueError):  # a generator may be finished in another context
            _scope.reset(token)
        _changed()


def _open(session: Session) -> None:
    PROCESS.hook(_end_program, _begin_child)
    with PROCESS.lock:
        if PROCESS.open_count == 0:
            install.install(current_session)
        PROCESS.open_count += 1
        placeholder_keys.place(session.config.mode)
        summary.watch(session)


def _close(session: Session) -> None:
    with PROCESS.lock:
        session.close()
        PROCESS.open_count -= 1
        if PROCESS.open_count == 0:
            install.uninstall()
            placeholder_keys.remove()
