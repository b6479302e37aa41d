"""A contract as a file beside its fixtures: one fact a line, for people and git to read."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cachy.config import Config
from cachy.display import printable
from cachy.errors import CachyError, NewerFormat, UnclearLine
from cachy.fixture.format.event import is_stream
from cachy.fixture.identity.fixture_path import operation_of, parse_target
from cachy.fixture.store.files import CONTRACT, read_text
from cachy.interaction import Json
from cachy.providers.mcp import surface_words
from cachy.redact.response import find_secrets
from cachy.structure.contract import Contract, Fact, Facts
from cachy.structure.discriminators import is_tag
from cachy.structure.json_types import is_token
from cachy.structure.learn_value import DEEPEST
from cachy.structure.paths import split_path

VERSION = 1
_TYPES = ("array", "boolean", "integer", "number", "object", "string", "text", "null")
_FLAGS = {
    "optional": "is_optional",
    "opaque": "is_opaque",
    "last": "is_last",
    "new": "is_new",
}
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})", re.MULTILINE)
_STEPS = 2 * DEEPEST + 2  # a level is a field and its variant


def contract_path(document: Mapping[str, Json], config: Config) -> Path:
    """Return the path of the contract that applies to a fixture's document."""
    request, response = document["request"], document["response"]
    method = re.sub(r"[^A-Z]", "", request["method"].upper())
    stream = ".stream" if is_stream(response) else ".websocket" if "ws" in response else ""
    status = f".{response['status'] // 100}xx" if response["status"] >= 400 else ""
    folder = parse_target(request["url"], config.paths).folder
    called = "".join(f".{_portable(word)}" for word in _called(document).split(" ") if word)
    return config.fixtures / folder / f"{CONTRACT}{method}{called}{stream}{status}.json"


def surface_of(document: Mapping[str, Json], config: Config) -> str:
    """Return the name of a surface, "POST api.openai.com/v1/responses"; streams, errors apart."""
    request, response = document["request"], document["response"]
    target = parse_target(request["url"], config.paths)
    kind = " (stream)" if is_stream(response) else " (WebSocket)" if "ws" in response else ""
    status = f" ({response['status'] // 100}xx)" if response["status"] >= 400 else ""
    place = f"{request['method']} {target.authority}{target.template}"
    return f"{place} {_called(document)}".rstrip() + kind + status


def _called(document: Mapping[str, Json]) -> str:
    """Return what a request calls at its URL; each has its own contract.

    That is the method and the tool of MCP, or the operation of AWS.
    """
    words = surface_words(document["request"].get("json")) or operation_of(document)
    return words if words.isprintable() else ""


def _portable(word: str) -> str:
    """Return a part of a file name that is the word's alone, on every file system."""
    plain = re.sub(r"[^a-z0-9_-]", "-", word)[:64]
    if plain == word.replace("/", "-"):
        return plain
    return f"{plain}-{hashlib.sha256(word.encode()).hexdigest()[:8]}"


def load_contract(path: Path) -> Contract:
    """Return a contract's content.

    Raises:
        CachyError: the file cannot be read, or has a line that is not a contract's.
    """
    return parse_contract(read_text(path), str(path))


