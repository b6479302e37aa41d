"""Compare what was recorded with what an API answers now."""

from cachy.compare.compare import Change, compare

__all__ = ["Change", "compare"]
