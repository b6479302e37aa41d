"""Where pytest-recording and pytest-vcr keep a test's cassettes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cachy.config import Config
from cachy.importers.playback import BODY_MATCHERS, Playback

_SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".yaml.gz", ".yml.gz")
_NO_FILE_NAME = str.maketrans(dict.fromkeys("<>?%*:|\\\"'/", "-"))


def open_cassettes(item: pytest.Item, config: Config) -> Playback:
    """Read a test's cassettes."""
    given = _fixture(item, "vcr_config")
    settings = dict(given) if isinstance(given, Mapping) else {}  # cassetter has an object too
    for marker in reversed([*item.iter_markers("vcr")]):
        settings |= marker.kwargs
    dropped = settings.get("filter_query_parameters") or ()
    return Playback(
        config,
        [*_find_files(item)],
        frozenset(one if isinstance(one, str) else one[0] for one in dropped),
        bool(settings.get("allow_playback_repeats")),
        not BODY_MATCHERS.isdisjoint(settings.get("match_on") or ()),
    )


def _find_files(item: pytest.Item) -> Iterator[Path]:
    folders = [Path(folder) for folder in _folders(item)]
    names = [_default_name(item)]
    names += [str(name) for marker in item.iter_markers("vcr") for name in marker.args]
    for name in dict.fromkeys(names):
        found = [path for folder in folders for path in _spelled(folder / name) if path.is_file()]
        yield from found[:1]


def _spelled(path: Path) -> list[Path]:
    """Return a cassette's path, with each ending that a recorder gives it."""
    return [path, *(path.with_name(path.name + suffix) for suffix in _SUFFIXES)]


def _folders(item: pytest.Item) -> list[str]:
    if folder := _fixture(item, "vcr_cassette_dir"):
        there = item.path.parent / folder  # where cassetter looks for a relative one
        return [str(folder), str(there / item.path.stem), str(there)]
    beside = item.path.parent / "cassettes"
    return [str(beside / item.path.stem), str(beside)]


def _default_name(item: pytest.Item) -> str:
    marker = item.get_closest_marker("default_cassette")
    if marker is not None and marker.args:
        return str(marker.args[0])
    for name in ("default_cassette_name", "vcr_cassette_name"):
        if found := _fixture(item, name):
            return str(found)
    owner = getattr(item, "cls", None)
    return (f"{owner.__name__}.{item.name}" if owner else item.name).translate(_NO_FILE_NAME)


def _fixture(item: pytest.Item, name: str) -> Any:
    """Return the value of a pytest fixture, if the test's project or a plugin has it."""
    request: Any = getattr(item, "_request", None)
    manager: Any = item.session._fixturemanager
    if request is None or not manager.getfixturedefs(name, item):
        return None
    return request.getfixturevalue(name)
