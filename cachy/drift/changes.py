"""What differs between two structures, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from cachy.drift.learning import Document, Structure, document_of, learn
from cachy.drift.paths import Fact, Paths, parent_of, shown_path
from cachy.drift.rules import RULES, SEVERITIES, Rule, Severity
from cachy.drift.sdk_models import Model, find_model
from cachy.fixtures.format import BODY_KINDS
from cachy.interaction import Json
from cachy.providers import PADDING

__all__ = ["RULES", "SEVERITIES", "Change", "Rule", "Severity", "compare"]
_KNOWN = 3  # recordings that make a regularity worth a word
_SURE = 10  # recordings that make it a fact, where one answer alone says otherwise


@dataclass(frozen=True, slots=True)
class Change:
    """One structural difference; `old` and `new` are types or tokens, never values."""

    rule: str
    severity: Severity
    path: str
    old: str | None = None
    new: str | None = None
    confirmed: str = "1/1"
    sdk: str = "unknown"
    fixtures: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Give the change as the report holds it."""
        return {**asdict(self), "fixtures": list(self.fixtures)}


def compare(
    old: Document, new: Document, *, baseline: Iterable[Document] = (), sdk: bool = True
) -> list[Change]:
    """Compare two answers to the same request, in structure only.

    Args:
        old, new: fixtures, as documents in the fixture format or `Fixture`.
        baseline: earlier recordings of the same surface, to learn from what varies.
        sdk: take what the installed SDK's response model knows into account, where there is one.

    Returns:
        The changes, worst first; an empty list where only values differ.
    """
    before, after = document_of(old)["response"], document_of(new)["response"]
    if changed := _compare_status(before, after) or _compare_media(before, after):
        return [changed]
    if _kind(before) != _kind(after) and "none" not in (_kind(before), _kind(after)):
        return []  # a body that doesn't parse as what it says it is proves nothing
    same = [item for item in baseline if _is_alike(document_of(item)["response"], before)]
    known = learn([old, *same])
    found = [*compare_structures(known, learn([new])), *_compare_headers(before, after)]
    if (
        sdk
        and found
        and (
            model := find_model(
                document_of(new if "url" in document_of(new).get("request", {}) else old)
            )
        )
    ):
        found = [*_judge_by_model(found, model)]
    if _status(before) >= 400:
        found = [_as_error(change) for change in found]
    return sorted(found, key=_order)


def _judge_by_model(changes: Iterable[Change], model: Model) -> Iterator[Change]:
    """What the SDK knows is no news, and what breaks it is no chance."""
    for change in changes:
        verdict = model.judge(change.rule, change.path, change.old, change.new)
        if verdict == "sdk-broken":
            yield replace(change, sdk=verdict, severity=RULES[change.rule].severity)
        elif verdict != "known":
            yield replace(change, sdk=verdict)


def _order(change: Change) -> tuple[int, str, str]:
    return SEVERITIES.index(change.severity), change.path, change.rule


def _change(rule: str, path: str, old: str | None = None, new: str | None = None) -> Change:
    return Change(rule, RULES[rule].severity, path, old, new)


def _status(response: Mapping[str, Json]) -> int:
    status = response.get("status", 200)
    return status if isinstance(status, int) else 200


def _compare_status(before: Mapping[str, Json], after: Mapping[str, Json]) -> Change | None:
    old, new = _status(before), _status(after)
    if old == new or old >= 400:
        return None
    rule = "status-changed" if new < 400 else "request-rejected"
    if new in (404, 410):
        rule = "model-retired"
    return _change(rule, "status", str(old), str(new))


def _media(response: Mapping[str, Json]) -> str:
    headers = response.get("headers") or {}
    named = next((value for key, value in headers.items() if key.lower() == "content-type"), "")
    return str(named).partition(";")[0].strip().lower()


def _compare_media(before: Mapping[str, Json], after: Mapping[str, Json]) -> Change | None:
    old, new = _media(before), _media(after)
    if not old or not new or old == new or _kind(before) == _kind(after):
        return None
    return _change("content-type-changed", "headers.content-type", old, new)


def _kind(response: Mapping[str, Json]) -> str:
    """Name the body's kind; one that says JSON and is none has its own."""
    return next((kind for kind in BODY_KINDS if kind in response), "none")


def _is_alike(response: Mapping[str, Json], before: Mapping[str, Json]) -> bool:
    is_same_class = _status(response) // 100 == _status(before) // 100
    return is_same_class and ("sse" in response) == ("sse" in before)


_ANNOUNCING = {"deprecation": "deprecation-announced", "sunset": "sunset-announced"}


