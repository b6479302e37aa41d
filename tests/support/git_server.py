"""A git server on loopback: git's own `http-backend` behind Basic authentication."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripted_server import ScriptedResponse, SeenRequest, serving

ASK = ScriptedResponse(b"", 401, (("WWW-Authenticate", 'Basic realm="git"'),))


@dataclass
class GitServer:
    """Serves every bare repository below `root` to those who have the credential."""

    root: Path
    credential: bytes
    is_read_only: bool = False  # to this token, as where it lacks contents: write
    url: str = ""

    def respond(self, request: SeenRequest) -> ScriptedResponse:
        """Answer as a CGI program does (RFC 3875), so far as git-http-backend(1) goes."""
        if not self._is_authorized(request):
            return ASK
        if self.is_read_only and "git-receive-pack" in request.path:
            return ScriptedResponse(b"", 403, ())
        done = subprocess.run(
            ("git", "http-backend"),
            env=_environment(self.root, request),
            input=request.body,
            capture_output=True,
            check=True,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        fields = {name: value for name, value in lines}
        status = fields.pop("Status", "200 OK")
        return ScriptedResponse(body, int(status.split()[0]), tuple(fields.items()))

    def _is_authorized(self, request: SeenRequest) -> bool:
        given = request.headers.get("authorization", "")  # GitHub refuses two, here "…, …"
        scheme, _, value = given.partition(" ")
        return scheme.lower() == "basic" and value == base64.b64encode(self.credential).decode()


@contextmanager
def serve_git(root: Path, token: str) -> Iterator[GitServer]:
    server = GitServer(root, f"x-access-token:{token}".encode())
    with serving(otherwise=server.respond) as scripted:
        server.url = scripted.url
        yield server


def _environment(root: Path, request: SeenRequest) -> dict[str, str]:
    path, _, query = request.path.partition("?")
    return {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "REMOTE_USER": "x-access-token",
        "REMOTE_ADDR": "127.0.0.1",
    }
