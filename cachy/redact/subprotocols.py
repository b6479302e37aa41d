"""Secrets in the subprotocols of a WebSocket connection, where browsers have no other place."""

from __future__ import annotations

from cachy.interaction import SUBPROTOCOLS
from cachy.redact.names import is_minted
from cachy.redact.placeholders import is_placeholder, placeholder
from cachy.redact.redact_text import redact_text

# What is followed by a credential, as the next subprotocol or after a dot.
_MARKS = ("key", "token", "bearer", "authorization", "jwt", "organization", "project")
_KUBERNETES = "base64url.bearer.authorization.k8s.io"
_SHORTEST = 8  # characters: a version is shorter


def redact_matched(name: str, value: str, extra: tuple[str, ...] = ()) -> str:
    """Return a request header that counts, without its secrets; `extra` are the user's patterns."""
    clean = redact_subprotocols(value) if name == SUBPROTOCOLS else value
    return redact_text(clean, extra)


def redact_subprotocols(value: str) -> str:
    """Return a `sec-websocket-protocol` header without its credentials.

    Known are `openai-insecure-api-key.KEY`, `base64url.bearer.authorization.k8s.io.TOKEN`, and
    `token, KEY`; elsewhere a subprotocol that looks minted is one.
    """
    clean: list[str] = []
    for part in (piece.strip() for piece in value.split(",")):
        before = clean[-1] if clean else ""
        clean.append(_redact(part, is_marked=_ends_in_mark(before)))
    return ", ".join(clean)


def _ends_in_mark(name: str) -> bool:
    lowered = name.lower()
    return lowered == _KUBERNETES or lowered.replace("-", ".").rpartition(".")[2] in _MARKS


def _redact(part: str, *, is_marked: bool) -> str:
    if is_placeholder(part):
        return part
    name, dot, rest = part.rpartition(".")
    if dot and _ends_in_mark(name) and not is_placeholder(rest):
        return f"{name}.{placeholder('key')}"
    if is_minted(part) or (is_marked and len(part) >= _SHORTEST):
        return placeholder("key")
    return redact_text(part)
