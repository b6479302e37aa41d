"""How long a task waits for a message that may never come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from cachy.replay.websocket.conversation import Conversation
from cachy.replay.websocket.opening import Link

Receive = Callable[..., Coroutine[Any, Any, Any]]
__tracebackhide__ = True  # pytest shows the caller, not what is in between


async def wait_for(link: Link, receive: Receive, *args: Any, **kwargs: Any) -> Any:
    """Wait for a message, where it is replayed no longer than one could take.

    Raises:
        UnrecordedRequest: nothing recorded comes here.
    """
    seconds = link.patience() if isinstance(link, Conversation) else None
    if seconds is None:
        return await receive(*args, **kwargs)
    assert isinstance(link, Conversation)
    task = asyncio.ensure_future(receive(*args, **kwargs))
    progress = link.progress
    try:
        while not (await asyncio.wait({task}, timeout=seconds))[0]:
            seconds = link.patience()
            if seconds is not None and progress == link.progress:
                raise link.overdue()
            progress = link.progress
    finally:
        if not task.done():
            task.cancel()
    return task.result()
