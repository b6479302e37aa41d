"""The settings of a folder: arguments before environment before pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cachy.config.check import check_kept_headers, check_table, parse_mode
from cachy.config.covered_hosts import base_url_hosts, endpoint_hosts, parse_doms
from cachy.config.project import find_project, read_table
from cachy.config.settings import Config, Mode
from cachy.display import shown_path
from cachy.errors import CachyError
from cachy.providers import DOMS

_ARGUMENT = "the mode argument"


def load_config(*starts: Path, environ: Mapping[str, str] = os.environ, **chosen: Any) -> Config:
    """Return the settings of the first of some folders (default: the working folder).

    `chosen` are arguments of the caller and win over everything else; None means not chosen.

    Raises:
        CachyError: an unknown key, a value of the wrong kind, a pyproject.toml that is not TOML.
    """
    root, pyproject = find_project([Path(os.path.abspath(start)) for start in starts or ("",)])
    table = read_table(pyproject) if pyproject else None
    settings = check_table(table, pyproject) if table and pyproject else {}
    where = f"mode in {shown_path(pyproject)}" if pyproject else ""
    given = _given(chosen)
    mode, mode_from = _mode(given.get("mode"), environ, settings.pop("mode", None), where)
    if settings.pop("base_urls", True):
        settings["base_url_hosts"] = base_url_hosts(environ)
        settings["endpoint_hosts"] = endpoint_hosts(environ)
    settings |= {key: value for key, value in given.items() if key != "mode"}
    settings["fixtures"] = _fixtures_folder(root, settings.get("fixtures"))
    if log := environ.get("CACHY_LOG"):
        settings["log"] = Path(log)
    settings["only"] = environ.get("CACHY_ONLY", "")
    settings |= {"mode": mode, "mode_from": mode_from, "has_table": table is not None}
    config = Config(root=root, chosen=given, **settings)
    return config._replace(doms=_covered(config, config.doms))


def config_at(folder: Path, around: Config) -> Config:
    """Return the settings of another folder's project, with what the caller chose for these.

    Raises:
        CachyError: the settings there are wrong.
    """
    root, pyproject = find_project([folder])
    is_other = pyproject is not None and root != around.root and read_table(pyproject) is not None
    return load_config(folder, **around.chosen) if is_other else around


def override(config: Config, **chosen: Any) -> Config:
    """Return settings with some of them changed; None means not chosen.

    Raises:
        CachyError: a mode or a host that is not one.
    """
    given = _given(chosen)
    if mode := given.get("mode"):
        given |= {"mode": _parse_mode(mode, _ARGUMENT), "mode_from": _ARGUMENT}
    if doms := given.get("doms"):
        given["doms"] = _covered(config, doms)
    return config._replace(**given, chosen={**config.chosen, **given})


def _given(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that the caller chose.

    Raises:
        CachyError: a header that is never stored, or is not one.
    """
    given = {key: value for key, value in chosen.items() if value is not None}
    try:
        check_kept_headers(list(given.get("hdrs", ())))
    except ValueError as error:
        raise CachyError(f"hdrs: {error}.") from None
    return given


def _covered(config: Config, doms: Sequence[str]) -> tuple[str, ...]:
    try:
        known = doms if doms is DOMS else parse_doms(doms)
    except ValueError as error:
        raise CachyError(f"doms: {error}.") from None
    added = (*config.extend_doms, *config.base_url_hosts, *config.alias)
    return tuple(dict.fromkeys((*known, *added))) if added else tuple(known)


def _mode(
    argument: str | Mode | None, environ: Mapping[str, str], configured: Mode | None, where: str
) -> tuple[Mode, str]:
    candidates = (
        (argument, _ARGUMENT),
        (environ.get("CACHY_MODE"), "CACHY_MODE"),
        (configured, where),
    )
    for value, source in candidates:
        if value:
            return _parse_mode(value, source), source
    return (Mode.REPLAY, "CI") if in_ci(environ) else (Mode.RECORD, "default")


def _parse_mode(value: str | Mode, source: str) -> Mode:
    try:
        return parse_mode(value)
    except ValueError as error:
        raise CachyError(f"{source}: {error}.") from None


def _fixtures_folder(root: Path, folder: str | os.PathLike[str] | None) -> Path:
    return Path(os.path.abspath(root / os.path.expanduser(folder or "cachy_fixtures")))


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether CI is set, as GitHub Actions, GitLab, CircleCI and most others do."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def current_test() -> str:
    """Return the id of the test that pytest is running, or ""."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def environment() -> dict[str, str]:
    """Return a copy of the environment, for rooms that take it as a value."""
    return dict(os.environ)
