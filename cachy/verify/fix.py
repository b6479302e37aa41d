"""Mend what has exactly one right answer; nothing that was recorded is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cachy.config import Config, Match
from cachy.errors import CachyError
from cachy.fixtures.document import request_of
from cachy.fixtures.files import list_fixtures
from cachy.fixtures.fingerprint import Identity, identify_settled
from cachy.fixtures.store import FILE_NAME, Store, file_name, load_fixture
from cachy.verify.check import find_rivals
from cachy.verify.finding import Finding, shown
from cachy.verify.unused import drop_empty

Fixer = Callable[[Config, Sequence[Finding]], Iterator[str]]
"""Mends what it can of the findings, and yields a line for each thing that it did."""


def fix(config: Config, findings: Sequence[Finding]) -> list[str]:
    """Mend what has one right answer; gives a line for each thing done."""
    return [line for fixer in FIXERS for line in fixer(config, findings)]


def _move_home(config: Config, findings: Sequence[Finding]) -> Iterator[str]:
    """Move a fixture to where its request is looked for, if its name proves the request unedited.

    A name with another fingerprint tells of an edit: moved, it would answer what nobody recorded.
    """
    store = Store(config.fixtures)
    for path in _of_rule("wrong-place", config, findings):
        named = FILE_NAME.fullmatch(path.name)
        home = _find_identity(path, config, store)
        before = _find_identity(path, replace(config, match=Match(), redact=(), paths=()), store)
        if not (named and home and before):
            continue
        name = file_name((named["slug"] or "") + home.fingerprint, int(named["index"] or 1))
        target = config.fixtures / home.target.folder / name
        is_proven = named["fingerprint"] in (home.fingerprint, before.fingerprint)
        if is_proven and not target.exists():
            store.write(target, path.read_bytes())
            path.unlink()
            drop_empty(path.parent, config.fixtures)
            yield f"moved {shown(config, path)} to {shown(config, target)}"


def _find_identity(path: Path, config: Config, store: Store) -> Identity | None:
    try:
        return identify_settled(request_of(load_fixture(path).document, store.load_blob), config)
    except (CachyError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _drop_copies(config: Config, findings: Sequence[Finding]) -> Iterator[str]:
    """Of files with one and the same answer keep the one that replays."""
    store = Store(config.fixtures)
    named = {path for path in _of_rule("duplicate", config, findings)}
    for rivals in find_rivals(list_fixtures(config.fixtures)) if named else ():
        identity = _find_identity(rivals[0], config, store)
        kept = Path(store.find(identity) or rivals[0]) if identity else rivals[0]
        if kept not in rivals:
            continue
        answer = load_fixture(kept).response
        for path in rivals:
            if path != kept and load_fixture(path).response == answer:
                path.unlink()
                yield f"deleted {shown(config, path)}: {shown(config, kept)} holds the same answer"


def _drop_unused_blobs(config: Config, findings: Sequence[Finding]) -> Iterator[str]:
    """Delete blobs that no fixture names, where every fixture can be read."""
    if any(finding.rule in ("unreadable", "newer-format") for finding in findings):
        return
    for path in _of_rule("blob-unused", config, findings):
        path.unlink()
        yield f"deleted {shown(config, path)}: no fixture names it"


FIXERS: tuple[Fixer, ...] = (_move_home, _drop_copies, _drop_unused_blobs)


def _of_rule(rule: str, config: Config, findings: Sequence[Finding]) -> Iterator[Path]:
    return (config.root / finding.fixture for finding in findings if finding.rule == rule)
