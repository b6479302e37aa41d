"""Recordings of tests that are gone: a test that was renamed or moved finds what it recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from cachy.config import Config
from cachy.errors import CachyError
from cachy.fixture.identity.fingerprint import Identity
from cachy.fixture.identity.fixture_path import slug_of_variant
from cachy.fixture.store.files import list_fixtures, read_text
from cachy.fixture.store.store import parse_file_name
from cachy.replay.owner import Owner, current_owner
from cachy.replay.process import PROCESS

_VARIANT = re.compile(r'^    "variant": ("(?:[^"\\]|\\.)*")', re.MULTILINE)


def find_former_variant(identity: Identity, config: Config) -> str:
    """Return the variant under which the test that runs recorded a request by another name.

    Only a test that is gone can be that; empty where none is, or more than one may be.
    """
    owner = current_owner()
    if owner is None or not owner.names or owner.path is None:
        return ""
    gone = [one for one in recorded_variants(identity, config) if _is_gone(one, config)]
    scored = [(_likeness(one, owner.name(config)), one) for one in gone]
    best = max([score for score, _ in scored], default=0)
    found = [one for score, one in scored if score == best]
    return found[0] if len(found) == 1 else ""


def _likeness(one: str, two: str) -> int:
    """Return how much two tests' names have in common: the function, the parameters, the path."""
    weights = (4, 2, 1)
    pairs = zip(_parts(one), _parts(two), weights, strict=True)
    return sum(weight for first, second, weight in pairs if first == second)


def _parts(name: str) -> tuple[str, str, str]:
    path, _, names = name.partition("::")
    function, _, parameters = names.rpartition("::")[2].partition("[")
    return function, parameters, path


def recorded_variants(identity: Identity, config: Config) -> Iterator[str]:
    """Yield each variant under which this request is recorded."""
    for path in list_fixtures(config.fixtures / identity.target.folder):
        named = parse_file_name(path.name)
        if named is None or named["index"]:
            continue
        variant = _variant_of(str(path))
        if variant and identity.varied(variant).fingerprint == named["fingerprint"]:
            yield variant


def has_recordings(variant: str, config: Config) -> bool:
    """Return whether anything is recorded under a variant."""
    slug = f"-{slug_of_variant(variant)}-"
    paths = (path for path in list_fixtures(config.fixtures) if slug in f"-{path.name}")
    return any(_variant_of(str(path)) == variant for path in paths)


@lru_cache(maxsize=10_000)
def _variant_of(path: str) -> str:
    """Return the variant in a fixture, which its name holds it to."""
    try:
        found = _VARIANT.search(read_text(path))
    except CachyError:
        return ""
    return str(json.loads(found[1])) if found else ""


def _is_gone(variant: str, config: Config) -> bool:
    """Return whether a variant names a test that is not in the project any more."""
    test = variant.removesuffix(f", {config.variant}") if config.variant else variant
    path, _, names = test.partition("::")
    if not path.endswith(".py") or not names:
        return False
    file = config.root / path
    if any(owner == Owner(file, names) for owner in PROCESS.collected()):
        return False
    text = _text_of(file)
    steps = [name.partition("[")[0] for name in names.split("::")]
    if any(re.search(rf"^\s*class\s+{re.escape(step)}\s*\(", text, re.M) for step in steps):
        return False  # what it inherits stands elsewhere
    return not all(
        re.search(rf"^\s*(?:(?:async\s+)?def|class)\s+{re.escape(step)}\b", text, re.M)
        for step in steps
    )


@lru_cache(maxsize=256)
def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
