"""Fixtures that no complete run used, and those among them that another one has replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cachy.config import Config
from cachy.errors import CachyError, Inconclusive
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.identity.request_diff import comparable, likeness
from cachy.fixture.store.files import is_inside, list_fixtures
from cachy.fixture.store.run_log import PYTEST, Run, load_runs
from cachy.fixture.store.store import file_name, load_fixture, parse_file_name
from cachy.interaction import Fixture
from cachy.redact import redact_text
from cachy.verify.finding import Finding, shown

Usage = Literal["used", "unused", "unjudged", "unknown"]

_COMPARED = 100  # of the used fixtures of a surface, those recorded last
_LIKE = 0.5  # the share of its values that an edited request keeps at least


@dataclass(frozen=True, slots=True)
class Unused:
    """What nothing used, in order; `successors` are the fixtures that replace some of it.

    `unjudged` was not used either, but is newer than the run that would show it.
    """

    fixtures: tuple[Path, ...]
    blobs: tuple[Path, ...]
    successors: Mapping[Path, Path]
    unjudged: tuple[Path, ...]
    of_tests: frozenset[Path]  # those that a test recorded
    unknown: int  # how many others no run on record has ever used

    def below(self, folder: Path) -> Unused:
        """Return what of this is in a folder of the fixtures."""

        def chosen(paths: Iterable[Path]) -> tuple[Path, ...]:
            return tuple(path for path in paths if path.is_relative_to(folder))

        fixtures, blobs, unjudged = map(chosen, (self.fixtures, self.blobs, self.unjudged))
        return replace(self, fixtures=fixtures, blobs=blobs, unjudged=unjudged)


def find_unused(config: Config) -> Unused:
    """Return what the last complete runs did not use.

    Raises:
        Inconclusive: no complete run is on record.
    """
    runs = load_runs(config.fixtures)
    if not runs:
        raise Inconclusive(
            "no complete run is on record here, so cachy cannot know what is unused",
            advice="Run all your tests with cachy on, or: cachy run -- CMD",
        )
    asked = frozenset[str]().union(*(run.used for run in runs))
    used: list[Path] = []
    unused: list[Fixture] = []
    unjudged: list[Path] = []
    unknown = 0
    for path in list_fixtures(config.fixtures):
        fixture = None if _short_name(path) in asked else _find_fixture(path)
        verdict = _judge(fixture, path, runs) if fixture else "used"
        unknown += verdict == "unknown"
        if fixture and verdict == "unused":
            unused.append(fixture)
        else:
            (unjudged if verdict == "unjudged" else used).append(path)
    return Unused(
        tuple(fixture.path for fixture in unused if fixture.path),
        tuple(_unused_blobs([*used, *unjudged], config.fixtures, runs[0])),
        _pair(unused, used),
        tuple(unjudged),
        frozenset(
            fixture.path for fixture in unused if fixture.path and _recorded(fixture, "test")
        ),
        unknown,
    )


def _unused_blobs(kept: list[Path], root: Path, run: Run) -> list[Path]:
    """Return what no fixture that stays names; nothing if one of them cannot be read."""
    blobs = [path for path in unnamed_blobs(kept, root) if path.stat().st_mtime <= run.began]
    is_clear = not blobs or all(map(_find_fixture, filter(_short_name, kept)))
    return blobs if is_clear else []


def _short_name(path: Path) -> str:
    """Return the file name without its slug, or '' if it is not a fixture's name."""
    named = parse_file_name(path.name)
    return file_name(named["fingerprint"], int(named["index"] or 1)) if named else ""


def _find_fixture(path: Path) -> Fixture | None:
    """Return a fixture that can be judged; other rules report what is broken or misnamed."""
    try:
        return load_fixture(path) if _short_name(path) else None
    except CachyError:
        return None


def _judge(fixture: Fixture, path: Path, runs: list[Run]) -> Usage:
    """Return whether a run would have used this fixture if anything needed it.

    A run of the tests judges what a test recorded. Anything else is judged by the commands that
    used it before: no run on record shows what other scripts and notebooks need.
    """
    test, name = redact_text(_recorded(fixture, "test")), _short_name(path)
    judges = [run for run in runs if (run.command == PYTEST if test else name in run.former)]
    if not judges:
        return "used" if test else "unknown"
    if any(_may_have_skipped(run, test) for run in judges):
        return "used"
    return "unjudged" if path.stat().st_mtime > judges[0].began else "unused"


def _may_have_skipped(run: Run, test: str) -> bool:
    """Return whether a run left out the test that uses a fixture; unnamed, it may be any."""
    is_any = bool(run.skipped) and not test
    return is_any or any(test == name or test.startswith(f"{name}::") for name in run.skipped)


def _recorded(fixture: Fixture, name: str) -> str:
    facts = fixture.document.get("recorded")
    return str(facts.get(name, "")) if isinstance(facts, dict) else ""


def _pair(unused: list[Fixture], used: list[Path]) -> dict[Path, Path]:
    """Return for each fixture the younger one whose request is its own, edited."""
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
    named = parse_file_name(path.name) if path else None
    return named["index"] if named else None


def unnamed_blobs(paths: Iterable[Path], root: Path) -> list[Path]:
    """Return the blobs that none of these fixtures names."""
    folder = root / BLOBS
    is_ours = folder.is_dir() and is_inside(folder, root)
    present = {path.name for path in folder.iterdir()} if is_ours else set()
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in paths if present)
    for text in texts:
        present = {name for name in present if name not in text}
    return [folder / name for name in sorted(present)]


def unused_findings(config: Config) -> Iterator[Finding]:
    """Yield what is superseded, and what the last complete run of the tests did not use."""
    runs = load_runs(config.fixtures)
    found = find_unused(config) if runs else None
    for path in found.fixtures if found else ():
        where, successor = shown(config, path), found.successors.get(path) if found else None
        if successor:
            yield Finding("superseded", where, f"superseded by {shown(config, successor)}")
        elif path in found.of_tests if found else ():
            yield Finding("unused", where, "the last complete run of the tests did not use it")


def remove(found: Unused, config: Config) -> list[str]:
    """Delete what is unused, and return a line for each file.

    Raises:
        CachyError: a file cannot be deleted.
    """
    return [_remove(path, line, config) for path, line in describe(found, config)]


def describe(found: Unused, config: Config) -> list[tuple[Path, str]]:
    """Return each file that is unused, and why."""
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
        raise CachyError(f"cannot be deleted: {error.strerror}", path=path) from None
    drop_empty(path.parent, config.fixtures)
    return f"pruned {line}"


def drop_empty(folder: Path, root: Path) -> None:
    """Delete a folder that is empty, and those above it, up to the root."""
    with suppress(OSError):  # not empty
        while folder != root:
            folder.rmdir()
            folder = folder.parent
