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
    clean = redact_json(claims)
    if "exp" in clean:
        clean["exp"] = _EXPIRY
    text = json.dumps(clean, separators=(",", ":")).encode()
    return KEPT_JWT + base64.urlsafe_b64encode(text).decode().rstrip("=") + _ENDING


def _claims(token: str) -> dict[str, Json] | None:
    part = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def _is_jwt(value: str) -> bool:
    return _ANY_JWT.fullmatch(value) is not None and _claims(value) is not None


def _of_response(shape: Shape) -> Shape:
    is_signed = shape.kind == "jwt" and shape.pattern.count(r"\.") == 2
    return shape._replace(replacement=_keep_claims) if is_signed else shape


RESPONSE = Rules(
    (*(_of_response(shape) for shape in WORDS if shape.gate != KEPT_JWT), *NEWER), _is_jwt
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
