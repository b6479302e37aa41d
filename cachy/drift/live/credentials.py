"""Which host may be asked, and with which credential: never one that only a fixture names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from cachy.drift.live.inconclusive import Unchecked
from cachy.errors import CachyError
from cachy.fixture.identity.fixture_path import parse_target
from cachy.interaction import Headers
from cachy.providers import Provider, find_provider
from cachy.replay.placeholder_keys import PLACEHOLDER

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
_LINE = re.compile(r"([A-Za-z][\w-]*): *(\S[^\r\n]*)")


def find_credential(
    url: str, hosts: Mapping[str, str], environ: Mapping[str, str]
) -> Headers | Unchecked:
    """Find the credential of the exact host of a URL, or say why it may not be asked.

    `hosts` is `[tool.cachy.drift] hosts`; what stands there goes before the provider table.

    Raises:
        CachyError: a line of `hosts` that is no header.
    """
    host, parts = parse_target(url).authority, urlsplit(url)
    is_loopback = (parts.hostname or "") in LOOPBACK
    if parts.scheme.lower() != "https" and not is_loopback:
        return Unchecked("not-allowed", f"{host} is asked without https")
    if parts.username is not None:
        return Unchecked("not-allowed", f"the URL of {host} holds a user name")
    configured = {name.lower(): line for name, line in hosts.items()}
    if host in configured:
        return _configured(host, configured[host], environ)
    provider = None if is_loopback else find_provider(host)
    if provider is None or host not in provider.hosts or not provider.auth:
        line = f'hosts = {{ {json.dumps(host)} = "Authorization: Bearer ${{API_KEY}}" }}'
        detail = (
            f'{host} has no key: [tool.cachy.drift] {line} names it, "" says that it needs none'
        )
        return Unchecked("not-allowed", detail)
    return _of_provider(provider, environ)


def _of_provider(provider: Provider, environ: Mapping[str, str]) -> Headers | Unchecked:
    for name in provider.key_variables:
        if key := _value(name, environ):
            return _header(provider.auth.replace("{key}", key), name)
    return Unchecked("auth", f"{' or '.join(provider.key_variables)} is not set")


def _configured(host: str, line: str, environ: Mapping[str, str]) -> Headers | Unchecked:
    if not line.strip():
        return ()
    if not _LINE.fullmatch(line.strip()):
        raise CachyError(
            f'[tool.cachy.drift] hosts, "{host}": write "header: ${{ENV_NAME}}", or "" for none.'
        )
    names = _VARIABLE.findall(line)
    missing = [name for name in names if not _value(name, environ)]
    if missing:
        return Unchecked("auth", f"{missing[0]} is not set")
    filled = _VARIABLE.sub(lambda found: _value(found[1], environ), line.strip())
    return _header(filled, ", ".join(names) or "the line in hosts")


def _value(name: str, environ: Mapping[str, str]) -> str:
    """Give a variable's value; a line break at its end is a slip of whoever pasted it."""
    value = environ.get(name, "").strip()
    return "" if value.startswith(PLACEHOLDER) else value


def _header(line: str, source: str) -> Headers | Unchecked:
    name, _, value = line.partition(":")
    if not (value.isascii() and value.isprintable()):
        return Unchecked("auth", f"{source} holds characters that no header may hold")
    return ((name.strip().lower(), value.strip()),)