def render_contract(contract: Contract, secrets: Sequence[str] = ()) -> str:
    """Return a contract's text, without lines that hold what looks like a secret.

    `secrets` are further patterns, as in the setting `redact`.
    """
    lines = contract.facts
    if secret := find_secret_lines(contract, secrets):
        lines = {path: line for path, line in lines.items() if path not in secret}
    structure = {path: _render_line(line, mark) for path, line, mark in _folded(lines)}
    document = {
        "cachy": VERSION,
        "surface": contract.surface,
        "structure": dict(sorted(structure.items())),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if text.replace("\n", "").isprintable():
        return text
    return "".join(s if s.isprintable() or s == "\n" else json.dumps(s)[1:-1] for s in text)


def find_secret_lines(contract: Contract, secrets: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the paths whose names or tokens look like a secret, with its kinds."""
    parsed = {path: [path, *line.tokens] for path, line in contract.facts.items()}
    if not find_secrets("\n".join(word for words in parsed.values() for word in words), secrets):
        return {}
    found = {path: find_secrets("\n".join(words), secrets) for path, words in parsed.items()}
    return {path: kinds for path, kinds in found.items() if kinds}


def _render_line(line: Fact, mark: str) -> str:
    types = sorted(line.types - {"null"} if line.tokens else line.types, key=_TYPES.index)
    named = "enum: " + " | ".join(sorted(line.tokens)) if line.tokens else " | ".join(types)
    if line.tokens and "null" in line.types:
        named += " | null"
    flags = [flag for flag, name in _FLAGS.items() if getattr(line, name)]
    return ", ".join([named, *([mark] if mark else []), *flags])


def _folded(facts: Facts) -> Iterable[tuple[str, Fact, str]]:
    """Yield each line as it is written, with the one variant of all its objects.

    A variant without another beside it is named once, at its object, instead of in every path.
    """
    only = _find_only_variants(map(split_path, facts))
    for path, written in written_paths(facts).items():
        steps = split_path(path)
        if not (steps[:-1] in only and steps[-1] == only[steps[:-1]]):
            yield written, facts[path], only.get(steps, "")[1:-1]


def written_paths(facts: Facts) -> dict[str, str]:
    """Return each path as the file writes it."""
    split = {path: split_path(path) for path in facts}
    only = _find_only_variants(split.values())
    return {
        path: "".join(
            step for at, step in enumerate(steps) if not (step[0] == "{" and steps[:at] in only)
        )
        for path, steps in split.items()
    }


def _find_only_variants(paths: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    variants, with_fields = defaultdict[tuple[str, ...], set[str]](set), set[tuple[str, ...]]()
    for steps in paths:
        if steps[-1][0] == "{":
            variants[steps[:-1]].add(steps[-1])
        elif len(steps) > 1 and _is_field(steps[-1]):
            with_fields.add(steps[:-1])
    return {
        above: min(named)
        for above, named in variants.items()
        if len(named) == 1 and above not in with_fields
    }


def _is_field(step: str) -> bool:
    return step[:2] == '["' or (step[0] == "." and step != ".*")


def parse_contract(text: str, where: str = "contract") -> Contract:
    """Return a contract's text as a contract.

    Raises:
        CachyError: it is not a contract, or has a line without meaning.
        NewerFormat: a newer cachy wrote it.
    """
    if found := _CONFLICT.search(text):
        at = text.count("\n", 0, found.start()) + 1
        problem = f"has a merge conflict marker in line {at}"
        raise CachyError(problem, path=where, advice="Keep the lines of both sides.")
    document = _parse_json(text, where)
    try:
        lines = _unfolded(
            {path: _parse_line(parsed) for path, parsed in document["structure"].items()}
        )
    except ValueError as error:
        named = f" ({error})" if isinstance(error, UnclearLine) else ""
        problem = f"has a line that cachy cannot read{named}"
        advice = "Undo the edit, or delete the file and run: cachy verify --fix"
        raise CachyError(problem, path=where, advice=advice) from None
    return Contract(document["surface"], lines)


def _parse_json(text: str, where: str) -> dict[str, Json]:
    try:
        document = json.loads(text, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        problem = f"is not valid JSON ({error})"
        raise CachyError(problem, path=where, advice="Restore it from git.") from None
    version = document.get("cachy") if isinstance(document, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise NewerFormat(where, version, VERSION)
    is_whole = version == VERSION and isinstance(document.get("surface"), str)
    if not is_whole or not isinstance(document.get("structure"), dict):
        advice = "Delete it, and run: cachy verify --fix"
        raise CachyError("is not a contract", path=where, advice=advice)
    return dict(document)


def _without_twins(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("it holds the same line twice")
    return fields


def _parse_line(text: Json) -> tuple[Fact, str]:
    if not isinstance(text, str):
        raise UnclearLine(_shown(str(text)))
    named, *rest = text.split(", ")
    flags = [flag for flag in rest if flag in _FLAGS]
    marks = [flag for flag in rest if flag not in _FLAGS]
    types, tokens = _parse_types(named)
    key, _, value = marks[0].partition("=") if marks else ("", "", "")
    is_mark = is_tag(key) and is_token(value) and "/" not in value
    if len(marks) > 1 or (marks and not is_mark) or (tokens and types == {"null"}):
        raise UnclearLine(_shown(text))
    line = Fact(types=types, tokens=tokens, **{_FLAGS[flag]: True for flag in flags})
    return line, marks[0] if marks else ""


def _parse_types(named: str) -> tuple[frozenset[str], frozenset[str]]:
    words = named.removeprefix("enum: ").split(" | ")
    types = frozenset(words)
    if not named.startswith("enum: "):
        if not types.issubset(_TYPES):
            raise UnclearLine(_shown(named))
        return types, frozenset()
    if not all(map(is_token, words)):
        raise UnclearLine(_shown(named))
    return types & {"null"} | {"string"}, types - {"null"}


def _shown(text: str) -> str:
    return printable(text[:80])


def _unfolded(parsed: Mapping[str, tuple[Fact, str]]) -> dict[str, Fact]:
    """Return the lines with the variants of objects named in the paths below them."""
    marks = {split_path(path): mark for path, (_, mark) in parsed.items() if mark}
    lines: dict[str, Fact] = {}
    for path, (line, mark) in parsed.items():
        steps = split_path(path)
        if len(steps) > _STEPS:
            raise UnclearLine("a path of too many steps")
        whole = "".join(
            step + (f"{{{marks[steps[:at]]}}}" if _leads_into(steps, at, marks) else "")
            for at, step in enumerate(steps, 1)
        )
        lines[whole] = line
        if mark:
            lines[f"{whole}{{{mark}}}"] = Fact(frozenset({"object"}), is_new=line.is_new)
    return dict(sorted(lines.items()))


def _leads_into(steps: tuple[str, ...], at: int, marks: Mapping[tuple[str, ...], str]) -> bool:
    return at < len(steps) and steps[:at] in marks and _is_field(steps[at])
