"""What a person sees while requests are being sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cachy.display import counted

if TYPE_CHECKING:
    from cachy.drift.live.plan import Planned


class Progress:
    """One line before the first request, then a bar; nothing without a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        self._is_shown = console.is_terminal
        self._bar = Bar(console=console, transient=True, disable=not self._is_shown)
        self._task = self._bar.add_task("Waiting for responses", total=None)

    @contextmanager
    def shown(self) -> Iterator[Progress]:
        """Show the bar inside the block."""
        with self._bar:
            yield self

    def announce(self, plan: Sequence[Planned]) -> None:
        """Print what is about to be sent, and about what it costs."""
        cases = [planned.case for planned in plan if planned.is_sent]
        if hosts := sorted({case.host for case in cases}):
            others = f" and {counted(len(hosts) - 1, 'other')}" if len(hosts) > 1 else ""
            self._bar.update(self._task, description=f"Waiting for {hosts[0]}{others}")
        if self._is_shown and cases:
            tokens = sum(case.output_tokens for case in cases)
            about = f", about {counted(tokens, 'output token')}" if tokens else ""
            sent = f"{counted(len(cases), 'request')} to {counted(len(hosts), 'host')}"
            self._bar.console.print(f"Sending {sent}{about}.", highlight=False)

    def watch(self, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=total or None)
