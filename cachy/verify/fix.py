"""Fix what has exactly one right answer; nothing that was recorded is lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path

from cachy.config import Config
from cachy.errors import CachyError
from cachy.fixture.document import request_of
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.format.blobs import blob_names
from cachy.fixture.format.render import render_fixture
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.fixture.redact_fixture import redact_fixture
from cachy.fixture.store.files import is_inside, list_fixtures, read_text
from cachy.fixture.store.store import Store, file_name, load_fixture, parse_file_name
from cachy.interaction import Json
from cachy.structure.contract_file import render_contract
from cachy.verify.check import list_checked, verify
from cachy.verify.contracts import Contracts
from cachy.verify.duplicates import find_identity, find_rivals
from cachy.verify.finding import Finding, shown
from cachy.verify.placement import is_copy, is_proven, plan_move
from cachy.verify.unused import drop_empty

BY_HAND = "hand"
"""What `recorded.from` says of a fixture that no API's response made."""
Fixer = Callable[[Config, Sequence[Finding]], Iterator[str]]
"""Fixes what it can of the findings, and yields a line for each thing that it did."""


def fix(config: Config, findings: Sequence[Finding]) -> list[str]:
    """Fix what has one right answer, and return a line for each thing done."""
    return [line for fixer in FIXERS for line in fixer(config, findings)]


def _move_home(config: Config, findings: Sequence[Finding]) -> Iterator[str]:
    """Move a fixture to where its request is looked for, or delete it if another replays there."""
    for path in _of_rule("wrong-place", config, findings):
        move = plan_move(path, config)
        if move.kept:
            path.unlink()
            yield _deleted_copy(path, move.kept, config, is_copy=move.is_copy)
        elif move.target:
            yield _move(path, move.target, config, is_by_hand=move.is_by_hand)
        else:
            continue
        drop_empty(path.parent, config.fixtures)


def _move(path: Path, target: Path, config: Config, *, is_by_hand: bool) -> str:
    """Move a fixture; mark one that somebody wrote: no response of an API proves it."""
    content = path.read_bytes()
    if is_by_hand:
        document = dict(load_fixture(path).document)
        facts = {**document.pop("recorded", {}), "from": BY_HAND}
        marked = {"cachy": document.pop("cachy"), "recorded": facts, **document}
        content = render_fixture(marked).encode()
    Store(config.fixtures).write(target, content)
    path.unlink()
    mark = ", marked as written by hand" if is_by_hand else ""
    return f"moved {shown(config, path)} to {shown(config, target)}{mark}"


def _drop_copies(config: Config, findings: Sequence[Finding]) -> Iterator[str]:
    """Delete the files with the same response as the one that replays."""
    store = Store(config.fixtures)
    named = {path for path in _of_rule("duplicate", config, findings)}
    for kept, *others in (
        find_rivals(list_fixtures(config.fixtures), config, store) if named else ()
    ):
        for path in others:
            if is_copy(path, kept, config, store):
                path.unlink()
                yield _deleted_copy(path, kept, config)


def _deleted_copy(path: Path, kept: Path, config: Config, *, is_copy: bool = True) -> str:
    why = "holds the same response" if is_copy else "was recorded in its place"
    return f"deleted {shown(config, path)}: {shown(config, kept)} {why}"


def _drop_unused_blobs(config: Config, findings: Sequence[Finding]) -> Iterator[str]:
    """Delete blobs that no fixture names, if every fixture can be read."""
    if any(finding.rule in ("unreadable", "newer-format") for finding in findings):
        return
    for path in _of_rule("blob-unused", config, findings):
        if path.is_file():
            path.unlink()
            yield _deleted_blob(path, config)


def _redact(config: Config, findings: Sequence[Finding]) -> Iterator[str]:
    """Take the secrets out of a fixture, and name it by what is left.

    A fixture whose name does not prove its request unedited stays, and so does a packed body.
    """
    store = Store(config.fixtures)
    for path in dict.fromkeys(_of_rule("secret-left", config, findings)):
        named = parse_file_name(path.name)
        home = find_identity(path, config, store)
        if named is None or home is None or not is_inside(path, config.fixtures):
            continue
        document = load_fixture(path).document
        if not is_proven(named["fingerprint"], path, home, config) or _is_packed(document):
            continue
        clean, blobs = redact_fixture(document, config, store.load_blob)
        home = identify_settled(request_of(clean, blobs.__getitem__), config)
        target = config.fixtures / file_name(home.name, int(named["index"] or 1))
        if target != path and target.exists():
            if load_fixture(target).response == clean["response"]:
                path.unlink()
                yield _deleted_copy(path, target, config)
            continue
        for name, content in blobs.items():
            store.write(config.fixtures / BLOBS / name, content)
        store.write(target, render_fixture(clean).encode("utf-8"))
        if target != path:
            path.unlink()
            drop_empty(path.parent, config.fixtures)
        yield f"redacted {shown(config, target)}"
        yield from _drop_replaced_blobs({*blob_names(document)} - blobs.keys(), config)


def _drop_replaced_blobs(names: Set[str], config: Config) -> Iterator[str]:
    """Delete the blobs from which a secret was taken, unless another fixture names them."""
    texts = [read_text(path) for path in list_fixtures(config.fixtures)] if names else []
    for name in sorted(names):
        path = config.fixtures / BLOBS / name
        if path.is_file() and not any(name in text for text in texts):
            path.unlink()
            yield _deleted_blob(path, config)


def _deleted_blob(path: Path, config: Config) -> str:
    return f"deleted {shown(config, path)}: no fixture names it"


def _is_packed(document: Mapping[str, Json]) -> bool:
    return "content-encoding" in document["response"].get("headers", {})


FIXERS: tuple[Fixer, ...] = (_redact, _move_home, _drop_copies, _drop_unused_blobs)


def _of_rule(rule: str, config: Config, findings: Sequence[Finding]) -> Iterator[Path]:
    return (config.root / finding.fixture for finding in findings if finding.rule == rule)


def write_contracts(config: Config, fixtures: Iterable[Path]) -> list[str]:
    """Write the contracts beside some fixtures, and return a line for each file written.

    An existing contract learns what its fixtures add and forgets nothing. It learns nothing from
    a fixture with an error, or from a copy. A fixture that breaks the contract, or a contract that
    cannot be read, is left to a person.
    """
    contracts, store, done = Contracts(config, is_starting=True), Store(config.fixtures), []
    folders = sorted({path.parent for path in fixtures})
    rejected = {
        one.fixture
        for one in (verify(config, folders) if folders else ())
        if one.severity == "error" or one.rule == "duplicate"
    }
    for path in list_checked(config, folders) if folders else ():
        if path.parent in folders and shown(config, path) not in rejected:
            with suppress(CachyError):  # reported by verify already
                deque(contracts.hold(load_fixture(path).document, path), maxlen=0)
    for path, contract, merged in contracts.merged():
        text = render_contract(merged, config.redact)
        if contract is None or read_text(path) != text:
            store.write(path, text.encode("utf-8"))
            done.append(f"wrote {shown(config, path)}: what is known of {merged.surface}")
    return done
