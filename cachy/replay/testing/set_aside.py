"""What tests recorded that failed: with `keep = "passed"` it waits beside the fixtures.

The first request that nothing else answers takes it back, so that nothing is paid for twice; a
test that fails again sets it aside again. In CI everything stays where it is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cachy.config import Config, Mode, in_ci
from cachy.errors import CachyError
from cachy.fixture.format.blobs import FOLDER as BLOBS
from cachy.fixture.format.blobs import blob_names
from cachy.fixture.store.atomic_write import replace_file
from cachy.fixture.store.files import refuse_outside
from cachy.fixture.store.scratch import FOLDER, open_aside
from cachy.fixture.store.store import load_fixture
from cachy.replay.owner import Owner, current_owner
from cachy.replay.process import PROCESS

FAILED = "failed"
"""The folder below `.cachy`; what it holds lies as in the folder of fixtures."""


class Written(NamedTuple):
    """A fixture that a test has recorded or taken back, and what was there before."""

    owner: Owner | None
    config: Config
    path: Path
    blobs: tuple[Path, ...] = ()  # those that were not there before
    former: bytes | None = None


def before_writing(config: Config, former: str | None, blobs: Mapping[str, bytes]) -> Written:
    """Return what a test's recording will replace."""
    places = [config.fixtures / BLOBS / name for name in blobs]
    new = tuple(path for path in places if not path.exists())
    is_replaced = former is not None and is_apart(config)
    before = Path(former or "").read_bytes() if is_replaced else None
    return Written(current_owner(), config, Path(), new, before)


def is_apart(config: Config) -> bool:
    """Return whether what failed tests record is set aside."""
    return config.keep == "passed" and not in_ci()


def set_aside(written: Written) -> bool:
    """Move a recording out of the fixtures; return False where it is not there any more.

    Raises:
        CachyError: the disk refuses.
    """
    root, path = written.config.fixtures, written.path
    if not path.is_file():
        return False
    try:
        aside = open_aside(root)
        for one in (*written.blobs, path):
            target = aside / FAILED / one.relative_to(root)
            refuse_outside(target.parent, root)
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                os.replace(one, target)
        if written.former is not None:
            replace_file(path, written.former, aside)
    except OSError as error:
        raise CachyError(f"cannot be set aside: {error.strerror}", path=path) from None
    return True


def take_back(config: Config, path: str) -> bool:
    """Move a recording that was set aside to its place; return whether there was one."""
    if not is_apart(config) or config.mode is Mode.REFRESH:
        return False
    root, target = config.fixtures, Path(path)
    source = root / FOLDER / FAILED / target.relative_to(root)
    if not source.is_file():
        return False
    try:
        refuse_outside(source, root)
        refuse_outside(target.parent, root)
        moved = tuple(_take_blobs(source, root))
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
    except (CachyError, OSError):  # it is recorded again
        return False
    PROCESS.written.append(Written(current_owner(), config, target, moved))
    return True


def _take_blobs(source: Path, root: Path) -> Iterator[Path]:
    for name in set(blob_names(load_fixture(source).document)):
        waiting, target = root / FOLDER / FAILED / BLOBS / name, root / BLOBS / name
        if waiting.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(waiting, target)
            yield target
