"""Secrets that a text assigns: lines of settings, quoted values, and what a sentence says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from cachy.redact.names import find_name, find_named, inner_name, is_chosen
from cachy.redact.placeholders import is_placeholder
from cachy.redact.shapes import is_random
from cachy.redact.texts.assigned_values import is_code, is_reference, is_sample, is_type
from cachy.redact.texts.groups import with_group
from cachy.redact.texts.markup import CleanField

_NAME = r"[A-Za-z_][\w.-]{0,63}"
# The line of a file of settings: .env, INI, YAML, TOML, properties, the headers of a message.
_LINE = re.compile(
    r"(?m)^(?P<indent>[ \t]*)(?:-[ \t]+)?(?:(?:export|set|ENV|-e|--env)[ \t]+|\$env:)?"
    rf"(?://\S{{1,200}}:)?(?P<name>{_NAME})(?P<sign>[ \t]*(?::=|=>|[:=])[ \t]*)"
    r"(?P<value>\S[^\r\n]*)"
)
_OF_SETTINGS = re.compile(
    r"\s*+(?:[#;!/].*|\[.*\]|-{3}|\.{3}|-[ \t]+\S.*|(?:- )?[\w.\-/$ ]{1,48}[:=].*|[\w.-]+ +\S+)?\s*"
)
_AMONG_OTHERS = re.compile(r"[&;][ ]*[\w.\[\]% -]{1,64}=")  # a form, a connection string
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey|bot|negotiate)[ \t]+(?=\S+$)")
_QUOTES = ('"', "'", "`")
_MOST_LINES = 200  # of a block that are looked at
# A value in quotes, beside a name without any: connect(password="…"), { password: '…' }
_IN_QUOTES = re.compile(
    rf"(?<![\w.-])(?P<name>{_NAME})[ \t]*(?:=>|[:=])[ \t]*[bruf]?(?P<quote>\\{{0,8}}[\"'])"
    r"(?P<value>(?:(?!(?P=quote))[^\n\\]){1,256})(?P=quote)"
)
# IDENTIFIED BY '…', WITH PASSWORD '…'
_BY_WORD = re.compile(
    r"(?i)\b(?:identified\s+by|(?:with|encrypted|login)\s+(?P<name>password))\s+"
    r"(?P<quote>['\"])(?P<value>[^'\"\n]{1,256})(?P=quote)"
)
# {user: ann, password: …} of YAML, in a line of its own
_FLOW = re.compile(r"(?m)^[ \t]*(?:-[ ]|[\w.-]{1,64}:)[ \t]*\{[^{}\n]*\}[ \t]*$")
_IN_FLOW = re.compile(rf"(?P<name>{_NAME}):[ ]+(?P<value>[^\s\"'{{}},:]+)(?=\s*[,}}])")
_NETRC = re.compile(r"(?P<before>\blogin\s+\S+\s+password\s+)(?P<value>[^\s\"'\\]+)")
_PART = r"(?:[ \t]{1,9}(?:now|still|currently|just|set|changed|reset|updated|to|for|of))"
_SENTENCE = re.compile(
    r"(?i)(?<![\w-])(?P<name>pass(?:word|code|phrase|wd)|pwd|secret(?: key)?|api[ _-]?key"
    r"|(?:(?:api|access|auth|bearer|refresh|session) )?token)\b[*_]{0,2}"
    r"(?:[ \t]{1,9}(?:for|of)(?:[ \t]{1,9}[^\s,;:]{1,40}){1,4}?)?"
    rf"(?:(?P<link>[ \t]{{1,9}}(?:is|was)|[ \t]{{0,9}}:)|(?=[ ])){_PART}{{0,3}}"
    r"[ \t]{0,9}:?[*_]{0,2}[ \t]{0,9}"
    r"(?P<quote>[\"'`\u201c\u2018]?)(?P<value>(?<=[\"'`\u201c\u2018])[^\"'`\u201d\u2019\n]{4,128}"
    r"|[^\s\"'`\u201d\u2019]{4,128})"
)
# A name in YAML, and the lines below it.
_HEAD = re.compile(
    rf"(?m)^(?P<indent>[ ]*)(?:-[ ]+)?[\"']?(?P<name>{_NAME})[\"']?:[ \t]*"
    r"(?P<mark>[|>][+-]?)?[ \t]*\r?\n"
)
_ITEM = re.compile(
    rf"(?m)^(?P<before>[ ]*(?:-[ ]+|{_NAME}:[ ]+))[\"']?"
    r"(?P<value>[^\s\"'#:][^\s\"':]*)[\"']?[ \t]*$"
)


def redact_assignments(text: str, clean_field: CleanField) -> str:
    """Return a text in which what it assigns to the names of secrets is replaced."""
    if "\n" in text:
        text = _clean_blocks(text, clean_field)
    text = _LINE.sub(partial(_clean_line, clean_field), text)
    text = _FLOW.sub(lambda flow: _IN_FLOW.sub(partial(_clean_in_flow, clean_field), flow[0]), text)
    text = _IN_QUOTES.sub(partial(_clean_quoted, clean_field), text)
    if "'" in text or '"' in text:
        text = _BY_WORD.sub(partial(_clean_quoted, clean_field), text)
    text = _NETRC.sub(partial(_clean_named, "password", clean_field), text)
    return _SENTENCE.sub(partial(_clean_said, clean_field), text)


def _clean_named(name: str, clean_field: CleanField, match: re.Match[str]) -> str:
    is_kept = is_sample(match["value"])
    return match[0] if is_kept else with_group(match, clean_field(name, match["value"]))


def _clean_line(clean_field: CleanField, line: re.Match[str]) -> str:
    name, value = line["name"], line["value"]
    kind = find_name(name)
    if kind is None or is_placeholder(value):
        return line[0]
    if kind == "cookie":
        return with_group(line, clean_field(name, value)) if "=" in value else line[0]
    if _AMONG_OTHERS.search(value):
        return line[0]
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme else 0
    secret = _without_comment(value[start:])
    if secret[:1] in _QUOTES or not _is_setting(line, secret):
        return line[0]
    return with_group(
        line, value[:start] + clean_field(name, secret) + value[start + len(secret) :]
    )


def _clean_in_flow(clean_field: CleanField, match: re.Match[str]) -> str:
    value = match["value"]
    is_word = is_sample(value) or is_code(value) or is_type(value) or is_reference(value)
    is_kept = is_word or find_name(match["name"]) is None
    return match[0] if is_kept else with_group(match, clean_field(match["name"], value))


def _without_comment(value: str) -> str:
    return re.sub(r"(?<![ \t])[ \t]++[#;][^\n]*", "", value).rstrip()


def _is_setting(line: re.Match[str], value: str) -> bool:
    """Return whether a line of a file of settings gives a secret this value."""
    if is_sample(value) or is_code(value):
        return False
    is_tight, is_variable = line["sign"] == "=", line["name"].isupper()
    if len(value.split()) > 1:
        return is_tight and is_variable and not line["indent"]
    if is_tight and not line["indent"]:
        return value[-1] not in ",)"
    is_word = is_type(value) or is_reference(value)
    return (
        not is_word
        and value[-1] not in ",);{(["
        and (find_name(line["name"]) == "authorization" or _is_of_settings(line))
    )


def _is_of_settings(line: re.Match[str]) -> bool:
    """Return whether the lines around this one, up to an empty one, are those of settings."""
    text = line.string
    start = text.rfind("\n\n", 0, line.start()) + 1
    end = text.find("\n\n", line.end())
    block = text[start : end if end >= 0 else len(text)].splitlines()
    return len(block) <= _MOST_LINES and all(map(_OF_SETTINGS.fullmatch, block))


def _clean_quoted(clean_field: CleanField, match: re.Match[str]) -> str:
    """Redact a value in quotes, but no label ("Confirm your password") and no message."""
    name, value = match["name"] or "password", match["value"]
    is_word = is_sample(value) or is_type(value) or is_reference(value)
    if find_name(name) is None or is_word or is_placeholder(value) or _is_prose(value):
        return match[0]
    return with_group(match, clean_field(name, value))


def _is_prose(value: str) -> bool:
    """Return whether a value is a sentence about a secret: it says what must be, or ends as one."""
    words = value.split()
    return len(words) > 2 and (value[-1] in ".!?:" or bool(_ABOUT & {*map(str.lower, words)}))


_ABOUT = frozenset(
    (
        *("is", "are", "must", "be", "been", "can't", "cannot", "should", "not", "does", "do"),
        *("too", "may", "has", "your", "the", "a", "an", "of", "for"),
    )
)


def _clean_said(clean_field: CleanField, match: re.Match[str]) -> str:
    """Redact what a sentence says that a secret is: "your password is …"."""
    name, value = match["name"], match["value"]
    plain = value if match["quote"] else value.rstrip(".,;:!?)*_")
    is_word = is_sample(plain) or is_type(plain) or is_reference(plain)
    is_password = find_name(name) == "password"
    is_secret = is_chosen(plain) or is_random(plain)
    if match["link"] is None:  # the password hunter2
        is_secret = is_secret and is_password
    elif match["quote"]:
        is_secret = is_secret or (is_password and not _is_prose(plain))
    if is_word or is_placeholder(plain) or not is_secret:
        return match[0]
    field = name if find_name(name) else "auth_token"
    return with_group(match, clean_field(field, plain) + value[len(plain) :])


def _clean_blocks(text: str, clean_field: CleanField) -> str:
    """Redact the members of a name in YAML, or the lines of its text."""
    pieces, end = [], 0
    for head in _HEAD.finditer(text):
        name = inner_name(head["name"])
        if find_name(name) is None or not (head["mark"] or name.endswith("[]")):
            continue
        indent = head["indent"]
        lines = re.compile(rf"(?:{indent}(?:[ ]+|(?=-[ ]))\S[^\n]*(?:\n|\Z))+").match(
            text, head.end()
        )
        if lines is None:
            continue
        clean = partial(_clean_item, name, clean_field)
        block = _ITEM.sub(clean, lines[0])
        pieces += [text[end : lines.start()], block]
        if head["mark"]:
            pieces[-1] = "".join(_clean_text_lines(lines[0], name, clean_field))
        end = lines.end()
    return "".join([*pieces, text[end:]]) if end else text


def _clean_text_lines(lines: str, name: str, clean_field: CleanField) -> Iterator[str]:
    for line in lines.splitlines(keepends=True):
        value = line.strip()
        yield line if not value else line.replace(value, clean_field(name, value))


def _clean_item(name: str, clean_field: CleanField, item: re.Match[str]) -> str:
    value = item["value"]
    is_secret = find_named(name, value) and not (is_sample(value) or is_type(value))
    return with_group(item, clean_field(name, value)) if is_secret else item[0]
