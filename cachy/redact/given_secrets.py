"""Secrets in responses of this process, recognised in later requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from urllib.parse import unquote

from cachy.interaction import Request
from cachy.redact.environment import redact_value_bytes, redact_values
from cachy.redact.names import is_minted
from cachy.redact.placeholders import PLACEHOLDER
from cachy.redact.redact_text import redact_text
from cachy.redact.shapes import class_changes

_SHORTEST = 12
_LONGEST = 128  # characters; longer ones are known by their shape or by the environment
_WORD = re.compile(r"[A-Za-z0-9_.~+/=|:-]+")


class GivenSecrets:
    """Values that a field's name made secret in a response, and their placeholders.

    A program may send them where no name marks them, as in "use tok_Zx91…".
    """

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._all: set[str] = set()

    def gave(self, value: str) -> bool:
        """Return whether a response contained this value as a secret, and its request did not."""
        return value in self._all

    def remember(self, taken: Mapping[str, str], request: Request | None = None) -> None:
        """Remember the values that look generated; others may occur anywhere by chance.

        `request` is the one that was answered: what it contained, the response did not give. Values
        of a known shape are left out: every process redacts them by their shape.
        """
        self._all.update(value for value in taken if not _has(request, value))
        found = {
            value: mark
            for value, mark in taken.items()
            if _is_telling(value) and redact_text(value) == value
        }
        self._marks = {**self._marks, **found} if found else self._marks

    def by_mark(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each placeholder and its values, the longest first."""
        marks = self._marks
        for mark in dict.fromkeys(marks.values()):
            values = [value for value, its in marks.items() if its == mark]
            yield mark, tuple(sorted(values, key=len, reverse=True))

    def take_out(self, request: Request) -> Request:
        """Return a request without these values; the same object if it has none."""
        for mark, values in self.by_mark():
            url = _url_without(request.url, values, mark)
            body = _without(request.body, values, mark)
            if (url, body) != (request.url, request.body):
                request = request._replace(url=url, body=body)
        return request


def _has(request: Request | None, value: str) -> bool:
    if request is None:
        return False
    texts = (request.url, unquote(request.url), *(text for _, text in request.headers))
    return any(value in text for text in texts) or value.encode() in request.body


def _url_without(url: str, values: tuple[str, ...], mark: str) -> str:
    """Redact what follows the host: a user there is never written, and may have no brackets."""
    start = _TO_PATH.match(url)
    at = start.end() if start else 0
    return url[:at] + redact_values(_without_longer(url[at:], values), values, mark)


_TO_PATH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*/?")


def _without(body: bytes, values: tuple[str, ...], mark: str) -> bytes:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return redact_value_bytes(body, values, mark)
    clean = redact_values(_without_longer(text, values), values, mark)
    return body if clean == text else clean.encode("utf-8")


def _without_longer(text: str, values: tuple[str, ...]) -> str:
    """Return a text without the keys that hold one of these values: it would hide their shape."""
    for value in values:
        if value in text:
            word = rf"[\w.~+/%-]*{re.escape(value)}[\w.~+/%=-]*"
            text = re.sub(word, partial(_without_key, value), text)
    return text


def _without_key(value: str, word: re.Match[str]) -> str:
    clean = redact_text(word[0])
    return word[0] if value in clean else clean


def _is_telling(value: str) -> bool:
    """Return whether a value is long and mixed enough to be recognised anywhere."""
    if (
        not _SHORTEST <= len(value) <= _LONGEST
        or not _WORD.fullmatch(value)
        or PLACEHOLDER.search(value)
    ):
        return False
    has = [re.search(letters, value) is not None for letters in ("[A-Z]", "[a-z]", "[0-9]")]
    return all(has) or is_minted(value) or (has[2] and class_changes(value) >= 4)


def find_placeholder(request: Request) -> str:
    """Return the first of cachy's placeholders in a request; "" for none."""
    body = request.body.decode("utf-8", "replace")
    for text in (request.url, *(value for _, value in request.headers), body):
        if found := _OURS.search(unquote(text) if "%5" in text else text):
            return found[0]
    return ""


_OURS = re.compile(rf"{PLACEHOLDER.pattern}|\be30\.[A-Za-z0-9_-]+\.redacted\b")
