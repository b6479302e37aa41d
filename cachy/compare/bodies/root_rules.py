"""How severe a change of the body itself is: no client can read a missing body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cachy.compare.bodies.excuses import Comparison, is_root, is_root_lost
from cachy.compare.bodies.unions import is_own_tag
from cachy.compare.catalogue.change import Change
from cachy.structure.paths import parent_of


def weigh_root(changes: Sequence[Change], comparison: Comparison) -> list[Change]:
    """Return the changes; a loss of the body itself is breaking if it is another body now.

    It is another body if most of its fields are gone, or if its tag changed and fields with it.
    """
    top = [change for change in changes if is_root(parent_of(change.path)) or is_root(change.path)]
    lost = [change for change in top if change.new is None or change.rule == "type-changed"]
    has_other_tag = any(is_own_tag(change.path) for change in top)
    if not lost or not (has_other_tag or is_root_lost(comparison)):
        return [*changes]
    return [
        replace(change, severity="breaking") if change in lost else change for change in changes
    ]
