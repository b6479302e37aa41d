"""Fixtures that are too large to be kept in memory: read again when needed, and in short."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from cachy.fixture.format.text import parse_fixture
from cachy.fixture.store.files import read_text
from cachy.interaction import Fixture, Json
from cachy.structure.skeleton import outline_of_value

LARGE = 256 * 1024  # bytes of a file or a body
_SHORT = 64  # items of a list that is kept whole
_ALIKE = 2  # items of one structure that are kept, besides the first and the last ones
_MOST = 256  # items that are kept at all
_Item = TypeVar("_Item")


class LargeDocument(Mapping[str, Json]):
    """A large fixture's document: its file is read again for what is needed of it.

    The one that was read last stays in memory, whichever it was.
    """

    _last: tuple[Path, Mapping[str, Json]] | None = None

    def __init__(self, path: Path, document: Mapping[str, Json]) -> None:
        self._path = path
        self._kept = {key: item for key, item in document.items() if _is_small(item)}
        self._names = tuple(document)

    def __getitem__(self, name: str) -> Json:
        return self._kept[name] if name in self._kept else self._load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _load(self) -> Mapping[str, Json]:
        last = LargeDocument._last
        if last is None or last[0] != self._path:
            LargeDocument._last = None  # before the next one is read
            last = self._path, parse_fixture(read_text(self._path), str(self._path))
            LargeDocument._last = last
        return last[1]


def _is_small(value: Json) -> bool:
    return len(json.dumps(value)) < LARGE // 4


def keep_small(fixture: Fixture) -> Fixture:
    """Return a fixture that may be kept in memory: a large one reads its file again."""
    path = fixture.path
    if path is None or not path.is_file() or path.stat().st_size <= LARGE:
        return fixture
    return Fixture(LargeDocument(path, fixture.document), path)


def in_short(fixture: Fixture) -> Fixture:
    """Return a fixture of whose response as much is left as its structure needs.

    Of a long list there remain its first and last items, and some of each structure; of a vector
    its length. Of a large request its method and its URL remain.
    """
    request, response = fixture.request, _shortened(fixture.response)
    if not _is_small(request):
        request = {name: request[name] for name in ("method", "url")}
    return fixture._replace(document={**fixture.document, "request": request, "response": response})


def _shortened(value: Json) -> Json:
    if isinstance(value, dict):
        kept = _telling([*value.items()]) if len(value) > _MOST else value.items()
        return {key: _shortened(item) for key, item in kept}
    if not isinstance(value, list):
        return value
    if len(value) > _SHORT and set(map(type, value)) <= {int, float}:
        fraction = next((item for item in value if item % 1), value[0])
        return [fraction] * len(value)
    return [_shortened(item) for item in _telling(value)]


def _telling(items: Sequence[_Item]) -> list[_Item]:
    """Return the first and the last items, and some of each structure between them."""
    if len(items) <= _SHORT:
        return [*items]
    half, seen = _SHORT // 2, Counter[Hashable]()
    kept = [*items[:half]]
    for item in items[half:-half]:
        kind = outline_of_value(item[1] if isinstance(item, tuple) else item, "")
        if seen[kind] < _ALIKE and len(kept) < _MOST:
            seen[kind] += 1
            kept.append(item)
    return [*kept, *items[-half:]]
