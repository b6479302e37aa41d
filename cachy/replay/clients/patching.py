"""Replace an attribute of somebody else's object, and put it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cachy.replay.session import Session

CurrentSession = Callable[[], Session | None]


class Patches:
    """What was replaced, each attribute once, by the identity of its owner."""

    def __init__(self, replaced: dict[tuple[int, str], tuple[Any, Any, Any]]) -> None:
        self._replaced = replaced

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace `owner.name` by `make(the original)`; nothing happens the second time."""
        key = (id(owner), name)
        original = getattr(owner, name)
        if key in self._replaced and self._replaced[key][2] is original:
            return
        replacement = make(original)
        self._replaced[key] = (owner, original, replacement)
        setattr(owner, name, replacement)

    def undo(self) -> None:
        """Put back what is still ours; what somebody wrapped stays, and is inert."""
        for (_, name), (owner, original, replacement) in self._replaced.items():
            if getattr(owner, name) is replacement:
                setattr(owner, name, original)
        self._replaced.clear()
