"""Which fields are secret by their name; frozen with the fixture format, as the shapes are."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache

from cachy.providers.provider import STAND_IN
from cachy.redact.placeholders import PLACEHOLDER
from cachy.redact.shapes import WORDS

# Names are compared in lower case without _ and -; a name that ends so holds a secret.
_ENDINGS = {
    "password": "password",
    "passwd": "password",
    "passphrase": "password",
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
}
_EXACT = {
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
_PAGING = ("page", "next", "cursor", "continuation", "_")
_SUFFIXES = tuple(sorted(_ENDINGS, key=len, reverse=True))
_IGNORED_SIGNS = str.maketrans("", "", "_-")


@lru_cache(maxsize=4096)
def find_name(name: str) -> str | None:
    """Return the kind of secret that a field of this name contains, or None."""
    plain = name.lower().translate(_IGNORED_SIGNS)
    ending = next((end for end in _SUFFIXES if plain.endswith(end)), "")
    return _ENDINGS.get(ending) or _EXACT.get(plain)


def find_field(name: str, value: str) -> str | None:
    """Return the kind of secret that a field of a JSON object contains, or None."""
    return find_name(name) or _find_sometimes(name, value, _SOMETIMES_IN_JSON)


def find_parameter(name: str, value: str) -> str | None:
    """Return the kind of secret that a parameter of a query or a form contains, or None."""
    kind = find_name(name)
    if kind and name.lower().startswith(_PAGING[:-1]) and not is_minted(value):
        return None  # next_secret=2 names a page
    return kind or _find_sometimes(name, value, _SOMETIMES)


def _find_sometimes(name: str, value: str, names: Container[str]) -> str | None:
    lowered = name.lower()
    plain = lowered.translate(_IGNORED_SIGNS)
    if plain not in names or lowered.startswith(_PAGING) or not is_minted(value):
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
    if _ADDRESS.fullmatch(value):
        return False
    if _DIGEST.fullmatch(value) or _MIXED.fullmatch(value) or value.startswith(STAND_IN):
        return True
    return any(shape.gate in value and shape.take_out(value) != value for shape in WORDS)
