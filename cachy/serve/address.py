"""Where `cachy serve` answers: `http://127.0.0.1:PORT/<segment>/<host>/<path>`, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hmac import compare_digest
from urllib.parse import unquote, urljoin, urlsplit

from cachy.config import is_loopback
from cachy.errors import MalformedMessage
from cachy.interaction import Headers, has_host, host_and_port
from cachy.providers import find_provider

_AUTHORITY = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_LINKS = ("location", "content-location", "operation-location", "azure-asyncoperation")
_TARGET_OF_LINK = re.compile(r"<([^<>]*)>")


class Address:
    """The address of one server.

    Args:
        port: the port on 127.0.0.1.
        segment: the part of the path that only the user's programs know.
        schemes: "http" or "https" of gateways that the environment names, by `host[:port]`.
    """

    def __init__(self, port: int, segment: str, schemes: Mapping[str, str]) -> None:
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}/{segment}"
        self._segment = segment
        self._schemes = schemes

    def is_ours(self, segment: str) -> bool:
        """Return whether a program knows the segment, in a time that says nothing of it."""
        return compare_digest(segment.encode("latin-1"), self._segment.encode("latin-1"))

    def url_of(self, place: str) -> str:
        """Return the URL that `<host>/<path>` stands for.

        Raises:
            MalformedMessage: it names no host, or climbs out of its path.
        """
        found = re.match(r"[^/?]*", place)
        name, rest = (found[0] if found else "").lower(), place[found.end() if found else 0 :]
        if not _AUTHORITY.fullmatch(name) or not has_host(f"//{name}"):
            raise MalformedMessage("the path does not begin with a host after the first segment")
        if "#" in rest or _climbs(rest):
            raise MalformedMessage("the path holds `.` or `..` as a segment, `\\` or `#`")
        scheme = self._scheme_of(name)
        authority = name.removesuffix(_DEFAULT_PORTS[scheme])
        path = rest if rest.startswith("/") else f"/{rest}"
        return f"{scheme}://{authority}{_left_out(authority, path)}{path}"

    def _scheme_of(self, authority: str) -> str:
        default = "http" if is_loopback(host_and_port(f"//{authority}")[0]) else "https"
        return self._schemes.get(authority, default)

    def served(self, url: str) -> str:
        """Return where this server answers as a URL."""
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        return f"{self.url}/{parts.netloc.rpartition('@')[2]}{parts.path}{query}{fragment}"

    def with_served_links(
        self, headers: Headers, url: str, covers: Callable[[str, int | None], bool]
    ) -> Headers:
        """Return the headers of the response to `url`, links to covered hosts leading back here."""
        if not any([name.lower() in (*_LINKS, "link") for name, _ in headers]):
            return headers

        def lead_back(link: str) -> str:
            try:
                whole = urljoin(url, link)
                return self.served(whole) if self._is_served(whole, covers) else whole
            except ValueError:  # not a URL
                return link

        return tuple(
            (name, lead_back(value))
            if name.lower() in _LINKS
            else (name, _TARGET_OF_LINK.sub(lambda one: f"<{lead_back(one[1])}>", value))
            if name.lower() == "link"
            else (name, value)
            for name, value in headers
        )

    def _is_served(self, url: str, covers: Callable[[str, int | None], bool]) -> bool:
        scheme, netloc = urlsplit(url)[:2]
        is_same = self._scheme_of(netloc.rpartition("@")[2].lower()) == scheme
        return is_same and covers(*host_and_port(url))


def _climbs(rest: str) -> bool:
    path = unquote(rest.partition("?")[0], "latin-1")
    return "\\" in path or any(part in (".", "..") for part in path.split("/"))


def _left_out(authority: str, path: str) -> str:
    """Return what an SDK leaves out of a path below a base URL that it does not know."""
    provider = find_provider(authority)
    if provider is None or not provider.left_out_path:
        return ""
    whole = provider.left_out_path + path.partition("?")[0]
    return provider.left_out_path if any(row.path == whole for row in provider.surfaces) else ""
