"""Run Python modules in processes of their own that start at once: forks of one that has loaded.

A new Python that loads pytest and httpx costs a second of CPU, a fork a few hundredths of one. The
process that is forked has one thread, and neither cachy nor the settings of a test in it. Where
processes cannot be forked, each module gets a new Python.
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
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from _pytest.config import default_plugins

Done = subprocess.CompletedProcess[str]
LOADED = ("asyncio", "httpcore", "httpx")
LONGEST = 60  # seconds


def run_module(name: str, *arguments: str, folder: Path, environ: Mapping[str, str]) -> Done:
    """Do what `python -m NAME ARGUMENTS` does in a folder."""
    if not hasattr(os, "fork"):
        command = [sys.executable, "-m", name, *arguments]
        options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": LONGEST}
        return subprocess.run(command, cwd=folder, env=environ, check=False, **options)
    with tempfile.TemporaryDirectory() as scratch:
        out, err = Path(scratch, "out"), Path(scratch, "err")
        order = {
            "module": [name, *arguments],
            "folder": str(folder),
            "environ": dict(environ),
            "streams": [os.devnull, str(out), str(err)],
        }
        code = _ask(order)
        said = out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
    assert code >= 0, f"ended by signal {-code}: {said}"
    return subprocess.CompletedProcess([name, *arguments], code, *said)


def _ask(order: Mapping[str, Any]) -> int:
    process = _original()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@cache
def _original() -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=-1, stdout=-1, text=True, env=environ
    )
    atexit.register(process.communicate)
    return process


def serve() -> None:
    """Fork for each order, and answer with the exit code of the fork."""
    for name in (*LOADED, *(f"_pytest.{plugin}" for plugin in default_plugins)):
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            return obey(json.loads(line))
        signal.alarm(LONGEST)
        _, status = os.waitpid(child, 0)
        signal.alarm(0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def obey(order: dict[str, Any]) -> None:
    """Run a module as the program of this process; return or raise as it does."""
    for number, name in enumerate(order["streams"]):
        target = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(target, number)
        os.close(target)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    further = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [order["folder"], *filter(None, further)]
    sys.argv[:] = order["module"]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve()
