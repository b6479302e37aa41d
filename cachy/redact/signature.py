"""What a signature consists of in a URL or a form: it differs at each time, and never counts.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
https://cloud.google.com/storage/docs/authentication/signatures
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

_SIGNED = re.compile(
    r"(?i:x-(?:amz|goog)-(?:algorithm|credential|date|expires|signature|signedheaders"
    r"|security-token|region-set))"
)
_MARKS = frozenset({"x-amz-signature", "x-goog-signature"})
# The older way of S3, that of CloudFront, and what is signed in a form that a browser uploads.
_OLDER = frozenset({"AWSAccessKeyId", "GoogleAccessId", "Key-Pair-Id"})
_OF_OLDER = frozenset({*_OLDER, "Signature", "signature", "Expires", "Policy", "Hash-Algorithm"})
_POLICY = "policy"


def without_signature(url: str) -> str:
    """Return a URL without the parameters that sign it; any other URL as it is."""
    place, mark, query = url.partition("?")
    if not mark or "ignature=" not in query:
        return url
    query, sign, fragment = query.partition("#")
    pieces = query.split("&")
    signing = signing_names(unquote_plus(piece.partition("=")[0]) for piece in pieces)
    kept = [one for one in pieces if unquote_plus(one.partition("=")[0]) not in signing]
    return place + ("?" + "&".join(kept) if kept else "") + sign + fragment


def signing_names(names: Iterable[str], *, of_form: bool = False) -> frozenset[str]:
    """Return those of the names of parameters, or of the fields of a form, that sign the rest."""
    given = frozenset(names)
    found = frozenset[str]()
    if any(name.lower() in _MARKS for name in given):
        found = frozenset(filter(_SIGNED.fullmatch, given))
    elif given & _OLDER and given & {"Signature", "signature"}:
        found = (given & _OF_OLDER) | frozenset(filter(_SIGNED.fullmatch, given))
    return found | (given & {_POLICY}) if found and of_form else found
