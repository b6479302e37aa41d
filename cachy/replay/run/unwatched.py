"""Programs that a process starts and that cachy cannot watch."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cachy.replay.run.served_variables import unmarked

_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh"))
_WRAPPERS = frozenset(
    ("env", "timeout", "nohup", "nice", "xargs", "time", "exec", "stdbuf", "setsid", "sudo")
)
_ASSIGNMENT = r"\w+=.*"
_SEPARATORS = r"[;&|()\n`]+"
# Programs that usually send requests; to name every `git` and `uname` would help nobody.
_SENDERS = frozenset(
    ("curl", "wget", "http", "node", "npm", "npx", "deno", "bun", "ruby", "java", "php", "go")
)


def find_unwatched(command: Any, environ: Mapping[str, str] | None, mark: str) -> str:
    """Return how a program is named that will not have cachy on; empty where it may have.

    `mark` is the variable that a watched Python inherits.
    """
    if isinstance(command, str):
        words = ["sh", "-c", command]
    else:
        words = [*map(_text, [command] if isinstance(command, os.PathLike) else command)]
    has_own = environ is not None and mark not in environ
    named = (_name_of(part, has_own=has_own or is_bare) for part, is_bare in _programs(words))
    return next(filter(None, named), "")


def _name_of(words: Sequence[str], *, has_own: bool) -> str:
    name = _base_name(words[0])
    if not is_python(words[0]):
        return name if name in _SENDERS else ""
    if option := isolating_option(words[1:]):
        return f"python {option}"
    return "python with an environment of its own" if has_own else ""


def _base_name(program: str) -> str:
    return Path(program).name.removesuffix(".exe")


def _programs(words: Sequence[str], *, is_bare: bool = False) -> Iterator[tuple[list[str], bool]]:
    """Yield the programs of a command, of a shell's script too; and whether `env -i` starts one."""
    rest = [*words]
    while rest and re.fullmatch(_ASSIGNMENT, rest[0]):
        rest.pop(0)
    name = _base_name(rest[0]) if rest else ""
    if name in _SHELLS:
        at = next((at for at, word in enumerate(rest) if re.fullmatch("-[a-z]*c", word)), None)
        for part in re.split(_SEPARATORS, rest[at + 1]) if at and at + 1 < len(rest) else ():
            yield from _programs(part.split(), is_bare=is_bare)
    elif name in _WRAPPERS:
        is_bare = is_bare or (name == "env" and bool({"-i", "-"} & {*rest[1:]}))
        while len(rest) > 1 and re.fullmatch(rf"-.*|{_ASSIGNMENT}|[0-9.]+[smhd]?", rest[1]):
            rest.pop(1)
        yield from _programs(rest[1:], is_bare=is_bare)
    elif rest:
        yield rest, is_bare


def is_python(program: str) -> bool:
    """Return whether a program is Python, by its name."""
    return program == sys.executable or Path(program).name.startswith("python")


def _text(word: Any) -> str:
    return os.fsdecode(word) if isinstance(word, (str, bytes, os.PathLike)) else ""


def isolating_option(options: Sequence[str]) -> str:
    """Return the option that keeps Python from reading PYTHONPATH, by which cachy is turned on."""
    rest = iter(options)
    for option in rest:
        if option[:1] != "-" or option[:2] in ("-c", "-m", "--"):
            return ""
        if option in ("-W", "-X"):
            next(rest, "")
        elif option[:2] not in ("-W", "-X") and set(option) & set("IES"):
            return option
    return ""


def describe_unwatched(programs: Iterable[str]) -> list[str]:
    """Return the line that names the programs of a run that were not watched."""
    numbers = Counter(unmarked(programs))
    shown = ", ".join(f"{name} ({number})" for name, number in sorted(numbers.items()))
    return [f"not watched: {shown}; what they request goes live"] if shown else []
