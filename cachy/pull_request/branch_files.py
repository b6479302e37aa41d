"""Which files the branch holds: tonight's, those of earlier nights, none older than the base's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from cachy.drift.outcome.report import DriftReport
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.store.files import FileChanges
from cachy.pull_request.git import Commit, Scratch
from cachy.pull_request.nights import Night
from cachy.pull_request.record import OwnedFile, Record

Ids = Mapping[str, str]  # the blobs of plain files, by their paths
Owners = Mapping[str, tuple[str, ...]]  # the surfaces that a file is about, by its path


@dataclass(frozen=True, kw_only=True, slots=True)
class Trees:
    """The fixtures' folder at the base's tip, on our branch, and at the branch's parent.

    started: the files that this checkout started from, None if it had none.
    """

    base: Ids
    parent: Ids
    branch: Ids
    started: Mapping[str, str | None]

    @property
    def changed(self) -> dict[str, str | None]:
        """What our branch changes: a blob for each path, None if it removes the file."""
        paths = self.parent.keys() | self.branch.keys()
        both = {path: (self.parent.get(path), self.branch.get(path)) for path in paths}
        return {path: new for path, (old, new) in both.items() if old != new}


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What the branch is to hold over its base.

    kept: blobs of the branch as it is (None: removed). taken: tonight's files. left_out: tonight's
    files whose base is newer than what this checkout started from.
    """

    kept: Mapping[str, str | None]
    taken: FileChanges
    left_out: tuple[str, ...]

    def ids(self, length: int) -> dict[str, str | None]:
        """Return the blob of each path, with ids of this length."""
        return {**self.kept, **{path: blob_id(held, length) for path, held in self.taken.items()}}


def blob_id(held: str | bytes | None, length: int) -> str | None:
    """Return the id that git gives to a file; 40 digits are SHA-1, else SHA-256."""
    if held is None:
        return None
    raw = held.encode() if isinstance(held, str) else held
    kind = "sha1" if length == 40 else "sha256"
    return hashlib.new(kind, b"blob %d\0%s" % (len(raw), raw), usedforsecurity=False).hexdigest()


def load_trees(
    scratch: Scratch,
    base: Commit,
    branch: Commit | None,
    folder: str,
    started: Mapping[str, str | None],
) -> Trees:
    """Return the fixtures' folder of the base, of our branch and of its parent."""
    parent = branch.parents[0] if branch and branch.is_ours else ""
    return Trees(
        base=scratch.list_files(base.sha, folder),
        parent=scratch.list_files(parent, folder) if parent else {},
        branch=scratch.list_files(branch.sha, folder) if branch and parent else {},
        started=started,
    )


def choose_files(night: Night, trees: Trees, files: FileChanges, owners: Owners) -> Chosen:
    """Return for each file whether the branch keeps its own, takes tonight's, or has none.

    A file of surfaces whose changes are as before is kept, whatever values it has tonight. The
    branch has none of a file that the base has changed since.
    """
    kept, taken, left_out = dict[str, str | None](), dict[str, str | bytes | None](), list[str]()
    changed = trees.changed
    for path in sorted(files.keys() | changed.keys()):
        base = trees.base.get(path)
        may_keep = path in changed and base in (trees.parent.get(path), changed[path])
        may_take = path in files and trees.started.get(path) == base
        is_news = path in files and may_take
        if may_keep and is_wanted(owners.get(path, ()), night, is_news):
            kept[path] = changed[path]
        elif may_take:
            taken[path] = files[path]
        elif path in files:
            left_out.append(path)
    return Chosen(kept=kept, taken=taken, left_out=tuple(left_out))


def is_wanted(surfaces: Collection[str], night: Night, is_news: bool) -> bool:
    """Return whether the branch's version of a file still shows what the pull request says."""
    known = [one for one in night.known if one.surface in surfaces]
    if not known or night.moved.isdisjoint(surfaces):
        return bool(known)
    return not is_news and any(one.identity not in night.seen for one in known)


def find_owners(
    report: DriftReport, files: FileChanges, record: Record | None, prefix: str
) -> dict[str, tuple[str, ...]]:
    """Return the surfaces that each file is about; for a blob, those of its users."""
    owners = {file.path: file.surfaces for file in record.files} if record else {}
    fixtures = {
        (PurePosixPath(prefix) / name).as_posix(): row.surface
        for row in report.surfaces
        for name in row.fixtures
    }
    drifted = tuple(sorted({fixtures[path] for path in files if path in fixtures}))
    for path, held in files.items():
        if path in fixtures:
            owners[path] = (fixtures[path],)
        elif surface := _find_surface(held):
            owners[path] = (surface,)
        else:
            users = _users(PurePosixPath(path).name, files, fixtures)
            owners[path] = users or drifted
    return owners


def list_owned(chosen: Chosen, owners: Owners) -> tuple[OwnedFile, ...]:
    """Return the files of the branch as the record holds them."""
    paths = sorted({*chosen.kept, *chosen.taken})
    return tuple(OwnedFile(path=path, surfaces=owners.get(path, ())) for path in paths)


def _users(blob: str, files: FileChanges, fixtures: Mapping[str, str]) -> tuple[str, ...]:
    found = {fixtures[path] for path in files if path in fixtures and _mentions(files[path], blob)}
    return tuple(sorted(found))


def _mentions(held: str | bytes | None, name: str) -> bool:
    return name in held if isinstance(held, str) else False


def _find_surface(held: str | bytes | None) -> str:
    """Return the surface that a contract names; "" for any other file."""
    try:
        document = json.loads(held) if isinstance(held, str) else None
    except ValueError:
        return ""
    surface = document.get("surface") if isinstance(document, dict) else None
    return surface if isinstance(surface, str) else ""


def without_lone_blobs(
    chosen: Chosen, folder: str, find_mentions: Callable[[str], Collection[str]]
) -> Chosen:
    """Return files without tonight's blobs that none of them names, and unsafe removals.

    `find_mentions` returns the files of the base that contain a name.
    """
    blobs = [path for path in chosen.taken if path.startswith(f"{folder}/{BLOBS}/")]
    gone = set()
    for path in blobs:
        name = PurePosixPath(path).name
        if chosen.taken[path] is None:
            is_lone = not set(find_mentions(name)) <= {*chosen.taken, *chosen.kept}
        else:
            is_lone = not _is_named(name, chosen.taken.values())
        gone |= {path} if is_lone else set()
    taken = {path: held for path, held in chosen.taken.items() if path not in gone}
    return Chosen(kept=chosen.kept, taken=taken, left_out=chosen.left_out)


def _is_named(name: str, texts: Iterable[str | bytes | None]) -> bool:
    return any(_mentions(text, name) for text in texts)
