"""Which hosts are asked, and with which credential: never a host that only a fixture names."""

from __future__ import annotations

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
# What may stand around the variables: the names of schemes and cookies, and what separates. A
# lower-case word with hyphens may be a key, so it must say that it names one.
_NAMES = (
    r"[A-Za-z][A-Za-z_-]{0,19}(?==)",
    r"[A-Za-z]{1,12}",
    r"[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*){1,3}",
    r"(?:[a-z]{2,8}-)?(?:key|token)",
)
_AROUND = re.compile(rf"""(?:[ :,;"']*(?:{"|".join(_NAMES)})[ =])*[ :,;="']*""")


def check_hosts(hosts: Mapping[str, str]) -> None:
    """Refuse a line of `[tool.cachy.drift] hosts` that is not a header, or that holds its key.

    Raises:
        CachyError: the message names the host, never the line.
    """
    for host, line in hosts.items():
        if not line.strip():
            continue
        at = f'[tool.cachy.drift] hosts, "{host}"'
        found = _LINE.fullmatch(line.strip())
        if not found:
            raise CachyError(
                f"{at} is not a header.", advice='Write "header: ${ENV_NAME}", or "" for none.'
            )
        value = found[2]
        if not _VARIABLE.search(value) or not _AROUND.fullmatch(_VARIABLE.sub("", value)):
            raise CachyError(
                f"{at} holds a literal value.",
                advice='Put the key into an environment variable and write "header: ${ENV_NAME}".',
            )


def is_known_host(url: str, hosts: Mapping[str, str]) -> bool:
    """Return whether settings or the provider table say which key the exact host of a URL needs."""
    host, parts = parse_target(url).authority, urlsplit(url)
    if host in {name.lower() for name in hosts}:
        return True
    return bool(_provider(host, parts.hostname or "")) or parts.username is not None


def _provider(host: str, name: str) -> Provider | None:
    provider = None if name in LOOPBACK else find_provider(host)
    return provider if provider and host in provider.hosts and provider.auth else None


def find_credential(
    url: str, hosts: Mapping[str, str], environ: Mapping[str, str]
) -> Headers | Unchecked:
    """Return the credential of the exact host of a URL, or why the host is not asked.

    `hosts` is `[tool.cachy.drift] hosts`; what stands there goes before the provider table.
    """
    host, parts = parse_target(url).authority, urlsplit(url)
    if parts.username is not None:
        return Unchecked("unsafe", f"the URL of {host} holds a user name")
    configured = {name.lower(): line for name, line in hosts.items()}
    provider = _provider(host, parts.hostname or "")
    if host not in configured and provider is None:
        return Unchecked("unsafe", f"no setting says which key {host} needs")
    if parts.scheme.lower() != "https" and (parts.hostname or "") not in LOOPBACK:
        return Unchecked("unsafe", f"{host} would be asked without https")
    if host in configured:
        return _configured(configured[host], environ)
    assert provider is not None
    return _of_provider(provider, environ)


def _of_provider(provider: Provider, environ: Mapping[str, str]) -> Headers | Unchecked:
    for name in provider.key_variables:
        if key := _value(name, environ):
            return _header(provider.auth.replace("{key}", key), name)
    return Unchecked("auth", f"{' or '.join(provider.key_variables)} is not set")


def _configured(line: str, environ: Mapping[str, str]) -> Headers | Unchecked:
    if not line.strip():
        return ()
    names = _VARIABLE.findall(line)
    missing = [name for name in names if not _value(name, environ)]
    if missing:
        return Unchecked("auth", f"{missing[0]} is not set")
    filled = _VARIABLE.sub(lambda found: _value(found[1], environ), line.strip())
    return _header(filled, ", ".join(names))


def _value(name: str, environ: Mapping[str, str]) -> str:
    """Return a variable's value without a line break at its end, which pasting leaves there."""
    value = environ.get(name, "").strip()
    return "" if value.startswith(PLACEHOLDER) else value


def _header(line: str, source: str) -> Headers | Unchecked:
    name, _, value = line.partition(":")
    if not (value.isascii() and value.isprintable()):
        return Unchecked("auth", f"{source} holds characters that no header may hold")
    return ((name.strip().lower(), value.strip()),)
