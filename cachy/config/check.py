"""What each setting of `[tool.cachy]` may be; a row for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from cachy.config.covered_hosts import parse_alias, parse_dom, parse_doms
from cachy.config.settings import Drift, Match, Mode
from cachy.errors import CachyError
from cachy.interaction import Json
from cachy.providers.credential_headers import NEVER_STORED

Check = Callable[[Json], Any]
"""Returns a setting's value from the parsed TOML.

Raises:
    ValueError: it is of another kind; the message says what was expected.
"""


def check_table(table: Mapping[str, Json], pyproject: Path) -> dict[str, Any]:
    """Return the settings of a table by the names of their fields in `Config`.

    A dash in a key counts as an underscore.

    Raises:
        CachyError: an unknown key, or a value of the wrong kind.
    """
    settings: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name in SECTIONS:
            kind, rows = SECTIONS[name]
            settings[name] = kind(**_checked(value, rows, f"[tool.cachy.{name}]", pyproject))
        else:
            known = {**SETTINGS, **dict.fromkeys(SECTIONS)}
            settings |= _checked({key: value}, known, "[tool.cachy]", pyproject)
    if "pass" in settings:
        settings["passed"] = settings.pop("pass")  # `pass` is a word of Python's own
    return settings


def _checked(
    table: Json, rows: Mapping[str, Check | None], where: str, pyproject: Path
) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise CachyError(f"has a wrong {where}: expected a table, found {table!r}", path=pyproject)
    settings = {}
    for key, value in table.items():
        check = rows.get(key.replace("-", "_"))
        if check is None:
            _refuse_unknown(key, rows, where, pyproject)
        try:
            settings[key.replace("-", "_")] = check(value)
        except ValueError as error:
            problem = f"has a wrong {where} {key}: {error}"
            raise CachyError(problem, path=pyproject) from None
    return settings


def _refuse_unknown(key: str, known: Iterable[str], where: str, pyproject: Path) -> NoReturn:
    advice = suggest(key, known) or f"Known settings: {', '.join(sorted(known))}."
    raise CachyError(f"has an unknown setting {key!r} in {where}", path=pyproject, advice=advice)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'verify'?" where a known word is close; else nothing."""
    from difflib import get_close_matches  # only for a mistake

    spelled = {name.replace("-", "_"): name for name in known}
    close = get_close_matches(word.replace("-", "_").lower(), list(spelled), n=1)
    return f"Did you mean {spelled[close[0]]!r}?" if close else ""


def parse_mode(value: str | Mode) -> Mode:
    """Return the mode of a name.

    Raises:
        ValueError: there is no such mode.
    """
    return value if isinstance(value, Mode) else Mode(one_of(*(mode.value for mode in Mode))(value))


def one_of(*values: str) -> Check:
    """Return a check that accepts these strings only."""

    def check(value: Json) -> Any:
        if value in values:
            return value
        raise ValueError(f"{value!r} is not one of {', '.join(values)}")

    return check


def _typed(kind: type, name: str) -> Check:
    def check(value: Json) -> Any:
        if type(value) is kind:
            return value
        raise ValueError(f"expected {name}, found {value!r}")

    return check


def _list_of(kind: type, name: str, make: Callable[[list[Any]], Any]) -> Check:
    def check(value: Json) -> Any:
        if isinstance(value, list) and all(type(item) is kind for item in value):
            return make(value)
        raise ValueError(f"expected a list of {name}, found {value!r}")

    return check


text = _typed(str, "a string")
whole_number = _typed(int, "a whole number")
strings = _list_of(str, "strings", tuple)
whole_numbers = _list_of(int, "whole numbers", frozenset)


_SHARES = ("project", "module", "test")


def each(fault: Callable[[str], str]) -> Check:
    """Return a check of a list of strings; `fault` says what is wrong with one, or nothing."""

    def check(value: Json) -> Any:
        entries = strings(value)
        for number, entry in enumerate(entries, 1):
            if found := fault(entry):
                raise ValueError(f"entry {number}, '{entry}', {found}")
        return entries

    return check


def _share(value: Json) -> Any:
    if not isinstance(value, dict):
        return one_of(*_SHARES)(value)
    for host in value:
        parse_dom(host)
    return {str(host).lower(): one_of(*_SHARES)(item) for host, item in value.items()}


def _hosts(value: Json) -> tuple[str, ...]:
    return parse_doms(strings(value))


def string_table(value: Json) -> dict[str, str]:
    """Return a table of strings."""
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    raise ValueError(f"expected a table of strings, found {value!r}")


def _tables(value: Json) -> tuple[Mapping[str, Json], ...]:
    if isinstance(value, list):
        return tuple(value)  # drift itself checks its entries
    raise ValueError('expected a list, such as [{ rule = "…", reason = "…" }]')


def _pattern_fault(pattern: str) -> str:
    try:
        is_empty = re.compile(pattern).search("") is not None
    except (re.error, OverflowError, RecursionError) as error:
        literal = re.escape(pattern)
        return f"is not a regular expression: {error}. For the text itself write '{literal}'"
    return "also matches the empty text. Write what must be there, 'x+' for 'x*'" * is_empty


def _path_fault(path: str) -> str:
    advice = "Write it as 'metadata.run_id', 'messages[*].id', or '*.id' where the body is a list"
    return "" if re.fullmatch(_PATH, path) else f"is not a path of a body. {advice}"


# A parameter of the query, a path of a JSON body, or the name of a field such as user[nonce].
_STEPS = r"(?:\[[^\[\]]*\]|\.[^.\[\]]+)*"
_PATH = rf"\?.+|(?:(?:\$\.)?(?!\$[.\[]|\$$)[^.\[\]]+|\$?\[(?:\*|\d+)\]){_STEPS}"


def _module(value: Json) -> str:
    name = text(value)
    if all(part.isidentifier() for part in name.split(".")):
        return str(name)
    raise ValueError(f"{value!r} is not the name of a module; write it as 'tests.cachy_hooks'")


def _days(value: Json) -> Any:
    if whole_number(value) < 0:
        raise ValueError(f"expected a number of days from 0, found {value}")
    return value


def _statuses(value: Json) -> Any:
    found = whole_numbers(value)
    if wrong := sorted(status for status in found if not 100 <= status <= 599):
        raise ValueError(f"{wrong[0]} is not a status code from 100 to 599")
    return found


def _header_fault(name: str) -> str:
    is_name = re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)  # RFC 9110 section 5.1
    return "" if is_name else "is not the name of a header. Write it as 'x-request-id'"


def _kept_header_fault(name: str) -> str:
    """Return what is wrong with the name of a header that a fixture is to keep."""
    if name.lower() in NEVER_STORED:
        return "is never stored, as it proves or names an account. Remove it"
    if name.lower() in _OF_CONNECTIONS:
        return "is never stored, as it describes a connection that is gone. Remove it"
    return _header_fault(name)


_OF_CONNECTIONS = ("connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer")
check_kept_headers = each(_kept_header_fault)
"""Checks the setting `hdrs`."""


def _template_fault(path: str) -> str:
    is_path = path.startswith("/") and not re.search(r"[\s?#]", path)
    return "" if is_path else "is not a path. Write it as '/users/{user}'"


def _surface_fault(surface: str) -> str:
    is_surface = re.fullmatch(r"[^\s/:]+(?::\d+)?/\S*", surface)
    return (
        "" if is_surface else "is not a host with a path. Write it as 'api.example.com/jobs/{id}'"
    )


def _class_fault(name: str) -> str:
    is_class = "." in name and all(part.isidentifier() for part in name.split("."))
    return "" if is_class else "is not a class in a module. Write it as 'pkg.Class'"


def _host_table(value: Json) -> dict[str, str]:
    table = string_table(value)
    for host in table:
        parse_dom(host)
    return table


SETTINGS: dict[str, Check] = {
    "fixtures": text,
    "mode": parse_mode,
    "repeats": one_of("same", "sequence"),
    "share": _share,
    "keep": one_of("always", "passed"),
    "max_age": _days,
    "record_status": _statuses,
    "doms": _hosts,
    "extend_doms": _hosts,
    "alias": lambda value: parse_alias(string_table(value)),
    "uncovered": one_of("pass", "refuse"),
    "pass": _hosts,
    "base_urls": _typed(bool, "true or false"),
    "hdrs": check_kept_headers,
    "paths": each(_template_fault),
    "polling": each(_surface_fault),
    "transports": each(_class_fault),
    "hooks": _module,
    "vcr_marker": _typed(bool, "true or false"),
    "redact": each(_pattern_fault),
}
SECTIONS: dict[str, tuple[type, dict[str, Check]]] = {
    "match": (
        Match,
        {
            "ignore": each(_path_fault),
            "normalize": each(_pattern_fault),
            "headers": check_kept_headers,
        },
    ),
    "drift": (
        Drift,
        {
            "allow": strings,
            "skip": strings,
            "hosts": _host_table,
            "severity": string_table,
            "ignore": _tables,
        },
    ),
}
