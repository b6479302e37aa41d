"""Programs that a process starts and that cachy cannot watch."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cachy.replay.run.served_variables import unmarked

# Programs that usually send requests; to name every `git` and `uname` would help nobody.
_SENDERS = frozenset(
    ("curl", "wget", "http", "node", "npm", "npx", "deno", "bun", "ruby", "java", "php", "go")
)


def find_unwatched(command: Any, environ: Mapping[str, str] | None, mark: str) -> str:
    """Return how a program is named that will not have cachy on; empty where it may have.

    `mark` is the variable that a watched Python inherits.
    """
    words = [command] if isinstance(command, os.PathLike) else command
    words = words.split() if isinstance(words, str) else [*map(_text, words)]
    if not words:
        return ""
    name = Path(words[0]).name.removesuffix(".exe")
    if not is_python(words[0]):
        return name if name in _SENDERS else ""
    if option := isolating_option(words[1:]):
        return f"python {option}"
    has_own = environ is not None and mark not in environ
    return "python with an environment of its own" if has_own else ""


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
