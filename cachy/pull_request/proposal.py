"""What the pull request should be after this night: its changes, files, text and record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from cachy.drift.outcome.report import DriftReport
from cachy.errors import CachyError
from cachy.fixture.store.files import FileChanges
from cachy.pull_request.branch_files import (
    Chosen,
    Owners,
    Trees,
    choose_files,
    find_owners,
    list_owned,
    load_trees,
    without_lone_blobs,
)
from cachy.pull_request.description import (
    LARGEST,
    ROOM,
    Text,
    count_units,
    render_description,
)
from cachy.pull_request.nights import (
    Declined,
    Declines,
    Night,
    is_declined,
    list_changes,
    put_together,
)
from cachy.pull_request.record import Known, Record, digest, encode, split_description
from cachy.pull_request.remote import hash_files
from cachy.pull_request.remote_state import Scene, Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a run of drift found.

    files: by their paths from the checkout's root. started: the blobs that they are based on, None
    where the checkout had no such file. advice: what to do, by rule and by the SDK's verdict.
    """

    report: DriftReport
    files: FileChanges
    started: dict[str, str | None]
    advice: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What the pull request should be; `is_pushed`: the branch holds just that already."""

    night: Night
    files: FileChanges
    left_out: tuple[str, ...]
    changes_files: bool
    is_pushed: bool
    text: Text
    record: Record
    declined: tuple[tuple[Known, int], ...]


def find_started(files: Iterable[str], settings: Settings) -> dict[str, str | None]:
    """Return the blobs of files in this checkout, by their paths from its root."""
    return hash_files(settings.checkout, list(files), settings.environment)


def propose(found: Found, scene: Scene) -> Proposal:
    """Return what the pull request should be, from this night and the pull request as it is."""
    record, settings = scene.description.record, scene.settings
    declines = find_declines(found.report, scene)
    night = put_together(found.report, record, declines)
    owners = find_owners(found.report, found.files, record, settings.project)
    trees = load_trees(scene.scratch, scene.base, scene.branch, settings.fixtures, found.started)
    chosen = _choose(_wanted(found.files, owners, night), owners, night, trees, scene)
    ids = chosen.ids(len(scene.base.sha))
    wanted = Record(project=settings.project, known=night.known, files=list_owned(chosen, owners))
    text = render_description(
        night,
        found.report,
        found.advice,
        left_out=chosen.left_out,
        own_token=settings.is_own_token,
        room=_find_room(scene, wanted),
    )
    return Proposal(
        night=night,
        files=_contents(chosen, scene),
        left_out=chosen.left_out,
        changes_files=any(trees.base.get(path) != sha for path, sha in ids.items()),
        is_pushed=_is_pushed(ids, trees),
        text=text,
        record=_with_digests(wanted, text, scene),
        declined=_list_declined(found.report, declines),
    )


def _choose(files: FileChanges, owners: Owners, night: Night, trees: Trees, scene: Scene) -> Chosen:
    folder, base = scene.settings.fixtures, scene.base.sha
    # Without a record nobody knows what the branch's files are about: tonight's take their place.
    known = trees if scene.description.record else replace(trees, parent={}, branch={})
    chosen = choose_files(night, known, files, owners)
    return without_lone_blobs(
        chosen, folder, lambda name: scene.scratch.find_mentions(base, name, folder)
    )


def _contents(chosen: Chosen, scene: Scene) -> FileChanges:
    load = scene.scratch.load_blob
    kept = {path: None if sha is None else load(sha) for path, sha in chosen.kept.items()}
    return {**kept, **chosen.taken}


def _with_digests(record: Record, text: Text, scene: Scene) -> Record:
    """Return the text with digests of what we write, so that edits of people show.

    A title that is not our last one is a person's, and stays.
    """
    pull, before = scene.open_pull, scene.description.record
    title = digest(text.title)
    if pull and (before is None or digest(pull.title) != before.title):
        title = before.title if before else ""
    return replace(record, title=title, text=digest(f"{text.first}\n{text.rest}"))


def _find_room(scene: Scene, record: Record) -> int:
    """Return how long our text may be, in characters, beside the record and a person's text."""
    person = scene.description.before + scene.description.after
    return max(LARGEST - len(encode(record)) - count_units(person), ROOM // 4)


def _wanted(files: FileChanges, owners: Owners, night: Night) -> FileChanges:
    """Return the files without those of surfaces whose every change was declined."""
    wanted = {one.surface for one in night.known}
    return {path: held for path, held in files.items() if wanted.intersection(owners[path])}


def _is_pushed(ids: dict[str, str | None], trees: Trees) -> bool:
    """Return whether the branch holds these files, and merges into today's base."""
    changed = trees.changed
    return ids == changed and all(
        trees.base.get(path) in (trees.parent.get(path), sha) for path, sha in changed.items()
    )


def find_declines(report: DriftReport, scene: Scene) -> Declines:
    """Return which changes somebody declined, by closing their pull request unmerged."""
    wanted = {one.identity for one in list_changes(report)}
    record = scene.description.record
    wanted |= {one.identity for one in record.known} if record else set()
    found: dict[str, Declined] = {}
    for pull in scene.pulls:
        if pull.is_open or pull.is_merged:
            continue
        record = split_description(pull.body).record
        ranks = record.severities() if record and record.project == scene.settings.project else {}
        if wanted.isdisjoint(ranks) or scene.github.was_closed_by_a_bot(pull.number):
            continue
        for identity, rank in ranks.items():
            before = found.get(identity)
            if before is None or rank < before.rank:
                found[identity] = Declined(pull.number, rank)
    return found


def _list_declined(report: DriftReport, declines: Declines) -> tuple[tuple[Known, int], ...]:
    changes = [one for one in list_changes(report) if is_declined(one, declines)]
    return tuple((one, declines[one.identity].number) for one in changes)


def refuse_paths(files: FileChanges, fixtures: str) -> None:
    """Refuse a file that is not a fixture.

    Raises:
        CachyError: it lies elsewhere, or has an unusual name.
    """
    folder = PurePosixPath(fixtures)
    for path in files:
        place = PurePosixPath(path)
        is_inside = place.is_relative_to(folder) and place != folder and not place.is_absolute()
        is_odd = re.search(r"[\x00-\x1f\x7f\\\ud800-\udfff]|(^|/)\.{0,2}(/|$)", path)
        is_special = {part.lower() for part in place.parts} & {".git", ".github"}
        if is_odd or is_special or not is_inside:
            raise CachyError(f"{path!r} is not a file in {fixtures}: only fixtures are committed.")


def refuse_secrets(
    files: FileChanges, text: str, token: str, find_secrets: Callable[[str], Sequence[str]]
) -> None:
    """Refuse files and a text that contain a secret.

    Raises:
        CachyError: one of them does; the message says which.
    """
    texts = {path: f"{path}\n{_as_text(held)}" for path, held in files.items()}
    for where, held in {**texts, "the pull request's text": text}.items():
        if (token and token in held) or find_secrets(held):
            advice = "Run `cachy verify` for details."
            raise CachyError(f"{where} holds a secret: nothing was pushed.", advice=advice)


def _as_text(held: str | bytes | None) -> str:
    return held.decode("latin-1") if isinstance(held, bytes) else held or ""
