"""What differs between two answers, and how bad it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cachy.compare.body_rules import judge
from cachy.compare.change import Change, make_change, worst_first
from cachy.compare.comparable import refuse_incomparable
from cachy.compare.documents import read_baseline, read_document, refuse_bodies
from cachy.compare.envelope_rules import compare_exchange, is_alike, status_of
from cachy.compare.excuses import Comparison
from cachy.compare.merge import hint_renames, merge_causes
from cachy.compare.revisions import is_first_revision
from cachy.compare.rule import SEVERITIES, Rule, Severity
from cachy.compare.rules import RULES
from cachy.compare.sdk_models import Model, find_model
from cachy.compare.stream_rules import compare_streams, has_one_grammar
from cachy.compare.tool_calls import demands_call
from cachy.fixture.identity.fixture_path import parse_target
from cachy.interaction import Json
from cachy.providers import find_surface
from cachy.providers.google import PROTO_JSON_HOSTS
from cachy.structure.body import parse_text
from cachy.structure.contract import FIRM, Contract, structure_of
from cachy.structure.learn import Document, Structure, align, learn
from cachy.structure.paths import PathDisplay, Paths, parent_of

_NAME = re.compile(r"[A-Za-z][\w.:/@-]{0,63}")
_CAMEL = re.compile(r"[a-z]+[A-Z]\w*")
_SNAKE = re.compile(r"[a-z]+_\w*")
__all__ = ["RULES", "SEVERITIES", "Change", "Rule", "Severity", "compare", "compare_structures"]


def compare(
    old: Document,
    new: Document,
    *,
    baseline: Iterable[Document] = (),
    sdk: bool = True,
    contract: Contract | None = None,
    headers: Iterable[str] = (),
) -> list[Change]:
    """Compare two answers to the same request, in structure only.

    Args:
        old, new: fixtures, as documents in the fixture format or `Fixture`.
        baseline: earlier recordings of the same surface, to learn from what varies.
        sdk: take what the installed SDK's response model knows into account, where there is one.
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
        return _compare(before, after, others, sdk, contract, headers)
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        named = {f"baseline[{at}]": one for at, one in enumerate(others)}
        refuse_bodies({"old": before, "new": after, **named})
        raise


def _compare(
    old: Mapping[str, Json],
    new: Mapping[str, Json],
    baseline: Sequence[Mapping[str, Json]],
    sdk: bool,
    contract: Contract | None,
    headers: Iterable[str],
) -> list[Change]:
    before, after = parse_text(old["response"]), parse_text(new["response"])
    old, new = {**old, "response": before}, {**new, "response": after}
    known = [one for one in baseline if is_alike(one, before)]
    responses = [one["response"] for one in known]
    found, is_comparable = compare_exchange(before, after, responses, _time_of(new), headers)
    if is_comparable and not _is_callers_data(old.get("request") or {}):
        refuse_incomparable(before, after, responses)
        bodies = _compare_bodies(old, new, known, contract)
        model = find_model(_with_url(old, new)) if sdk and bodies else None
        found += _judge_by_model(bodies, model) if model else bodies
    if found and is_comparable:
        found += _compare_model(before, after)
    if status_of(before) >= 400:
        found = [_as_error(change) for change in found]
    return sorted(found, key=worst_first)


