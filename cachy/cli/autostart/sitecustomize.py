"""Turn cachy on as Python starts, for `cachy run`; then hand over to whom this file shadows."""

import contextlib
import importlib.machinery
import importlib.util
import os
import sys


def _start() -> None:
    if importlib.util.find_spec("cachy") is None:
        live = "its requests are neither recorded nor refused"
        print(f"cachy: cachy is not installed for {sys.executable}: {live}", file=sys.stderr)
        return
    from cachy import CachyError
    from cachy.replay.scope import enable, new_session

    try:
        enable(new_session())
    except CachyError as error:
        print(f"cachy: {error}", file=sys.stderr)
        os._exit(2)
    with contextlib.suppress(OSError):  # then this program counts as not watched
        open(os.path.splitext(os.environ["CACHY_RUN_REPORT"])[0] + ".on", "a").close()


def _hand_over() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


if "CACHY_RUN" in os.environ and "CACHY_RUN_REPORT" in os.environ:
    _start()
_hand_over()
