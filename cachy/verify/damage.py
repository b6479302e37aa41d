"""What happens to a file outside of cachy: a merge, an editor, a second key of one name."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress

from cachy.fixture.store.files import describe_conflict
from cachy.interaction import Json

_BOM = "\ufeff"


def find_damage(text: str) -> tuple[str, str] | None:
    """Return what has happened to a JSON file and what to do, or None if it looks untouched.

    No line of a fixture begins with a merge marker: JSON strings hold no line feed.
    """
    if text.startswith(_BOM):
        return "begins with a byte order mark (BOM)", "Save it as UTF-8 without a BOM."
    if conflict := describe_conflict(text):
        advice = "Keep one side of the conflict, or delete the file and record it again."
        return conflict, advice
    if key := _find_repeated_key(text):
        return f"has the key {key!r} twice in one object", "Delete one of the two."
    return None


def _find_repeated_key(text: str) -> str:
    repeated: list[str] = []

    def note(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        counts = Counter(key for key, _ in pairs)
        repeated.extend(key for key, count in counts.items() if count > 1)
        return dict(pairs)

    with suppress(ValueError, RecursionError):  # not JSON: the caller says where
        json.loads(text, object_pairs_hook=note)
    return repeated[0][:80] if repeated else ""
