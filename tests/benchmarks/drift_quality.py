"""How well drift tells changes from noise, on recorded history.

    python tests/benchmarks/drift_quality.py FOLDER

FOLDER holds, as gzipped JSON lines: `rerecordings.*` (one request answered at two times: `old`,
`new`, each with a `response` in the fixture format, `pairing`), `all.*` (interactions by `id`),
`same_endpoint.*` (ids of one surface in time order), `labels.*` and `silver.*` (verdicts).
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from drift_mutations import ROWS, Case, bare
from drift_pairs import state_pairs, stream_pairs
from drift_roots import EXACT_ROWS, plain_path

from cachy.compare.bodies.sdk_models import find_model
from cachy.drift import Change, NotComparable, compare

Row = dict[str, Any]
HISTORY = 30
MUTATIONS = 2000
EXACT = 350  # of them: of bodies and tags
STREAMS, STATES = 300, 200
LEAST = 12  # recordings of a surface that a mutation is drawn from


def rows(folder: Path, name: str) -> Iterator[Row]:
    for path in sorted(folder.glob(f"{name}.*jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def document(row: Row, response: Row) -> Row:
    """Return an interaction of the corpus in the fixture format."""
    kept = {key: value for key, value in response.items() if value is not None}
    if "sse" in kept:
        kept["sse"] = [{k: v for k, v in event.items() if v is not None} for event in kept["sse"]]
    host = re.sub(r"[^A-Za-z0-9.-]", "", row["provider"]) or "host"
    url = f"https://{host}{row['path']}"
    return {
        "cachy": 1,
        "request": {"method": row["method"], "url": url, **row.get("request", {})},
        "response": kept,
    }


def dated(row: Row) -> Row:
    """Return an interaction in the fixture format with the time of its recording."""
    return {**document(row, row["response"]), "recorded": {"at": str(row["recorded"])}}


def changes_of(old: Row, new: Row, baseline: list[Row], *, sdk: bool = True) -> list[Change]:
    """Compare two documents; what cannot be compared is inconclusive, and so not reported."""
    try:
        return compare(old, new, baseline=baseline, sdk=sdk)
    except NotComparable:
        return []


class Corpus:
    """The pairs, and for each the earlier recordings of its surface."""

    def __init__(self, folder: Path) -> None:
        self.pairs = {row["id"]: row for row in rows(folder, "rerecordings")}
        self.all = {row["id"]: row for row in rows(folder, "all")}
        self.surfaces = {
            (row["provider"], row["method"], row["tpath"], row["stream"]): row["ids"]
            for row in rows(folder, "same_endpoint")
        }
        self.labels = {row["id"]: row for row in rows(folder, "labels")}
        self.silver = {row["id"]: row for row in rows(folder, "silver")}
        self.seconds: dict[bool, list[float]] = {False: [], True: []}
        self._found: dict[tuple[str, bool], list[Change]] = {}

    def history(self, pair: Row) -> list[Row]:
        key = (pair["provider"], pair["method"], pair["tpath"], pair["stream"])
        before = [
            self.all[name]
            for name in self.surfaces.get(key, ())
            if name in self.all
            and name not in (pair["old"]["id"], pair["new"]["id"])
            and str(self.all[name]["recorded"]) <= str(pair["old"]["recorded"])
        ]
        return [document(row, row["response"]) for row in before[-HISTORY:]]

    def changes(self, name: str, with_history: bool) -> list[Change]:
        if (name, with_history) not in self._found:
            pair = self.pairs[name]
            old, new = (document(pair, pair[side]["response"]) for side in ("old", "new"))
            baseline = self.history(pair) if with_history else []
            started = time.process_time()  # of the processor, as other programs may run
            found = changes_of(old, new, baseline)
            self.seconds[with_history].append(time.process_time() - started)
            self._found[name, with_history] = found
        return self._found[name, with_history]


def load_models(corpus: Corpus) -> float:
    """Load the models that the pairs' surfaces have; give the seconds, which no pair's time has."""
    started = time.perf_counter()
    for pair in corpus.pairs.values():
        find_model(document(pair, pair["old"]["response"]))
    return time.perf_counter() - started


def share(corpus: Corpus, names: list[str], with_history: bool) -> float:
    """Return the share of pairs, in percent, in which any change is reported."""
    reported = sum(bool(corpus.changes(name, with_history)) for name in names)
    return 100 * reported / max(len(names), 1)


def named_paths(corpus: Corpus, names: list[str]) -> float:
    """Return the share of labelled paths, in percent, that a change names."""
    total = named = 0
    for name in names:
        found = {last_name(change.path) for change in corpus.changes(name, False)}
        for change in corpus.labels[name]["schema_changes"]:
            if change["kind"] in ("added", "removed", "event+", "event-", "type"):
                total += 1
                named += last_name(change["path"]) in found
    return 100 * named / max(total, 1)


def last_name(path: str) -> str:
    """Return a path's last field or event, in the labels' notation or in ours."""
    plain = re.sub(r"<[^>]*>|\[[^\]]*\]|[@$]", "", path)
    if plain.startswith("event(") and plain.endswith(")"):
        return plain[6:-1].rpartition(".")[2]
    return plain.rpartition(".")[2]


class Mutations:
    """Real answers of well-known surfaces, each changed by one row of the catalogue."""

    def __init__(self, corpus: Corpus) -> None:
        self.draw = random.Random(20261126)
        rows = {
            key: [corpus.all[name] for name in ids if name in corpus.all]
            for key, ids in sorted(corpus.surfaces.items(), key=lambda item: str(item[0]))
        }
        fine = [
            [row for row in group if row["response"]["status"] < 400] for group in rows.values()
        ]
        known = [group for group in fine if len(group) >= LEAST]
        refused = [
            [row]
            for group in rows.values()
            for row in group
            if row["response"]["status"] >= 400 and "json" in row["response"]
        ]
        self.cases = [self._case(self.draw.choice(known)) for _ in range(200)]
        self.refusals = [self._case(group) for group in refused]

    def _case(self, group: list[Row]) -> Case:
        at = self.draw.randrange(len(group))
        others = [row for row in group if row is not group[at]][-HISTORY:]
        baseline = [document(row, row["response"]) for row in others]
        return Case(document(group[at], group[at]["response"]), baseline)

    def run(self, count: int) -> dict[str, tuple[int, int]]:
        """Return for each rule how many of its mutations were found, and how many were made."""
        found = dict.fromkeys(ROWS, (0, 0))
        for rule in islice(cycle(ROWS), 2 * count):
            hit = next((hit for _ in range(60) if (hit := self._try(rule)) is not None), None)
            if hit is not None:
                found[rule] = found[rule][0] + hit, found[rule][1] + 1
            if sum(made for _, made in found.values()) == count:
                break
        return found

    def _try(self, rule: str) -> bool | None:
        pool = self.refusals if rule == "error-shape-changed" else self.cases
        case = copy.copy(self.draw.choice(pool))
        if rule.startswith(("header", "api", "redirect", "variant-v")):  # they set something first
            case = copy.deepcopy(case)
        mutated = self.draw.choice(ROWS[rule])(case, self.draw)
        if mutated is None:
            return None
        new, path = mutated
        changes = changes_of(case.document, new, case.baseline, sdk=False)
        return any(change.rule == rule and bare(change.path) == bare(path) for change in changes)

    def _try_exactly(self, row: Any) -> bool | None:
        """Return whether a mutation of the body or of a tag is reported, and nothing else."""
        case = self.draw.choice(self.cases)
        mutated = row(case, self.draw)
        if mutated is None or not mutated[1]:
            return None
        new, expected = mutated
        changes = changes_of(case.document, new, case.baseline, sdk=False)
        return bool(expected == {(change.rule, plain_path(change.path)) for change in changes})

    def run_exactly(self, count: int) -> dict[str, tuple[int, int]]:
        """Return the same for the mutations of bodies and tags."""
        found = dict.fromkeys(EXACT_ROWS, (0, 0))
        for name, row in islice(cycle(EXACT_ROWS.items()), count):
            hit = next(
                (hit for _ in range(60) if (hit := self._try_exactly(row)) is not None), None
            )
            if hit is not None:
                found[name] = found[name][0] + hit, found[name][1] + 1
        return found


def print_pairs(corpus: Corpus) -> None:
    """Print how often a pair is reported in which only pieces or states differ."""
    draw = random.Random(20261130)
    rows = [row for row in corpus.all.values() if row["response"]["status"] == 200]
    documents = [document(row, row["response"]) for row in rows]
    streams = list(islice(stream_pairs(documents, draw), STREAMS))
    groups = [
        [corpus.all[name] for name in ids if name in corpus.all and key[1] == "GET"]
        for key, ids in corpus.surfaces.items()
    ]
    polled = [[dated(row) for row in group] for group in groups if group]
    states = list(islice(state_pairs(polled, draw), STATES))
    for title, pairs in (("streams in other pieces", streams), ("jobs in other states", states)):
        reported = [changes for pair in pairs if (changes := changes_of(*pair, []))]
        print(f"{title} ({len(pairs)}): {len(reported)} reported")
        for change in [changes[0] for changes in reported][:5]:
            print(f"  {change.rule} {change.path}")


def print_mutations(corpus: Corpus) -> None:
    mutations = Mutations(corpus)
    found = mutations.run(MUTATIONS - EXACT)
    print_counts("mutations", found)
    print_counts("bodies and tags, nothing beside the change", mutations.run_exactly(EXACT))


def print_counts(title: str, found: dict[str, tuple[int, int]]) -> None:
    """Print how many mutations were found with rule and path, and each row that missed one."""
    hits, made = (sum(counts) for counts in zip(*found.values(), strict=True))
    print(f"{title} ({made}): {100 * hits / made:.1f} % found with rule and path (--no-sdk)")
    for rule, (hit, count) in found.items():
        if hit < count or not count:
            print(f"  {rule}: {hit} of {count}")


def main(folder: Path) -> None:
    corpus = Corpus(folder)
    print(f"the installed SDKs' models, loaded once: {load_models(corpus):.1f} s")
    drifted = [name for name, row in corpus.labels.items() if row["label"] == "drift"]
    same = [name for name, row in corpus.labels.items() if row["label"] == "no-drift"]
    silver = {
        verdict: [name for name, row in corpus.silver.items() if row["silver"] == verdict]
        for verdict in ("drift", "no-drift")
    }
    same_day = [
        name
        for name, pair in corpus.pairs.items()
        if pair["pairing"] == "same-day"
        and pair["old"]["response"]["status"] == pair["new"]["response"]["status"]
    ]
    print(f"labels, drift ({len(drifted)}), alone: {share(corpus, drifted, False):.1f} % reported")
    print(f"  labelled paths named: {named_paths(corpus, drifted):.1f} %")
    for title, names in (
        ("labels, no-drift", same),
        ("silver, drift", silver["drift"]),
        ("silver, no-drift", silver["no-drift"]),
        ("same day", same_day),
    ):
        alone, history = (share(corpus, names, flag) for flag in (False, True))
        print(f"{title} ({len(names)}), alone / with history: {alone:.2f} / {history:.2f} %")
    breaking = [
        name
        for name in same_day
        if any(change.severity == "breaking" for change in corpus.changes(name, True))
    ]
    print(f"same day, breaking with history: {100 * len(breaking) / len(same_day):.2f} %")
    loud = [
        name
        for name in silver["no-drift"]
        if any(change.severity == "breaking" for change in corpus.changes(name, True))
    ]
    print(f"silver, no-drift, breaking with history and the SDK: {len(loud)}")
    for with_history, title in ((False, "alone"), (True, "with history")):
        mean = 1000 * statistics.mean(corpus.seconds[with_history])
        print(f"time {title}: mean {mean:.1f} ms a pair")
    print_mutations(corpus)
    print_pairs(corpus)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
