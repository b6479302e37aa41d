"""Hold fixtures to the contract beside them, and learn what they show."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path

from cachy.config import Config
from cachy.errors import CachyError
from cachy.fixture.store.files import CONTRACT, is_inside
from cachy.interaction import Json
from cachy.structure.contract import Contract, Fact, contract_of, merge
from cachy.structure.contract_file import (
    contract_path,
    find_secret_lines,
    load_contract,
    surface_of,
    written_paths,
)
from cachy.structure.json_schema import ContractValidator
from cachy.structure.learn import Structure
from cachy.structure.skeleton import outline_of
from cachy.verify.finding import Finding, shown

Document = Mapping[str, Json]
_TOLD = 3  # breaches or facts that a finding names


class _SurfaceState:
    """A surface's contract, if it has one, and what the fixtures that keep to it show."""

    def __init__(self, contract: Contract | None, surface: str) -> None:
        self.contract = contract
        self._surface = surface
        self._structure = Structure()
        self._validator = ContractValidator(contract) if contract else None
        self._held: dict[Hashable, list[str]] = {}
        self._learned: set[Hashable] = set()

    def hold(self, document: Document, *, teaches: bool, counts: bool) -> list[str]:
        """Say what in an answer breaks the contract; `teaches`: learn one that breaks nothing.

        `counts`: learn how often each fact was seen, not only each kind of answer once.
        """
        response = document["response"]
        outline = outline_of(response)
        known = self._held.get(outline)
        if known is None:
            known = self._held[outline] = self._find_breaches(response)
        is_news = counts or outline not in self._learned
        if teaches and is_news and not known and not response.get("truncated"):
            self._learned.add(outline)
            self._structure.learn(document)
        return known

    def _find_breaches(self, response: Mapping[str, Json]) -> list[str]:
        breaches = self._validator.find_breaches(response) if self._validator else ()
        return [*dict.fromkeys(breaches)]

    def merged(self) -> Contract | None:
        """Give the contract with what was learned beside it; None where nothing is known."""
        if not self._structure.recordings:
            return self.contract
        learned = contract_of(self._structure, self._surface)
        return merge(self.contract, learned) if self.contract else learned


class Contracts:
    """The contracts beside some fixtures, each read once.

    Args:
        config: the project's.
        is_starting: learn surfaces too that have no contract yet.
    """

    def __init__(self, config: Config, *, is_starting: bool = False) -> None:
        self._config = config
        self._is_starting = is_starting
        self._known: dict[Path, _SurfaceState | None] = {}
        self._folders: dict[str, bool] = {}

    def hold(self, document: Document, fixture: Path, *, teaches: bool = True) -> Iterator[Finding]:
        """Hold a whole fixture to its contract, which learns from one that may teach."""
        if not self._is_starting and not self._has_contracts(os.path.dirname(fixture)):
            return
        path, surface = contract_path(document, self._config), surface_of(document, self._config)
        if path not in self._known:
            self._known[path] = None
            yield from self._load(path, surface)
        known = self._known[path]
        if known is None:
            return
        if breaches := known.hold(document, teaches=teaches, counts=self._is_starting):
            yield Finding("outside-contract", shown(self._config, fixture), _listed(breaches))

    def _has_contracts(self, folder: str) -> bool:
        if folder not in self._folders:
            self._folders[folder] = any(name.startswith(CONTRACT) for name in os.listdir(folder))
        return self._folders[folder]

    def _load(self, path: Path, surface: str) -> Iterator[Finding]:
        where, config = shown(self._config, path), self._config
        if not path.exists():
            self._known[path] = _SurfaceState(None, surface) if self._is_starting else None
            return
        try:
            if not is_inside(path, config.fixtures):
                raise CachyError(f"{where} is a link that leads away. Replace it by the file.")
            contract = load_contract(path)
            if contract.surface != surface:
                raise CachyError(f"{where} is of {contract.surface}, beside answers of {surface}.")
        except CachyError as error:
            yield Finding("invalid-contract", where, str(error))
            return
        for kinds in find_secret_lines(contract, config.redact).values():
            yield Finding("secret-left", where, f"holds what looks like a secret: {kinds[0]}")
        self._known[path] = _SurfaceState(contract, surface)

    def find_behind(self) -> Iterator[Finding]:
        """Find the contracts that lack what fixtures show which keep to them."""
        for path, contract, merged in self.merged():
            if contract and (news := _find_news(contract, merged)):
                yield Finding("contract-behind", shown(self._config, path), _listed(news))

    def merged(self) -> Iterator[tuple[Path, Contract | None, Contract]]:
        """Give each contract's path, the contract as it is, and with what was learned."""
        for path, known in sorted(self._known.items()):
            if known and (merged := known.merged()):
                yield path, known.contract, merged


def _find_news(contract: Contract, merged: Contract) -> list[str]:
    """Say of which paths more is known; that a fact is no longer new is no news."""
    written = written_paths(merged.facts)
    told = (
        f"{written[path]} {news}"
        for path, fact in merged.facts.items()
        if (news := _find_more(contract.facts.get(path), fact))
    )
    return [*dict.fromkeys(told)]


def _find_more(old: Fact | None, fact: Fact) -> str:
    if old is None:
        return "is not in it"
    if old.types != fact.types:
        return f"is {' | '.join(sorted(fact.types))} by now"
    if old.is_optional != fact.is_optional:
        return "is missing in a fixture"
    return "has further words" if old.tokens != fact.tokens else ""


def _listed(told: Sequence[str]) -> str:
    more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return "; ".join(told[:_TOLD]) + more
