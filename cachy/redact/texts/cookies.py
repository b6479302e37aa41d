"""Cookies: their names and attributes stay, their values do not."""

from __future__ import annotations

import re

from cachy.redact.placeholders import is_placeholder, placeholder


def redact_cookies(name: str, value: str) -> str:
    """Return a cookie header with its values redacted; names and attributes stay."""
    if name.lower().replace("_", "-").endswith("set-cookie"):
        return ",".join(map(_redact_set_cookie, split_set_cookies(value)))
    return ";".join(map(_redact_cookie, value.split(";")))


# A comma before a name, as HTTP clients fold several headers into one; a date has one too, and so
# may a value in quotes.
_COOKIE = re.compile(r"""(?:="[^"]*"|[^,]|,(?![ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+=))++""")
_PAIR = re.compile(r"""[^=;]*="[^"]*"|[^;]*""")


def split_set_cookies(value: str) -> list[str]:
    """Return the cookies of a `set-cookie` header, into which several may be folded."""
    return _COOKIE.findall(value)


def _redact_set_cookie(cookie: str) -> str:
    pair = _PAIR.match(cookie)
    end = pair.end() if pair else 0
    return _redact_cookie(cookie[:end]) + cookie[end:]


def _redact_cookie(cookie: str) -> str:
    name, sign, value = cookie.partition("=")
    hidden = value if sign else name
    if not hidden.strip() or is_placeholder(hidden.strip()):
        return cookie
    return f"{name}={placeholder('cookie')}" if sign else placeholder("cookie")
