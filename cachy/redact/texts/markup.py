"""Secrets in XML and HTML: elements and attributes whose name says that they hold one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from cachy.redact.names import find_name
from cachy.redact.texts.groups import with_group

CleanField = Callable[[str, str], str]
"""Returns the value of a field, redacted if the name of the field says so."""

_ESCAPED = r"\\{0,16}"  # of a JSON string, or of a script's
_TAG = r"[A-Za-z_][\w.:-]{0,63}"
_ELEMENT = re.compile(
    rf"(?s)<(?P<tag>{_TAG})(?P<attributes>\s[^<>]{{0,4096}})?>\s*"
    r"(?:<!\[CDATA\[(?P<data>.{1,8192}?)\]\]>|(?P<text>[^<]{1,8192}?))"
    rf"(?=\s*<{_ESCAPED}/(?P=tag)\s*>)"
)
# <key>password</key><string>…</string>, and <name>password</name><value><string>…
_PAIR = re.compile(
    rf"(?i)<(?P<label>key|name)>\s*(?P<name>[\w.:-]{{1,64}})\s*<{_ESCAPED}/(?P=label)>\s*"
    r"<(?:value|string|data)>\s*(?:<string>\s*)?(?P<text>[^<]{1,8192}?)(?=\s*<)"
)
_WITH_ATTRIBUTES = re.compile(rf"<{_TAG}\s[^<>]{{1,4096}}>")
_ATTRIBUTE = re.compile(
    rf"(?P<name>(?<![\w.:-]){_TAG})\s*=\s*"
    rf"(?:(?P<quote>{_ESCAPED}[\"'])(?P<text>.*?)(?P=quote)|(?P<bare>[^\s\"'=<>`\\]+(?<!/)))"
)
_LABELS = ("name", "id", "key", "property", "type")
_VALUES = ("value", "content")


def redact_markup(text: str, clean_field: CleanField) -> str:
    """Return a text in which the elements and attributes that hold a secret are redacted."""
    text = _WITH_ATTRIBUTES.sub(partial(_clean_tag, clean_field=clean_field), text)
    text = _ELEMENT.sub(partial(_clean_element, clean_field=clean_field), text)
    return _PAIR.sub(lambda pair: _replaced(pair, "text", pair["name"], clean_field), text)


def _clean_tag(tag: re.Match[str], clean_field: CleanField) -> str:
    label = _label(_attributes(tag[0]))

    def clean(attribute: re.Match[str]) -> str:
        is_value = label and attribute["name"].lower() in _VALUES
        name = label if is_value else attribute["name"]
        part = "bare" if attribute["text"] is None else "text"
        return _replaced(attribute, part, name, clean_field)

    return _ATTRIBUTE.sub(clean, tag[0])


def _clean_element(element: re.Match[str], clean_field: CleanField) -> str:
    label = _label(_attributes(element["attributes"] or ""))
    if not label and element["tag"].rpartition(":")[2].lower() == "key":
        return element[0]  # which names an object, as in S3's lists
    part = "data" if element["text"] is None else "text"
    return _replaced(element, part, label or element["tag"], clean_field)


def _attributes(text: str) -> Mapping[str, str | None]:
    return {one["name"].lower(): one["text"] or one["bare"] for one in _ATTRIBUTE.finditer(text)}


def _label(attributes: Mapping[str, str | None]) -> str:
    """Return the name that an element gives its value: `<input name="csrf_token" value="…">`."""
    labels = (attributes.get(name) or "" for name in _LABELS)
    return next((label for label in labels if find_name(label)), "")


def _replaced(match: re.Match[str], part: str, name: str, clean_field: CleanField) -> str:
    """Return what was matched, with one of its parts redacted."""
    value = match[part]
    if "&" in value:
        from html import unescape  # few secrets have such a character

        value = unescape(value)
    clean = clean_field(name, value)
    return match[0] if clean == value else with_group(match, clean, part)
