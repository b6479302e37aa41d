"""Which request a file answers, and which files answer the same one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cachy.config import Config, Match
from cachy.errors import CachyError
from cachy.fixture.document import request_of
from cachy.fixture.identity.fingerprint import Identity, identify_settled
from cachy.fixture.identity.former_fingerprints import former_fingerprints
from cachy.fixture.store.store import Store, load_fixture, parse_file_name
from cachy.interaction import Request


def find_rivals(paths: Iterable[Path], config: Config, store: Store) -> list[list[Path]]:
    """Return groups of files that answer the same request in the same turn.

    The one that replays comes first in its group.
    """
    groups: dict[tuple[str, int], list[Path]] = {}
    for path in paths:
        if found := parse_file_name(path.name):
            key = found["fingerprint"], int(found["index"] or 1)
            groups.setdefault(key, []).append(path)
    rivals = [(index, group) for (_, index), group in groups.items() if len(group) > 1]
    return [_replaying_first(group, index, config, store) for index, group in rivals]


def _replaying_first(group: list[Path], index: int, config: Config, store: Store) -> list[Path]:
    found = (find_identity(path, config, store) for path in group)
    identity = next(filter(None, found), None)
    kept = store.find(identity, index) if identity else None
    return sorted(group, key=lambda path: str(path) != kept)


def find_identity(path: Path, config: Config, store: Store) -> Identity | None:
    """Return the identity of the request in a file; None if it cannot be read."""
    try:
        return identify_settled(request_of(load_fixture(path).document, store.load_blob), config)
    except CachyError:
        return None


def is_of_other_settings(path: Path, fingerprint: str, config: Config) -> bool:
    """Return whether a name was right by other settings, or by earlier rules of what matches."""
    try:
        request = request_of(load_fixture(path).document, Store(config.fixtures).load_blob)
    except CachyError:
        return False
    return was_named(request, fingerprint, config)


def was_named(request: Request, fingerprint: str, config: Config) -> bool:
    """Return whether a request had a fingerprint by other settings, or by earlier rules."""
    plain = config._replace(match=Match(), redact=(), paths=())
    return any(fingerprint in former_fingerprints(request, one) for one in (config, plain))
