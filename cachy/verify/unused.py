"""Fixtures that no full run asked for, and those among them that another one has replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cachy.config import Config
from cachy.errors import CachyError, Inconclusive
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.identity.request_diff import comparable, likeness
from cachy.fixture.store.files import is_inside, list_fixtures
from cachy.fixture.store.run_log import PYTEST, Run, load_runs
from cachy.fixture.store.store import FILE_NAME, file_name, load_fixture
from cachy.interaction import Fixture
from cachy.redact import redact_text
from cachy.verify.finding import Finding, shown

Verdict = Literal["used", "unused", "unjudged"]

_COMPARED = 100  # of the used fixtures of a surface, those recorded last
_LIKE = 0.5  # the share of its values that an edited request keeps at least


@dataclass(frozen=True, slots=True)
class Unused:
    """What nothing asked for, in order; `successors` are the fixtures that replace some of it.

    `unjudged` was not asked for either, but is newer than the run that would tell.
    """

    fixtures: tuple[Path, ...]
    blobs: tuple[Path, ...]
    successors: Mapping[Path, Path]
    unjudged: tuple[Path, ...]


def find_unused(config: Config) -> Unused:
    """Find what the last full runs did not ask for.

    Raises:
        Inconclusive: no full run is on record.
    """
    runs = load_runs(config.fixtures)
    if not runs:
        raise Inconclusive(
            "No full run is on record here, so nothing is known to be unused. "
            "Run all your tests with cachy on, or: cachy run -- CMD"
        )
    asked = frozenset[str]().union(*(run.used for run in runs))
    used: list[Path] = []
    unused: list[Fixture] = []
    unjudged: list[Path] = []
    for path in list_fixtures(config.fixtures):
        fixture = None if _short_name(path) in asked else _find_fixture(path)
        verdict = _judge(fixture, path, runs) if fixture else "used"
        if fixture and verdict == "unused":
            unused.append(fixture)
        else:
            (unjudged if verdict == "unjudged" else used).append(path)
    return Unused(
        tuple(fixture.path for fixture in unused if fixture.path),
        tuple(_unused_blobs([*used, *unjudged], config.fixtures, runs[0])),
        _pair(unused, used),
        tuple(unjudged),
    )


def _unused_blobs(kept: list[Path], root: Path, run: Run) -> list[Path]:
    """Find what no fixture that stays names; nothing where one of them can't be read."""
    blobs = [path for path in unnamed_blobs(kept, root) if path.stat().st_mtime <= run.began]
    is_clear = not blobs or all(map(_find_fixture, filter(_short_name, kept)))
    return blobs if is_clear else []


def _short_name(path: Path) -> str:
    """Give a file's name without its slug; of no fixture's name, nothing that a run asks for."""
    named = FILE_NAME.fullmatch(path.name)
    return file_name(named["fingerprint"], int(named["index"] or 1)) if named else ""


def _find_fixture(path: Path) -> Fixture | None:
    """Load what can be judged: a file that is broken or misnamed is another rule's business."""
    try:
        return load_fixture(path) if _short_name(path) else None
    except CachyError:
        return None


def _judge(fixture: Fixture, path: Path, runs: list[Run]) -> Verdict:
    """Say whether a run would have asked for this fixture if anything needed it.

    What a test recorded only a run of the tests can judge, unless that test was skipped.
    """
    test = redact_text(_recorded(fixture, "test"))
    judges = [run for run in runs if run.command == PYTEST] if test else runs
    skipped = judges[0].skipped if judges else ("",)
    if not judges or any(test == name or test.startswith(f"{name}::") for name in skipped if test):
        return "used"
    return "unjudged" if path.stat().st_mtime > judges[0].began else "unused"


def _recorded(fixture: Fixture, name: str) -> str:
    facts = fixture.document.get("recorded")
    return str(facts.get(name, "")) if isinstance(facts, dict) else ""


def _pair(unused: list[Fixture], used: list[Path]) -> dict[Path, Path]:
    """Find for each fixture the younger one whose request is its own, edited."""
    folders: dict[Path, list[Fixture]] = {}
    for folder in {fixture.path.parent for fixture in unused if fixture.path}:
        known = [found for path in used if path.parent == folder if (found := _find_fixture(path))]
        known.sort(key=lambda fixture: _recorded(fixture, "at"), reverse=True)
        folders[folder] = known[:_COMPARED]
    pairs: dict[Path, Path] = {}
    for old in unused:
        if old.path:
            candidates = [new for new in folders[old.path.parent] if new.path not in pairs.values()]
            if successor := _find_successor(old, candidates):
                pairs[old.path] = successor
    return pairs


def _find_successor(old: Fixture, candidates: list[Fixture]) -> Path | None:
    asked = comparable(old.request)
    scored = [
        (likeness(asked, comparable(new.request)), new)
        for new in candidates
        if _may_succeed(old, new)
    ]
    score, best = max(scored, key=lambda pair: pair[0], default=(0.0, old))
    return best.path if score >= _LIKE else None


def _may_succeed(old: Fixture, new: Fixture) -> bool:
    is_younger = _recorded(new, "at") > _recorded(old, "at")
    is_of_the_test = _recorded(new, "test") == _recorded(old, "test")
    return is_younger and is_of_the_test and _index(new.path) == _index(old.path)


def _index(path: Path | None) -> str | None:
    named = FILE_NAME.fullmatch(path.name) if path else None
    return named["index"] if named else None


def unnamed_blobs(paths: Iterable[Path], root: Path) -> list[Path]:
    """Find the blobs that none of these fixtures names."""
    folder = root / BLOBS
    is_ours = folder.is_dir() and is_inside(folder, root)
    present = {path.name for path in folder.iterdir()} if is_ours else set()
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in paths if present)
    for text in texts:
        present = {name for name in present if name not in text}
    return [folder / name for name in sorted(present)]


def unused_findings(config: Config) -> Iterator[Finding]:
    """Report what is superseded, and by the last full run of the tests what is unused."""
    runs = load_runs(config.fixtures)
    found = find_unused(config) if runs else None
    for path in found.fixtures if found else ():
        where, successor = shown(config, path), found.successors.get(path) if found else None
        if successor:
            yield Finding("superseded", where, f"by {shown(config, successor)}")
        elif any(run.command == PYTEST for run in runs):
            yield Finding("unused", where, "the last full run of the tests did not ask for it")


def remove(found: Unused, config: Config) -> list[str]:
    """Remove what is unused; gives a line for each file.

    Raises:
        CachyError: the disk refuses.
    """
    return [_remove(path, line, config) for path, line in describe(found, config)]


def describe(found: Unused, config: Config) -> list[tuple[Path, str]]:
    """Name each file that is unused, and why."""
    lines = []
    for path in found.fixtures:
        successor = found.successors.get(path)
        why = f"superseded by {shown(config, successor)}" if successor else "unused"
        lines.append((path, f"{shown(config, path)}: {why}"))
    return [*lines, *((path, f"{shown(config, path)}: unused") for path in found.blobs)]


def _remove(path: Path, line: str, config: Config) -> str:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CachyError(f"{path} can't be removed: {error.strerror}. Mend that.") from None
    drop_empty(path.parent, config.fixtures)
    return f"pruned {line}"


def drop_empty(folder: Path, root: Path) -> None:
    """Remove a folder that nothing is left in, and those above it, up to the root."""
    with suppress(OSError):  # not empty
        while folder != root:
            folder.rmdir()
            folder = folder.parent
