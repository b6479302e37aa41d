"""What a text assigns to the name of a secret: whether it is one, or a sample, a type, code."""

from __future__ import annotations

import re

from cachy.redact.names import find_name

# What stands where a secret would: <your key>, $KEY, ${KEY}, {{ key }}, %s, xxx, ***, changeme.
_SAMPLE = re.compile(
    r"(?i)[<{%*].*|\$[\w({].*|\[[a-z].*|.*(?:\*\*\*|\.\.\.|…|xxxx).*|x+|(?:your|insert|enter|replace)"
    r"[-_ ]?.*|.*[-_ ]here|change[-_ ]?me|placeholder|example|redacted|n/a|tbd|todo"
)
# Types of programming languages, schemas and databases, and what is said of a field.
_TYPE = re.compile(
    r"(?i)[\w.]*(?:str|string|text|bytes|int|integer|number|bool|boolean|char|varchar|optional|any"
    r"|uuid|object|array|list|dict|map|buffer|blob|null|undefined|none|date|json)"
    r"(?:[!?]|\[.*|\(.*|<.*|\|.*)?"
)
_SAID = re.compile(
    r"(?i)(?:not[ _-]?)?required|optional|true|false|yes|no|(?:en|dis)abled|(?:in)?valid|missing"
    r"|empty|hidden|unset|(?:in)?correct|wrong|weak|strong|secure|(?:un)?safe|expired|changed|reset|updated|set|sent"
    r"|see|bearer|basic|stored|hashed|salted|encrypted|masked|secret|confidential|private|public"
    r"|and|or|to|for|with|when|if|in|on|of|as|by|the|an|are|was|will|can|must|should|means"
    r"|requires|takes|sets|instead|options?|flags?|arguments?|values?|from|that|this|which|via"
    r"|mandatory|allowed|denied|accepted|rejected|visible|same|new|old|here|above|below"
)


def is_sample(value: str) -> bool:
    """Return whether a value is a template or stands for one: `$KEY`, `<your key>`, `changeme`."""
    return _SAMPLE.fullmatch(value) is not None


def is_type(value: str) -> bool:
    """Return whether a value is a type, or a word that says something of a field."""
    return _TYPE.fullmatch(value) is not None or _SAID.fullmatch(value) is not None


# A call, an attribute, a name of a path: os.environ["X"], self.password, getpass()
_CODE = re.compile(
    r"[A-Za-z_][\w.]*(?:\(.*|\[.*)|(?:self|this|os|env|process|config|cfg|settings|options|opts"
    r"|args|params|request|req|ctx|secrets|vars?|local|data|module|state|props|user|conn|app)"
    r"\.[\w.]+[,;)]?|[A-Za-z][A-Za-z0-9+.-]*://.*|[~.]{0,2}/.*|[!@&][A-Za-z].*|[|>][+-]?"
)


def is_code(value: str) -> bool:
    """Return whether a value is an expression, a reference or a path."""
    return _CODE.fullmatch(value) is not None


def is_reference(value: str) -> bool:
    """Return whether a value is the name of a secret: `dbPassword`, `Confirm your password`."""
    has_digit = any(map(str.isdigit, value))
    return find_name(value) is not None and (not has_digit or "-" in value or "_" in value)


# Another setting before it, an option of a command (-e NAME=…), or the start of an object of Java.
_BEFORE = re.compile(
    r"(?:^|\s)(?:[\w.]{1,40}=[^\s,]{1,80}\s+|-{1,2}[A-Za-z][\w-]{0,40}[\s=]+[\"']?)$"
    r"|\{(?:[^{}\n]{1,100},\s*)?$"
)
_USER_BEFORE = re.compile(
    r"(?i)(?:user(?:name)?|login|e-?mail|account)\s*[:=]\s*\S+[\s,;/|]+$"
    r"|\b(?:your|my|new|temporary|initial)[ ]$"
)
_AFTER = re.compile(r" +[\w.]{1,40}=[^\s=]")


_SHORTEST = 4


def is_among_settings(match: re.Match[str]) -> bool:
    """Return whether a value is one of several in a line: `host=h password=… port=1`."""
    text, at, value = match.string, match.start("name"), match["value"]
    before, sign = text[max(0, at - 128) : at], text[match.end("name") : match.start("value")]
    if sign == "=":
        is_one = bool(_BEFORE.search(before) or _AFTER.match(text, match.end()))
    else:
        is_last = text[match.end() : match.end() + 1] in ("", "\n")
        is_one = is_last and _USER_BEFORE.search(before) is not None
    if not is_one or len(value) < _SHORTEST:
        return False
    is_word = is_sample(value) or is_code(value) or is_type(value)
    return not is_word and not is_reference(value)
