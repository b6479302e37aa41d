"""Which hosts cachy covers: how a host is written, and what an entry of `doms` matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from cachy.interaction import ascii_host, host_and_port
from cachy.providers import PROVIDERS
from cachy.providers.aws import ENDPOINT

_NAME = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*"
_LARGEST_PORT = 65535
LOOPBACK = ("127.0.0.1", "localhost", "::1", "0.0.0.0")


def parse_dom(dom: str) -> str:
    """Return an entry of `doms` as hosts are compared: ASCII, lower case, no final dot.

    Raises:
        ValueError: it matches no host; the message says what to write.
    """
    if not isinstance(dom, str) or any(char in dom for char in "/?#@\\ ,") or not dom.strip():
        host = re.split(r"[/?#,\\ ]", str(dom).strip().split("://")[-1])[0].split("@")[-1]
        raise ValueError(_advice(dom, host if re.match(_NAME, host.lower()) else "api.example.com"))
    host, port = _split_port(dom)
    if host.startswith("[") or host.count(":") > 1:
        return _with_port(_parse_ipv6(dom, host), dom, port)
    name = ascii_host(host.removeprefix("*.").removeprefix("."))
    if name != "*" and not re.fullmatch(_NAME, name):
        wanted = name.rpartition("*")[2].strip(".:")
        is_host = "." in wanted and re.fullmatch(_NAME, wanted)
        raise ValueError(_advice(dom, wanted if is_host else "api.example.com"))
    return _with_port(name, dom, port)


def _advice(dom: object, host: str) -> str:
    return f"{dom!r} is not a host name; use {host!r} (a host, host:port, or '*')"


def _split_port(dom: str) -> tuple[str, str | None]:
    """Split `host:port`; an IPv6 address needs brackets to have a port."""
    host, colon, port = dom.rpartition(":")
    if colon and (host.endswith("]") or ":" not in host):
        return host, port
    return dom, None


def _parse_ipv6(dom: str, host: str) -> str:
    from ipaddress import IPv6Address  # only for such an entry

    try:
        return f"[{IPv6Address(host.strip('[]')).compressed}]"
    except ValueError:
        raise ValueError(_advice(dom, "[::1]")) from None


def _with_port(name: str, dom: str, port: str | None) -> str:
    if port in (None, "*"):
        return name
    if not port or not port.isdecimal() or not 0 < int(port) <= _LARGEST_PORT:
        raise ValueError(f"{dom!r} has no valid port; use {name!r} for every port of the host")
    return f"{name}:{int(port)}"


def is_covered(host: str, port: int | None, doms: Iterable[str]) -> bool:
    """Return whether one of some parsed entries matches this host, or a host above it at a dot."""
    name = ascii_host(host)
    shown = f"[{name}]" if ":" in name else name
    return any(_covers(dom, shown, port) for dom in doms)


def _covers(dom: str, host: str, port: int | None) -> bool:
    name, wanted = _split_port(dom)
    if wanted is not None and str(port) != wanted:
        return False
    return name == "*" or host == name or host.endswith("." + name)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    name = ascii_host(host)
    return name in LOOPBACK or name.startswith("127.") or name.endswith(".localhost")


def base_url_hosts(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the hosts that the SDKs' own base-URL variables name, each with its variable.

    What is not a URL of some host is left out: the SDK itself will complain.
    """
    found: dict[str, str] = {}
    for variable in (name for row in PROVIDERS for name in row.base_url_variables):
        value = environ.get(variable)
        if value and (dom := _dom_of_url(value.strip())):
            found.setdefault(dom, variable)
    return found


def endpoint_hosts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the hosts that the variables of AWS name for its services.

    They are not covered for that, as most services are not: but what goes there is counted.
    """
    values = [environ[name].strip() for name in environ if name.startswith(ENDPOINT)]
    return tuple(filter(None, map(_dom_of_url, values)))


def _dom_of_url(url: str) -> str:
    """Return the entry that covers a URL's host; without a scheme every port may be meant."""
    try:
        if "://" not in url:
            return parse_dom(url.partition("/")[0])
        host, port = host_and_port(url)
        shown = f"[{host}]" if ":" in host else host
        return parse_dom(f"{shown}:{port}" if port else shown)
    except ValueError:
        return ""


def parse_alias(aliases: Mapping[str, str]) -> dict[str, str]:
    """Return a table of hosts and the hosts that they stand for, as hosts are compared.

    Raises:
        ValueError: an entry matches no host, or more than one.
    """
    parsed = {parse_dom(host): parse_dom(name) for host, name in aliases.items()}
    if "*" in (*parsed, *parsed.values()):
        raise ValueError("'*' is not one host; name the host, such as 'gateway.local:4000'")
    return parsed


def find_alias(host: str, port: int | None, aliases: Mapping[str, str]) -> str:
    """Return the host that this one stands for, or ""."""
    name = ascii_host(host)
    shown = f"[{name}]" if ":" in name else name
    return aliases.get(f"{shown}:{port}") or aliases.get(shown, "")


def parse_doms(doms: Sequence[str]) -> tuple[str, ...]:
    """Return the entries of `doms` as hosts are compared.

    Raises:
        ValueError: one of them matches no host.
    """
    return tuple(dict.fromkeys(map(parse_dom, doms)))
