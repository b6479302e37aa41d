"""Secrets in tables of a text: the columns of CSV, TSV and Markdown whose head names one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cachy.redact.names import find_name, is_chosen
from cachy.redact.texts.markup import CleanField

_HEAD = re.compile(
    r"(?m)^[ \t\ufeff]*+(?:\|[ \t]*+)?\"?[A-Za-z_][\w .\[\]/-]{0,63}\"?[ ]*+"
    r"(?P<sign>[,;|\t])[^\n]*+(?=\n)"
)
_NAME = re.compile(r"[A-Za-z_][\w .:\[\]()/-]{0,63}")
_OF_USERS = re.compile(
    r"(?i)[\s|\"]*(?:id|user|name|user[ _]?name|login|e-?mail|account|host|url)\b"
)
_SHORTEST = 8  # characters of a token
_RULE = re.compile(r"[\s|:+-]+")  # between the head and the rows of Markdown
_ROW = {
    sign: re.compile(rf'[ \t]*(?:"(?P<quoted>(?:[^"]|"")*+)"|(?P<plain>[^{sign}\n]*+))(?P<end>.?)')
    for sign in (",", ";", r"\|", "\t")
}


def redact_tables(text: str, clean_field: CleanField) -> str:
    """Return a text in which the cells below the name of a secret are redacted."""
    pieces, end = [], 0
    for head in _HEAD.finditer(text):
        if head.start() < end:
            continue
        names = [cell for _, _, cell in _cells(text, head.start(), head["sign"])]
        if not _is_head(names):
            continue
        row = head.end() + 1
        while row < len(text) and (cells := list(_cells(text, row, head["sign"]))):
            if not _is_row(cells, names):
                break
            for name, (start, stop, value) in zip(names, cells, strict=False):
                clean = _clean_cell(name, value, head[0], clean_field)
                if clean != value:
                    pieces += [text[end:start], clean]
                    end = stop
            row = _after_row(text, cells[-1][1])
    return "".join([*pieces, text[end:]]) if end else text


def _clean_cell(name: str, value: str, head: str, clean_field: CleanField) -> str:
    """Redact a cell; words after a comma and a space may be prose: "the password, the key"."""
    if not value or _RULE.fullmatch(value) or not _is_sure(value, head):
        return value
    if name.lower() in ("pass", "pw") and _OF_USERS.match(head):
        name = "password"
    is_token = name.lower().endswith("token") and is_chosen(value) and len(value) >= _SHORTEST
    return clean_field("auth_token" if is_token and not find_name(name) else name, value)


def _is_row(cells: Sequence[tuple[int, int, str]], names: Sequence[str]) -> bool:
    """Return whether a line belongs to the table: a row, though it may lack cells, or a rule."""
    return len(cells) == len(names) or len(cells) > 1 or _RULE.fullmatch(cells[0][2]) is not None


def _is_sure(value: str, head: str) -> bool:
    is_word = len(value.split()) == 1 and not find_name(value)
    return ", " not in head or is_chosen(value) or (is_word and _OF_USERS.match(head) is not None)


def _is_head(names: Sequence[str]) -> bool:
    """Return whether a line is the head of a table: short names, one of which means a secret."""
    named = [name for name in names if name]
    is_all_names = len(named) > 1 and all(map(_NAME.fullmatch, named))
    return is_all_names and any(find_name(name) or _is_token(name) for name in named)


def _is_token(name: str) -> bool:
    return name.lower().rpartition("_")[2] in ("token", "key", "code")


def _cells(text: str, at: int, sign: str) -> Iterator[tuple[int, int, str]]:
    """Yield the cells of the row that begins here: from where to where, and the value."""
    pattern = _ROW["\\|" if sign == "|" else sign]
    while cell := pattern.match(text, at):
        part = "plain" if cell["quoted"] is None else "quoted"
        value = cell[part].rstrip(" \t\r")
        start = cell.start(part) + (len(value) - len(value.lstrip("\ufeff")))
        yield start, cell.start(part) + len(value), value.lstrip("\ufeff")
        at = cell.end()
        if cell["end"] != sign:
            return


def _after_row(text: str, at: int) -> int:
    end = text.find("\n", at)
    return end + 1 if end >= 0 else len(text)
