"""What one path's difference means."""

from __future__ import annotations

from collections.abc import Iterator

from cachy.compare.change import Change, make_change
from cachy.compare.excuses import (
    Comparison,
    is_all_null,
    is_other_backend,
    is_other_ending,
    is_other_state,
    is_silent,
    is_sparse,
    writes_null,
)
from cachy.compare.rule import RuleId, Severity
from cachy.compare.tool_calls import has_finished, is_call
from cachy.providers.response_fields import PADDING, SHUTDOWNS
from cachy.structure.paths import Observation, parent_of

KNOWN = 3  # recordings that make a regularity worth a word
SURE = 10  # recordings that make it a fact, where one answer alone says otherwise


def judge(path: str, comparison: Comparison) -> Iterator[Change]:
    """Say what changed at a path where the recorded answer and the live one differ.

    The other recordings only excuse: what they show, or lack now and then, is no change.
    """
    if path.rpartition(".")[2] in PADDING:
        return
    own, known, live = (
        paths.get(path) for paths in (comparison.own, comparison.known, comparison.live)
    )
    if known is None and live is not None:
        yield from _judge_added(path, live, comparison)
    elif live is None and own is not None and known is not None:
        yield from _judge_removed(path, known, comparison)
    elif own is not None and known is not None and live is not None:
        yield from _judge_both(path, known, live, comparison)


def _judge_added(path: str, live: Observation, comparison: Comparison) -> Iterator[Change]:
    parent = parent_of(path)
    if live.is_variant:
        yield from _judge_variant(path, parent, comparison)
        return
    if path.endswith(("[*]", ".*")) or not parent:
        return  # an array that was empty told nothing
    if _announces_shutdown(path, live) and comparison.own.get(parent):
        yield make_change("model-shutdown-announced", path, None, live.type)
        return
    if is_other_state(parent, comparison) and not writes_null(parent, comparison):
        return
    if not is_silent(path, comparison) and not is_sparse(path, comparison):
        yield make_change("field-added", path, None, live.type)


def _announces_shutdown(path: str, live: Observation) -> bool:
    return path.rpartition(".")[2] in SHUTDOWNS and "string" in live.types


def _judge_variant(path: str, parent: str, comparison: Comparison) -> Iterator[Change]:
    if parent not in comparison.own:
        return
    beside = comparison.children(comparison.known, parent)
    if any(fact.is_variant for fact in beside.values()):
        yield make_change("variant-added", path, None, path[path.rfind("=") + 1 : -1])


def _judge_removed(path: str, known: Observation, comparison: Comparison) -> Iterator[Change]:
    if (
        known.is_variant
        and comparison.demands_call
        and is_call(path)
        and has_finished(comparison.live)
    ):
        yield make_change("variant-vanished", path, path[path.rfind("=") + 1 : -1], None)
    if known.is_optional or known.is_variant or path.endswith(("[*]", ".*")):
        return
    if (comparison.omits_defaults and known.seen < SURE) or is_silent(path, comparison):
        return
    if is_other_state(parent_of(path), comparison) or is_other_backend(comparison):
        return
    if known.types == {"null"}:
        yield make_change("absent-null-swapped", path, "null", None)
    else:
        yield _unless_sure("field-removed", path, known, None)


def _judge_both(
    path: str, known: Observation, live: Observation, comparison: Comparison
) -> Iterator[Change]:
    fresh, gone = live.types - known.types, known.types - live.types
    fresh -= {"integer"} if "number" in known.types else set()
    if fresh == {"null"}:
        yield from _judge_null(path, known, live, comparison)
    elif fresh and known.types == {"null"}:
        yield from _judge_resolved(path, known, live, comparison)
    elif fresh == {"number"} and "integer" in known.types:
        if known.seen >= SURE:
            yield make_change("type-widened", path, known.type, live.type, "risky")
    elif fresh and known.types:
        is_other = gone - {"null"} and not known.types & live.types - {"null"}
        rule: RuleId = "type-changed" if is_other else "type-widened"
        yield make_change(rule, path, known.type, live.type)
    yield from _judge_words(path, known, live)
    if live.is_optional and not known.is_optional and known.seen >= KNOWN:
        yield _unless_sure("field-became-optional", path, known, f"{live.type}, optional")


def _judge_words(path: str, known: Observation, live: Observation) -> Iterator[Change]:
    """What a text or vector of the same type says in another way."""
    if known.seen >= SURE and known.tokens:
        for token in sorted(live.tokens - known.tokens):
            yield make_change("enum-value-added", path, " | ".join(sorted(known.tokens)), token)
    if known.seen >= KNOWN and len(known.formats) == 1 and known.formats.isdisjoint(live.formats):
        (old,), new = known.formats, " | ".join(sorted(live.formats - {""}))
        if old and live.formats:
            yield make_change("format-changed", path, old, new or "string")
    if len(known.lengths) == len(live.lengths) == 1 and known.lengths != live.lengths:
        old, new = (f"{min(fact.lengths)} numbers" for fact in (known, live))
        yield make_change("array-length-changed", path, old, new)


def _judge_resolved(
    path: str, known: Observation, live: Observation, comparison: Comparison
) -> Iterator[Change]:
    if _announces_shutdown(path, live):
        yield make_change("model-shutdown-announced", path, "null", live.type)
    elif (
        known.seen >= SURE
        and live.types & {"object", "array"}
        and not _is_excused(path, comparison)
    ):
        yield make_change("null-resolved", path, "null", live.type)


def _judge_null(
    path: str, known: Observation, live: Observation, comparison: Comparison
) -> Iterator[Change]:
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
    """How many recordings without null make one null news.

    Where an API writes null in other places, it is its way to say that something is not there.
    """
    speaks_of_null = any("null" in fact.types for fact in comparison.known.values())
    return SURE if speaks_of_null else KNOWN


def _unless_sure(rule: RuleId, path: str, known: Observation, new: str | None) -> Change:
    """What few recordings say may still be chance: then it is risky only."""
    severity: Severity | None = None if known.seen >= SURE else "risky"
    return make_change(rule, path, known.type, new, severity)