def _compare_headers(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    old, new = before.get("headers") or {}, after.get("headers") or {}
    for name, rule in _ANNOUNCING.items():
        if name in new and new[name] != old.get(name):
            yield _change(rule, f"headers.{name}", None, "announced")


def compare_structures(known: Structure, live: Structure) -> list[Change]:
    """Compare what is known of a surface with what an answer shows now."""
    events = [*_compare_events(known, live)]
    old, new = known.paths(), live.paths()
    shared = {name for name in known.roots if name in live.roots}
    old, new = ({p: f for p, f in paths.items() if _root(p) in shared} for paths in (old, new))
    found = [
        replace(change, path=shown_path(change.path, old, new))
        for path in _differing(old, new)
        for change in _judge(path, old, new)
    ]
    return _merge_causes([*events, *found])


def _root(path: str) -> str:
    return path[: path.find(")") + 1] if path.startswith("event(") else "$"


def _differing(old: Paths, new: Paths) -> list[str]:
    """Find the paths where the two maps differ; deepdiff compares them, types as sets."""
    from deepdiff import DeepDiff  # heavy: only drift and diff pay for it

    tree = DeepDiff(_sets(old), _sets(new), view="tree", threshold_to_diff_deeper=0)
    paths = {level.path(output_format="list")[0] for levels in tree.values() for level in levels}
    optional = {path for path, fact in new.items() if fact.is_optional and path in old}
    return sorted(paths | optional)


def _sets(paths: Paths) -> dict[str, set[str]]:
    return {
        path: {*fact.types, *(f"={token}" for token in fact.tokens)} for path, fact in paths.items()
    }


def _judge(path: str, old: Paths, new: Paths) -> Iterator[Change]:
    if path.rpartition(".")[2] in PADDING:
        return
    before, after = old.get(path), new.get(path)
    if before is None and after is not None:
        yield from _judge_added(path, after, old, new)
    elif after is None and before is not None:
        yield from _judge_removed(path, before, old, new)
    elif before is not None and after is not None:
        yield from _judge_both(path, before, after)


def _judge_added(path: str, after: Fact, old: Paths, new: Paths) -> Iterator[Change]:
    parent = parent_of(path)
    if parent and parent not in old:
        return
    if after.is_variant:
        if any(fact.is_variant and parent_of(name) == parent for name, fact in old.items()):
            yield _change("variant-added", path, None, path[path.rfind("=") + 1 : -1])
        return
    holds = old.get(parent)
    if path.endswith(("[*]", ".*")) or (holds and not holds.types & {"object"}):
        return  # an array that was empty, an object that was null: they told nothing
    yield _change("field-added", path, None, after.type)


def _judge_removed(path: str, before: Fact, old: Paths, new: Paths) -> Iterator[Change]:
    holds = new.get(parent_of(path))
    if before.is_optional or before.is_variant:
        return
    if holds is None or not holds.types & {"object"} or path.endswith(("[*]", ".*")):
        return
    change = _change("field-removed", path, before.type, None)
    yield change if before.seen >= _SURE else replace(change, severity="risky")


def _judge_both(path: str, before: Fact, after: Fact) -> Iterator[Change]:
    fresh, gone = after.types - before.types, before.types - after.types
    fresh -= {"integer"} if "number" in before.types else set()
    if fresh == {"number"} and "integer" in before.types:
        fresh = frozenset()
    if fresh == {"null"}:
        if before.seen >= _KNOWN:
            yield _unless_sure("null-added", path, before, after.type)
    elif fresh and before.types - {"null"}:
        rule = (
            "type-changed"
            if gone - {"null"} and not before.types & after.types - {"null"}
            else "type-widened"
        )
        yield _change(rule, path, before.type, after.type)
    yield from _judge_tokens(path, before, after)
    if after.is_optional and not before.is_optional and before.seen >= _KNOWN:
        yield _unless_sure("field-became-optional", path, before, f"{after.type}, optional")


def _unless_sure(rule: str, path: str, before: Fact, new: str) -> Change:
    """What few recordings say may still be chance: then it is risky only."""
    change = _change(rule, path, before.type, new)
    return change if before.seen >= _SURE else replace(change, severity="risky")


def _judge_tokens(path: str, before: Fact, after: Fact) -> Iterator[Change]:
    if before.seen < 10 or not before.tokens:
        return
    for token in sorted(after.tokens - before.tokens):
        yield _change("enum-value-added", path, " | ".join(sorted(before.tokens)), token)


def _compare_events(known: Structure, live: Structure) -> Iterator[Change]:
    if not known.streams or not live.streams:
        return
    for name in sorted(set(live.roots) - set(known.roots)):
        yield _change("event-added", name, None, "object")
    for name, node in sorted(known.roots.items()):
        if name not in live.roots and node.seen == known.recordings:
            change = _change("event-vanished", name, "object", None)
            yield change if node.seen >= _SURE else replace(change, severity="risky")
    if set(live.endings).isdisjoint(known.endings):
        old, new = (" | ".join(sorted(ends.endings)) for ends in (known, live))
        yield _change("terminator-changed", "stream", old, new)


def _merge_causes(changes: Sequence[Change]) -> list[Change]:
    """One cause in many events is one change: it is told at the first place only."""
    first: dict[tuple[str | None, ...], Change] = {}
    for change in changes:
        event, _, inner = change.path.partition(").")
        tail = inner.partition(".")[2] or inner if event.startswith("event(") else change.path
        old = None if change.rule == "field-added" else change.old
        first.setdefault((change.rule, tail or change.path, old), change)
    return list(first.values())


def _as_error(change: Change) -> Change:
    if change.rule in ("field-added", "header-added"):
        return change
    return replace(
        change, rule="error-shape-changed", severity=RULES["error-shape-changed"].severity
    )
