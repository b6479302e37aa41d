"""httpbin, a server that other people wrote for trying clients out: recorded, gone, replayed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
import requests
from conftest import Scope
from foreign import free_port, make_environment, running

pytestmark = pytest.mark.slow
SERVE = "import sys; from httpbin import app; app.run(port=int(sys.argv[1]), threaded=True)"

PATHS = [
    *("/get?a=1&b=2", "/json", "/xml", "/html", "/encoding/utf8", "/robots.txt", "/deny"),
    *("/gzip", "/brotli", "/deflate", "/image/png", "/image/svg", "/uuid", "/base64/R3LDvMOfZQ=="),
    *("/redirect/3", "/relative-redirect/2", "/absolute-redirect/2"),
    *("/redirect-to?url=/get&status_code=307", "/cookies/set?k1=v1&k2=v2", "/cookies/delete?k1"),
    *("/stream/5", "/stream-bytes/2000?seed=1&chunk_size=100", "/bytes/1024", "/range/100"),
    *("/drip?duration=0.2&numbytes=5&delay=0", "/drip?duration=0&numbytes=3&code=404"),
    *("/response-headers?link=<x>&etag=e&etag=f", "/etag/abc", "/cache", "/links/3/0"),
    *(f"/status/{code}" for code in (200, 201, 202, 204, 206, 304, 400, 404, 406, 409, 410)),
    *(f"/status/{code}" for code in (301, 302, 303, 307, 308, 415, 418, 422, 451)),
    *("/basic-auth/ada/word", "/hidden-basic-auth/ada/word", "/bearer"),
    *("/digest-auth/auth/ada/word", "/digest-auth/auth/ada/word/SHA-256"),
]
POSTED: dict[str, dict[str, Any]] = {
    "json": {"json": {"text": "Grüße", "n": [1, 2.5, None]}},
    "form": {"data": {"a": "1 2", "b": "ü"}},
    "upload": {"files": {"f": ("a.bin", b"\x00\xff", "image/png")}, "data": {"p": "x"}},
    "bytes": {"data": b"\x00\x01raw"},
    "nothing": {},
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_environment(tmp_path_factory.mktemp("httpbin"), "httpbin"))


@pytest.fixture
def httpbin(python: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Run httpbin; gives its URL, and what ends it."""
    port = free_port()
    server = running([python, "-c", SERVE, str(port)], port)
    server.__enter__()
    ended: list[int] = []

    def end() -> None:
        if not ended:
            ended.append(1)
            server.__exit__(None, None, None)

    yield f"http://127.0.0.1:{port}", end
    end()


def seen(response: Any) -> tuple[Any, ...]:
    """What a consumer sees; but for a challenge, as a 401 is not recorded and its answer is."""
    hops = [(hop.status_code, str(hop.url)) for hop in response.history if hop.status_code != 401]
    try:
        body = json.loads(response.content)
    except ValueError:
        body = response.content
    named = ("content-type", "location", "etag", "link")
    headers = [response.headers.get(name) for name in named]
    facts = (response.status_code, str(response.url), hops, response.request.method)
    return (*facts, headers, response.encoding, body, sorted(response.cookies.keys()))


def all_of(send: Callable[..., Any], url: str, digest: Any) -> dict[str, Any]:
    found = {}
    for path in PATHS:
        auth = digest if "digest" in path else ("ada", "word") if "basic" in path else None
        given = {"headers": {"authorization": "Bearer x"}} if path == "/bearer" else {"auth": auth}
        shown = seen(send("GET", url + path, **given))
        found[path] = shown[:-1] if "digest" in path else shown  # the challenge sets the cookies
    for name, given in POSTED.items():
        found[name] = seen(send("POST", f"{url}/post", **given))
    for method in ("PUT", "PATCH", "DELETE"):
        found[method] = seen(send(method, f"{url}/{method.lower()}", json={"q": 1}))
    return found


def by_httpx(library: ModuleType, url: str) -> dict[str, Any]:
    with library.Client(follow_redirects=True) as client:

        def send(method: str, url: str, **given: Any) -> Any:
            if isinstance(given.get("data"), bytes):
                given["content"] = given.pop("data")
            client.cookies.clear()
            return client.request(method, url, **given)

        return all_of(send, url, library.DigestAuth("ada", "word"))


def by_requests(url: str) -> dict[str, Any]:
    def send(method: str, url: str, **given: Any) -> Any:
        return requests.request(method, url, timeout=60, **given)

    return all_of(send, url, requests.auth.HTTPDigestAuth("ada", "word"))


def test_httpbin_is_the_same_with_its_process_gone(
    library: ModuleType, httpbin: tuple[str, Callable[[], None]], recording: Scope, replaying: Scope
) -> None:
    url, end = httpbin
    with recording():
        live = by_httpx(library, url)
    end()
    with replaying():
        assert by_httpx(library, url) == live


def test_httpbin_is_the_same_under_requests(
    httpbin: tuple[str, Callable[[], None]], recording: Scope, replaying: Scope
) -> None:
    url, end = httpbin
    with recording():
        live = by_requests(url)
    end()
    with replaying():
        assert by_requests(url) == live
