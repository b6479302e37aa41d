"""Which values of the environment must not appear in the log."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

NAME = re.compile(
    r"(?:^|_)(?:api_?key|key|token|secret|pass(?:word|wd|phrase)?|credential|auth|pat)s?(?:_|$)",
    re.IGNORECASE,
)
VALUE = re.compile(
    r"sk[-_]|gh[pousr]_|github_pat_|A[KS]IA|AIza|hf_|gsk_|xox[abprs]-|eyJ|-----BEGIN"
)


def find_credentials(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the values that look like credentials, by their variable's name or their shape."""
    for name, value in environ.items():
        if VALUE.match(value) or (NAME.search(name) and not _is_setting(value)):
            yield value


def _is_setting(value: str) -> bool:
    # TOKEN_LIMIT=4096, AUTH_MODE=disabled and KEY_FILE=/etc/key would blot out half the log.
    word = value.isdigit() or (value.isalpha() and value.islower())
    return len(value) < 8 or word or os.path.exists(value)
