"""Which fields are secret by their name; frozen with the fixture format, as the shapes are."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache
from typing import NamedTuple

from cachy.providers.provider import STAND_IN
from cachy.redact.nested_encodings import unescape
from cachy.redact.placeholders import PLACEHOLDER
from cachy.redact.shapes import WORDS, class_changes, is_random

# Names are compared in lower case without _ and -; a name that ends so holds a secret.
_ENDINGS = {
    "password": "password",
    "passwd": "password",
    "passphrase": "password",
    "passcode": "password",
    "pwd": "password",
    "apikey": "api-key",
    "accesstoken": "access-token",
    "refreshtoken": "refresh-token",
    "sessiontoken": "session-token",
    "securitytoken": "session-token",
    "authtoken": "auth-token",
    "bearertoken": "bearer-token",
    "apitoken": "api-token",
    "clientsecret": "client-secret",
    "secret": "secret",
    "secretkey": "secret-key",
    "secretaccesskey": "secret-key",
    "privatekey": "private-key",
    "signingkey": "signing-key",
    "encryptionkey": "encryption-key",
    "accountkey": "account-key",
    "sharedaccesskey": "account-key",
    "authorization": "authorization",
    "csrftoken": "csrf-token",
    "xsrftoken": "csrf-token",
    "csrfmiddlewaretoken": "csrf-token",
    "authenticitytoken": "csrf-token",
    "requestverificationtoken": "csrf-token",
    "authorizationtoken": "auth-token",
    "secretstring": "secret",
    "secretbinary": "secret-binary",  # whose placeholder base64 decoders read too
}
_EXACT = {
    "pass": "password",
    "pw": "password",
    "csrf": "csrf-token",
    "idtoken": "id-token",
    "oauthtoken": "auth-token",
    "cookie": "cookie",
    "setcookie": "cookie",
    "xamzsignature": "signature",
    "xamzcredential": "aws-key",
    "xgoogsignature": "signature",
    "xgoogcredential": "google-key",
    "clientassertion": "client-assertion",
    "codeverifier": "code-verifier",
    "kmsplaintext": "key-bytes",
}
# Names that hold a secret only where the value looks minted: ?code=DE is not ?code=FR.
_SOMETIMES = {
    "key": "key",
    "token": "token",
    "sig": "signature",
    "signature": "signature",
    "code": "code",
    "auth": "auth",
    "awsaccesskeyid": "aws-key",
    "uploadid": "upload-id",
}
# Those of them that do so in a JSON object too; there a signature belongs to what was generated,
# and the client sends it back: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
_SOMETIMES_IN_JSON = frozenset(("key", "token", "code"))
# Endings that do so too; "nextToken" names a page, and each page is another response.
_TOKENS = tuple(
    f"{what}token"
    for what in (
        *("reset", "password", "verification", "confirmation", "invite", "invitation", "login"),
        *("activation", "recovery", "magic", "user", "bot", "job", "personal", "private", "admin"),
        *("service", "deploy", "signin", "remember", "unlock", "otp", "mfa", "custom"),
    )
)
_PAGING = ("page", "next", "cursor", "continuation", "_")
_SUFFIXES = tuple(sorted(_ENDINGS, key=len, reverse=True))
_IGNORED_SIGNS = str.maketrans("", "", "_- ")
_BETWEEN_PARTS = re.compile(r"[.:/\[\]]")  # of user[password][0] and wsse:Password
_LONGEST = 64  # characters of a name that are looked at, from its end

# What may follow such an ending: which of several values it is, or in what form.
QUALIFIERS = (
    *("confirmation", "confirmed", "confirm", "verification", "verify", "check", "repeated"),
    *("repeat", "again", "retyped", "retype", "reentered", "reenter", "old", "new", "current"),
    *("previous", "former", "next", "original", "temporary", "temp", "initial", "default"),
    *("primary", "secondary", "backup", "value", "string", "text", "data", "plaintext", "plain"),
    *("raw", "cleartext", "clear", "hashed", "hash", "digest", "encrypted", "enc", "encoded"),
    *("base", "b"),  # base64: digits may follow too
)
# Compiled at need, as the next ones are: most requests have no such name.
_QUALIFIED = rf"(?P<head>.+?)(?:{'|'.join(sorted(QUALIFIERS, key=len, reverse=True))}|[0-9])*+"


# What holds secrets as its members: {"credentials": {"ann": "…"}}.
_CONTAINERS = {"tokens": "token", "credentials": "credential", "creds": "credential"}


class _Meaning(NamedTuple):
    """What a name says of its field."""

    kind: str | None  # of the secret
    is_qualified: bool = False  # then the value may also say something about the secret
    is_plural: bool = False  # then the values may also be names of secrets


@lru_cache(maxsize=4096)
def _parse(name: str) -> _Meaning:
    plain = _plain(name)
    if kind := _ending(plain) or _EXACT.get(plain):
        return _Meaning(kind)
    qualified = re.fullmatch(_QUALIFIED, plain)
    head = qualified["head"] if qualified else plain
    if kind := _ending(head) or _EXACT.get(head):
        return _Meaning(kind, is_qualified=True)
    kind = _ending(head.removesuffix("s"))
    if kind is None and name.endswith("[]"):
        kind = next((_CONTAINERS[end] for end in _CONTAINERS if head.endswith(end)), None)
    return _Meaning(kind, is_plural=True)


def inner_name(name: str) -> str:
    """Return the name that a field gives to the members of its object or list.

    A plural ends in `[]`: what it holds are secrets where they look chosen. Of all but passwords
    only the members themselves count, not theirs.
    """
    if not name:
        return name
    if name.endswith("[]"):
        return name if find_name(name) == "password" else name[:-2]
    meaning = _parse(f"{name}[]")
    return f"{name}[]" if meaning.kind and meaning.is_plural else name


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """Return the last part of a name that has a letter, as names are compared."""
    end = PLACEHOLDER.sub("", name[-2 * _LONGEST :])
    parts = reversed(_BETWEEN_PARTS.split(end))
    part = next((part for part in parts if any(map(str.isalpha, part))), end)
    return part.lower().translate(_IGNORED_SIGNS)[-_LONGEST:]


def _ending(plain: str) -> str | None:
    return next((_ENDINGS[end] for end in _SUFFIXES if plain.endswith(end)), None)


# What a text says of a secret without being it: whether it is there, or where it is.
_SAID = (
    r"(?i)true|false|yes|no|on|off|none|null|(?:not[ _-]?)?required|optional|(?:en|dis)abled"
    r"|inherit|(?:in)?valid|(?:un)?confirmed|verified|pending|passed|failed|ok|success"
    r"|(?:mis)?match(?:ed)?|unset|unchanged|empty|missing|hidden|plain(?:text)?|text|string"
    r"|bcrypt|scrypt|argon2\w*|pbkdf2\w*|(?:hmac-?)?(?:md|sha)-?[0-9]+|[A-Z][A-Z0-9+.-]*://.*"
)
_PATH = r"(?:[~.]{0,2}[/\\]|[A-Za-z]:[/\\]).*"


def _may_be(value: str, name: str, meaning: _Meaning) -> bool:
    """Return whether a value can be the secret that its name announces."""
    if meaning.is_plural and meaning.kind != "password" and not is_minted(value):
        return name.endswith("[]") and _is_member(value, meaning.kind)
    if _plain(name) in ("pass", "pw"):  # which mean other things too
        return is_chosen(value) and any(map(str.isalpha, value))
    is_unclear = meaning.is_qualified or meaning.is_plural or meaning.kind == "csrf-token"
    if is_unclear and re.fullmatch(_SAID, value):
        return False
    return not (_plain(name) in ("pwd", "oldpwd") and re.fullmatch(_PATH, value))  # working folders


def _is_member(value: str, kind: str | None) -> bool:
    """Return whether a member of a container is a secret, and not a word or a secret's name."""
    if kind == "token" or re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        return is_random(value)
    return is_random(value) or (is_chosen(value) and len(value.split()) == 1)


