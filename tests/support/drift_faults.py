"""A provider with faults: real TLS under the names of known hosts, which lead to loopback."""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from commands import run_cachy
from scripted_server import Script, ScriptedServer, json_response, serving
from wire import AUTHORITY

from cachy.fixture.format.render import render_fixture

OPENAI, ANTHROPIC = "api.openai.com", "api.anthropic.com"
KEYS = {"OPENAI_API_KEY": "sk-test-0123456789abcdefAB", "ANTHROPIC_API_KEY": "sk-ant-0123456789AB"}
CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1732440000,
    "model": "gpt-4o-2024-08-06",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hey!"}]}
CHATS = "/v1/chat/completions"


@dataclass
class FaultWorld:
    """A project whose fixtures name known hosts, and the server that answers for all of them."""

    project: Path
    server: ScriptedServer
    waited: list[float] = field(default_factory=list)
    _written: int = 0

    def write(
        self,
        asked: Any = None,
        answered: Any = None,
        *,
        host: str = OPENAI,
        path: str = CHATS,
        **more: Any,
    ) -> str:
        """Write a fixture; return its path from the project's folder."""
        self._written += 1
        request = {"method": "POST", "url": f"https://{host}{path}", "json": asked or ASK}
        request |= more.pop("request", {})
        body = {} if "sse" in more else {"json": CHAT if answered is None else answered}
        kind = "text/event-stream" if "sse" in more else "application/json"
        response = {"status": 200, "headers": {"content-type": kind}, **body, **more}
        recorded = {"at": "2026-11-01T00:00:00Z", "test": f"tests/test_a.py::test_{self._written}"}
        document = {"cachy": 1, "recorded": recorded, "request": request, "response": response}
        name = f"cachy_fixtures/{host}{path}/f{self._written}-{self._written:016x}.json"
        file = self.project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render_fixture(document), encoding="utf-8")
        return name

    def write_clean(self) -> None:
        """Write a fixture of another host, and serve a response of the same structure."""
        path = "/v1/messages"
        self.write({"model": "m", "max_tokens": 1}, {"id": "1"}, host=ANTHROPIC, path=path)
        self.server.on(path, json_response({"id": "2"}))

    def drift(self, *arguments: str, **environ: str) -> tuple[int, dict[str, Any], str]:
        """Run `cachy drift` without waiting; return its code, report and talk."""
        with mock.patch.object(time, "sleep", self.waited.append):
            done = run_cachy(
                *("drift", "--format", "json", *arguments),
                folder=self.project,
                **{**KEYS, **environ},
            )
        assert not any(key in done.stdout + done.stderr for key in KEYS.values())
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@contextmanager
def faulty(project: Path, scripts: Mapping[str, Sequence[Script]]) -> Iterator[FaultWorld]:
    """Serve as the known hosts until the block ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(OPENAI, ANTHROPIC, "api.example.com").configure_cert(context)
    certificate = project.parent / f"{project.name}.pem"
    AUTHORITY.cert_pem.write_to_path(str(certificate))
    (project / "pyproject.toml").touch()
    resolve = socket.getaddrinfo
    with (
        serving(scripts, context=context) as server,
        mock.patch.dict(os.environ, {"SSL_CERT_FILE": str(certificate)}),
    ):

        def to_loopback(host: Any, port: Any, *more: Any, **chosen: Any) -> Any:
            is_known = isinstance(host, str) and host.startswith("api.")
            place = ("127.0.0.1", server.port) if is_known else (host, port)
            return resolve(*place, *more, **chosen)

        with mock.patch.object(socket, "getaddrinfo", to_loopback):
            yield FaultWorld(project, server)


def rows(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the severity, rule and path of each change."""
    return [
        (row["severity"], row["rule"], row["path"])
        for surface in report["surfaces"]
        for row in surface["changes"]
    ]
