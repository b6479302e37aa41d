"""What replaces a secret."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\[redacted:(?:[a-z0-9-]+|\{\{[a-z0-9-]+\}\})\]")
_ONLY_PLACEHOLDERS = re.compile(f"(?:{PLACEHOLDER.pattern})+")


# Kinds that stand where only the braces of a template keep scanners still: what follows
# `password:` or `db_pw=` is a password to them (betterleaks' rule "generic-password").
_AS_TEMPLATES = frozenset(("password", "env", "custom"))


def placeholder(kind: str) -> str:
    """Return the placeholder of a kind of secret; it is the same everywhere."""
    return f"[redacted:{{{{{kind}}}}}]" if kind in _AS_TEMPLATES else f"[redacted:{kind}]"


def is_placeholder(text: str) -> bool:
    """Return whether a text consists of one placeholder or several."""
    return _ONLY_PLACEHOLDERS.fullmatch(text) is not None


# A password that was redacted as something else: by its shape, or by where it was first seen.
_AS_PASSWORD = re.compile(
    r"((?i:passw(?:or)?d)(?:\\{0,16}[\"'])?\s*(?:=>|[:=])\s*(?:\\{0,16}[\"'])?)\[redacted:[a-z0-9-]+\]"
)


def mark_passwords(text: str) -> str:
    """Return a text in which placeholders after `password:` are those of passwords."""
    return _AS_PASSWORD.sub(rf"\1{placeholder('password')}", text)