def find_name(name: str) -> str | None:
    """Return the kind of secret that a field of this name may contain, or None."""
    return _parse(name).kind


def find_named(name: str, value: str) -> str | None:
    """Return the kind of secret that this value is, as its name says, or None."""
    meaning = _parse(name)
    return meaning.kind if meaning.kind and _may_be(value, name, meaning) else None


def find_field(name: str, value: str) -> str | None:
    """Return the kind of secret that a field of a JSON object contains, or None."""
    return find_named(name, value) or _find_sometimes(name, value, _SOMETIMES_IN_JSON)


def find_parameter(name: str, value: str) -> str | None:
    """Return the kind of secret that a parameter of a query or a form contains, or None."""
    kind = find_named(name, value)
    if kind and name.lower().startswith(_PAGING[:-1]) and not is_minted(value):
        return None  # next_secret=2 names a page
    return kind or _find_sometimes(name, value, _SOMETIMES)


# A value around which a format says its type: {"password": {"S": "…"}} of DynamoDB, Firestore, XML.
WRAPPERS = (
    *("S", "SS", "N", "NS", "B", "BS", "L", "M", "value", "values", "Value", "@value", "_value"),
    *("stringValue", "StringValue", "bytesValue", "arrayValue", "listValue", "string_value"),
    *("$", "$t", "#text", "_text", "__text", "#cdata-section", "_cdata", "string", "String"),
)

