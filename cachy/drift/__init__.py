"""Compare what was recorded with what an API answers now."""

from cachy.compare.compare import Change, compare
from cachy.errors import NotComparable

__all__ = ["Change", "NotComparable", "compare"]
