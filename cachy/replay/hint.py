"""The command that records what a request lacks, as it works in the folder where the user is."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Literal

from cachy.config import Config, current_test
from cachy.display import relative_path
from cachy.redact import redact_text, redact_values
from cachy.replay import placeholder_keys
from cachy.replay.owner import current_owner, own_variant
from cachy.replay.process import PROCESS

USERS_FOLDER = "CACHY_USERS_FOLDER"  # where pytest or `cachy run` was started
ROOTDIR = "CACHY_ROOTDIR"  # pytest's, from which it names its tests
_RUN = "CACHY_RUN"  # as `run.summary` has it: the command that `cachy run` was given
_FAR = 4  # folders up, from which on a whole path reads better


def how_to_record(
    config: Config | None = None, variant: str = "", mode: Literal["record", "refresh"] = "record"
) -> str:
    """Return the command, or what else to do, without secrets.

    Where a test has recordings of its own, of which `variant` is one's, it records all of them
    again: a new response of a stateful API does not fit those of another time.
    """
    scope = _scope_to_refresh(config, variant) if config and variant else None
    command = _command(mode) if scope is None else f"pytest --cachy=refresh {scope}".rstrip()
    return redact_values(redact_text(command), placeholder_keys.secrets())


def _scope_to_refresh(config: Config, variant: str) -> str | None:
    """Return the tests to refresh; None where those that run own nothing yet."""
    from cachy.replay.renamed import has_recordings  # only a miss in a test needs it

    owner, test = current_owner(), current_test()
    is_own = bool(test) and owner is not None and variant == own_variant(owner, config)
    if owner is None or not is_own or not has_recordings(variant, config):
        return None
    names = owner.names and f"::{owner.names}"
    return _quoted(_from_users_folder(test.partition("::")[0] + names))


def users_path(path: Path) -> str:
    """Return a path as it works in the folder where the user is."""
    here = os.environ.get(USERS_FOLDER) or os.getcwd()
    near = Path(os.path.relpath(path, here)).as_posix() if path.anchor == Path(here).anchor else ""
    is_far = near.startswith("../" * _FAR)
    return relative_path(path, here) if is_far or not near else near


def _command(mode: str) -> str:
    if known := PROCESS.run.recording_command:
        return known.replace("--mode record", f"--mode {mode}", 1)
    if test := current_test():
        return f"pytest --cachy={mode} {_quoted(_from_users_folder(test))}"
    if command := os.environ.get(_RUN):
        return f"cachy run --mode {mode} -- {command}"
    if "ipykernel" in sys.modules:
        return f'run the cell again after enable_cachy(mode="{mode}")'
    arguments = _arguments()
    if not arguments:
        return f"run it again with CACHY_MODE={mode} set"
    folder = _folder_of(arguments)
    there = f"cd {shlex.quote(folder)} && " if folder else ""
    return f"{there}cachy run --mode {mode} -- {shlex.join(arguments)}"


def _quoted(test: str) -> str:
    return shlex.quote(test) if "'" in test else f"'{test}'"


def _from_users_folder(test: str) -> str:
    """Return a test's id with its path from where pytest was started, not from its rootdir."""
    path, colons, names = test.partition("::")
    here, root = os.environ.get(USERS_FOLDER), os.environ.get(ROOTDIR)
    if here and root and here != root:
        path = Path(os.path.relpath(os.path.join(root, path), here)).as_posix()
    return f"{path}{colons}{names}"


def _arguments() -> list[str]:
    """Return the command of this process; empty where it cannot be given again."""
    options, script = sys.orig_argv[1:], sys.argv[0] if sys.argv else ""
    if script not in options and "-m" not in options:  # a process of multiprocessing, or a fork
        options = sys.argv
    if script in ("", "-", "-c"):
        return []
    if os.path.isfile(options[0]) and _is_beside_python(options[0]):
        return [Path(options[0]).stem if os.name == "nt" else Path(options[0]).name, *options[1:]]
    is_known = options[0].startswith("-") or os.path.isfile(options[0])
    return ["python", *options] if is_known else []


def _is_beside_python(script: str) -> bool:
    """Return whether this is a program of the environment, which `cachy run` finds by its name."""
    return os.path.dirname(os.path.abspath(script)) == os.path.dirname(sys.executable)


def _folder_of(arguments: list[str]) -> str:
    """Return the folder from which the command works, if that is not the user's own."""
    here, users = os.getcwd(), "" if USERS_FOLDER in os.environ else os.environ.get("PWD", "")
    script = arguments[1] if len(arguments) > 1 else ""
    is_from_here = bool(script) and not os.path.isabs(script) and os.path.isfile(script)
    is_elsewhere = os.path.isdir(users) and not os.path.samefile(here, users)
    return here if is_from_here and is_elsewhere else ""
