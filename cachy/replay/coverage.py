"""Which requests of a scope are cachy's to answer, and which it lets through and counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from cachy.config import Config, Mode, find_alias, is_covered, is_loopback
from cachy.display import counted
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.fixture.store.store import Store
from cachy.interaction import Request, host_and_port
from cachy.providers import find_provider, hosts_behind
from cachy.replay.owner import variants_to_try

_DEFAULT_PORTS = (80, 443, None)
_PORTS = 3  # of one host of this machine, shown one by one


class Coverage:
    """The hosts of one scope.

    Args:
        config: the scope's settings.
        note: is called with each host[:port] that is not covered, once for each request to it.
    """

    def __init__(self, config: Config, note: Callable[[str], None]) -> None:
        self._config = config
        self._note = note
        self.guards = lru_cache(maxsize=256)(self._guards)
        self.covers = lru_cache(maxsize=256)(self._covers)

    def _guards(self, host: str, port: int | None) -> bool:
        """Return whether requests to a host are ours, whatever client sends them."""
        config = self._config
        return config.mode is not Mode.OFF and is_covered(host, port, config.doms)

    def _covers(self, host: str, port: int | None) -> bool:
        """Return whether requests to a host are ours if a client that cachy catches sends them."""
        return self.guards(host, port) or refuses(self._config, host, port)

    def pass_by(self, host: str, port: int | None, *, has_placeholder: bool = False) -> None:
        """Note a request that goes live because its host is not covered.

        One to this machine is noted only where it seems to be meant for an API.
        """
        config = self._config
        if config.mode is Mode.OFF or is_covered(host, port, config.passed):
            return
        is_telling = config.debug or has_placeholder or not is_loopback(host)
        if is_telling or is_covered(host, port, config.endpoint_hosts):
            self._note(shown_host(host, port))


def shown_host(host: str, port: int | None) -> str:
    """Return a host as settings name it: the port stands there if it is not the usual one."""
    name = f"[{host}]" if ":" in host else host
    return name if port in _DEFAULT_PORTS else f"{name}:{port}"


def refuses(config: Config, host: str, port: int | None) -> bool:
    """Return whether a request to this uncovered host is a miss, as `uncovered = "refuse"` says."""
    is_strict = config.uncovered == "refuse" and config.mode is Mode.REPLAY
    if not is_strict or is_loopback(host):
        return False
    return not is_covered(host, port, (*config.doms, *config.passed))


def explain_coverage(url: str, config: Config) -> str:
    """Return why a host is covered where the user may not know it, else nothing."""
    host, port = host_and_port(url)
    if refuses(config, host, port):
        return 'the host is not covered, and uncovered = "refuse"'
    variable = config.base_url_hosts.get(_dom_of_variable(url, config))
    return f"the host is covered because {variable} names it" if variable else ""


def _dom_of_variable(url: str, config: Config) -> str:
    """Return the entry that a base-URL variable makes for a URL's host, or ""."""
    host, port = host_and_port(url)
    doms = (dom for dom in config.base_url_hosts if is_covered(host, port, (dom,)))
    return next(doms, "")


def suggest_alias(request: Request, config: Config) -> str:
    """Return the setting by which a gateway and its API share this request's fixture, or ""."""
    dom = _dom_of_variable(request.url, config)
    for host in hosts_behind(config.base_url_hosts.get(dom, "")):
        if _is_recorded(with_alias(request, config._replace(alias={dom: host})), config):
            setting = f'alias = {{"{dom}" = "{host}"}} in [tool.cachy]'
            return f"A fixture of {host} would answer this request: set {setting}"
    host = host_and_port(request.url)[0]
    gateway = "" if dom or find_provider(host) is None else _find_gateway(request, config)
    if not gateway:
        return ""
    if find_alias(*host_and_port(f"http://{gateway}"), config.alias) == host:
        return f"It was recorded at {gateway} before alias was set: record it again"
    setting = f'alias = {{"{gateway}" = "{host}"}} in [tool.cachy]'
    return f"It is recorded at {gateway}: to use it here too, set {setting} and record it again"


def _find_gateway(request: Request, config: Config) -> str:
    """Return another host at which this request is recorded."""
    for folder in sorted(config.fixtures.iterdir()) if config.fixtures.is_dir() else ():
        host = re.sub(r"_([0-9]+)$", r":\1", folder.name)
        for scheme in ("http", "https") if not find_provider(host) else ():
            url = urlunsplit((scheme, host, *urlsplit(request.url)[2:]))
            if _is_recorded(request._replace(url=url), config):
                return host
    return ""


def _is_recorded(request: Request, config: Config) -> bool:
    identity, store = identify_settled(request, config), Store(config.fixtures)
    variants = variants_to_try(identity, config)
    return any(store.find(identity.varied(variant)) for variant in variants)


def with_alias(request: Request, config: Config) -> Request:
    """Return a request as one to the host that its own host stands for, if it does."""
    name = find_alias(*host_and_port(request.url), config.alias)
    if not name:
        return request
    scheme = "http" if is_loopback(name.rpartition(":")[0] or name) else "https"
    return request._replace(url=urlunsplit((scheme, name, *urlsplit(request.url)[2:])))


def _folded(numbers: Counter[str]) -> Counter[str]:
    """Count the ports of this machine as one host where each server of a suite has its own."""
    ports = Counter(_without_port(host) for host in numbers)
    folded = Counter[str]()
    for host, number in numbers.items():
        name = _without_port(host)
        folded[name if ports[name] > _PORTS and is_loopback(name.strip("[]")) else host] += number
    return folded


def _without_port(host: str) -> str:
    return re.sub(r":[0-9]+$", "", host)


def describe_uncovered(uncovered: Iterable[str]) -> list[str]:
    """Return the lines that name the hosts of uncovered requests and say how to cover them."""
    numbers = _folded(Counter(uncovered))
    if not numbers:
        return []
    hosts = ", ".join(f"{host} ({number})" for host, number in sorted(numbers.items()))
    entries = ", ".join(f'"{host}"' for host in sorted(numbers))
    return [
        f"{counted(numbers.total(), 'request')} went live to hosts that are not covered: {hosts}",
        f"to cover them: extend-doms = [{entries}] in [tool.cachy]; to let them pass: "
        f"pass = [{entries}]",
    ]