# What prose and code have after `password:` or `password=`: words, references, templates, paths.
_NOT_CHOSEN = re.compile(
    r"v?[0-9]+(?:[.:/-][0-9]+)+|[A-Za-z_]+=[^=].*|.*(?:\*\*|\.\.).*|x+|X+"  # 1.2.3, min=8, ab***
    r"|[0-9]+[-.+]?(?:char|letter|digit|bit|byte|day|hour|min|sec|week|month|year)[a-z-]*"
    r"|[$%!*@:]{1,2}[A-Za-z_]+[0-9]*|[A-Za-z_]+(?:\.[A-Za-z_]+)+"
    r"|[A-Za-z][A-Za-z0-9+.-]*://.*|[~.]{0,2}/.*|[^@]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}"
    r"|(?i:base|sha|aes|utf|oauth|hmac|md|pbkdf|argon|bcrypt|ed|rs|hs|es)-?[0-9]+(?:-[a-z0-9]+)*"
    r"|AWS4-HMAC-SHA256|(?:self|this|os|env|process|config|cfg|settings|options|opts|args|params"
    r"|request|req|ctx|secrets|vars?|local|data|module|state|props|user|conn|app)\.[\w.]+"
)
_SHORTEST_CHOSEN = 6


def is_chosen(value: str) -> bool:
    """Return whether what a text assigns to a secret's name is one: a token that is not a word.

    It has letters and digits, or six digits, or a symbol, or capitals where words have none. The
    rest is prose ("password: must be …") or code (`password=userPassword`).
    """
    word = next(iter(value.split()), "").rstrip(".?!:")
    if len(word) < _SHORTEST_CHOSEN or _NOT_CHOSEN.fullmatch(word) or re.fullmatch(_SAID, word):
        return False
    has_letter, has_digit = any(map(str.isalpha, word)), any(map(str.isdigit, word))
    if find_name(word) and (not has_digit or "-" in word or "_" in word):
        return False  # a reference: password=dbPassword
    if has_digit:
        return has_letter or word.isdecimal()
    return has_letter and (class_changes(word) >= 4 or not _SYMBOLS.isdisjoint(word))


_SYMBOLS = frozenset("!@$%^*")


def _find_sometimes(name: str, value: str, names: Container[str]) -> str | None:
    plain = _plain(name).rstrip("0123456789")
    plain = "token" if plain.endswith(_TOKENS) else plain
    if plain not in names or name.lower().startswith(_PAGING) or not is_minted(value):
        return None
    return _SOMETIMES[plain]


_SHORT_LIVED = re.compile(
    rf"{PLACEHOLDER.pattern}|{STAND_IN}|\b(?:eyJ[\w-]+|e30)\.[\w-]+\.|\bya29\.|bedrock-api-key-"
)
_DIGEST = re.compile(r"[0-9A-Fa-f]{32,}")
_ADDRESS = re.compile(r"0[xX][0-9A-Fa-f]+")
_MIXED = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])[A-Za-z0-9_.~+/-]{20,}={0,2}")


def is_short_lived(value: str) -> bool:
    """Return whether a credential is valid for an hour or only a reference to one.

    Such a credential does not identify an account.
    """
    return _SHORT_LIVED.search(value) is not None


def is_minted(value: str) -> bool:
    """Return whether a value looks like a generated credential.

    That is the shape of a known key, 32 or more hex digits, or 20 or more characters with capitals,
    small letters and digits among them; `0x…` is an address.
    """
    value = unescape(value) if "\\u" in value else value
    if _ADDRESS.fullmatch(value):
        return False
    if _DIGEST.fullmatch(value) or _MIXED.fullmatch(value) or value.startswith(STAND_IN):
        return True
    return any(shape.gate in value and shape.take_out(value) != value for shape in WORDS)
