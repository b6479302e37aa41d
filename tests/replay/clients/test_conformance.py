"""What every client library is promised: the suite that an adapter runs for its client.

`client_adapters.ADAPTERS` lists the clients, `cachy/replay/clients/__init__.py` says what the
module of a client must do.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import bodies
import pytest
from client_adapters import ADAPTERS, PARAMS, Adapter, Answer, Call, Params
from conftest import Scope, fixtures_in, refused
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    event,
    gzip_response,
    json_response,
    redirect,
    serving,
    sse_response,
    text_response,
)

import cachy
from cachy.replay.process import PROCESS

EVENTS = [*(event({"n": number}) for number in range(3)), event("[DONE]")]
TICKS = [event({"n": number}) for number in range(4)]
COOKIES = (("Set-Cookie", "session=very-secret-value; Path=/"), ("Set-Cookie", "other=word"))


@pytest.fixture(params=PARAMS)
def client(request: pytest.FixtureRequest) -> Adapter:
    """Each client library."""
    adapter: Adapter = request.param
    return adapter


def post(url: str, **given: Any) -> Call:
    return Call("POST", url, **given)


def only_response(project: Path) -> dict[str, Any]:
    (path,) = fixtures_in(project)
    return dict(json.loads(path.read_text(encoding="utf-8"))["response"])


def whole(client: Adapter, call: Call) -> list[bytes]:
    pieces: list[bytes] = []
    client.stream(call, pieces.append)
    return pieces


JSON = {"json": {"q": "Grüße", "n": [1, 2.5]}}
REPEATED: Params = (("a", "1"), ("a", "ü"))
CALLS: dict[str, tuple[ScriptedResponse, dict[str, Any]]] = {
    "json": (json_response({"text": "Grüße"}), JSON),
    "events": (sse_response(TICKS[0], event({"n": 2}, "named"), EVENTS[-1]), JSON),
    "gzip": (gzip_response({"zipped": "text" * 100}), JSON),
    "text": (text_response("one\ntwo\r\nthree"), {"body": b"raw", "params": (("b", "x y"),)}),
    "binary": (
        text_response(bytes(range(256)), kind="audio/mpeg"),
        {"form": {"b": "1 2", "a": "ü"}},
    ),
    "not found": (json_response({"error": "no"}, 404), {"params": REPEATED}),
    "no content": (ScriptedResponse(b"", 204, ()), JSON),
    "chunked": (ScriptedResponse((b'{"a"', b": 1}")), JSON),
    "redirect": (redirect(303, "/v1/after"), JSON),
    "upload": (json_response({"id": 1}), {"files": {"file": ("a.txt", b"text", "text/plain")}}),
    "cookies": (json_response({}, 200, *COOKIES), JSON),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_same_fixture_whichever_client_recorded_it(
    call: str, origin: ScriptedServer, tmp_path: Path, recording: Scope, replaying: Scope
) -> None:
    response, given = CALLS[call]
    url = origin.on("/v1/any/thing", response)
    origin.on("/v1/after", json_response({"after": True}))
    written: dict[str, dict[str, str]] = {}
    seen: dict[str, Answer] = {}
    for client in ADAPTERS:
        folder = tmp_path / client.name
        with recording(cache_dir=folder):
            seen[client.name] = client.send(post(url, **given))
        written[client.name] = {
            str(path.relative_to(folder)): re.sub(
                r'\n  "recorded": .*', "", path.read_text(encoding="utf-8")
            )
            for path in folder.rglob("*.json")
        }
    assert len(written["httpx"]) == 1 + (call == "redirect")
    assert "very-secret-value" not in str(written)
    for client in ADAPTERS:
        assert written[client.name] == written["httpx"], client.name
    asked = origin.count
    for client in ADAPTERS:
        with replaying(cache_dir=tmp_path / "urllib3"):
            again = client.send(post(url, **given))
        live = seen[client.name]
        assert (again.status, again.url, again.history) == (live.status, live.url, live.history)
        assert again.body == live.body or json.loads(again.body) == json.loads(live.body)
        assert len(again.header("set-cookie")) == 2 * (call == "cookies")
    assert origin.count == asked


def test_a_replayed_response_says_what_the_live_one_said(
    client: Adapter, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    named = (("X-Request-Id", "req_1"), ("ETag", '"e"'), ("Link", "<x>; rel=next"))
    url = origin.on("/v1/items", json_response({"a": [1, 2.5, None]}, 404, *named))
    with recording():
        live = client.send(Call("GET", url))
    with replaying():
        again = client.send(Call("GET", url))
    assert (again.status, again.url, json.loads(again.body)) == (404, url, {"a": [1, 2.5, None]})
    for name in ("content-type", "x-request-id", "etag", "link"):
        assert again.header(name) == live.header(name) != []
    assert again.header("transfer-encoding") == again.header("content-encoding") == []
    assert origin.count == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_is_recorded_and_replayed(
    method: str, client: Adapter, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/v1/items", lambda asked: text_response(asked.method))
    for scope in (recording, replaying):
        with scope():
            answer = client.send(Call(method, url))
        assert answer.body == (b"" if method == "HEAD" else method.encode())
    assert origin.count == 1


def test_a_body_that_comes_in_pieces_is_sent_once_and_matches(
    client: Adapter, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/v1/up", lambda asked: json_response({"size": len(asked.body)}))
    for scope in (recording, replaying):
        with scope():
            answer = client.send(post(url, body=(piece for piece in (b"a" * 300, b"b" * 460))))
        assert json.loads(answer.body) == {"size": 760}
    with replaying(), refused():
        client.send(post(url, body=(piece for piece in (b"a" * 300, b"c" * 460))))
    assert origin.count == 1


def test_what_is_secret_is_sent_and_neither_stored_nor_matched(
    client: Adapter, project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = f"{origin.url}/v1/items"
    with recording():
        client.send(Call("GET", url, {"Authorization": "Basic YTphLWxvbmctc2VjcmV0"}))
    with replaying():
        client.send(Call("GET", url, {"Authorization": "Basic another"}))
    assert origin.requests[0].headers["authorization"] == "Basic YTphLWxvbmctc2VjcmV0"
    assert "YTphLWxvbmctc2VjcmV0" not in fixtures_in(project)[0].read_text(encoding="utf-8")
    assert origin.count == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_each_request_of_a_redirect_is_one_fixture(
    status: int,
    client: Adapter,
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    url = origin.on("/v1/old", redirect(status, "/v1/new"))
    origin.on("/v1/new", lambda asked: text_response(f"{asked.method} {asked.body.decode()}"))
    with recording():
        live = client.send(post(url, body=b"text"))
    with replaying():
        again = client.send(post(url, body=b"text"))
    assert again.body == live.body
    assert again.url == live.url == f"{origin.url}/v1/new"
    assert again.history == live.history == (status,)
    assert (origin.count, len(fixtures_in(project))) == (2, 2)


@pytest.mark.parametrize("coding", bodies.CODINGS)
def test_every_coding_is_undone_once(
    client: Adapter, coding: str, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    text = json.dumps({"text": "Grüße " * 2000}).encode()
    wire = bodies.CODINGS[coding](text)
    headers = (("Content-Type", "application/json"), ("Content-Encoding", coding))
    url = origin.on("/v1/any", ScriptedResponse((wire[:20], wire[20:]), 200, headers))
    with recording(hdrs=["content-encoding"]):
        client.stream(Call("GET", url), lambda piece: True)
    with replaying():
        assert json.loads(client.send(Call("GET", url)).body) == json.loads(text)
    assert origin.count == 1


def test_a_miss_is_raised_at_once_and_nothing_is_sent(
    client: Adapter, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    with recording():
        client.send(post(f"{origin.url}/v1/chat", json={"q": ["one", "two"]}))
    with replaying(), refused() as caught:
        client.send(post(f"{origin.url}/v1/chat", json={"q": ["one", "three"]}))
    error = caught.value
    assert isinstance(error, cachy.UnrecordedRequest)
    assert (error.method, error.url) == ("POST", f"{origin.url}/v1/chat")
    assert error.differences[0] == 'q[1] changed: "two" -> "three"'
    assert origin.count == 1


def test_an_unreadable_fixture_is_a_miss_and_is_not_replaced(
    client: Adapter, project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    with recording():
        client.send(Call("GET", f"{origin.url}/v1/items"))
    (path,) = fixtures_in(project)
    path.write_text("{", encoding="utf-8")
    with recording(), refused():
        client.send(Call("GET", f"{origin.url}/v1/items"))
    assert path.read_text(encoding="utf-8") == "{"
    assert origin.count == 1


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_status_that_does_not_last_is_passed_on_and_not_recorded(
    client: Adapter, status: int, project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    url = origin.on("/v1/items", json_response({"error": "no"}, status))
    with recording():
        assert client.send(Call("GET", url)).status == status
    assert fixtures_in(project) == []
    with recording(record_status=[status]):
        client.send(Call("GET", url))
    assert only_response(project)["status"] == status


def test_refresh_asks_again_and_replaces(
    client: Adapter, project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    def number(mode: str) -> int:
        with recording(mode=mode):
            answer = client.send(Call("GET", f"{origin.url}/v1/items"))
        return int(json.loads(answer.body)["number"])

    assert [number(mode) for mode in ("record", "record", "replay")] == [1, 1, 1]
    assert [number(mode) for mode in ("off", "refresh", "replay", "record")] == [2, 3, 3, 3]


def test_equal_requests_are_answered_in_turn_where_asked(
    client: Adapter, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    def numbers(scope: Scope, count: int) -> list[int]:
        with scope(repeats="sequence"):
            sent = (client.send(Call("GET", f"{origin.url}/v1/items")) for _ in range(count))
            return [json.loads(answer.body)["number"] for answer in sent]

    assert numbers(recording, 3) == numbers(replaying, 3) == [1, 2, 3]
    with refused():
        numbers(replaying, 4)


def test_other_hosts_and_no_cachy_are_as_without_cachy(
    client: Adapter, project: Path, origin: ScriptedServer, replaying: Scope
) -> None:
    with cachy.cachy(doms=["api.example.com"], mode="replay"):
        assert client.send(Call("GET", f"{origin.url}/x")).status == 200
    with replaying(), cachy.no_cachy():
        assert client.send(Call("GET", f"{origin.url}/x")).status == 200
    assert (origin.count, fixtures_in(project)) == (2, [])


@pytest.mark.filterwarnings("error")
def test_a_client_that_cachy_sees_sets_off_no_guard(
    client: Adapter, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PROCESS, "warned", set())
    with serving(name="localhost") as origin, cachy.cachy(doms=["*"], mode="record"):
        client.send(Call("GET", f"{origin.url}/v1/items"))
        client.send(Call("GET", "http://nowhere.example/x", proxy=origin.url))
        assert origin.count == 2


HOSTS = [
    (["api.service.example"], "http://api.service.example/v1/items"),
    (["service.example"], "http://API.Service.Example./v1/items"),
    (["bücher.example"], "http://bücher.example/v1/items"),
    (["xn--bcher-kva.example"], "http://bücher.example/v1/items"),
    (["bücher.example"], "http://xn--bcher-kva.example/v1/items"),
    (["BÜCHER.example."], "http://api.bücher.example/v1/items"),
]


@pytest.mark.parametrize(("doms", "url"), HOSTS)
def test_a_host_is_covered_however_it_is_written_and_whichever_proxy_resolves_it(
    client: Adapter, doms: list[str], url: str, project: Path, origin: ScriptedServer
) -> None:
    with cachy.cachy(doms=doms, mode="record"):
        live = client.send(Call("GET", url, proxy=origin.url))
    assert len(fixtures_in(project)) == 1
    with cachy.cachy(doms=doms, mode="replay"):
        assert json.loads(client.send(Call("GET", url)).body) == json.loads(live.body)
        with refused():
            client.send(Call("GET", f"{url}?other", proxy=origin.url))
    assert origin.count == 1
