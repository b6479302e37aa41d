"""Which project a command is about."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cachy.config import Config, load_config
from cachy.display import shown_path
from cachy.errors import CachyError


def config_of(paths: Sequence[Path]) -> Config:
    """Return the settings of the project that some paths are in, by default the working folder.

    Raises:
        CachyError: the paths are in several projects, or the settings are wrong.
    """
    whole = [Path(os.path.abspath(path)) for path in paths]  # ".." is in no folder below it
    folders = [path if path.is_dir() else path.parent for path in whole]
    configs = {config.root: config for config in map(load_config, folders or [Path.cwd()])}
    if len(configs) > 1:
        roots = ", ".join(map(shown_path, configs))
        advice = "Run the command once for each."
        raise CachyError(f"the paths are in {len(configs)} projects: {roots}", advice=advice)
    return next(iter(configs.values()))


def below_fixtures(path: Path | None, config: Config) -> Path:
    """Return the folder or file of fixtures that a path means: a path beside them means all."""
    whole = Path(os.path.abspath(path or config.fixtures))
    return whole if whole.is_relative_to(config.fixtures) else config.fixtures
