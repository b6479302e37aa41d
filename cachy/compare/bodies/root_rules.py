"""How bad a change of the body itself is: nothing can read a body that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cachy.compare.bodies.body_rules import is_own_tag
from cachy.compare.bodies.excuses import Comparison, is_root, is_root_lost
from cachy.compare.catalogue.change import Change
from cachy.structure.paths import parent_of


def weigh_root(changes: Sequence[Change], comparison: Comparison) -> list[Change]:
    """Make what the body itself lost breaking, where it is no longer the body that was recorded.

    That is so where most of its fields are gone, or where its tag is gone, or other, and fields
    with it.
    """
    top = [change for change in changes if is_root(parent_of(change.path)) or is_root(change.path)]
    lost = [change for change in top if change.new is None or change.rule == "type-changed"]
    has_other_tag = any(is_own_tag(change.path) for change in top)
    if not lost or not (has_other_tag or is_root_lost(comparison)):
        return [*changes]
    return [
        replace(change, severity="breaking") if change in lost else change for change in changes
    ]
