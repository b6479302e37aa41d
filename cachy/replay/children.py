"""Turn cachy on in the Python processes that a run starts, as it is where they are started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any

from cachy.config import Config, Mode, load_config
from cachy.fixture.store.atomic_write import replace_file
from cachy.replay import scope
from cachy.replay.clients.patching import Patches
from cachy.replay.owner import Owner, current_owner, set_owner
from cachy.replay.process import PROCESS
from cachy.replay.run.served_variables import URL, give, take_back, with_mark
from cachy.replay.run.summary import FILE, add_line, so_far
from cachy.replay.run.unwatched import find_unwatched, is_python, isolating_option
from cachy.replay.session import Session

_SETTINGS = "CACHY_CHILD"  # what holds in a child, as JSON; `autostart` knows its name too
_TEST = "PYTEST_CURRENT_TEST"
_PATH = "PYTHONPATH"
_OWN = ("CACHY_", _TEST)  # how the names of variables begin that a child needs
_AUTOSTART = str(Path(__file__).with_name("autostart"))
_BEFORE_ENV = 10  # parameters of Popen that stand before `env`
_ALWAYS = ("fixtures", "doms", "base_url_hosts")  # a child does not look these up again
_patches = Patches(PROCESS.starts)


def watch() -> None:
    """Let the children of this process have cachy on as it is here, from now on."""
    if announce not in PROCESS.listeners:
        PROCESS.listeners.append(announce)
        _patches.replace(subprocess.Popen, "__init__", _make_start)
        _patches.replace(os, "system", _make_system)
        _patches.replace(os, "execv", _make_exec)
        for name in ("execve", "posix_spawn", "posix_spawnp"):
            if hasattr(os, name):  # not on Windows
                _patches.replace(os, name, partial(_make_spawn, ends=name == "execve"))
        PROCESS.run.watch_child = _watched_environment
    announce()


def unwatch() -> None:
    """Let children be as they would be without cachy."""
    if announce in PROCESS.listeners:
        PROCESS.listeners.remove(announce)
        _patches.undo()
    _withdraw()


def _make_start(original: Any) -> Any:
    """Wrap `Popen`: a test that sets PYTHONPATH for its child does not mean to turn cachy off."""

    @wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        is_ours = _SETTINGS in os.environ and len(args) <= _BEFORE_ENV
        if is_ours:
            kwargs["env"], mark = _for_child(kwargs.get("env"))
        original(self, *args, **kwargs)
        if is_ours:
            _note_unwatched(args[0] if args else kwargs.get("args", ()), kwargs["env"], mark)

    return __init__


def _make_system(original: Any) -> Any:
    """Wrap `os.system`, whose program gets this process's own environment."""

    @wraps(original)
    def system(command: Any) -> int:
        if _SETTINGS not in os.environ:
            return int(original(command))
        given, mark = give(os.environ)
        _note_unwatched(os.fsdecode(command), given, mark)
        with _environment_set_to(given):
            return int(original(command))

    return system


@contextmanager
def _environment_set_to(given: Mapping[str, str]) -> Iterator[None]:
    changed = {name: os.environ.get(name) for name in given if os.environ.get(name) != given[name]}
    os.environ.update({name: given[name] for name in changed})
    try:
        yield
    finally:
        for name, before in changed.items():
            os.environ.pop(name, None) if before is None else os.environ.update({name: before})


def _make_exec(original: Any) -> Any:
    """Wrap `os.execv`, whose program gets this process's own environment and takes its place."""

    @wraps(original)
    def execv(path: Any, args: Any) -> Any:
        if _SETTINGS in os.environ:
            os.environ.update(give(os.environ)[0])
            add_line(so_far())  # this process will not come to its end
        return original(path, args)

    return execv


def _make_spawn(original: Any, *, ends: bool) -> Any:
    """Wrap what starts a program with an environment that the caller gives.

    `ends`: it takes the place of this process, which will not come to its end.
    """

    @wraps(original)
    def spawn(path: Any, args: Any, env: Any, **kwargs: Any) -> Any:
        is_by_popen = sys._getframe(1).f_globals.get("__name__") == "subprocess"  # noted already
        if _SETTINGS in os.environ and not is_by_popen:
            _note_unwatched([path, *args[1:]], env, "")
            if ends:
                add_line(so_far())
        return original(path, args, env, **kwargs)

    return spawn


def _note_unwatched(command: Any, environ: Mapping[str, str] | None, mark: str) -> None:
    session = scope.current_session()
    program = find_unwatched(command, environ, _SETTINGS) if session else ""
    if session and program:
        session.journal.tally.unwatched.append(with_mark(program, mark))


def _for_child(environ: Mapping[str, str] | None) -> tuple[Mapping[str, str] | None, str]:
    """Return the environment of a child; one that is not watched gets what the caller wants."""
    given = os.environ if environ is None else environ
    if _SETTINGS not in given:
        return environ, ""
    if _AUTOSTART not in given.get(_PATH, "").split(os.pathsep):
        environ = given = {**given, _PATH: _with_autostart(given.get(_PATH))}
    if URL not in given:
        return environ, ""
    return give(given)


