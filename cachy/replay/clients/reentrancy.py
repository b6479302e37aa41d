"""Whether a door of ours is sending: an inner client must not record the same call twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachy.replay.recorder import Recording

_inside: ContextVar[bool] = ContextVar("cachy_inside", default=False)


def is_inside() -> bool:
    """Return whether this task or thread is inside a door already."""
    return _inside.get()


@contextmanager
def inside() -> Iterator[None]:
    """Go live inside this block, past every door and the guard."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


@contextmanager
def sending(recording: Recording) -> Iterator[None]:
    """Send a request inside this block; an error gives its recording up, and is counted."""
    with inside():
        try:
            yield
        except BaseException as error:
            recording.lose(error)
            raise
