"""Everything that a user can set: arguments, environment and `[tool.cachy]`, read once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal

from cachy.errors import CachyError
from cachy.interaction import Json
from cachy.providers import DOMS

Repeats = Literal["same", "sequence"]
Pair = tuple[str | re.Pattern[str], str | Callable[[re.Match[str]], str]]
"""A pattern and what takes the place of what it finds, as `re.sub` takes them."""


class Mode(Enum):
    """What happens to a request: see the README's table of modes."""

    RECORD = "record"
    REPLAY = "replay"
    REFRESH = "refresh"
    OFF = "off"


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """`[tool.cachy.match]`: what two equal requests may differ in, beyond cachy's own rules."""

    ignore: tuple[str, ...] = ()  # JSON paths of the body, e.g. "metadata.run_id"
    # Regular expressions; every match becomes one placeholder, or what the pair says.
    normalize: tuple[str | Pair, ...] = ()
    headers: tuple[str, ...] = ()  # request headers that belong to the fingerprint


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """`[tool.cachy.drift]`: what may be re-sent, and how changes are judged."""

    allow: tuple[str, ...] = ()  # "GET api.example.com/v1/users", "POST localhost:8000/*"
    hosts: Mapping[str, str] = field(default_factory=dict)  # exact host -> "header: ${ENV_NAME}"
    severity: Mapping[str, str] = field(default_factory=dict)  # rule -> severity
    ignore: tuple[Mapping[str, Json], ...] = ()  # {rule, surface, path, until, reason}


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """One project's settings; `root` is the folder that they were found in."""

    root: Path = field(default_factory=Path.cwd)
    fixtures: Path = Path("cachy_fixtures")
    mode: Mode = Mode.RECORD
    mode_from: str = "default"
    doms: tuple[str, ...] = DOMS
    hdrs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    polling: tuple[str, ...] = ()
    repeats: Repeats | None = None  # None: nobody chose; "same", in a test's scope "sequence"
    record_status: frozenset[int] = frozenset()
    redact: tuple[str, ...] = ()
    max_age: int | None = None  # days
    only: str = ""  # a glob: requests of other fixtures never go live
    debug: bool | Literal["miss"] = False
    log: Path | None = None
    match: Match = field(default_factory=Match)
    drift: Drift = field(default_factory=Drift)


def load_config(start: Path | None = None, **chosen: Any) -> Config:
    """Read the settings that hold at `start` (default: the working folder).

    `chosen` are arguments of the caller and win over everything else; None means not chosen.

    Raises:
        CachyError: an unknown key, a value of the wrong type, a pyproject that is no TOML.
    """
    base = (start or Path.cwd()).absolute()
    root, pyproject = find_root(base)
    table = dict(_read_table(pyproject)) if pyproject else {}
    where = str(pyproject) if pyproject else "pyproject.toml"
    settings = _checked(table, where)
    mode, mode_from = _mode(chosen.pop("mode", None), settings.pop("mode", None), where)
    settings.update({key: value for key, value in chosen.items() if value is not None})
    settings["fixtures"] = _fixtures_folder(root, settings.get("fixtures"))
    if log := os.environ.get("CACHY_LOG"):
        settings["log"] = Path(log)
    settings["only"] = os.environ.get("CACHY_ONLY", "")
    config = Config(root=root, mode=mode, mode_from=mode_from, **settings)
    return replace(config, doms=tuple(check_dom(dom) for dom in config.doms))


def override(config: Config, **chosen: Any) -> Config:
    """Change what is chosen of settings that hold already; None means not chosen.

    Raises:
        CachyError: a mode or a host that is none.
    """
    given = {key: value for key, value in chosen.items() if value is not None}
    if mode := given.get("mode"):
        given |= {"mode": parse_mode(mode, _ARGUMENT), "mode_from": _ARGUMENT}
    if doms := given.get("doms"):
        given["doms"] = tuple(check_dom(dom) for dom in doms)
    return replace(config, **given)


