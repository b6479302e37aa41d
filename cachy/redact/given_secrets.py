"""Secrets in responses of this process, recognised in later requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache, partial
from urllib.parse import unquote, urlsplit

from cachy.interaction import Headers, Json, Request
from cachy.providers.credential_headers import NEVER_STORED
from cachy.providers.provider import STAND_IN
from cachy.redact.environment import redact_value_bytes, redact_values
from cachy.redact.names import is_minted
from cachy.redact.placeholders import PLACEHOLDER, placeholder
from cachy.redact.redact_text import redact_text
from cachy.redact.shapes import class_changes, is_random

_HEARD = 4 * 1024 * 1024  # characters of responses that are searched for a late secret
_HEARD_ONCE = 64 * 1024  # of one response
_SHORTEST = 12
_LONGEST = 128  # characters; longer ones are known by their shape or by the environment
_WORD = re.compile(r"[A-Za-z0-9_.~+/=|:-]+")
_LONG_WORD = re.compile(_WORD.pattern[:-1] + f"{{{_SHORTEST},}}")


class GivenSecrets:
    """Values that a field's name made secret in a response, and their placeholders.

    A program may send them where no name marks them, as in "use tok_Zx91…".
    """

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._all: set[str] = set()
        self._heard: dict[str, str] = {}  # what was written of responses, by fixture
        self._room = _HEARD

    def gave(self, value: str) -> bool:
        """Return whether a response contained this value as a secret, and its request did not."""
        return value in self._all or bool(_is_telling(value) and self._saying(value))

    def hear(self, path: str, text: str) -> bool:
        """Keep what was written of a response; return whether it may turn out to show a secret."""
        if len(text) > _HEARD_ONCE:
            return False
        if self._room < len(text):
            self._heard, self._room = {}, _HEARD
        self._heard[path] = text
        self._room -= len(text)
        return any(map(_may_hold_telling, _LONG_WORD.findall(text)))

    def find_late(self, values: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Return the fixtures that show one of these secrets, with the secret and its mark.

        From now on it is known as one that a response gave.
        """
        found: dict[str, tuple[str, str]] = {}
        for value, mark in values.items() if self._heard else ():
            if _is_telling(value) and value not in self._marks and (paths := self._saying(value)):
                found |= dict.fromkeys(paths, (value, mark))
                self.remember({value: mark})
        return found

    def _saying(self, value: str) -> list[str]:
        return [path for path, text in tuple(self._heard.items()) if value in text]

    def remember(self, taken: Mapping[str, str], request: Request | None = None) -> None:
        """Remember the values that look generated; others may occur anywhere by chance.

        `request` is the one that was answered: what it contained, the response did not give. Values
        of a known shape are left out: every process redacts them by their shape.
        """
        telling = {value: mark for value, mark in taken.items() if _is_known_by_value(value)}
        repeated = {value for value in taken if _has(request, value)}
        self._all.update(taken.keys() - repeated)
        self._marks = _with(self._marks, telling, telling.keys() - repeated)
        self._sent = _with(self._sent, telling, telling.keys() & repeated)

    def remember_sent(self, own: GivenSecrets) -> None:
        """Remember the secrets of a request: a response may repeat them, and a later request."""
        self._sent = _with(self._sent, own._marks, own._marks.keys())

    @property
    def marks(self) -> Mapping[str, str]:
        """The values that are known anywhere, and their placeholders."""
        return self._marks

    @property
    def sent(self) -> tuple[str, ...]:
        """The values that requests named; a later request may match by them, but not show them."""
        return tuple(self._sent)

    def by_mark(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each placeholder and its values, the longest first."""
        return _by_mark(self._marks)

    def sent_by_mark(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each placeholder and its values that requests named, the longest first."""
        return _by_mark(self._sent)

    def take_out(self, request: Request) -> Request:
        """Return a request without these values; the same object if it has none."""
        for mark, values in self.by_mark():
            url = _url_without(request.url, values, mark)
            body = _without(request.body, values, mark)
            headers = _headers_without(request.headers, values, mark)
            if (url, body, headers) != (request.url, request.body, request.headers):
                request = request._replace(url=url, body=body, headers=headers)
        return request


def _with(marks: dict[str, str], found: Mapping[str, str], values: Set[str]) -> dict[str, str]:
    """Return marks and those of some of the values found; another thread may read them."""
    return {**marks, **{value: found[value] for value in found if value in values}}


def _by_mark(marks: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for mark in dict.fromkeys(marks.values()):
        values = [value for value, its in marks.items() if its == mark]
        yield mark, tuple(sorted(values, key=len, reverse=True))


def _headers_without(headers: Headers, values: tuple[str, ...], mark: str) -> Headers:
    """Redact the headers that may be written; a credential is compared as it is."""
    if not any(value in text for _, text in headers for value in values):
        return headers
    return tuple(
        (name, text if name.lower() in NEVER_STORED else redact_values(text, values, mark))
        for name, text in headers
    )


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


@lru_cache(maxsize=256)
def _is_known_by_value(value: str) -> bool:
    return _is_telling(value) and redact_text(value) == value


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


def _may_hold_telling(word: str) -> bool:
    """Return whether a part of a word may be telling; known shapes are redacted in any text."""
    has = [re.search(letters, word) is not None for letters in ("[A-Z]", "[a-z]", "[0-9]")]
    if all(has) or (has[2] and class_changes(word) >= 4):
        return True
    return STAND_IN in word or re.search("[0-9A-Fa-f]{32}", word) is not None


_GIVES_TOKENS = re.compile(
    r"(?i)token|auth(?!or)|log-?in|sign-?in|session|credential|secret|key|jwt"
)


def bare_token(url: str, body: Json, own: GivenSecrets) -> dict[str, str]:
    """Return the token that is all of a response, if its request asked for one.

    `own` are the secrets of the request.
    """
    word = body.strip() if isinstance(body, str) else ""
    has_password = placeholder("password") in own.marks.values()
    is_asked = has_password or _GIVES_TOKENS.search(urlsplit(url).path)
    is_token = is_asked and _is_telling(word) and (is_minted(word) or is_random(word))
    return {word: placeholder("auth-token")} if is_token else {}


def find_placeholder(request: Request) -> str:
    """Return the first of cachy's placeholders in a request; "" for none."""
    body = request.body.decode("utf-8", "replace") if b"redacted" in request.body else ""
    for text in (request.url, *(value for _, value in request.headers), body):
        if "redacted" in text and (found := _OURS.search(unquote(text) if "%5" in text else text)):
            return found[0]
    return ""


_OURS = re.compile(rf"{PLACEHOLDER.pattern}|\be30\.[A-Za-z0-9_-]+\.redacted\b")
