"""Compare fixtures with the contract beside them, and learn what they show."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

from cachy.config import Config
from cachy.errors import CachyError
from cachy.fixture.store.files import CONTRACT, is_inside
from cachy.interaction import JsonObject
from cachy.providers.mcp import why_not_resent
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

_NAMED = 3  # breaches or facts that a finding names


class _SurfaceState:
    """A surface's contract, if it has one, and what the fixtures that keep to it show."""

    def __init__(self, contract: Contract | None, surface: str) -> None:
        self.contract = contract
        self._surface = surface
        self._structure = Structure()
        self._validator = ContractValidator(contract) if contract else None
        self._held: dict[Hashable, list[str]] = {}
        self._learned: set[Hashable] = set()

    def hold(self, document: JsonObject, *, teaches: bool, counts: bool) -> list[str]:
        """Return what in a response breaks the contract; `teaches`: learn one that breaks nothing.

        `counts`: learn how often each fact was seen, not only each kind of response once.
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

    def _find_breaches(self, response: JsonObject) -> list[str]:
        breaches = self._validator.find_breaches(response) if self._validator else ()
        return [*dict.fromkeys(breaches)]

    def merged(self) -> Contract | None:
        """Return the contract with what was learned beside it; None if nothing is known."""
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

    def hold(
        self, document: JsonObject, fixture: Path, *, teaches: bool = True
    ) -> Iterator[Finding]:
        """Yield what in a valid fixture breaks its contract.

        `teaches`: the contract learns from a fixture that breaks nothing.
        """
        if not self._is_starting and not self._has_contracts(os.path.dirname(fixture)):
            return
        if why_not_resent(document["request"], document["response"]):  # nothing to hold it to
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
                advice = "Replace the link with the file itself."
                raise CachyError("is a link that leads out of the fixtures", advice=advice)
            contract = load_contract(path)
            if contract.surface != surface:
                problem = f"is the contract of {contract.surface}, beside fixtures of {surface}"
                raise CachyError(problem, path=path)
        except CachyError as error:
            yield Finding("invalid-contract", where, error.problem, error.advice)
            return
        for kinds in find_secret_lines(contract, config.redact).values():
            yield Finding("secret-left", where, f"holds what looks like a secret: {kinds[0]}")
        self._known[path] = _SurfaceState(contract, surface)

    def find_behind(self) -> Iterator[Finding]:
        """Yield the contracts that lack what valid fixtures show."""
        for path, contract, merged in self.merged():
            if contract and (news := _find_news(contract, merged)):
                yield Finding("contract-behind", shown(self._config, path), _listed(news))

    def merged(self) -> Iterator[tuple[Path, Contract | None, Contract]]:
        """Yield each contract's path, the contract as it is, and with what was learned."""
        for path, known in sorted(self._known.items()):
            if known and (merged := known.merged()):
                yield path, known.contract, merged


def _find_news(contract: Contract, merged: Contract) -> list[str]:
    """Return the paths of which more is known; that a fact is no longer new does not count."""
    written = written_paths(merged.facts)
    facts = (
        f"{written[path]} {news}"
        for path, fact in merged.facts.items()
        if (news := _find_more(contract.facts.get(path), fact))
    )
    return [*dict.fromkeys(facts)]


def _find_more(old: Fact | None, fact: Fact) -> str:
    if old is None:
        return "is not in it"
    if old.types != fact.types:
        return f"is {' | '.join(sorted(fact.types))} in fixtures"
    if old.is_optional != fact.is_optional:
        return "is missing in a fixture"
    return "has further enum values" if old.tokens != fact.tokens else ""


def _listed(facts: Sequence[str]) -> str:
    more = f"; and {len(facts) - _NAMED} more" if len(facts) > _NAMED else ""
    return "; ".join(facts[:_NAMED]) + more
