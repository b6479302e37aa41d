"""The contracts of the checked surfaces: what a run learns from them, and what it adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cachy.config import Config
from cachy.drift.live.case import Case, path_name
from cachy.drift.outcome.judgement import CaseResult
from cachy.errors import CachyError
from cachy.fixture.format.text import parse_fixture
from cachy.fixture.store.files import is_fixture_name, is_inside, read_text
from cachy.fixture.store.store import load_fixture
from cachy.interaction import Json
from cachy.structure.contract import Contract, Fact, contract_of, merge_all
from cachy.structure.contract_file import contract_path, load_contract, render_contract
from cachy.structure.learn import learn


@dataclass(frozen=True, slots=True)
class SurfaceState:
    """A surface that has a contract: its file, and the cases that are held to it."""

    path: Path
    contract: Contract
    cases: tuple[Case, ...]


def load_contracts(cases: Iterable[Case], config: Config) -> dict[str, SurfaceState]:
    """Return the contracts of some cases by surface; most projects have few or none.

    Raises:
        CachyError: a contract cannot be read, or leads out of the fixtures.
    """
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.surface, []).append(case)
    found = {}
    for name, group in groups.items():
        path = contract_path(group[0].fixture.document, config)
        if path.exists():
            if not is_inside(path, config.fixtures):
                advice = "Replace the link with the file itself."
                raise CachyError("leads out of the fixtures by a link", path=path, advice=advice)
            found[name] = SurfaceState(path, load_contract(path), tuple(group))
    return found


def changed_contracts(
    surfaces: Mapping[str, SurfaceState], results: Sequence[CaseResult], config: Config
) -> Iterator[tuple[str, str]]:
    """Yield the path and the new text of each contract that a change affects.

    If no change counts, no contract is written.
    """
    for name, surface in surfaces.items():
        group = [result for result in results if result.case.surface == name]
        if any(result.counted for result in group):
            text = render_contract(_taught(surface, group, config), config.redact)
            if text != read_text(surface.path):
                yield path_name(surface.path, config), text


def _taught(surface: SurfaceState, group: Sequence[CaseResult], config: Config) -> Contract:
    before = [case.fixture.document for case in surface.cases]
    texts = {one.case.name: one.text for result in group for one in result.rewritten}
    after: list[Mapping[str, Json]] = [
        parse_fixture(texts[case.name]) if case.name in texts else case.fixture.document
        for case in surface.cases
    ]
    live = [
        document
        for result in group
        for document in result.live
        if contract_path(document, config) == surface.path
    ]
    kept = [document for document in after if contract_path(document, config) == surface.path]
    shown = [_contract(side, surface) for side in (kept, live) if side]
    known = merge_all([surface.contract, *shown])
    if _has_others(surface, config):
        return known
    gone = _facts(_contract(before, surface)).difference(*map(_facts, shown))
    return replace(known, facts={p: fact for p, fact in _without(known, gone) if fact.types})


def _contract(documents: Iterable[Mapping[str, Json]], surface: SurfaceState) -> Contract:
    whole = [document for document in documents if not document["response"].get("truncated")]
    return contract_of(learn(whole), surface.contract.surface)


def _has_others(surface: SurfaceState, config: Config) -> bool:
    """Return whether a contract is that of fixtures too that this run is not about."""
    checked = {case.fixture.path for case in surface.cases}
    beside = [path for path in surface.path.parent.iterdir() if is_fixture_name(path.name)]
    return any(
        contract_path(load_fixture(path).document, config) == surface.path
        for path in beside
        if path not in checked
    )


def _facts(contract: Contract) -> set[tuple[str, str]]:
    """Return each path with each of its types; the end of a stream is a fact too."""
    facts = {(path, kind) for path, fact in contract.facts.items() for kind in fact.types}
    return facts | {(path, "last") for path, fact in contract.facts.items() if fact.is_last}


def _without(contract: Contract, gone: set[tuple[str, str]]) -> Iterator[tuple[str, Fact]]:
    """Yield a contract's facts without those that only the old recordings showed."""
    for path, fact in contract.facts.items():
        types = frozenset(kind for kind in fact.types if (path, kind) not in gone)
        yield (
            path,
            replace(
                fact,
                types=types,
                tokens=fact.tokens if "string" in types else frozenset(),
                is_last=fact.is_last and (path, "last") not in gone,
            ),
        )
