"""How users set their clients up: hooks, auth, mounts, proxies, cookies, subclasses, aliases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import Scope
from scripted_server import ScriptedServer, json_response

Send = Callable[..., Any]


def test_event_hooks_see_the_same_on_replay(
    send: Send, way: str, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url, seen = origin.on("/v1/items", json_response({"a": 1})), []

    def sync_asked(request: Any) -> None:
        seen.append(("asked", str(request.url)))

    def sync_answered(response: Any) -> None:
        seen.append(("answered", response.status_code))

    async def asked(request: Any) -> None:
        sync_asked(request)

    async def answered(response: Any) -> None:
        sync_answered(response)

    pair = (asked, answered) if way.startswith("async") else (sync_asked, sync_answered)
    hooks = {"request": [pair[0]], "response": [pair[1]]}
    with recording():
        send("GET", url, event_hooks=hooks)
    recorded = seen.copy()
    seen.clear()
    with replaying():
        send("GET", url, event_hooks=hooks)
    assert seen == recorded == [("asked", url), ("answered", 200)]


def test_digest_auth_is_answered_without_its_challenge(
    send: Send, library: ModuleType, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="abc", qop="auth", algorithm=MD5')
    asked = json_response({"error": "who?"}, 401, challenge)
    url = origin.on("/v1/items", asked, json_response({"a": 1}))
    with recording():
        assert send("GET", url, auth=library.DigestAuth("ada", "word")).json() == {"a": 1}
    assert origin.requests[1].headers["authorization"].startswith("Digest ")
    with replaying():
        assert send("GET", url, auth=library.DigestAuth("ada", "word")).json() == {"a": 1}
    assert origin.count == 2


@pytest.mark.parametrize("how", ["mounts", "transport"])
def test_a_transport_of_the_users_choice_is_recorded_and_replayed(
    send: Send,
    way: str,
    library: ModuleType,
    how: str,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    kind = library.AsyncHTTPTransport if way.startswith("async") else library.HTTPTransport
    url = f"{origin.url}/v1/items"

    def chosen() -> dict[str, Any]:
        transport = kind(retries=2)
        return {"mounts": {"http://": transport}} if how == "mounts" else {"transport": transport}

    with recording():
        live = send("GET", url, **chosen()).json()
    with replaying():
        assert send("GET", url, **chosen()).json() == live
        assert send("GET", url).json() == live
    assert origin.count == 1


def test_a_subclass_that_overrides_send_is_recorded_and_replayed(
    library: ModuleType, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    class Counting(library.Client):  # type: ignore[name-defined,misc]
        sent = 0

        def send(self, *args: Any, **kwargs: Any) -> Any:
            Counting.sent += 1
            return super().send(*args, **kwargs)

    answers = []
    for scope in (recording, replaying):
        with scope(), Counting() as client:
            answers.append(client.get(f"{origin.url}/v1/items").json())
    assert answers[0] == answers[1]
    assert (origin.count, Counting.sent) == (1, 2)


ALIAS = """
import sys
from cachy import enable_cachy
if sys.argv[3] == "before":
    import httpx2; httpx2.alias_httpx()
enable_cachy("fixtures", doms=["127.0.0.1"], mode=sys.argv[2])
import httpx2; httpx2.alias_httpx()
import httpx
assert httpx.Client is httpx2.Client
print(httpx.get(sys.argv[1]).text)
"""


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.slow)])
def test_httpx2_under_the_name_of_httpx(project: Path, origin: ScriptedServer, when: str) -> None:
    url = f"{origin.url}/v1/items"

    def run(mode: str) -> str:
        command = [sys.executable, "-c", ALIAS, url, mode, when]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert json.loads(run("record")) == json.loads(run("replay"))
    assert origin.count == 1
