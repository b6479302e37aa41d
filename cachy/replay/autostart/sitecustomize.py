"""Turn cachy on as Python starts, in a process of a watched run; then run the shadowed file."""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import sys
import time


def _start() -> None:
    try:
        from cachy.errors import CachyError
        from cachy.replay.children import start
    except ImportError:  # another environment
        _report_unwatched()
        _log_unwatched()
        return
    try:
        start()
    except CachyError as error:
        print(f"cachy: {error}", file=sys.stderr)
        os._exit(2)
    with contextlib.suppress(OSError):  # then this program counts as not watched
        open(os.path.splitext(os.environ["CACHY_RUN_REPORT"])[0] + ".on", "a").close()


def _report_unwatched() -> None:
    """Add the line of this process to the report of its run, as `run.totals` reads it."""
    mark = "".join(os.environ.get("CACHY_SERVE_URL", "").partition("@")[1:])
    totals = {"unwatched": [f"python without cachy{mark}"]}
    line = json.dumps({"process": os.urandom(8).hex(), "totals": totals})
    with (
        contextlib.suppress(OSError),
        open(os.environ["CACHY_RUN_REPORT"], "a", encoding="utf-8") as file,
    ):
        file.write(line + "\n")


def _log_unwatched() -> None:
    if log := os.environ.get("CACHY_LOG"):
        at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        line = {"at": at, "event": "not watched", "what": f"{sys.executable} has no cachy"}
        with contextlib.suppress(OSError), open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _hand_over() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


if "CACHY_CHILD" in os.environ and "CACHY_RUN_REPORT" in os.environ:
    _start()
_hand_over()
