"""What a pattern matched, with one of its groups replaced."""

from __future__ import annotations

import re


def with_group(match: re.Match[str], clean: str, group: str = "value") -> str:
    """Return what was matched, with another text in the place of one of its groups."""
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + clean + match[0][end:]
