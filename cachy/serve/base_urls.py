"""Which variables of the SDKs lead to `cachy serve`, and which keys let them start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from cachy.config import Config, is_covered
from cachy.interaction import has_host, host_and_port
from cachy.providers import PROVIDERS, Provider
from cachy.replay import placeholder_keys
from cachy.serve.address import Address


class BaseUrl(NamedTuple):
    """A variable, and the URL that its value stands for."""

    variable: str
    url: str
    provider: Provider


def find_base_urls(config: Config, environ: Mapping[str, str]) -> list[BaseUrl]:
    """Return the variables to set: those of a provider's SDKs, or those that name a gateway.

    What is signed for its host, as AWS does, would not be accepted through another one.
    """
    return [
        row
        for provider in PROVIDERS
        if provider.auth
        for row in _rows(provider, environ)
        if is_covered(*host_and_port(row.url), config.doms)
    ]


def _rows(provider: Provider, environ: Mapping[str, str]) -> Iterator[BaseUrl]:
    values = {name: environ.get(name, "").strip() for name in provider.base_url_variables}
    if not any(values.values()):
        values = dict.fromkeys(values, provider.base_url)
    for name, url in values.items():
        if url.startswith(("http://", "https://")) and has_host(url):
            yield BaseUrl(name, url, provider)


def schemes_of(rows: list[BaseUrl]) -> dict[str, str]:
    """Return the scheme of each host that a variable names."""
    parts = [urlsplit(row.url) for row in rows]
    return {part.netloc.rpartition("@")[2].lower(): part.scheme for part in parts}


def served_variables(
    rows: list[BaseUrl], address: Address, config: Config, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the values of the variables, and placeholders for the keys that are not set.

    Where a proxy is set, programs are to reach the server without it.
    """
    unset = placeholder_keys.unset(config.mode, dict.fromkeys(row.provider for row in rows))
    keys = {name: placeholder_keys.PLACEHOLDER + name for name in unset}
    urls = {row.variable: address.served(row.url) for row in rows}
    return urls | keys | _past_proxies(environ)


def _past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    if not any(environ.get(name) for name in (*_PROXIES, *map(str.upper, _PROXIES))):
        return {}
    before = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    hosts = ",".join(filter(None, [before, "127.0.0.1"]))
    return {} if before == "*" else dict.fromkeys(("no_proxy", "NO_PROXY"), hosts)


_PROXIES = ("http_proxy", "all_proxy")
