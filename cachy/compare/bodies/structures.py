"""Which paths of two structures differ, and what each difference means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from cachy.compare.bodies.body_rules import judge
from cachy.compare.bodies.excuses import (
    Comparison,
    Traits,
    is_proto_json,
    is_replaced,
    is_root,
)
from cachy.compare.bodies.merge import hint_renames, merge_causes
from cachy.compare.bodies.root_rules import weigh_root
from cachy.compare.bodies.stream_rules import compare_streams, has_one_grammar
from cachy.compare.bodies.witnesses import Witness, consult, find_breaches
from cachy.compare.catalogue.change import Change
from cachy.structure.alignment import Aligner
from cachy.structure.learn import Structure, align
from cachy.structure.paths import PathDisplay, Paths, name_of, parent_of, without_tags


class Explanation(Protocol):
    """A source that may explain a change by the bodies' own history."""

    def explain(self, change: Change, *, is_repeated: bool) -> bool:
        """Return whether it does; `is_repeated`: a field changed so in several places."""

    def is_unchanged(self, path: str) -> bool:
        """Return whether the objects around a path hold the same values as recorded."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a comparison looks up once two responses differ, as all of it costs time.

    `learn_all` returns what all recordings show; `find_witnesses` what else knows the surface: the
    SDK's model, a contract.
    """

    learn_all: Callable[[], Structure] | None = None
    find_witnesses: Callable[[], list[Witness]] = list
    history: Explanation | None = None


def compare_structures(
    recorded: Structure,
    live: Structure,
    knowledge: Knowledge,
    traits: Traits,
) -> list[Change]:
    """Return what changed between the recorded structure and the live one."""
    align(recorded, live)
    if not _differing(recorded.paths(), live.paths()) and has_one_grammar(recorded, live):
        return []
    known = recorded
    if knowledge.learn_all is not None:
        known = knowledge.learn_all()
        align(known, live)
    aligner = Aligner(traits.is_closed)
    for root in known.roots.keys() & live.roots.keys():
        aligner.align(known.roots[root], live.roots[root], is_root=root == "$")
    align(recorded, live)
    own, all_paths, now = (_shared(one, recorded, live) for one in (recorded, known, live))
    if traits.omits_defaults and (not is_proto_json(own) or _is_another(own, now)):
        traits = replace(traits, omits_defaults=False)
    comparison = Comparison(own, all_paths, now, known.recordings, traits)
    if knowledge.history is not None:
        comparison.is_unchanged = knowledge.history.is_unchanged
    shown = PathDisplay(all_paths, now)
    found = [
        replace(change, path=shown.path(change.path))
        for change in weigh_root([*_judge_all(comparison, knowledge)], comparison)
    ]
    streams = compare_streams(recorded, known, live)
    return hint_renames(merge_causes([*_consult_all(streams, knowledge), *found]))


def _judge_all(comparison: Comparison, knowledge: Knowledge) -> Iterator[Change]:
    history = knowledge.history
    judged = {
        path: [*judge(path, comparison)] for path in _differing(comparison.own, comparison.live)
    }
    witnesses = knowledge.find_witnesses() if judged else []
    repeated = _find_repeated(change for found in judged.values() for change in found)
    for path, found in judged.items():
        changes = [
            change
            for change in found
            if history is None
            or is_replaced(path, comparison)
            or not history.explain(change, is_repeated=change.rule in repeated)
        ]
        for witness in witnesses:
            changes = [*consult(witness, changes, comparison.known.get(path))]
            changes = find_breaches(witness, path, comparison, changes)
        yield from changes


def _find_repeated(changes: Iterable[Change]) -> set[str]:
    """Return the rules by which fields of one name changed in several places.

    The members of a union stand in one place.
    """
    places = {(change.rule, name_of(change.path), without_tags(change.path)) for change in changes}
    counts = Counter((rule, name) for rule, name, _ in places)
    return {rule for (rule, _), count in counts.items() if count > 1}


def _consult_all(changes: list[Change], knowledge: Knowledge) -> list[Change]:
    for witness in knowledge.find_witnesses() if changes else ():
        changes = [*consult(witness, changes, None)]
    return changes


def _is_another(old: Paths, new: Paths) -> bool:
    """Return whether a body keeps none of its fields, which no default explains."""
    before, after = (
        {name for path in paths if is_root(parent_of(path)) and (name := name_of(path))}
        for paths in (old, new)
    )
    return bool(before) and before.isdisjoint(after)


def _shared(one: Structure, recorded: Structure, live: Structure) -> Paths:
    """Return the paths below the roots that both responses have."""
    shared = recorded.roots.keys() & live.roots.keys()
    return {path: fact for path, fact in one.paths().items() if _root(path) in shared}


def _root(path: str) -> str:
    return path[: path.find(")") + 1] if path.startswith("event(") else "$"


def _differing(old: Paths, new: Paths) -> list[str]:
    """Return the paths where the two maps differ; deepdiff compares them, types as sets."""
    optional = {path for path, fact in new.items() if fact.is_optional and path in old}
    before, after = _sets(old, new), _sets(new, old)
    alike = {path for path in before if before[path] == after.get(path)}
    if len(alike) == len(before) == len(after):
        return sorted(optional)
    from deepdiff import DeepDiff  # heavy: only drift and diff pay for it

    before, after = ({p: s for p, s in side.items() if p not in alike} for side in (before, after))
    tree = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0)
    paths = {level.path(output_format="list")[0] for levels in tree.values() for level in levels}
    return sorted(paths | optional)


def _sets(paths: Paths, others: Paths) -> dict[str, set[str]]:
    """Return what is at each path; of what only one side has, only the topmost path."""
    return {
        path: {
            *fact.types,
            *(f"={token}" for token in fact.tokens | fact.tags),
            *(f"format {form}" for form in fact.formats if fact.formats != {""}),
            *(f"length {length}" for length in fact.lengths),
        }
        for path, fact in paths.items()
        if path in others or parent_of(path) in others
    }
