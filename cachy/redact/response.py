"""Redaction of responses: newer keys are known too, and a JWT keeps its claims."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

from cachy.interaction import Json
from cachy.redact.json_values import redact_json
from cachy.redact.newer_shapes import NEWER
from cachy.redact.placeholders import placeholder
from cachy.redact.redact_text import Redaction
from cachy.redact.shapes import KEPT_JWT, WORDS, Rules, Shape

_EXPIRY = 4070908800  # 2099-01-01, so that no program finds the token expired
_ENDING = ".redacted"
_ANY_JWT = re.compile(
    r"(?:eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|e30\.[A-Za-z0-9_-]+\.redacted)"
)


def _keep_claims(match: re.Match[str]) -> str:
    """Return a JWT that programs can decode and servers reject (RFC 7519 section 3)."""
    claims = _claims(match[0])
    if claims is None:
        return placeholder("jwt")
    clean = redact_json(claims, (), RESPONSE)
    if "exp" in clean:
        clean = {**clean, "exp": _in_2099_as(clean["exp"])}
    text = json.dumps(clean, separators=(",", ":")).encode()
    return KEPT_JWT + base64.urlsafe_b64encode(text).decode().rstrip("=") + _ENDING


def _claims(token: str) -> dict[str, Json] | None:
    part = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def _in_2099_as(moment: Json) -> Json:
    """Return the expiry in the type of another one; what is not a number stays."""
    if isinstance(moment, str):
        return str(_EXPIRY) if moment.isdecimal() else moment
    return moment if moment is None else type(moment)(_EXPIRY)


_XML_KEY, _XML_EXPIRY = "<SecretAccessKey>", r"(<Expiration>)[^<]*(?=</Expiration>)"
_EXPIRY_TEXT = "2099-01-01T00:00:00Z"


def keep_valid_text(text: str) -> str:
    """Return XML of AWS in which temporary credentials expire in 2099, as clients would not wait.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html
    """
    return re.sub(_XML_EXPIRY, rf"\g<1>{_EXPIRY_TEXT}", text) if _XML_KEY in text else text


def keep_valid(value: Json) -> Json:
    """Return JSON of AWS in which temporary credentials expire in 2099."""
    if isinstance(value, list):
        return [keep_valid(item) for item in value]
    if not isinstance(value, dict):
        return value
    has_key = any(name.lower() in ("secretaccesskey", "secretkey") for name in value)
    return {
        name: _in_2099(item) if has_key and name.lower() == "expiration" else keep_valid(item)
        for name, item in value.items()
    }


def _in_2099(moment: Json) -> Json:
    if isinstance(moment, str):
        return _EXPIRY_TEXT
    return (
        _EXPIRY * (1000 if moment > _EXPIRY else 1) if isinstance(moment, (int, float)) else moment
    )


def _is_jwt(value: str) -> bool:
    return _ANY_JWT.fullmatch(value) is not None and _claims(value) is not None


def _of_response(shape: Shape) -> Shape:
    is_signed = shape.kind == "jwt" and shape.pattern.count(r"\.") == 2
    return shape._replace(replacement=_keep_claims) if is_signed else shape


# What an API says of a field that it refuses: {"password": ["can't be blank"]}.
_MESSAGE = (
    r"(?i)(?=.*\b(?:is|are|must|be|been|can't|cannot|should|not|does|do|doesn't|too|may|has)\b)"
    r"(?!.*(?:[a-z][0-9]|[0-9][a-z]))\S+(?: \S+){1,40}"
)


def _is_message(value: str) -> bool:
    return re.fullmatch(_MESSAGE, value) is not None


RESPONSE = Rules(
    (*(_of_response(shape) for shape in WORDS if shape.gate != KEPT_JWT), *NEWER),
    _is_jwt,
    _is_message,
)
"""The rules of responses, of `verify` and of the write guard."""


def find_secrets(text: str, extra: Sequence[str] = ()) -> list[str]:
    """Return the kinds of secrets that a text holds, sorted."""
    run = Redaction(extra, RESPONSE)
    run.redact(text)
    return sorted(run.kinds)


def newer_secrets(text: str) -> tuple[str, ...]:
    """Return the keys in a text that only the newer rules know."""
    shapes = [shape for shape in NEWER if shape.gate in text]
    return tuple({match[0] for shape in shapes for match in shape.find(text)})
