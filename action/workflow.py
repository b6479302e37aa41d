"""What a runner reads: commands in the log, and the environment files.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KINDS = ("error", "warning", "notice")
MOST_ANNOTATIONS = 10  # of each kind and step; the runner drops the rest silently
LONGEST_MESSAGE = 4000  # the runner cuts at 4096
LARGEST_SUMMARY = 1024 * 1024  # bytes of a step; the runner drops a larger one whole


@dataclass(frozen=True)
class Annotation:
    """One note on a run's page, and beside the file in a pull request."""

    kind: str
    title: str
    message: str
    file: str = ""


def render_annotations(annotations: Sequence[Annotation]) -> Iterator[str]:
    """Yield the annotations of one step, at most ten of each kind."""
    for kind in KINDS:
        same = [annotation for annotation in annotations if annotation.kind == kind]
        yield from map(_render_annotation, _first_ten(kind, same))


def render_error(message: str) -> str:
    """Return the one line that says why a step failed."""
    return _render_annotation(Annotation("error", "cachy", message))


def render_masks(secrets: Iterable[str]) -> Iterator[str]:
    """Yield the commands that hide `secrets` in the log; none outside of a runner."""
    if is_on_runner():
        yield from (f"::add-mask::{_escape(secret)}" for secret in secrets)


@contextmanager
def commands_paused() -> Iterator[None]:
    """Let the runner treat what is printed inside the block as text only."""
    if not is_on_runner():
        yield
        return
    resume = uuid.uuid4().hex
    print(f"::stop-commands::{resume}", flush=True)
    try:
        yield
    finally:
        print(f"::{resume}::", flush=True)


def is_on_runner() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def save_output(name: str, value: str) -> None:
    """Append one output of the step; without a runner, nothing."""
    delimiter = f"cachy_{uuid.uuid4().hex}"
    if delimiter in name + value:
        raise ValueError(f"output {name}: holds its own delimiter")
    _append("GITHUB_OUTPUT", f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def save_summary(lines: Sequence[str], where_more: str) -> None:
    """Append to the step summary, cut by whole lines to what the runner takes."""
    written = Path(os.environ.get("GITHUB_STEP_SUMMARY") or os.devnull)
    room = LARGEST_SUMMARY - (written.stat().st_size if written.is_file() else 0)
    _append("GITHUB_STEP_SUMMARY", "".join(_fitting(lines, room, where_more)))


def _first_ten(kind: str, same: list[Annotation]) -> list[Annotation]:
    if len(same) <= MOST_ANNOTATIONS:
        return same
    shown = same[: MOST_ANNOTATIONS - 1]
    more = f"{len(same) - len(shown)} more: see the step summary."
    return [*shown, Annotation(kind, "cachy", more)]


def _render_annotation(annotation: Annotation) -> str:
    properties = {"file": annotation.file, "title": annotation.title}
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{annotation.kind} {shown}::{_escape(annotation.message[:LONGEST_MESSAGE])}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def _fitting(lines: Sequence[str], room: int, where_more: str) -> Iterator[str]:
    room -= len(_more(len(lines), where_more).encode())
    for done, line in enumerate(lines):
        room -= len(line.encode()) + 1
        if room < 0:
            yield _more(len(lines) - done, where_more)
            return
        yield f"{line}\n"


def _more(count: int, where: str) -> str:
    return f"\n{count} more lines did not fit here: see {where}.\n"


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        with open(path, "a", encoding="utf-8", newline="\n") as file:
            file.write(text)
