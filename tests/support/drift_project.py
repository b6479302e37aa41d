"""A project with recorded fixtures, for drift to check: on the command line, or in this process."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from commands import run_cachy
from scripted_server import ScriptedServer

from cachy import cachy
from cachy.config import load_config
from cachy.drift.check import Options, check, load_fixtures
from cachy.drift.live.limits import Allowance, Limits
from cachy.drift.live.resend import open_connection
from cachy.fixture.store.files import FileChanges

KEY = "test-key-0123456789abcdef"
CHAT = "/v1/chat/completions"
CHAT_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1732440000,
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 1, "total_tokens": 2},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "sequence_number": 0},
    {"type": "response.output_text.delta", "sequence_number": 1, "delta": "Hi"},
    {"type": "response.completed", "sequence_number": 2, "response": {"id": "r1"}},
]


def write_config(project: Path, provider: ScriptedServer, more: str = "") -> None:
    (project / "pyproject.toml").write_text(
        '[tool.cachy]\ndoms = ["127.0.0.1"]\n'
        f'[tool.cachy.drift]\nallow = ["POST {provider.host}/*"]\n'
        f'hosts = {{ "{provider.host}" = "Authorization: Bearer ${{MY_KEY}}" }}\n{more}'
    )


def record(
    project: Path, provider: ScriptedServer, body: Any, path: str = CHAT, **chosen: Any
) -> Path:
    before = set((project / "cachy_fixtures").rglob("*.json"))
    with cachy(project / "cachy_fixtures", doms=["127.0.0.1"], mode="record", **chosen):
        httpx.post(provider.url + path, json=body).read()
    (new,) = set((project / "cachy_fixtures").rglob("*.json")) - before
    return new


def drift(project: Path, *arguments: str, **environ: str) -> tuple[int, dict[str, Any], str]:
    """Run `cachy drift` in this process without waiting; return its code, report and talk."""
    with mock.patch.object(time, "sleep"):
        done = run_cachy(
            "drift", "--format", "json", *arguments, folder=project, **{"MY_KEY": KEY, **environ}
        )
    assert KEY not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def told(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (change["severity"], change["rule"], change["path"])
        for surface in report["surfaces"]
        for change in surface["changes"]
    ]


ASK = {"model": "m", "messages": [{"role": "user", "content": "Hey!"}]}


@dataclass(frozen=True)
class Found:
    """What a run found: the report as JSON, and the files of the drifted fixtures."""

    report: dict[str, Any]
    files: FileChanges


def check_here(project: Path, budget: int = 100, **options: Any) -> Found:
    """Do what `cachy drift` does, in this process, on a fixed day and without waiting."""
    config = load_config(project)
    day = datetime(2026, 11, 24, tzinfo=UTC)
    limits = Limits(Allowance(requests=budget))
    with open_connection(config, {"MY_KEY": KEY}, limits) as connection:
        chosen = Options(now=lambda: day, apart=0, **options)
        checked = check(config, connection, load_fixtures(config, ()), chosen)
    return Found(checked.report.to_json(), checked.files)