def find_root(start: Path) -> tuple[Path, Path | None]:
    """Find the project's folder: the nearest pyproject.toml, else .git, else `start` itself."""
    for marker in ("pyproject.toml", ".git"):
        for folder in (start, *start.parents):
            if (folder / marker).exists():
                return folder, (folder / marker if marker == "pyproject.toml" else None)
    return start, None


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether CI is set, as GitHub Actions, GitLab, CircleCI and most others do."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def current_test() -> str:
    """Name the test that pytest is running, or give an empty string."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def check_dom(dom: str) -> str:
    """Return a host pattern in lower case.

    Raises:
        CachyError: it holds a scheme, a path or a space; the message says what to write.
    """
    if isinstance(dom, str) and dom and not any(sign in dom for sign in "/ ?#@\\"):
        return dom.lower().removeprefix("*.")
    host = str(dom).strip().split("://")[-1].split("/")[0].split("@")[-1] or "api.example.com"
    raise CachyError(f"doms: {dom!r} is no host. Write {host!r} (a host, or host:port, or '*').")


def is_covered(host: str, port: int | None, doms: Sequence[str]) -> bool:
    """Whether a host pattern covers this host: itself, or a host below it at a dot."""
    return any(_covers(dom, host, port) for dom in doms)


def _covers(dom: str, host: str, port: int | None) -> bool:
    name, colon, wanted = dom.rpartition(":")
    if colon and wanted.isdigit() and (name.endswith("]") or ":" not in name):
        return str(port) == wanted and _covers(name, host, None)
    return dom == "*" or host == dom or host.endswith("." + dom)


_ARGUMENT = "the mode argument"


def _mode(argument: str | Mode | None, configured: str | None, where: str) -> tuple[Mode, str]:
    candidates = (
        (argument, _ARGUMENT),
        (os.environ.get("CACHY_MODE"), "CACHY_MODE"),
        (configured, f"mode in {where}"),
    )
    for value, source in candidates:
        if value:
            return parse_mode(value, source), source
    return (Mode.REPLAY, "CI") if in_ci() else (Mode.RECORD, "default")


_NOT_LASTING = frozenset({401, 403, 407, 408, 425, 429})


def is_recorded(status: int, config: Config) -> bool:
    """Whether an answer of this status is recorded: 2xx, 3xx, and 4xx that would last."""
    return status in config.record_status or (200 <= status < 500 and status not in _NOT_LASTING)


def parse_mode(value: str | Mode, source: str) -> Mode:
    """Turn a mode's name into the mode; CachyError names the four where it is none."""
    try:
        return Mode(value)
    except ValueError:
        known = ", ".join(mode.value for mode in Mode)
        raise CachyError(f"{source}: {value!r} is no mode. Choose one of: {known}.") from None


def _fixtures_folder(root: Path, folder: str | os.PathLike[str] | None) -> Path:
    return Path(os.path.abspath(root / os.path.expanduser(folder or "cachy_fixtures")))


@cache
def _read_table_at(pyproject: Path, changed: int) -> Mapping[str, Json]:
    text = _read_text(pyproject)
    if "tool.cachy" not in text.replace(" ", ""):
        return {}
    table = parse_pyproject(pyproject).get("tool", {}).get("cachy", {})
    return table if isinstance(table, dict) else {}


def parse_pyproject(pyproject: Path) -> dict[str, Any]:
    """Read a pyproject.toml whole.

    Raises:
        CachyError: it is no TOML, or can't be read.
    """
    import tomllib  # only a project that configures cachy pays for the parser

    try:
        return tomllib.loads(_read_text(pyproject))
    except tomllib.TOMLDecodeError as error:
        raise CachyError(f"{pyproject} is no valid TOML: {error}. Mend it there.") from None


def _read_text(pyproject: Path) -> str:
    try:
        return pyproject.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CachyError(f"{pyproject} can't be read: {error}. Mend it there.") from None


def _read_table(pyproject: Path) -> Mapping[str, Json]:
    return _read_table_at(pyproject, pyproject.stat().st_mtime_ns)