def _time_of(document: Mapping[str, Json]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str((document.get("recorded") or {}).get("at")))
    except (ValueError, AttributeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _compare_model(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    """Say that another snapshot answered; it explains what else changed, and is nothing alone."""
    old, new = (one.get("json") for one in (before, after))
    for name in ("model", "modelVersion"):
        told = [body.get(name) for body in (old, new) if isinstance(body, dict)]
        names = [text for text in told if isinstance(text, str) and _NAME.fullmatch(text)]
        if len(names) == 2 and names[0] != names[1]:
            yield make_change("model-alias-moved", f"$.{name}", names[0], names[1])


def _with_url(old: Mapping[str, Json], new: Mapping[str, Json]) -> Mapping[str, Json]:
    return new if "url" in (new.get("request") or {}) else old


def _judge_by_model(changes: Iterable[Change], model: Model) -> Iterator[Change]:
    """What the SDK knows is no news, and what breaks it is no chance."""
    for change in changes:
        verdict = model.judge(change.rule, change.path, change.old, change.new)
        if verdict == "sdk-broken":
            yield replace(change, sdk=verdict, severity=RULES[change.rule].severity)
        elif verdict != "known":
            yield replace(change, sdk=verdict)


def _compare_bodies(
    old: Mapping[str, Json],
    new: Mapping[str, Json],
    known: Sequence[Mapping[str, Json]],
    contract: Contract | None,
) -> list[Change]:
    request = old.get("request") or {}
    before, after = old["response"], new["response"]

    def learn_all() -> Structure:
        structure = learn([old, *known])
        if contract:  # it excuses as one recording more would, or as three where there are fewer
            structure.add(structure_of(contract, max(1, FIRM - structure.recordings)))
        return structure

    host = urlsplit(str(request.get("url", ""))).netloc
    found = compare_structures(
        *(learn([old]), learn([new]), learn_all),
        leaves_out_defaults=host.endswith(PROTO_JSON_HOSTS),
        demands_call=demands_call(request.get("json")),
    )
    recorded = [before, *(one["response"] for one in known)]
    return [change for change in found if not is_first_revision(change, recorded, after)]


def _is_callers_data(request: Mapping[str, Json]) -> bool:
    target = parse_target(str(request.get("url", "")))
    surface = find_surface(target.authority, str(request.get("method")), target.template)
    return surface is not None and surface.is_data


def compare_structures(
    recorded: Structure,
    live: Structure,
    learn_all: Callable[[], Structure] | None = None,
    *,
    leaves_out_defaults: bool = False,
    demands_call: bool = False,
) -> list[Change]:
    """Compare what an answer showed with what one shows now.

    Args:
        recorded: what one answer showed, or several.
        live: what the new one shows.
        learn_all: gives what all recordings show; asked only if there is anything to excuse.
        leaves_out_defaults: the API leaves out a field that holds its type's default.
        demands_call: the request leaves the model no choice but to call a tool.
    """
    align(recorded, live)
    if not _differing(recorded.paths(), live.paths()) and has_one_grammar(recorded, live):
        return []
    known = recorded
    if learn_all is not None:
        known = learn_all()
        align(known, live)
        align(recorded, live)
    own, all_paths, now = (_shared(one, recorded, live) for one in (recorded, known, live))
    omits = leaves_out_defaults and _is_proto_json(own) and not _is_another(own, now)
    comparison = Comparison(own, all_paths, now, known.recordings, omits, demands_call)
    shown = PathDisplay(all_paths, now)
    found = [
        replace(change, path=shown.path(change.path))
        for path in _differing(own, now)
        for change in judge(path, comparison)
    ]
    return hint_renames(merge_causes([*compare_streams(recorded, known, live), *found]))


def _is_proto_json(paths: Paths) -> bool:
    """Whether the names of fields are in lowerCamelCase."""
    names = {path.rpartition(".")[2] for path in paths}
    return any(map(_CAMEL.fullmatch, names)) and not any(map(_SNAKE.fullmatch, names))


def _is_another(old: Paths, new: Paths) -> bool:
    """Whether a body keeps none of its fields, and holds others: no default explains that."""
    before, after = ({path for path in paths if parent_of(path) == "$"} for paths in (old, new))
    return bool(before and after) and before.isdisjoint(after)


def _shared(one: Structure, recorded: Structure, live: Structure) -> Paths:
    """Give the paths below the roots that both answers have."""
    shared = recorded.roots.keys() & live.roots.keys()
    return {path: fact for path, fact in one.paths().items() if _root(path) in shared}


def _root(path: str) -> str:
    return path[: path.find(")") + 1] if path.startswith("event(") else "$"


def _differing(old: Paths, new: Paths) -> list[str]:
    """Find the paths where the two maps differ; deepdiff compares them, types as sets."""
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
    """Give what stands at each path; of what only one side has, no more than its top."""
    return {
        path: {
            *fact.types,
            *(f"={token}" for token in fact.tokens),
            *(f"format {form}" for form in fact.formats if fact.formats != {""}),
            *(f"length {length}" for length in fact.lengths),
        }
        for path, fact in paths.items()
        if path in others or parent_of(path) in others
    }


def _as_error(change: Change) -> Change:
    if change.rule in ("field-added", "header-added"):
        return change
    return replace(
        change, rule="error-shape-changed", severity=RULES["error-shape-changed"].severity
    )
