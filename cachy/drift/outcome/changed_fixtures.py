"""The files that a run changes: rewritten fixtures, and the blobs that come and go with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cachy.config import Config
from cachy.drift.live.case import blob_path, path_name
from cachy.drift.outcome.judgement import Rewritten
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.format.blobs import blob_names, is_blob_name
from cachy.fixture.store.files import FileChanges, list_fixtures


def changed_fixtures(rewritten: Sequence[Rewritten], config: Config) -> FileChanges:
    """Return the new texts of fixtures, and what becomes of their blobs."""
    files: dict[str, str | bytes | None] = {}
    for one in rewritten:
        files[one.case.name] = one.text
        files |= {blob_path(name, config): raw for name, raw in one.blobs.items()}
    for name in _blobs_left(rewritten, config):
        files[blob_path(name, config)] = None
    return files


def _blobs_left(rewritten: Sequence[Rewritten], config: Config) -> Iterable[str]:
    """Return the blobs that a rewritten fixture named, and that no fixture names now."""
    named = {name for one in rewritten for name in blob_names(one.case.fixture.document)}
    left = {name for name in named if is_blob_name(name)}
    left = {name for name in left if (config.fixtures / BLOBS / name).is_file()}
    for one in rewritten:
        left = {name for name in left if name not in one.text}
    changed = {one.case.name for one in rewritten}
    for path in list_fixtures(config.fixtures) if left else ():
        if path_name(path, config) not in changed:
            left = {name for name in left if not _may_name(path, name)}
    return sorted(left)


def _may_name(path: Path, blob: str) -> bool:
    try:
        return blob.encode() in path.read_bytes()
    except OSError:
        return True  # what cannot be read may name anything
