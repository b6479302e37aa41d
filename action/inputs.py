"""The action's inputs, from the environment that action.yml sets, checked."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from escape import plain

PREFIX = "CACHY_ACTION_"
COMMANDS = ("verify", "drift")


WRONG_USAGE, INCONCLUSIVE = 2, 3  # cachy's exit codes, and ours where there is no cachy to ask


class StepFailed(Exception):
    """The step cannot do what it was asked; the message says what to change."""

    def __init__(self, message: str, code: int = WRONG_USAGE) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Inputs:
    """What one step was asked to do."""

    program: tuple[str, ...]
    command: str
    args: tuple[str, ...]
    folder: Path
    open_pr: bool
    token: str
    fail_on: str


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Return the inputs.

    Raises:
        StepFailed: one of them is not valid; the message names it.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value.strip()
        for name, value in environ.items()
        if name.startswith(PREFIX)
    }
    inputs = Inputs(
        program=tuple(shlex.split(given["program"])),
        command=_one_of(COMMANDS, "command", given["command"]),
        args=_split(given["args"]),
        folder=_folder(given["folder"] or "."),
        open_pr=_one_of(("true", "false"), "open-pr", given["open_pr"] or "false") == "true",
        token=given["token"],
        fail_on=given["fail_on"],
    )
    if inputs.command == "verify" and (inputs.open_pr or inputs.fail_on):
        raise StepFailed("open-pr and fail-on belong to command: drift. Leave them out.")
    return inputs


def refuse_forks(command: str, environ: Mapping[str, str]) -> None:
    """Refuse to run code of a fork with keys or a write token, as nobody here has read it."""
    event = environ.get("GITHUB_EVENT_NAME", "")
    if command != "drift" or event not in ("pull_request", "pull_request_target"):
        return
    if _is_from_fork(environ.get("GITHUB_EVENT_PATH", "")):
        raise StepFailed(
            f"cachy drift does not run on {event} from a fork: it needs your keys. "
            "Run it on schedule or workflow_dispatch; command: verify needs none."
        )


def _one_of(known: tuple[str, ...], name: str, value: str) -> str:
    if value not in known:
        raise StepFailed(f"{name}: {plain(value)!r} is not one of {', '.join(known)}.")
    return value


def _split(args: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(args))
    except ValueError as error:
        raise StepFailed(f"args: {error}. Quote them as in a shell.") from None


def _folder(name: str) -> Path:
    if not os.path.isdir(name):
        raise StepFailed(f"working-directory: {plain(name)!r} is not a folder of this checkout.")
    return Path(name)


def _is_from_fork(event_path: str) -> bool:
    try:
        event = json.loads(Path(event_path).read_bytes())
    except (OSError, ValueError):
        return True  # what cannot be read cannot be trusted
    match event:
        case {
            "pull_request": {
                "head": {"repo": {"full_name": str(head)}},
                "base": {"repo": {"full_name": str(base)}},
            }
        }:
            return head != base
    return True  # a deleted fork has no repository
