"""Secrets in a JSON value: by the shape of a string, or by the name of its field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, count
from typing import Any, Protocol

from cachy.interaction import Json
from cachy.redact.names import WRAPPERS, find_name, inner_name, is_minted
from cachy.redact.shapes import Rules, is_random

_PATHS = ("$.", "$[", "event(")  # of a contract: `"$.access_token": "string, optional"`
EVERY = ("",)
"""Is in every string."""
_Names = str | tuple[str, ...]  # of a field, or of the columns of a table


class Cleaning(Protocol):
    """What a search for secrets offers to those who walk through a value."""

    rules: Rules

    def redact(self, text: str) -> str:
        """Return a text without its secrets."""
        ...

    def clean_field(self, name: str, value: str) -> str:
        """Redact the value of a field whose name says that it is secret."""
        ...


class Rewriting:
    """A copy in the making; without recursion, as a value may nest deeper than Python's stack.

    A string without any of the `needles` needs no closer look.
    """

    def __init__(self, needles: Sequence[str], run: Cleaning) -> None:
        self.needles = needles
        self.run = run
        self.is_changed = False
        self.todo: list[tuple[Any, _Names]] = []

    def rewrite(self, value: Json) -> Json:
        """Return a value without its secrets; the same object where it has none."""
        top = [value]
        self.todo.append((top, ""))
        while self.todo:
            self._rewrite_items(*self.todo.pop())
        return top[0] if self.is_changed else value

    def _rewrite_items(self, holder: Any, name: _Names) -> None:
        if isinstance(holder, list):
            for place, item in enumerate(holder):
                holder[place] = self._rewritten(item, self._name_in_list(holder, place, name))
            return
        columns = _columns(holder)
        for place, item in list(holder.items()):
            is_table = columns and place in _ROWS and isinstance(item, list)
            own = "" if place.startswith(_PATHS) else field_name(holder, place, str(name))
            holder[place] = self._rewritten(item, columns if is_table else own)

    def _name_in_list(self, holder: list[Json], place: int, name: _Names) -> _Names:
        """Return the name of an item: that of the list, unless the item is a message."""
        item = holder[place]
        if isinstance(name, tuple):
            is_cell = not isinstance(item, (list, dict))
            return (name[place] if place < len(name) else "") if is_cell else name
        if isinstance(item, str) and name and self.run.rules.keeps_in_list(item):
            return ""
        if place and not find_name(name):
            return _label_in_list(holder, place) or name
        return name

    def _rewritten(self, item: Json, name: _Names) -> Json:
        if isinstance(item, str):
            return self._clean_field(name if isinstance(name, str) else "", item)
        if isinstance(item, list):
            item = list(item)
        elif isinstance(item, dict):
            item = self._clean_keys(item)
        else:
            return item
        self.todo.append((item, inner_name(name) if isinstance(name, str) else name))
        return item

    def _clean_field(self, name: str, text: str) -> str:
        while (clean := self._clean(self.run.clean_field(name, text))) != text:
            self.is_changed = True
            text = clean
        return text

    def _clean(self, text: str) -> str:
        lowered = text.lower()
        is_suspect = any(needle in lowered for needle in self.needles)
        return self.run.redact(text) if is_suspect else text

    def _clean_keys(self, fields: dict[str, Json]) -> dict[str, Json]:
        clean: dict[str, Json] = {}
        for key, item in fields.items():
            name = self._clean_field("", key)
            # Two secrets may share a placeholder, but not a field.
            others = (f"{name} {number}" for number in count(2))
            free = next(other for other in chain([name], others) if other not in clean)
            clean[free] = item
        return clean


# {"columns": ["name", "password"], "rows": [["ann", "…"]]}
_HEADERS = ("columns", "fields", "header", "headers", "names", "column_names")
_ROWS = ("rows", "data", "values", "records")


def _columns(holder: dict[str, Json]) -> tuple[str, ...]:
    """Return the names of the columns of a table, if one of them is secret."""
    for place in _HEADERS:
        names = holder.get(place)
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names) if any(map(find_name, names)) else ()
    return ()


def _label_in_list(holder: list[Json], place: int) -> str:
    """Return what the item before calls this one: a header, or an option of a command."""
    label, value = holder[place - 1], holder[place]
    if not isinstance(label, str) or not isinstance(value, str) or not find_name(label):
        return ""
    if label.startswith("-"):
        return "" if value.startswith("-") or find_name(value) else label
    is_header = find_name(label) in ("authorization", "cookie") and not find_name(value)
    is_pair = len(holder) == 2 and (is_header or is_minted(value) or is_random(value))
    return label if is_pair else ""


# https://docs.github.com/en/rest/actions/secrets#get-a-repository-public-key
_OF_PUBLIC_KEY = frozenset(("key_id", "key", "id", "url", "title", "created_at"))
_USERS = ("user", "username", "login", "email")
_STATES = ("current", "new", "old", "previous", "confirmation", "confirm", "temporary", "plain")


def field_name(fields: dict[str, Json], place: str, outer: str = "") -> str:
    """Return the name that classifies a field: `pin` for `{"name": "pin", "value": …}`.

    `outer` is the name of the object: `{"pin": {"S": …}}` says only the type of its value, and
    `{"pins": {"ann": …}}` whose it is.
    GitHub's public keys, which a secret is encrypted by, stand beside a number.
    AWS marks by what stands beside a value: a SecureString of Parameter Store, a plaintext of KMS.
    """
    if place in ("value", "text"):
        for label in (fields.get("name"), fields.get("key")):
            if isinstance(label, str) and find_name(label):
                return label
    if place == "key" and fields.keys() <= _OF_PUBLIC_KEY and str(fields.get("key_id")).isdecimal():
        return "public_key"
    if place == "Value" and fields.get("Type") == "SecureString":
        return "SecretString"
    if place == "Plaintext" and "KeyId" in fields:
        return "KmsPlaintext"
    if place in ("pass", "pw") and any(user in fields for user in _USERS):
        return "password"
    is_of_outer = place in WRAPPERS or (place in _STATES and find_name(f"{outer}_{place}"))
    is_of_outer = is_of_outer or (outer.endswith("[]") and not _is_about_secrets(place))
    return outer if outer and is_of_outer else place


# Members that say something about them: {"credentials": {"region": "…"}}.
_ABOUT = (
    *("policy", "type", "format", "url", "uri", "hint", "id", "ids", "name", "names", "user"),
    *("users", "username", "login", "email", "at", "on", "date", "time", "description", "label"),
    *("title", "message", "error", "status", "state", "count", "total", "region", "zone", "host"),
    *("hostname", "port", "database", "bucket", "provider", "project", "account", "tenant"),
    *("scope", "scopes", "expires", "expiry", "expiration", "version", "kind", "role", "arn"),
    *("path", "file", "mode", "source", "method", "algorithm", "length", "strength", "object"),
    *("cluster", "service", "audience", "issuer", "domain", "pattern", "rule", "rules", "alias"),
)
_ABOUT_SECRETS = (
    rf"(?i:(?:.*[_. -])?(?:{'|'.join(_ABOUT)}))"
    rf"|.*[a-z0-9](?:{'|'.join(map(str.title, _ABOUT))})"
)


@lru_cache(maxsize=4096)
def _is_about_secrets(name: str) -> bool:
    """Return whether a member of a container has a name of its own kind: `region`, `password`."""
    return find_name(name) is not None or re.fullmatch(_ABOUT_SECRETS, name) is not None
