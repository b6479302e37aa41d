"""A git server on loopback: git's own `http-backend` behind Basic authentication."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class GitServer(ThreadingHTTPServer):
    """Serves every bare repository below `root` to whoever has the token."""

    daemon_threads = True

    def __init__(self, root: Path, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.credential = f"x-access-token:{token}".encode()
        self.is_read_only = False  # to this token, as where it lacks contents: write

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serve_git(root: Path, token: str) -> Iterator[GitServer]:
    with GitServer(root, token) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """CGI (RFC 3875), as much of it as git-http-backend(1) reads."""

    server: GitServer
    protocol_version = "HTTP/1.1"

    def _run(self) -> None:
        body = self._body()
        if not self._is_authorized():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self._may_not():
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        done = subprocess.run(
            ("git", "http-backend"), env=self._cgi(), input=body, capture_output=True, check=True
        )
        self._answer(done.stdout)

    def _may_not(self) -> bool:
        return self.server.is_read_only and "git-receive-pack" in self.path

    do_GET = do_POST = _run

    def _is_authorized(self) -> bool:
        given = self.headers.get_all("Authorization") or []
        if len(given) != 1:  # GitHub refuses two
            return False
        scheme, _, value = given[0].partition(" ")
        return scheme.lower() == "basic" and base64.b64decode(value) == self.server.credential

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _cgi(self) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "REMOTE_USER": "x-access-token",
            "REMOTE_ADDR": "127.0.0.1",
        }

    def _answer(self, output: bytes) -> None:
        head, _, body = output.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((value for name, value in fields if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass
