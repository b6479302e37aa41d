"""Which keys of an object are data (ids, dates, codes, names), so that the object is a map."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_DATA_KEY = re.compile(
    r"""
    [+-]?\d[\d.,:/+-]*[%a-z]{0,3}                       # numbers, ranges, dates, times, 24h
    | \d{4}-\d\d-\d\dT.*                                # RFC 3339
    | \d{4}-?[QWH]\d{1,2}                               # quarters, weeks, half-years
    | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}       # UUIDs
    | (?=[a-f]*\d)[0-9a-f]{7,}                          # hashes
    | [a-z]\w{0,3}_[a-z0-9]*\d[a-z][a-z0-9]*             # short ids with a prefix: t5_2t5o6
    | (?=[a-z]{2,12}[_-]\w*\d)[a-z]{2,12}[_-][A-Za-z0-9]{12,}  # ids with a prefix
    | [a-z]{2,8}_(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{7,}      # the same without a digit: cus_Nffrfeua
    | 0x[0-9a-fA-F]{4,} | [A-Za-z]+:\w*\d[\w:-]*        # addresses, keys of a store: user:12
    | [QH]\d[ -]?\d{4}                                  # quarters and half-years: Q1 2026
    | (?=.*[A-Z])(?=.*[a-z])(?=\D*\d+\D+\d)[A-Za-z0-9_-]{10,}  # ids as base64 or base62
    | (?=[^-]*-)(?=.*\d)[A-Za-z][\w.]*(?:-[\w.]+)+      # names of models and releases: gpt-4o-mini
    | (?=(?:[^\d]*\d){2})(?=.*[A-Z])[A-Z0-9]{8,}        # ids in capitals
    | [A-Za-z]+_\d{4,}                                  # customfield_10010
    | [a-z]{2}(?:-[A-Z][A-Za-z]{1,3}|_[A-Z]{2})         # locales
    | https?://.* | (?!@)[^@\s]+@[^@\s]+                # URLs, e-mail addresses
    | [^/]+/[^/].* | /.*                                # owner/name, paths
    | (?!_)[\w-]+\.[\w.-]+                              # files, host names, versions
    | .{81,} | .*[\r\n].*
    """,
    re.VERBOSE | re.DOTALL,
)
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,8}|[A-Z0-9]{2,5}[_/-][A-Z0-9]{2,5}")  # currencies, tickers
_NAME = re.compile(r"[A-Za-z_$@][\w$@:.-]*")
_ACRONYMS = frozenset(
    {"ID", "IDS", "URL", "URI", "IP", "API", "KEY", "NAME", "TYPE", "CODE", "UUID"}
)
_MONTHS = "january february march april may june july august september october november december"
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_CALENDAR = frozenset(
    short for name in (_MONTHS + " " + _DAYS).split() for short in (name, name[:3])
)
# Names of fields that have two letters; most of the other such words are codes of languages and
# countries.
_WORDS = (
    "id ip ok to by at on in is as of op or up no so gt lt eq ne ge le ts ms dt km mi mm cm kg lb "
    "hd sd sm md lg xs xl qr tz db vs os ai tv am pm lo hi"
)
_FIELDS = frozenset(_WORDS.split())
_SHORT = re.compile(r"[a-z]{2}(?:-[A-Za-z]{2,4}|_[A-Z]{2})?")  # languages, countries, locales


_MINTED = re.compile(r"(?=[a-z0-9]*\d[a-z])[a-z0-9]{4,12}")  # short ids without a prefix: em7z


def is_minted(key: str) -> bool:
    """Return whether a key may be a short id; few fields have such a name ("md5sum")."""
    return _MINTED.fullmatch(key) is not None


@lru_cache(maxsize=4096)
def is_data_key(key: str) -> bool:
    """Return whether a key alone shows that it is data and not the name of a field."""
    if key.startswith(("$", "@", "_")) or key.startswith("odata."):
        return False
    return _DATA_KEY.fullmatch(key) is not None


def are_data_keys(keys: Iterable[str]) -> bool:
    """Return whether each of an object's keys shows that it is data."""
    names = [*keys]
    return bool(names) and all(map(is_data_key, names))


def are_codes(keys: Iterable[str]) -> bool:
    """Return whether an object's keys are codes or days: data if all values are of one type."""
    names = [*keys]
    if len(names) < 2:
        return False
    if all(map(_CODE.fullmatch, names)):
        return _ACRONYMS.isdisjoint(names)
    if all(map(_SHORT.fullmatch, names)):
        return 2 * len(_FIELDS.intersection(names)) < len(names)
    return all(name.lower() in _CALENDAR for name in names)


def are_mostly_data_keys(keys: Iterable[str]) -> bool:
    """Return whether half of some keys or more are data, or none looks like a field's name."""
    names = [*keys]
    data = [name for name in names if is_data_key(name) or not _NAME.fullmatch(name)]
    return bool(names) and 2 * len(data) >= len(names)
