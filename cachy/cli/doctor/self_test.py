"""Whether requests of the installed client libraries are really recorded and replayed.

It runs as a program of its own: its scopes and its misses do not concern the caller's.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from cachy import UnrecordedRequest, cachy
from cachy.config import environment
from cachy.errors import Inconclusive

_SECONDS = 60


class LibraryResult(NamedTuple):
    """What became of one library's request.

    `recorded`: it left a fixture. `replayed`: the second request got the recorded response and did
    not reach the server. `refused`: it ended in a miss.
    """

    name: str
    version: str
    recorded: bool
    replayed: bool
    refused: bool

    @property
    def is_missed(self) -> bool:
        """Whether its requests go live without cachy."""
        return not self.replayed and not self.refused

    @property
    def verdict(self) -> str:
        """What this means for the user."""
        if self.recorded and self.replayed:
            return "caught: recorded and replayed"
        if self.refused:
            return "not recorded, but refused in replay mode"
        return "NOT CAUGHT: its requests go live"


def _send_by_aiohttp(library: Any, url: str) -> None:
    async def send() -> None:
        async with library.ClientSession() as session, session.get(url) as response:
            await response.read()

    asyncio.run(send())


def _send_by_urllib(library: Any, url: str) -> None:
    with library.urlopen(url, timeout=5) as response:
        response.read()


def _send_by_pycurl(library: Any, url: str) -> None:
    curl = library.Curl()
    curl.setopt(library.URL, url)
    curl.setopt(library.WRITEFUNCTION, lambda _: None)
    curl.perform()
    curl.close()


def _send_by_websockets(library: Any, url: str) -> None:
    client = importlib.import_module(f"{library.__name__}.sync.client")
    with client.connect(url.replace("http", "ws", 1)):
        pass


_SENDERS: dict[str, Callable[[Any, str], object]] = {
    "httpx": lambda library, url: library.get(url).read(),
    "httpx2": lambda library, url: library.get(url).read(),
    "requests": lambda library, url: library.get(url).content,
    "aiohttp": _send_by_aiohttp,
    "urllib3": lambda library, url: library.PoolManager().request("GET", url).data,
    "urllib.request": _send_by_urllib,
    "pycurl": _send_by_pycurl,
    "websockets": _send_by_websockets,
}


def run_self_test() -> list[LibraryResult]:
    """Return what becomes of a request of each installed library, tried in another process.

    Raises:
        Inconclusive: that process failed.
    """
    environ = {name: value for name, value in environment().items() if name[:6] != "CACHY_"}
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        env=environ,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode or not done.stdout:
        last = (done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1]
        raise Inconclusive(f"the self-test of the client libraries failed: {last}")
    return [LibraryResult(*row) for row in json.loads(done.stdout.splitlines()[-1])]


class _Server(ThreadingHTTPServer):
    hits = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.hits += 1
        if key := self.headers.get("sec-websocket-key"):
            return self._open_and_close(key)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def _open_and_close(self, key: str) -> None:
        from cachy.replay.websocket import wire  # only a WebSocket client needs it

        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {wire.accept_key(key)}\r\n\r\n"
        )
        self.wfile.write(head.encode("ascii") + wire.frame_bytes(wire.CLOSE, b""))
        self.rfile.read(6)  # the client's own close, with a mask and no payload

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _test_all() -> list[LibraryResult]:
    results = []
    with _Server(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, send in _SENDERS.items():
            with suppress(ImportError), tempfile.TemporaryDirectory() as folder:
                library = importlib.import_module(name)
                results.append(_test_one(name, send, library, server, Path(folder)))
        server.shutdown()
    return results


def _test_one(
    name: str, send: Callable[[Any, str], object], library: Any, server: _Server, folder: Path
) -> LibraryResult:
    host = f"127.0.0.1:{server.server_port}"
    url, refused, replayed = f"http://{host}/cachy-doctor", False, False
    with cachy(folder, [host], mode="record"), suppress(Exception, UnrecordedRequest):
        send(library, url)
    before = server.hits
    try:
        with cachy(folder, [host], mode="replay"):
            send(library, url)
        replayed = server.hits == before
    except UnrecordedRequest:
        refused = server.hits == before
    except Exception:  # a library that fails was not caught
        replayed = False
    recorded = any(folder.rglob("*.json"))
    return LibraryResult(name, _version(name), recorded, replayed, refused)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(Python)"


if __name__ == "__main__":
    print(json.dumps(_test_all()))
