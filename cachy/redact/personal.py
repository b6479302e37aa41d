"""Personal data in a text: rules that the setting `redact` switches on by their names."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from cachy.redact.placeholders import placeholder


class Search(NamedTuple):
    """What the setting `redact` takes out of texts: a named rule, or a pattern of the user's."""

    kind: str
    pattern: re.Pattern[str]
    accepts: Callable[[re.Match[str]], bool]


# A value begins no word and no path; letters before it may belong to an escape, as in `\n`.
_START = r"(?:(?<![\w.%+/\\-])|(?<=\\[bfnrt]))"
_IN_URL = re.compile(r"://[^\s/?#]*$")
_EMAIL = rf"{_START}[\w.%+-]{{1,64}}@(?:[^\W_][\w-]{{0,62}}\.){{1,8}}[^\W\d_]{{2,24}}(?![\w-])"
_PHONE = (
    rf"{_START}(?:\+[0-9]{{1,3}}(?:[ .-]?\(?[0-9]{{1,4}}\)?){{2,5}}"
    r"|(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4})(?![\w-])"
)
_CARD = rf"{_START}[3-6][0-9]{{3}}(?:[ -]?[0-9]{{2,6}}){{2,4}}(?![\w.-]?[0-9A-Za-z])"
_IPV4 = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
_IPV6 = r"(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{4,39}"
_IP = rf"{_START}(?<!:)(?:{_IPV4}|{_IPV6})(?![\w:]|[.-]\w)"


def _is_in_no_url(match: re.Match[str]) -> bool:
    """Return whether an address is not the user of a URL, which has a rule of its own."""
    return not _IN_URL.search(match.string, max(0, match.start() - 256), match.start())


def _is_phone(match: re.Match[str]) -> bool:
    return 8 <= len(re.sub("[^0-9]", "", match[0])) <= 15  # ITU-T E.164


def _is_card(match: re.Match[str]) -> bool:
    """Return whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    digits = [*map(int, re.sub("[^0-9]", "", match[0]))]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    is_long = 14 <= len(digits) <= 19
    return is_long and len({*digits}) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_address(match: re.Match[str]) -> bool:
    """Return whether this is an address of a machine elsewhere."""
    from ipaddress import ip_address  # only for what looks like one

    try:
        found = ip_address(match[0])
    except ValueError:
        return False
    is_telling = found.version == 4 or len(re.sub("[^0-9A-Fa-f]", "", match[0])) > 4
    return is_telling and not (found.is_loopback or found.is_unspecified)


PERSONAL = {
    "email": (_EMAIL, _is_in_no_url),
    "phone": (_PHONE, _is_phone),
    "card": (_CARD, _is_card),
    "ip": (_IP, _is_address),
}
"""The rules by their names."""


@cache
def search_for(entry: str) -> Search:
    """Return the search that an entry of the setting `redact` stands for."""
    if entry in PERSONAL:
        pattern, accepts = PERSONAL[entry]
        return Search(entry, re.compile(pattern), accepts)
    return Search("custom", re.compile(entry), lambda match: bool(match[0]))


def take_out(text: str, search: Search, kinds: set[str]) -> str:
    """Return a text without what a search finds; `kinds` learns of what kind that was."""

    def replaced(match: re.Match[str]) -> str:
        if not search.accepts(match):
            return match[0]
        kinds.add(search.kind)
        return placeholder(search.kind)

    return search.pattern.sub(replaced, text)
