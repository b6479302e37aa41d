"""The files that a run changes: drifted fixtures, and the blobs that come and go with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cachy.config import Config
from cachy.drift.live.plan import blob_path, path_name
from cachy.drift.outcome.results import CaseResult
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.format.blobs import NAME, blob_names
from cachy.fixture.store.files import list_fixtures

Files = dict[str, str | bytes | None]  # by path; None: remove


def changed_fixtures(results: Sequence[CaseResult], config: Config) -> Files:
    """Give the new texts of the drifted fixtures, and what becomes of their blobs."""
    files: Files = {}
    drifted = [result for result in results if result.text is not None]
    for result in drifted:
        files[result.case.name] = result.text
        files |= {blob_path(name, config): raw for name, raw in result.blobs.items()}
    for name in _blobs_left(drifted, config):
        files[blob_path(name, config)] = None
    return files


def _blobs_left(drifted: Sequence[CaseResult], config: Config) -> Iterable[str]:
    """Find the blobs that a drifted fixture named, and that no fixture names from now on."""
    named = {name for one in drifted for name in blob_names(one.case.fixture.document)}
    left = {name for name in named if NAME.fullmatch(name)}
    left = {name for name in left if (config.fixtures / BLOBS / name).is_file()}
    for result in drifted:
        left = {name for name in left if name not in (result.text or "")}
    changed = {result.case.name for result in drifted}
    for path in list_fixtures(config.fixtures) if left else ():
        if path_name(path, config) not in changed:
            left = {name for name in left if not _may_name(path, name)}
    return sorted(left)


def _may_name(path: Path, blob: str) -> bool:
    try:
        return blob.encode() in path.read_bytes()
    except OSError:
        return True  # what can't be read may name anything
