"""Compare two responses: what differs, and how severe it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cachy.compare.bodies.excuses import Traits
from cachy.compare.bodies.histories import Histories
from cachy.compare.bodies.parents import Bodies
from cachy.compare.bodies.sdk_models import find_model
from cachy.compare.bodies.structures import Knowledge, compare_structures
from cachy.compare.bodies.tool_calls import demands_call
from cachy.compare.bodies.tool_list_rules import compare_tools, is_about_tools
from cachy.compare.bodies.witnesses import ContractWitness, Witness
from cachy.compare.catalogue.change import Change, make_change, worst_first
from cachy.compare.catalogue.rule_type import SEVERITIES, Rule, Severity
from cachy.compare.catalogue.rules import RULES
from cachy.compare.documents import read_baseline, read_document, refuse_bodies
from cachy.compare.envelope.comparable import refuse_incomparable
from cachy.compare.envelope.envelope_rules import compare_exchange, is_alike, status_of
from cachy.compare.envelope.error_rules import as_error_changes
from cachy.fixture.format.dates import parse_date
from cachy.fixture.format.text import with_json
from cachy.fixture.identity.fixture_path import Target, parse_target
from cachy.interaction import Json
from cachy.providers import find_operation, find_surface, is_known_api
from cachy.providers.google import PROTO_JSON_HOSTS
from cachy.structure.contract import FIRM, Contract, structure_of
from cachy.structure.learn import FixtureOrDocument, Structure, learn

_NAME = re.compile(r"[A-Za-z][\w.:/@-]{0,63}")
__all__ = ["RULES", "SEVERITIES", "Change", "Rule", "Severity", "compare"]


@dataclass(frozen=True, slots=True)
class _Surface:
    """What is known of a surface besides the two responses that are compared."""

    baseline: Sequence[Mapping[str, Json]]
    contract: Contract | None
    sdk: bool
    headers: Iterable[str]


@dataclass
class _Known:
    """The recordings that can teach what varies in a response, chosen when first asked for.

    Most responses have the structure of their recording, and need no other one.
    """

    baseline: Sequence[Mapping[str, Json]]
    before: Mapping[str, Json]

    @cached_property
    def documents(self) -> list[Mapping[str, Json]]:
        return [one for one in self.baseline if is_alike(one, self.before)]

    def responses(self) -> Iterator[Mapping[str, Json]]:
        for one in self.documents:
            yield one["response"]


def compare(
    old: FixtureOrDocument,
    new: FixtureOrDocument,
    *,
    baseline: Iterable[FixtureOrDocument] = (),
    sdk: bool = True,
    contract: Contract | None = None,
    headers: Iterable[str] = (),
) -> list[Change]:
    """Compare two responses to the same request, in structure only.

    Args:
        old, new: fixtures, as documents in the fixture format or `Fixture`.
        baseline: earlier recordings of the same surface, to learn from what varies.
        sdk: use what the installed SDK's response model knows, where there is one.
        contract: what else the surface is known to answer.
        headers: response headers whose coming or going counts, beside those that clients read.

    Returns:
        The changes, worst first; an empty list where only values differ.

    Raises:
        CachyError: an argument is not a fixture; the message says which, and why.
        NotComparable: a response that says nothing about drift: an error under a status of success
            where no recording has one, a stream that is empty or cut, a body that is not what its
            media type says. It is neither drift nor clean.
    """
    before, after = read_document(old, "old"), read_document(new, "new")
    others = read_baseline(baseline)
    try:
        return _compare(before, after, _Surface(others, contract, sdk, headers))
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        named = {f"baseline[{at}]": one for at, one in enumerate(others)}
        refuse_bodies({"old": before, "new": after, **named})
        raise


def _compare(old: Mapping[str, Json], new: Mapping[str, Json], surface: _Surface) -> list[Change]:
    before, after = with_json(old["response"]), with_json(new["response"])
    old, new = {**old, "response": before}, {**new, "response": after}
    known = _Known(surface.baseline, before)
    found, is_comparable = compare_exchange(
        *(before, after, known.responses(), _time_of(new), surface.headers)
    )
    if not is_comparable:
        return found
    tools = compare_tools(before, after)
    traits = traits_of(old.get("request") or {})
    if traits is not None:
        refuse_incomparable(before, after, known.responses())
        bodies = _compare_bodies(old, new, known, surface, traits)
        if status_of(before) >= 400:
            bodies = as_error_changes(bodies, before, after, is_closed=traits.is_closed)
        found += bodies
    if tools is not None:
        found = [change for change in found if not is_about_tools(change)] + tools
    if found:
        found += _compare_model(before, after)
    return sorted(found, key=worst_first)


def _time_of(document: Mapping[str, Json]) -> datetime | None:
    match document.get("recorded"):
        case {"at": str(at)}:
            return parse_date(at)
        case _:
            return None


def _compare_model(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    """Yield that another snapshot of the model answered; it may explain other changes."""
    old, new = (one.get("json") for one in (before, after))
    for name in ("model", "modelVersion"):
        named = [body.get(name) for body in (old, new) if isinstance(body, dict)]
        names = [text for text in named if isinstance(text, str) and _NAME.fullmatch(text)]
        if len(names) == 2 and names[0] != names[1]:
            yield make_change("model-alias-moved", f"$.{name}", names[0], names[1])


def _with_url(old: Mapping[str, Json], new: Mapping[str, Json]) -> Mapping[str, Json]:
    return new if "url" in (new.get("request") or {}) else old


def _compare_bodies(
    old: Mapping[str, Json],
    new: Mapping[str, Json],
    known: _Known,
    surface: _Surface,
    traits: Traits,
) -> list[Change]:
    contract = surface.contract

    def learn_all() -> Structure:
        structure = learn([old, *known.documents], counts_once=True)
        if contract:  # it excuses as one recording more would, or as three where there are fewer
            structure.add(structure_of(contract, max(1, FIRM - structure.recordings)))
        return structure

    def find_witnesses() -> list[Witness]:
        model = find_model(_with_url(old, new)) if surface.sdk else None
        found: list[Witness] = [model] if model else []
        return [*found, ContractWitness(contract)] if contract else found

    recorded = Bodies(lambda: [old["response"], *known.responses()])
    own, live = Bodies(lambda: [old["response"]]), Bodies(lambda: [new["response"]])
    history = Histories(recorded, live, traits.is_closed, own)
    knowledge = Knowledge(learn_all, find_witnesses, history)
    return compare_structures(learn([old]), learn([new]), knowledge, traits)


def _is_provider_s(method: str, target: Target) -> bool:
    return is_known_api(target.authority) or find_operation(method, target.path) is not None


def traits_of(request: Mapping[str, Json]) -> Traits | None:
    """Return what a request shows of its surface; None if its bodies are the caller's data."""
    url, method = str(request.get("url", "")), str(request.get("method", "POST"))
    target = parse_target(url)
    surface = find_surface(target.authority, method, target.template)
    if surface is not None and surface.is_data:
        return None
    return Traits(
        is_closed=not url or _is_provider_s(method, target) or surface is not None,
        omits_defaults=target.authority.endswith(PROTO_JSON_HOSTS),
        demands_call=demands_call(request.get("json")),
    )