def _watched_environment(
    command: Sequence[str], environ: Mapping[str, str] | None
) -> dict[str, str] | None:
    """Return the environment in which a program has cachy on; None where it would not."""
    is_ours = is_python(command[0]) and not isolating_option(command[1:])
    if not is_ours or _SETTINGS not in os.environ:
        return None
    ours = {name: text for name, text in os.environ.items() if name.startswith(_OWN)}
    return {**(os.environ if environ is None else environ), **ours}


def announce() -> None:
    """Set the environment variables that tell children what applies, while they are watched."""
    if announce not in PROCESS.listeners:
        return
    session = scope.current_session()
    if session is None or session.config.mode is Mode.OFF:
        return _withdraw()
    os.environ[_SETTINGS] = _described(session.config, current_owner())
    if "multiprocessing.forkserver" in sys.modules:
        _write_for_forks(os.environ[_SETTINGS])
    path = os.environ.get(_PATH)
    if _AUTOSTART not in (path or "").split(os.pathsep):
        os.environ[_PATH] = _with_autostart(path)
        PROCESS.python_path = (path, os.environ[_PATH])


def _with_autostart(path: str | None) -> str:
    return os.pathsep.join([_AUTOSTART, *filter(None, [path])])


def _withdraw() -> None:
    if os.environ.pop(_SETTINGS, None) and "multiprocessing.forkserver" in sys.modules:
        _write_for_forks("")
    path = os.environ.get(_PATH, "")
    if _AUTOSTART not in path.split(os.pathsep):
        return
    before, after = PROCESS.python_path or (None, "")
    if path != after:  # others have changed it meanwhile
        before = os.pathsep.join(part for part in path.split(os.pathsep) if part != _AUTOSTART)
    os.environ.pop(_PATH, None)
    if before is not None:
        os.environ[_PATH] = before


def environment_of_child(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Python turns cachy on as it starts, with these settings."""
    added = {_SETTINGS: _described(config, None), _PATH: _with_autostart(environ.get(_PATH))}
    return {**environ, **added}


def start() -> None:
    """Turn cachy on in this process, with what held where it was started.

    Raises:
        CachyError: the settings are wrong.
    """
    said = json.loads(os.environ[_SETTINGS])
    take_back(os.environ)
    _start_as(said)
    watch()
    if any("multiprocessing.forkserver" in argument for argument in sys.orig_argv):
        path = _file_for_forks(said["process"])
        os.register_at_fork(after_in_child=lambda: _start_as_now(path))


def _start_as(said: dict[str, Any]) -> None:
    config, mode = _parse(said), Mode(said["mode"])
    if config.mode is not mode or "mode" in said["chosen"]:
        os.environ["CACHY_MODE"] = mode.value  # for a program that calls enable_cachy()
    set_owner(Owner(_path(said["owner"][0]), said["owner"][1]) if said["owner"] else None)
    PROCESS.run.is_telling = bool(said["test"])  # which may kill what it started
    chosen = {"mode_from": said["mode_from"], "chosen": said["chosen"]}
    scope.enable(Session(config._replace(mode=mode, **chosen)))


def _start_as_now(path: Path) -> None:
    """Take over, in a fork of a server of forks, what holds now; the server may be older."""
    with suppress(OSError):
        if text := path.read_text(encoding="utf-8"):
            said = json.loads(text)
            os.environ[_TEST] = said["test"]
            _start_as(said)
        else:
            scope.disable_cachy()


def _write_for_forks(text: str) -> None:
    path = _file_for_forks(os.getpid())
    with suppress(OSError):
        replace_file(path, text.encode(), path.parent)


def _file_for_forks(process: int) -> Path:
    return Path(os.environ.get(FILE, os.devnull)).with_name(f"settings-{process}.json")


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _described(config: Config, owner: Owner | None) -> str:
    now = {"owner": owner, "test": os.environ.get(_TEST, ""), "process": os.getpid()}
    return f"{_settings_of(config)[:-1]}, {json.dumps(now, default=str)[1:]}"


def _settings_of(config: Config) -> str:
    """Return settings as JSON; those of the last test are mostly those of this one."""
    if PROCESS.described is None or PROCESS.described[0] != config:
        said = {
            "root": config.root,
            "mode_from": config.mode_from,
            "mode": config.mode.value,
            "chosen": config.chosen,
            "always": {name: getattr(config, name) for name in _ALWAYS},
        }
        PROCESS.described = config, json.dumps(said, default=_as_json)
    return PROCESS.described[1]


def _as_json(value: Any) -> Any:
    if isinstance(value, Mode):
        return value.value
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _parse(said: dict[str, Any]) -> Config:
    chosen = said["chosen"]
    for name, kind in (("record_status", frozenset), ("doms", tuple), ("hdrs", tuple)):
        if name in chosen:
            chosen[name] = kind(chosen[name])
    given = {**chosen, **said["always"], "mode": None}
    return load_config(Path(said["root"]), **given)
