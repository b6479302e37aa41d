"""What the difference at one path means: the rules of bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cachy.compare.bodies.empty_values import is_chosen, is_nothing, says_nothing
from cachy.compare.bodies.excuses import (
    KNOWN,
    SURE,
    Comparison,
    is_all_null,
    is_counter_of_a_varying_group,
    is_other_backend,
    is_other_ending,
    is_other_state,
    is_record_without,
    is_replaced,
    is_root,
    is_silent,
    is_sparse,
    is_spelling,
    lacks_it_by_chance,
    leaves_out_empty,
)
from cachy.compare.bodies.tool_calls import has_finished, is_call
from cachy.compare.bodies.unions import is_of_sibling, is_optional_tag, is_own_tag
from cachy.compare.catalogue.change import Change, make_change
from cachy.compare.catalogue.rule_type import RuleId, Severity
from cachy.providers.response_fields import FREE_VALUES, PADDING, SHUTDOWNS, STATES
from cachy.structure.discriminators import DISCRIMINATORS
from cachy.structure.paths import Observation, parent_of

_COUNT = re.compile(
    r".*(?:count|total|tokens|index|number|page|size|length|limit|offset|id)s?", re.I
)


def judge(path: str, comparison: Comparison) -> Iterator[Change]:
    """Yield what changed at a path where the recorded response and the live one differ.

    The other recordings only excuse: what they show, or lack now and then, is not a change.
    """
    if _name_of(path) in PADDING:
        return
    sides = (comparison.own, comparison.known, comparison.live)
    own, known, live = (paths.get(path) for paths in sides)
    if known is None and live is not None:
        yield from _judge_added(path, live, comparison)
    elif live is None and own is not None and known is not None:
        yield from _judge_removed(path, known, comparison)
    elif own is not None and known is not None and live is not None:
        yield from _judge_both(path, known, live, comparison)


def _name_of(path: str) -> str:
    return path.rpartition(".")[2]


def _judge_added(path: str, live: Observation, comparison: Comparison) -> Iterator[Change]:
    parent = parent_of(path)
    if live.is_variant:
        yield from _judge_variant(path, parent, comparison)
        return
    if path.endswith(("[*]", ".*")) or not parent or is_of_sibling(path, comparison):
        return  # an array that was empty says nothing
    if _announces_shutdown(path, live) and comparison.own.get(parent):
        yield make_change("model-shutdown-announced", path, None, live.type)
        return
    if is_silent(path, comparison) or is_sparse(path, comparison):
        return
    if any(one(path, comparison) for one in (leaves_out_empty, says_nothing, is_chosen)):
        return
    yield make_change("field-added", path, None, live.type)


def _announces_shutdown(path: str, live: Observation) -> bool:
    return _name_of(path) in SHUTDOWNS and "string" in live.types


def _judge_variant(path: str, parent: str, comparison: Comparison) -> Iterator[Change]:
    """Judge a new member of a union: a change in the API's unions, not in the caller's data."""
    key, _, name = path[max(path.rfind("["), path.rfind("{")) + 1 : -1].partition("=")
    if not comparison.traits.is_closed or key not in DISCRIMINATORS:
        return
    beside = comparison.children(comparison.known, parent).items()
    if parent in comparison.own and any(
        one.is_variant and at[-1] == path[-1] for at, one in beside
    ):
        yield make_change("variant-added", path, None, name)


def _judge_removed(path: str, known: Observation, comparison: Comparison) -> Iterator[Change]:
    demands_it = known.is_variant and comparison.traits.demands_call and is_call(path)
    if demands_it and has_finished(comparison.live):
        yield make_change("variant-vanished", path, path[path.rfind("=") + 1 : -1], None)
    if known.is_optional or known.is_variant or path.endswith(("[*]", ".*")):
        return
    if _is_left_out(path, known, comparison) or is_silent(path, comparison):
        return
    is_excused = is_other_state(parent_of(path), comparison) or is_other_backend(comparison)
    if is_excused and not is_replaced(path, comparison):
        return
    if known.types == {"null"}:
        if comparison.traits.is_closed or known.seen >= KNOWN or comparison.is_unchanged(path):
            yield make_change("absent-null-swapped", path, "null", None)
    else:
        yield _unless_sure("field-removed", path, known, None)


def _is_left_out(path: str, known: Observation, comparison: Comparison) -> bool:
    """Return whether a field may be missing only because it is empty, or optional by record."""
    if known.seen < SURE and comparison.traits.omits_defaults:
        return True
    return (
        is_optional_tag(path, comparison)
        or is_record_without(path, comparison)
        or leaves_out_empty(path, comparison)
        or says_nothing(path, comparison)
        or is_chosen(path, comparison)
        or is_counter_of_a_varying_group(path, comparison)
    )


def _judge_both(
    path: str, known: Observation, live: Observation, comparison: Comparison
) -> Iterator[Change]:
    yield from _judge_types(path, known, live, comparison)
    yield from _judge_words(path, known, live, comparison)
    is_missing = live.is_optional and not known.is_optional and known.seen >= KNOWN
    is_empty = comparison.traits.omits_defaults and known.types == {"array"}
    is_empty = is_empty or (is_missing and lacks_it_by_chance(known, live, path, comparison))
    if is_missing and not is_empty and not _is_left_out(path, known, comparison):
        yield _unless_sure("field-became-optional", path, known, f"{live.type}, optional")


def _judge_types(
    path: str, known: Observation, live: Observation, comparison: Comparison
) -> Iterator[Change]:
    fresh, gone = live.types - known.types, known.types - live.types
    fresh -= {"integer"} if "number" in known.types else set()
    if fresh == {"null"}:
        yield from _judge_null(path, known, live, comparison)
    elif fresh and known.types == {"null"}:
        yield from _judge_resolved(path, known, live, comparison)
    elif fresh == {"number"} and "integer" in known.types:
        is_count = comparison.traits.is_closed or _COUNT.fullmatch(_name_of(path))
        if known.seen >= SURE and is_count:
            yield make_change("type-widened", path, known.type, live.type, "risky")
    elif fresh and known.types and not _is_free(path, known, live, comparison):
        is_other = gone - {"null"} and not known.types & live.types - {"null"}
        rule: RuleId = "type-changed" if is_other else "type-widened"
        yield make_change(rule, path, known.type, live.type)


def _is_free(path: str, known: Observation, live: Observation, comparison: Comparison) -> bool:
    """Return whether a type only looks different, or its value is the caller's."""
    if comparison.traits.is_closed:
        return False
    if is_spelling(path, comparison) and (known.is_map or not is_root(path)):
        return True
    if is_nothing(path, known, live) and not is_root(path):
        return True
    is_given = _name_of(path) in FREE_VALUES or path.endswith(".*")
    if not is_given or known.seen >= SURE or is_root(path):
        return False
    is_envelope = is_root(parent_of(path)) and (known.types | live.types) == {"array", "object"}
    return not is_envelope and not comparison.is_unchanged(path)


