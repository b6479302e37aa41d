"""What tests read of vcrpy's cassette, where cachy has answered in its place."""

from __future__ import annotations

from typing import Any

from cachy.replay.testing.interactions import Interaction, Interactions


class CassetteView:
    """The interactions of a test from now on, under the names that vcrpy gives them.

    Args:
        interactions: those of the test.
        cassette: vcrpy's own, if it has made one; it answers for all other names.
    """

    all_played = True  # `cachy prune` lists what no test uses

    def __init__(self, interactions: Interactions, cassette: Any = None) -> None:
        self._all = interactions
        self._start = len(interactions)
        self._cassette = cassette

    @property
    def _mine(self) -> tuple[Interaction, ...]:
        return self._all[self._start :]

    @property
    def requests(self) -> list[Any]:
        """The requests, as vcrpy's own type."""
        from vcr.request import Request

        asked = [request for request, _ in self._mine]
        return [Request(one.method, one.url, one.body, dict(one.headers)) for one in asked]

    @property
    def responses(self) -> list[dict[str, Any]]:
        """The responses, as vcrpy writes them into its cassettes."""
        return [
            {
                "status": {"code": one.status, "message": ""},
                "headers": {name: [value] for name, value in one.headers.items()},
                "body": {"string": one.body},
            }
            for _, one in self._mine
            if one is not None
        ]

    @property
    def data(self) -> list[Any]:
        """What the cassette's file holds, for tests that read it; else what was asked."""
        if self._cassette is not None and not self._cassette.data:
            self._cassette._load()
        recorded = self._cassette.data if self._cassette is not None else []
        return recorded or [*zip(self.requests, self.responses, strict=False)]

    @property
    def play_count(self) -> int:
        """How many requests were answered."""
        return len(self._mine)

    @property
    def record_mode(self) -> Any:
        """The mode in which nothing is recorded into a cassette."""
        from vcr.record_mode import RecordMode

        return RecordMode.NONE

    def __len__(self) -> int:
        return self.play_count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cassette, name)
