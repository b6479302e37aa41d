"""Responses in files: fixtures, plain JSON bodies, or folders of either."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from cachy.compare.compare import Change, compare
from cachy.errors import CachyError, InvalidFixture, NotComparable
from cachy.fixture.format.lossless_json import DEEPEST, is_too_deep
from cachy.fixture.format.schema import find_fault
from cachy.fixture.format.text import encode, parse_fixture
from cachy.fixture.store.files import list_fixtures, read_text
from cachy.interaction import Json


def compare_files(
    old: Path,
    new: Path,
    baseline: Path | None = None,
    *,
    sdk: bool = True,
    headers: Sequence[str] = (),
) -> list[Change]:
    """Compare two files, or the files of the same name below two folders, as `compare` does.

    Raises:
        CachyError: a path that does not exist, a file that is not JSON, a file and a folder.
        NotComparable: two responses that cannot be compared.
    """
    for path in (old, new, *([baseline] if baseline else [])):
        if not path.exists():
            raise CachyError("does not exist", path=path, advice="Name a file or a folder.")
    if old.is_dir() != new.is_dir():
        raise CachyError(
            f"One of {old} and {new} is a folder, the other a file.",
            advice="Name two files, or two folders.",
        )
    if baseline and not baseline.is_dir():
        advice = "Name a folder of more recordings."
        raise CachyError("is a file", path=baseline, advice=advice)
    known = [load_document(path) for path in list_fixtures(baseline)] if baseline else []
    judge = partial(compare, baseline=known, sdk=sdk, headers=headers)
    if not old.is_dir():
        return _compare_pair(judge, old, new)
    return [
        replace(change, fixtures=(name,))
        for name in _shared(old, new)
        for change in _compare_pair(judge, old / name, new / name)
    ]


def _compare_pair(judge: Callable[..., list[Change]], old: Path, new: Path) -> list[Change]:
    try:
        return judge(load_document(old), load_document(new))
    except NotComparable as error:
        problem = f"cannot be compared with {old}: {error.problem}"
        raise NotComparable(problem, error.reason, path=new) from None


def _shared(old: Path, new: Path) -> Iterator[str]:
    names = [path.relative_to(old).as_posix() for path in list_fixtures(old)]
    shared = [name for name in names if (new / name).is_file()]
    if not shared:
        raise CachyError(
            f"{old} and {new} have no file name in common, so there is nothing to compare."
        )
    yield from shared


def load_document(path: Path) -> dict[str, Json]:
    """Return a fixture's document; any other JSON is read as the body of a response.

    Raises:
        CachyError: the file cannot be read, is not JSON, or is not a valid fixture.
    """
    text = read_text(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CachyError(f"is not valid JSON ({error})", path=path) from None
    if isinstance(value, dict) and "cachy" in value and "response" in value:
        return _whole(parse_fixture(text, str(path)), path)
    if is_too_deep(value, text):
        raise CachyError(f"is nested more than {DEEPEST} levels deep", path=path)
    return {"cachy": 1, "request": {}, "response": {"status": 200, "json": encode(value)}}


def _whole(document: dict[str, Json], path: Path) -> dict[str, Json]:
    if fault := find_fault(document):
        raise InvalidFixture(path, f"is not a valid fixture, {fault}")
    return document
