"""Act in an event loop from elsewhere, and after some time even where a test froze the clock."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

Act = Callable[[], Any]


def in_this_loop(act: Act) -> Act:
    """Return a function that lets the loop that runs now call another; from any thread."""
    asyncio = sys.modules.get("asyncio")
    call: Callable[..., Any]
    try:
        call = asyncio.get_running_loop().call_soon_threadsafe  # type: ignore[union-attr]
    except (AttributeError, RuntimeError):
        call = sys.modules["trio"].lowlevel.current_trio_token().run_sync_soon

    def act_unless_ended() -> None:
        try:
            call(act)
        except RuntimeError:  # the loop has ended meanwhile
            return

    return act_unless_ended


def after(seconds: float, act: Act) -> threading.Timer:
    """Call a function in this event loop after some seconds, even where a test froze the clock.

    The loop's own timers go by a clock that freezegun stops; a thread waits by the system's.
    """
    timer = threading.Timer(seconds, in_this_loop(act))
    timer.daemon = True
    timer.start()
    return timer