_LISTS = {"doms", "hdrs", "paths", "polling", "redact"}
_SECTIONS: dict[str, type] = {"match": Match, "drift": Drift}
_OTHER = {"fixtures": str, "mode": str, "repeats": str, "max_age": int}


def _checked(table: dict[str, Json], where: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key, value in table.items():
        at = f"[tool.cachy] {key} in {where}"
        if key in _SECTIONS:
            settings[key] = _section(_SECTIONS[key], value, f"[tool.cachy.{key}] in {where}")
        elif key in _LISTS:
            settings[key] = _entries(key, value, at)
        elif key == "record_status":
            settings[key] = frozenset(_integers(value, at))
        elif key in _OTHER:
            settings[key] = _typed(value, _OTHER[key], at)
        else:
            known = ", ".join(sorted({*_LISTS, *_SECTIONS, *_OTHER, "record_status"}))
            raise CachyError(f"{at}: no such setting. Known: {known}.")
    if settings.get("repeats", "same") not in ("same", "sequence"):
        raise CachyError(f"[tool.cachy] repeats in {where}: write 'same' or 'sequence'.")
    return settings


def _section(kind: type, value: Json, at: str) -> Any:
    known = {entry.name: entry for entry in fields(kind)}
    for key in _typed(value, dict, at):
        if key not in known:
            raise CachyError(f"{at}: no such setting {key!r}. Known: {', '.join(sorted(known))}.")
    return kind(**{key: _section_value(kind, key, part, at) for key, part in value.items()})


def _section_value(kind: type, key: str, value: Json, at: str) -> Any:
    if key in ("hosts", "severity"):
        table = _typed(value, dict, f"{at}, {key}")
        return {str(name): _typed(entry, str, f"{at}, {key}") for name, entry in table.items()}
    if kind is Drift and key == "ignore":
        if not isinstance(value, list):
            raise CachyError(f'{at}, ignore: write a list, [{{ rule = "…", reason = "…" }}].')
        return tuple(value)  # drift itself looks at its entries
    return _entries(key if kind is Match else "", value, f"{at}, {key}")


def _entries(key: str, value: Json, at: str) -> tuple[str, ...]:
    """Read a list, and refuse an entry that would fail or do nothing where it is used."""
    entries = _strings(value, at)
    for number, entry in enumerate(entries if key in _FAULTS else (), 1):
        if fault := _FAULTS[key](entry):
            raise CachyError(f"{at}: entry {number}, '{entry}', {fault}")
    return entries


def _pattern_fault(pattern: str) -> str:
    try:
        is_empty = re.compile(pattern).search("") is not None
    except (re.error, OverflowError, RecursionError) as error:
        meant = re.escape(pattern)
        return f"is no regular expression: {error}. For the text itself write '{meant}'."
    return "also finds the empty text. Write what must be there, 'x+' for 'x*'." * is_empty


def _path_fault(path: str) -> str:
    advice = "Write it as 'metadata.run_id', 'messages[*].id', or '*.id' where the body is a list."
    return "" if re.fullmatch(_PATH, path) else f"is no path of a body. {advice}"


_PATH = r"(?:\$\.)?(?!\$[.\[]|\$$)[^.\[\]]+(?:\[\*\]|\.[^.\[\]]+)*"
_FAULTS = {"redact": _pattern_fault, "normalize": _pattern_fault, "ignore": _path_fault}


def _strings(value: Json, at: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise CachyError(f"{at}: expected a list of strings, found {value!r}.")


def _integers(value: Json, at: str) -> tuple[int, ...]:
    if isinstance(value, list) and all(type(item) is int for item in value):
        return tuple(value)
    raise CachyError(f"{at}: expected a list of whole numbers, found {value!r}.")


def _typed(value: Json, kind: type, at: str) -> Any:
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    names = {str: "a string", int: "a whole number", dict: "a table"}
    raise CachyError(f"{at}: expected {names[kind]}, found {value!r}.")


def environment() -> dict[str, str]:
    """Give a copy of the environment, for rooms that take it as a value."""
    return dict(os.environ)
