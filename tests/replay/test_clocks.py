"""Tests that stop the clock, by freezegun and by time-machine, record and replay as others do."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import freezegun
import httpx
import pytest
import time_machine
from client_adapters import PARAMS, Adapter, Call
from conftest import Scope, fixtures_in, refused
from scripted_server import ScriptedServer, event, json_response, sse_response

Stopped = Callable[[str], AbstractContextManager[Any]]
EVENTS = [*(event({"n": number}) for number in range(3)), event("[DONE]")]


def by_freezegun(moment: str) -> AbstractContextManager[Any]:
    return freezegun.freeze_time(moment)


def by_time_machine(moment: str) -> AbstractContextManager[Any]:
    return time_machine.travel(datetime.fromisoformat(moment).replace(tzinfo=UTC), tick=False)


@pytest.fixture(params=[by_freezegun, by_time_machine])
def stopped(request: pytest.FixtureRequest) -> Stopped:
    found: Stopped = request.param
    return found


@pytest.fixture(params=[one for one in PARAMS if "trio" not in str(one.id)])
def client(request: pytest.FixtureRequest) -> Adapter:
    """Each client; trio itself waits by the clock that freezegun stops."""
    adapter: Adapter = request.param
    return adapter


@pytest.mark.parametrize("moment", ["2001-02-03", "2041-02-03"])
def test_it_records_and_replays(
    moment: str,
    stopped: Stopped,
    client: Adapter,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    project: Path,
) -> None:
    url = origin.on("/v1/chat/completions", sse_response(*EVENTS))
    today = datetime.now(UTC).date().isoformat()
    call = Call("POST", url, json={"q": f"It is {moment}"})
    with stopped(moment), recording():
        assert client.send(call).body == b"".join(EVENTS)
    (path,) = fixtures_in(project)
    recorded = json.loads(path.read_text())["recorded"]
    assert recorded["at"][:10] == today
    assert 0 <= recorded["ms"] < 60_000
    with stopped(moment), replaying():
        assert client.send(call).body == b"".join(EVENTS)
    with replaying():
        assert client.send(call).body == b"".join(EVENTS)
    assert origin.count == 1


def test_a_prompt_with_the_time_matches_where_the_time_stands_still(
    stopped: Stopped, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/v1/chat/completions", json_response({"ok": True}))

    def ask() -> int:
        return httpx.post(url, json={"q": f"It is {datetime.now(UTC)}"}).status_code

    with stopped("2026-01-01"), recording():
        ask()
    with stopped("2026-01-01"), replaying():
        assert ask() == 200
    with stopped("2026-01-02"), replaying(), refused():
        ask()


def test_a_time_or_a_uuid_matches_by_a_pattern(
    origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    """The settings are those of docs/matching.md."""
    (project / "pyproject.toml").write_text(
        "[tool.cachy.match]\n"
        "normalize = ['\\d{4}-\\d{2}-\\d{2}', '\\d{2}:\\d{2}:\\d{2}',"
        " '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}']\n"
    )
    url = origin.on("/v1/chat/completions", json_response({"ok": True}))

    def ask(seconds: float, question: str) -> int:
        moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d at %H:%M:%S")
        text = f"Order {uuid.uuid4()} of {moment}: {question}"
        return httpx.post(url, json={"q": text}).status_code

    with recording():
        ask(time.time(), "where is it?")
    with replaying():
        assert ask(1_000_000_000, "where is it?") == 200
        with refused():
            ask(1_000_000_000, "who has it?")
