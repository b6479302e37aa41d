"""A user's program: call one SDK in every way that it has, and print what it gave as JSON.

    python -m sdks.program MODULE FOREIGN OWN PACKAGES PHASE…

MODULE is one of `calls`; FOREIGN and OWN are its providers on loopback; PACKAGES, with commas
between, are those whose versions it prints. It goes through the phases in turn:

- record: record what is missing
- replay: in CI, with sockets forbidden
- keyless: in record mode, with sockets forbidden
- miss: as replay, in a project that has no fixtures
- unsent: as keyless, in a project that has no fixtures
- faults: as replay, each fault of FAULTS in the place of the first responses
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import socket
import sys
import time
from contextlib import chdir, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sdks.asking import HOST, Call, plain

from cachy import UnrecordedRequest, cachy, disable_cachy, enable_cachy
from cachy.replay.process import PROCESS

opened: list[str] = []
FAULTS = {
    **dict.fromkeys(("plain", "async"), ("429 x2", "reset", "timeout")),
    **dict.fromkeys(
        ("streamed", "async streamed"), ("reset", "cut after 2 events", "malformed after 2 events")
    ),
}
"""What is asked of each way of calling, beside its recorded response."""


def forbid_sockets() -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        opened.append(str(address))
        raise AssertionError(f"a socket was opened to {address}")

    socket.socket.connect = refuse  # type: ignore[assignment,method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[assignment,method-assign]


def answer(call: Call) -> Any:
    try:
        return plain(call())
    except (Exception, UnrecordedRequest) as error:
        return f"failed: {type(error).__name__}: {error}"
    finally:
        # httpcore's pool waits for itself where a stream that was left is collected inside it.
        gc.collect()


def refusal(call: Call) -> Any:
    """Return how a call without a recording ends, its attempts and its seconds."""
    before, start = len(PROCESS.misses), time.perf_counter()
    try:
        given = plain(call())
    except UnrecordedRequest as error:
        seconds = round(time.perf_counter() - start, 3)
        return [str(error).splitlines()[0], len(PROCESS.misses) - before, seconds]
    except BaseException as error:
        given = f"{type(error).__name__}: {error}"
    return [f"not refused: {given}", 0, 0.0]


def outcome(call: Call, fault: str) -> str:
    """Return how a call ends that meets a fault: `answered` as recorded, or the exception."""
    recorded = plain(call())
    try:
        with cachy(doms=HOST, fault=fault):
            given = plain(call())
    except (Exception, UnrecordedRequest) as error:
        return type(error).__name__
    finally:
        gc.collect()
    return "answered" if given == recorded else "answered otherwise"


def with_faults(calls: dict[str, Call]) -> dict[str, str]:
    """Make the main calls of an SDK again, once with each fault."""
    return {
        f"{way}: {fault}": outcome(calls[way], fault)
        for way, faults in FAULTS.items()
        for fault in faults
        if way in calls
    }


def enter(phase: str) -> None:
    is_replay = phase in ("replay", "miss", "faults")
    os.environ.pop("CI", None)
    os.environ.pop("CACHY_MODE", None)
    os.environ.update({"CI": "true"} if is_replay else {"CACHY_MODE": "record"})
    if phase != "record":
        forbid_sockets()


def empty_project() -> Path:
    folder = Path("fixtureless")
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text("[tool.cachy]\n")
    return folder


def go_through(phase: str, module: str, foreign: str, own: str) -> dict[str, Any]:
    """Make every call of an SDK; what each gave, by way of calling."""
    enter(phase)
    ended = refusal if phase in ("miss", "unsent") else answer
    with chdir(empty_project() if ended is refusal else "."):
        enable_cachy(doms=HOST)
        try:
            calls = importlib.import_module(f"sdks.calls.{module}").calls(foreign, own)
            if phase == "faults":
                return with_faults(calls)
            return {way: ended(call) for way, call in calls.items()}
        finally:
            disable_cachy()


def main(module: str, foreign: str, own: str, packages: str, *phases: str) -> None:
    before = {name: value for name, value in os.environ.items() if "KEY" in name}
    with redirect_stdout(sys.stderr):  # some SDKs print
        told: dict[str, Any] = {phase: go_through(phase, module, foreign, own) for phase in phases}
    after = {name: value for name, value in os.environ.items() if "KEY" in name}
    told["opened"] = opened
    told["keys"] = "untouched" if before == after else sorted(after)
    told["versions"] = {name: version(name) for name in packages.split(",")}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
