"""Which keys of an object are data (ids, dates, codes, names) and so make it a map."""

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
    | (?=[a-z]{2,12}[_-]\w*\d)[a-z]{2,12}[_-][A-Za-z0-9]{12,}  # ids with a prefix
    | (?=.*[A-Z])(?=.*[a-z])(?=\D*\d+\D+\d)[A-Za-z0-9_-]{10,}  # ids as base64 or base62
    | (?=[^-]*-)(?=.*\d)[A-Za-z][\w.]*(?:-[\w.]+)+      # names of models and releases: gpt-4o-mini
    | [a-z]{2}[-_][A-Z]{2}                              # locales
    | https?://.* | (?!@)[^@\s]+@[^@\s]+                # URLs, e-mail addresses
    | [^/]+/[^/].* | /.*                                # owner/name, paths
    | (?!_)[\w-]+\.[\w.-]+                              # files, host names, versions
    | .{81,} | .*[\r\n].*
    """,
    re.VERBOSE | re.DOTALL,
)
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,4}(?:[_/-][A-Z0-9]{2,5})?")  # currencies, countries, tickers
_NAME = re.compile(r"[A-Za-z_$@][\w$@:.-]*")
_ACRONYMS = frozenset(
    {"ID", "IDS", "URL", "URI", "IP", "API", "KEY", "NAME", "TYPE", "CODE", "UUID"}
)
_MONTHS = "january february march april may june july august september october november december"
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_CALENDAR = frozenset(
    short for name in (_MONTHS + " " + _DAYS).split() for short in (name, name[:3])
)
# ISO 639-1, the codes of languages that APIs translate into most; those that are words are not.
_LANGUAGES = frozenset(
    [
        "ar",
        "bg",
        "bn",
        "ca",
        "cs",
        "cy",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "eu",
        "fa",
        "fi",
        "fr",
        "ga",
        "gl",
        "gu",
        "he",
        "hi",
        "hr",
        "hu",
        "hy",
        "ja",
        "ka",
        "kk",
        "km",
        "kn",
        "ko",
        "lt",
        "lv",
        "mk",
        "ml",
        "mn",
        "mr",
        "ms",
        "nl",
        "pl",
        "pt",
        "pa",
        "ro",
        "ru",
        "sk",
        "sl",
        "sq",
        "sr",
        "sv",
        "sw",
        "ta",
        "te",
        "th",
        "tl",
        "tr",
        "uk",
        "ur",
        "uz",
        "vi",
        "zh",
    ]
)


@lru_cache(maxsize=4096)
def is_data_key(key: str) -> bool:
    """Whether a key alone shows that it is data and not the name of a field."""
    if key.startswith(("$", "@", "_")) or key.startswith("odata."):
        return False
    return _DATA_KEY.fullmatch(key) is not None


def are_data_keys(keys: Iterable[str]) -> bool:
    """Whether all keys of an object are data: each by itself, or all of one list of names."""
    names = [*keys]
    if all(map(is_data_key, names)):
        return bool(names)
    if len(names) < 2:
        return False
    return (
        (all(map(_CODE.fullmatch, names)) and _ACRONYMS.isdisjoint(names))
        or _LANGUAGES.issuperset(names)
        or _CALENDAR.issuperset(name.lower() for name in names)
    )


def are_mostly_data_keys(keys: Iterable[str]) -> bool:
    """Whether at least half of some keys are data, or no names that a program would choose."""
    names = [*keys]
    data = [name for name in names if is_data_key(name) or not _NAME.fullmatch(name)]
    return bool(names) and 2 * len(data) >= len(names)
