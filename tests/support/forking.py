"""Run Python programs in processes of their own that start at once: forks of one that has loaded.

A new Python that loads pytest and httpx costs a second of CPU, a fork a few hundredths of one. The
process that is forked has one thread, and nothing of a test in it; cachy is imported, but does
nothing yet. Where processes cannot be forked, each program gets a new Python.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from _pytest.config import default_plugins

Done = subprocess.CompletedProcess[str]
Names = tuple[str, ...]
OF_PYTEST = ("faulthandler", "pdb", "readline")
LOADED = ("asyncio", *OF_PYTEST, "httpcore", "httpx", "cachy", "cachy.cli.run")
LONGEST = 120  # seconds


def run_module(
    name: str, *arguments: str, folder: Path, environ: Mapping[str, str], loaded: Names = ()
) -> Done:
    """Do what `python -m NAME ARGUMENTS` does in a folder; `loaded` modules cost no time."""
    return _run(["-m", name, *arguments], folder, environ, subprocess.PIPE, loaded)


def run_script(
    path: Path,
    *arguments: str,
    folder: Path,
    environ: Mapping[str, str],
    stderr: int = subprocess.PIPE,
    loaded: Names = (),
) -> Done:
    """Do what `python PATH ARGUMENTS` does in a folder."""
    return _run([str(path), *arguments], folder, environ, stderr, loaded)


def _run(
    command: list[str], folder: Path, environ: Mapping[str, str], stderr: int, loaded: Names
) -> Done:
    if not hasattr(os, "fork"):
        options: dict[str, Any] = {"text": True, "timeout": LONGEST, "stderr": stderr}
        options |= {"cwd": folder, "env": environ, "stdout": subprocess.PIPE, "check": False}
        return subprocess.run([sys.executable, *command], **options)
    with tempfile.TemporaryDirectory() as scratch:
        out, err = Path(scratch, "out"), Path(scratch, "err")
        second = out if stderr == subprocess.STDOUT else err
        order = {
            "command": command,
            "folder": str(folder),
            "environ": dict(environ),
            "streams": [os.devnull, str(out), str(second)],
        }
        code = _ask(order, loaded)
        said = [file.read_text(encoding="utf-8") for file in (out, second)]
    assert code >= 0, f"ended by signal {-code}: {said}"
    return subprocess.CompletedProcess(command, code, *said)


def _ask(order: Mapping[str, Any], loaded: Names) -> int:
    process = _original(loaded)
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@cache
def _original(loaded: Names) -> subprocess.Popen[str]:
    ours = ("PYTHONPATH", "CACHY_")  # by which a test with cachy on has it on in its children
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    process = subprocess.Popen(
        [sys.executable, __file__, *loaded], stdin=-1, stdout=-1, text=True, env=environ
    )
    atexit.register(process.communicate)
    return process


def serve() -> None:
    """Fork for each order, and answer with the exit code of the fork."""
    for name in (*LOADED, *sys.argv[1:], *(f"_pytest.{plugin}" for plugin in default_plugins)):
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            obey(json.loads(line))
        signal.alarm(LONGEST)
        _, status = os.waitpid(child, 0)
        signal.alarm(0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def obey(order: dict[str, Any]) -> NoReturn:
    """Run a module or script as the program of this process."""
    for number, name in enumerate(order["streams"]):
        target = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(target, number)
        os.close(target)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    first, *rest = order["command"]
    further = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    own = order["folder"] if first == "-m" else str(Path(first).parent)
    sys.path[:1] = [own, *filter(None, further)]
    sys.argv[:] = rest if first == "-m" else order["command"]
    try:
        if first == "-m":
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(first, run_name="__main__")
    except BaseException as ended:
        _end(ended)
    _end(SystemExit())


def _end(ended: BaseException) -> NoReturn:
    """End as Python does, but leave the memory as it is: to take it apart is most of the work."""
    code = ended.code if isinstance(ended, SystemExit) else 1
    if not isinstance(ended, SystemExit):
        sys.excepthook(type(ended), ended, ended.__traceback__)
    elif isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1 if isinstance(code, str) else code or 0)


if __name__ == "__main__":
    serve()
