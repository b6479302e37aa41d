"""Compare what was recorded with what an API answers now."""

from cachy.drift.changes import Change, compare

__all__ = ["Change", "compare"]
