"""Secrets in commands of a shell: the options that hold a password, a key or a header."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial

from cachy.redact.names import find_name, is_chosen
from cachy.redact.placeholders import is_placeholder
from cachy.redact.shapes import is_random
from cachy.redact.texts.assigned_values import is_reference, is_sample, is_type
from cachy.redact.texts.groups import with_group

Note = Callable[[str, str], str]
"""Notes a secret of a kind, and returns its placeholder."""

# What an argument consists of: quoted, quoted within a JSON string, or one word.
_QUOTED = r"(?P<quote>\\{0,3}[\"'])(?P<quoted>(?:(?!(?P=quote))[^\n]){1,512})(?P=quote)"
_WORD = r"(?P<word>[^\s\"'\\|;&<>()`]{1,512})"
_ARGUMENT = rf"(?:{_QUOTED}|{_WORD})"
_LINE = r"(?:[^\n\\]|\\\r?\n|\\.)*+"  # a command, over several lines where they are joined

# A program, the option of a password, and what the argument is.
_PROGRAMS = (
    ("curl", r"(?:-[a-zA-Z]{0,6}[uU]\s*|--(?:proxy-)?user[=\s]\s*)", "user"),
    ("curl", r"(?:-[a-zA-Z]{0,6}H\s*|--(?:proxy-)?header[=\s]\s*)", "header"),
    ("curl", r"(?:-[a-zA-Z]{0,6}[Fd]\s*|--(?:form|data)[\w-]*[=\s]\s*)", "form"),
    ("curl", r"(?:-[a-zA-Z]{0,6}b\s*|--cookie[=\s]\s*)", "cookie"),
    ("https?", r"(?:-a\s*|--auth[=\s]\s*)", "user"),
    ("curl", r"--oauth2-bearer[=\s]\s*", "password"),
    ("twine", r"-p\s*", "password"),
    ("smbclient", r"-U\s*", "user"),
    (r"(?:mysql|mariadb)\w*", r"-p(?=\S)", "password"),
    ("sshpass", r"-p\s*", "password"),
    (r"(?:docker|podman|helm|oras|crane)\s[^\n]{0,80}?login|az\s+login", r"-p\s+", "password"),
    (r"mongo(?:sh|dump|restore|import|export)?", r"-p\s+", "password"),
    ("redis-cli", r"-a\s*", "password"),
    (r"ldap\w+", r"-w\s*", "password"),
    (r"(?:sqlcmd|bcp)", r"-P\s*", "password"),
    (r"(?:un)?zip", r"-P\s*", "password"),
    ("openssl", r"-pass(?:in|out)?\s+pass:", "password"),
)
_NEEDLES = (
    *("curl", "http", "smb", "mysql", "mariadb", "ssh", "login", "mongo", "redis", "ldap"),
    *("sqlcmd", "bcp", "zip", "openssl", "twine"),
)
_OPTION = re.compile(
    rf"(?<![\w-])--?(?P<name>[A-Za-z][\w-]{{1,63}})(?P<sign>=|[ \t]++(?!-)){_ARGUMENT}"
    r"(?P<last>(?=\s*$|\s+-|\s*[\\|;&`\"'\]]))?",
    re.MULTILINE,
)
_HEADER = re.compile(
    r"(?s)\s*(?P<name>[A-Za-z][\w-]*)\s*:\s*(?P<scheme>[A-Za-z-]+\s+)?(?P<value>\S.*)"
)
_SHORTEST = 4


def redact_commands(text: str, note: Note) -> str:
    """Return a text in which the secrets in the arguments of commands are replaced."""
    lowered = text.lower()
    for program, option, what in _PROGRAMS if any(map(lowered.__contains__, _NEEDLES)) else ():
        command = _compiled(rf"(?<![\w.-])(?:{program})(?:\.exe)?(?=\s){_LINE}")
        text = command.sub(partial(_clean_command, option, what, note), text)
    return _OPTION.sub(partial(_clean_option, note), text)


_compiled = cache(re.compile)


def _clean_command(option: str, what: str, note: Note, command: re.Match[str]) -> str:
    arguments = _compiled(rf"(?<=\s){option}{_ARGUMENT}")
    return arguments.sub(partial(_clean_argument, what, note), command[0])


def _clean_argument(what: str, note: Note, match: re.Match[str]) -> str:
    part = "word" if match["quoted"] is None else "quoted"
    return with_group(match, _CLEANERS[what](match[part], note), part)


def _is_kept(value: str) -> bool:
    """Return whether an argument stays: a template, or what stands for a secret."""
    return is_sample(value) or is_placeholder(value)


def _clean_user(value: str, note: Note) -> str:
    """Redact the password of `ann:…`, or the key of `…:`."""
    user, sign, password = value.partition(":" if "%" not in value else "%")
    if password.startswith("//"):
        return value
    if not password:
        is_key = sign and (is_random(user) or is_chosen(user)) and not is_sample(user)
        return note("api-key", user) + sign if is_key else value
    return f"{user}{sign}{_clean_password(password, note)}"


def _clean_password(value: str, note: Note) -> str:
    is_kept = _is_kept(value) or value in ("password", "pass")
    return value if is_kept else note("password", value)


def _clean_header(value: str, note: Note) -> str:
    header = _HEADER.fullmatch(value)
    if header is None:
        return value
    kind, secret = find_name(header["name"]), header["value"]
    if kind is None and re.search(r"(?i)-(?:token|key|secret|auth)$", header["name"]):
        kind = "auth-token"
    if kind is None or _is_kept(secret):
        return value
    clean = _clean_cookies(secret, note) if kind == "cookie" else note(kind, secret)
    return value[: header.start("value")] + clean


def _clean_form(value: str, note: Note) -> str:
    return "&".join(_clean_field(field, note) for field in value.split("&"))


def _clean_field(field: str, note: Note) -> str:
    name, sign, value = field.partition("=")
    kind = find_name(name)
    return (
        field if kind is None or not value or _is_kept(value) else name + sign + note(kind, value)
    )


def _clean_cookies(value: str, note: Note) -> str:
    return ";".join(_clean_cookie(cookie, note) for cookie in value.split(";"))


def _clean_cookie(cookie: str, note: Note) -> str:
    name, sign, value = cookie.partition("=")
    value = value.strip()
    return cookie if not value or _is_kept(value) else f"{name}{sign}{note('cookie', value)}"


_CLEANERS = {
    "user": _clean_user,
    "password": _clean_password,
    "header": _clean_header,
    "form": _clean_form,
    "cookie": _clean_cookies,
}


_ANOTHER = re.compile(r"(?:^|\s)--?[A-Za-z]")


def _line_before(match: re.Match[str]) -> str:
    start = match.string.rfind("\n", 0, match.start()) + 1
    return match.string[max(start, match.start() - 512) : match.start()]


def _clean_option(note: Note, option: re.Match[str]) -> str:
    """Redact `--password=…`; a word after a space only where nothing else can follow."""
    part = "word" if option["quoted"] is None else "quoted"
    value, name = option[part], option["name"]
    kind = find_name(name) or ("token" if name.lower().endswith("token") else None)
    if kind is None or len(value) < _SHORTEST or value.startswith("-") or is_placeholder(value):
        return option[0]
    is_sure = option["sign"] == "=" or option["last"] is not None or part == "quoted"
    is_sure = is_sure or (_ANOTHER.search(_line_before(option)) and not is_type(value))
    if is_sample(value) or is_reference(value) or not (is_sure or is_chosen(value)):
        return option[0]
    return with_group(option, note(kind, value), part)