def _judge_words(
    path: str, known: Observation, live: Observation, comparison: Comparison
) -> Iterator[Change]:
    """Judge the tokens, format or length of values whose type is the same."""
    is_closed, name = comparison.traits.is_closed, _name_of(path)
    if known.seen >= SURE and known.tokens and (is_closed or name not in (*STATES, "role")):
        for token in sorted(live.tokens - known.tokens):
            yield make_change("enum-value-added", path, " | ".join(sorted(known.tokens)), token)
    elif is_closed and name in DISCRIMINATORS and is_own_tag(path) and known.tags and live.tags:
        for token in sorted(live.tags - known.tags):
            yield make_change("enum-value-added", path, " | ".join(sorted(known.tags)), token)
    if len(known.formats) == 1 and known.formats.isdisjoint(live.formats):
        (old,), new = known.formats, " | ".join(sorted(live.formats - {""}))
        needed = SURE if old == "uri" and not is_closed else KNOWN
        if old and live.formats and known.seen >= needed:
            yield make_change("format-changed", path, old, new or "string")
    if len(known.lengths) == len(live.lengths) == 1 and known.lengths != live.lengths:
        old, new = (f"{min(one.lengths)} numbers" for one in (known, live))
        yield make_change("array-length-changed", path, old, new)


def _judge_resolved(
    path: str, known: Observation, live: Observation, comparison: Comparison
) -> Iterator[Change]:
    if _announces_shutdown(path, live):
        yield make_change("model-shutdown-announced", path, "null", live.type)
        return
    is_news = known.seen >= SURE and live.types & {"object", "array"}
    if is_news and not _is_excused(path, comparison):
        yield make_change("null-resolved", path, "null", live.type)


def _judge_null(
    path: str, known: Observation, live: Observation, comparison: Comparison
) -> Iterator[Change]:
    if is_root(path):
        yield make_change("null-added", path, known.type, live.type)
        return
    if known.seen < _needed_for_null(comparison) or _is_excused(path, comparison):
        return
    if known.is_optional:
        yield make_change("absent-null-swapped", path, f"{known.type}, optional", live.type)
    elif not is_all_null(path, comparison):
        yield _unless_sure("null-added", path, known, live.type)


def _is_excused(path: str, comparison: Comparison) -> bool:
    parent = parent_of(path)
    return (
        is_other_ending(parent, comparison)
        or is_other_state(parent, comparison)
        or is_other_backend(comparison)
    )


def _needed_for_null(comparison: Comparison) -> int:
    """Return how many recordings without null make one null a change.

    It is more where an API writes null in other places, as its way to leave something out.
    """
    writes_null = any("null" in one.types for one in comparison.known.values())
    return KNOWN if comparison.traits.is_closed and not writes_null else SURE


def _unless_sure(rule: RuleId, path: str, known: Observation, new: str | None) -> Change:
    """Return a change, only risky if the recordings are few and may show chance."""
    severity: Severity | None = None if known.seen >= SURE else "risky"
    return make_change(rule, path, known.type, new, severity)
