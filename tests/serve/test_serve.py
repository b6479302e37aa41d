"""What `cachy serve` answers: what is recorded, in any language."""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Scope, fixtures_in
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    gzip_response,
    json_response,
    redirect,
    serving,
    sse_response,
    text_response,
)
from served import ask, connected, message, path_of, send_raw, serve

from cachy.fixture.store.store import load_fixture
from cachy.replay.run.summary_lines import run_counts

CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
JSON = {"content_type": "application/json"}


def test_what_serve_recorded_answers_a_python_client(
    origin: ScriptedServer, project: Path, replaying: Scope
) -> None:
    url = origin.on("/v1/chat/completions", json_response({"choices": ["Hello"]}))
    with serve("record") as server:
        first = ask(server, url, CHAT, **JSON)
        again = ask(server, url, CHAT, **JSON)
    assert first.status == again.status == 200
    assert first.body == again.body == b'{"choices": ["Hello"]}'
    assert origin.count == 1
    with replaying():
        replayed = httpx.post(url, json=json.loads(CHAT))
    assert replayed.content == first.body


def test_what_a_python_client_recorded_answers_through_serve(
    origin: ScriptedServer, project: Path, recording: Scope
) -> None:
    url = origin.on("/v1/chat/completions", json_response({"choices": ["Hello"]}))
    with recording():
        recorded = httpx.post(url, json=json.loads(CHAT))
    with serve("replay") as server:
        reply = ask(server, url, CHAT, **JSON)
        assert (server.totals().replayed, server.totals().missed) == (1, [])
    assert (reply.status, reply.body) == (200, recorded.content)
    assert reply.headers["content-type"] == "application/json"
    assert origin.count == 1


def test_the_fixture_is_the_one_that_a_python_client_writes(
    origin: ScriptedServer, project: Path, recording: Scope
) -> None:
    """But for the moment, and the names of headers that each client adds by itself."""
    url = origin.on("/data", json_response({"a": 1}))
    with recording():
        httpx.get(url, headers={"user-agent": "OpenAI/JS 6.1.0", "accept": "*/*"})
    (path,) = fixtures_in(project)
    by_python = load_fixture(path).document
    path.unlink()
    with serve("record") as server:
        ask(server, url, user_agent="OpenAI/JS 6.1.0", accept="*/*")
    (same,) = fixtures_in(project)
    by_serve = load_fixture(same).document
    assert (same, by_serve["request"]) == (path, by_python["request"])
    assert by_serve["response"] == by_python["response"]
    assert by_serve["recorded"]["sdk"] == by_python["recorded"]["sdk"]


def test_a_stream_is_passed_on_as_it_comes_and_replayed_event_by_event(
    origin: ScriptedServer, project: Path
) -> None:
    gate = threading.Event()
    script = sse_response("one", "two", "[DONE]")
    url = origin.on("/v1/chat/completions", ScriptedResponse(**{**vars(script), "gate": gate}))
    with serve("record") as server:
        connection = HTTPConnection(server.address.host, timeout=60)
        connection.request("POST", path_of(server, url), CHAT, {"content-type": "application/json"})
        reply = connection.getresponse()
        first = reply.read1()
        gate.set()
        rest = reply.read()
        connection.close()
    assert (first, rest) == (b"data: one\n\n", b"data: two\n\ndata: [DONE]\n\n")
    with serve("replay") as server:
        start = f"POST {path_of(server, url)} HTTP/1.1"
        length = f"Content-Length: {len(CHAT)}"
        kind = "Content-Type: application/json"
        lines = ("Host: {at}", "Connection: close", kind, length)
        replayed = send_raw(server, message(server, start, *lines, body=CHAT))
    _, _, body = replayed.partition(b"\r\n\r\n")
    pieces = (b"data: one\n\n", b"data: two\n\n", b"data: [DONE]\n\n")
    assert body == b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


def test_lines_of_json_are_replayed_line_by_line(origin: ScriptedServer, project: Path) -> None:
    lines = (b'{"a": 1}\n', b'{"a": 2}\n')
    kind = (("Content-Type", "application/x-ndjson"),)
    url = origin.on("/api/chat", ScriptedResponse(lines, headers=kind))
    with serve("record") as server:
        assert ask(server, url).body == b"".join(lines)
    with serve("replay") as server:
        replayed = send_raw(server, message(server, f"GET {path_of(server, url)} HTTP/1.1"))
    assert replayed.endswith(b'9\r\n{"a": 1}\n\r\n9\r\n{"a": 2}\n\r\n0\r\n\r\n')


def test_a_miss_is_501_with_the_nearest_fixture_and_is_counted(
    origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/v1/chat/completions", json_response({"choices": []}))
    with serve("record") as server:
        ask(server, url, CHAT, **JSON)
    with serve("replay") as server:
        reply = ask(server, url, CHAT.replace(b"Hi", b"Bye"), **JSON)
        (missed,) = server.totals().missed
    assert (reply.status, reply.headers["x-should-retry"]) == (501, "false")
    error = json.loads(reply.body)["error"]
    assert error["message"] == missed
    assert missed.startswith(f"No fixture answers POST {url}")
    assert error["differences"] == ['messages[0].content changed: "Hi" -> "Bye"']
    assert error["nearest"] == str(fixtures_in(project)[0])
    assert error["how_to_record"] == "cachy serve --mode record"
    assert origin.count == 1


def test_an_uncovered_host_is_never_sent_to(origin: ScriptedServer, project: Path) -> None:
    with serve("record", doms=["api.example.com"]) as server:
        reply = ask(server, f"{origin.url}/data")
        assert len(server.totals().missed) == 1
    assert reply.status == 501
    assert "the host is not covered" in json.loads(reply.body)["error"]["message"]
    assert origin.count == 0


@pytest.mark.parametrize("method", ["HEAD", "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"])
def test_every_method_is_recorded_and_replayed(
    method: str, origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/thing?b=2&a=1".partition("?")[0], json_response({"n": 1})) + "?b=2&a=1"
    body = b'{"x":1}' if method in ("PUT", "PATCH", "QUERY") else None
    with serve("record") as server:
        recorded = ask(server, url, body, method)
    with serve("replay") as server:
        replayed = ask(server, url, body, method)
    assert recorded.status == replayed.status == 200
    assert recorded.body == replayed.body == (b"" if method == "HEAD" else b'{"n": 1}')
    assert recorded.headers["content-length"] == replayed.headers["content-length"] == "8"
    assert [request.method for request in origin.requests] == [method]


@pytest.mark.parametrize("status", [204, 304, 404, 422])
def test_a_status_comes_back_as_recorded(
    status: int, origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/gone", ScriptedResponse(b"{}", status))
    with serve("record") as server:
        recorded = ask(server, url)
    with serve("replay") as server:
        replayed = ask(server, url)
    assert recorded.status == replayed.status == status
    assert recorded.body == replayed.body == (b"" if status in (204, 304) else b"{}")


def test_a_failure_of_the_api_is_passed_on_and_not_recorded(
    origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/v1/chat/completions", json_response({"error": "busy"}, 503))
    with serve("record") as server:
        assert ask(server, url, CHAT, **JSON).status == 503
        assert server.totals().refused == [f"POST {url}: status 503"]
    assert fixtures_in(project) == []


def test_an_api_that_cannot_be_reached_is_502(origin: ScriptedServer, project: Path) -> None:
    with serve("record") as server:
        reply = ask(server, "http://127.0.0.1:1/v1/models")
        counts = ", ".join(run_counts(server.totals()))
    assert counts == "0 replayed, 0 recorded, 0 refused, 1 could not be reached, 0 missed"
    assert reply.status == 502
    assert json.loads(reply.body)["error"]["message"].startswith("Cannot reach 127.0.0.1: Connect")


def test_a_body_in_chunks_is_the_body(origin: ScriptedServer, project: Path) -> None:
    url = origin.on("/v1/chat/completions", json_response({"choices": []}))
    with serve("record") as server:
        ask(server, url, CHAT, **JSON)
        ask(server, url, iter([CHAT[:5], CHAT[5:6], CHAT[6:]]), **JSON)
        assert server.totals().replayed == 1
    assert [request.body for request in origin.requests] == [CHAT]


def test_a_program_that_asks_before_it_sends_is_answered(
    origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/upload", json_response({"ok": True}))
    with serve("record") as server:
        start = f"POST {path_of(server, url)} HTTP/1.1"
        lines = ("Host: {at}", "Connection: close", "Expect: 100-continue", "Content-Length: 2")
        with connected(server) as sock:
            sock.sendall(message(server, start, *lines))
            assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(b"{}")
            assert sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert "expect" not in origin.requests[0].headers


def test_what_comes_compressed_is_stored_and_replayed_decoded(
    origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/data", gzip_response({"a": [1, 2, 3]}))
    with serve("record") as server:
        recorded = ask(server, url, accept_encoding="gzip, br")
    with serve("replay") as server:
        replayed = ask(server, url, accept_encoding="gzip, br")
    assert json.loads(recorded.body) == json.loads(replayed.body) == {"a": [1, 2, 3]}
    assert "content-encoding" not in {**recorded.headers, **replayed.headers}
    assert origin.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("accepts", ["gzip", ""])
def test_what_a_client_read_packed_is_packed_only_for_those_who_read_it(
    accepts: str, origin: ScriptedServer, project: Path, recording: Scope
) -> None:
    url = origin.on("/data", gzip_response({"a": [1, 2, 3]}))
    with recording():
        import urllib3

        raw = urllib3.request("GET", url, preload_content=False, decode_content=False)
        packed = raw.read(decode_content=False)
    with serve("replay") as server:
        reply = ask(server, url, accept_encoding=accepts or "identity")
    assert reply.body == (packed if accepts else gzip.decompress(packed))
    assert ("content-encoding" in reply.headers) is bool(accepts)


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/next?a=1", "{origin}/next?a=1"),
        ("next", "{origin}/v1/next"),
        ("{origin}/next", "{origin}/next"),
    ],
)
def test_a_redirect_to_a_covered_host_leads_back_through_serve(
    location: str, leads_to: str, origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/v1/start", redirect(302, location.format(origin=origin.url)))
    with serve("record") as server:
        recorded = ask(server, url).headers["location"]
        assert recorded == server.address.served(leads_to.format(origin=origin.url))
    with serve("replay") as server:
        replayed = ask(server, url).headers["location"]
        assert replayed == server.address.served(leads_to.format(origin=origin.url))


def test_a_redirect_to_another_host_stays_and_a_list_of_pages_leads_back(
    origin: ScriptedServer, project: Path
) -> None:
    elsewhere = "https://files.example.com/x?y=1"
    pages = (("Link", f'<{origin.url}/list?page=2>; rel="next", <{elsewhere}>; rel="last"'),)
    away = origin.on("/away", redirect(302, elsewhere))
    listed = origin.on("/list", ScriptedResponse(b"[]", headers=pages))
    with serve("record") as server:
        assert ask(server, away).headers["location"] == elsewhere
        link = ask(server, listed).headers["link"]
        second = server.address.served(f"{origin.url}/list?page=2")
    assert link == f'<{second}>; rel="next", <{elsewhere}>; rel="last"'


@pytest.mark.parametrize("location", ["http://[::1", "//[x]/y", "http://127.0.0.1:999999/", "\\"])
def test_a_location_that_is_not_a_url_is_passed_on(
    location: str, origin: ScriptedServer, project: Path
) -> None:
    """As recorded: httpx itself refuses some of them while they are live."""
    url = origin.on("/start", redirect(302, "/next"))
    with serve("record") as server:
        ask(server, url)
    (path,) = fixtures_in(project)
    text = path.read_text().replace('"location": "/next"', f'"location": {json.dumps(location)}')
    path.write_text(text)
    with serve("replay") as server:
        reply = ask(server, url)
    assert (reply.status, location.strip("/") in reply.headers["location"]) == (302, True)


def test_programs_reach_the_server_past_a_proxy(project: Path) -> None:
    proxied = {"http_proxy": "http://proxy.example:3128", "NO_PROXY": "intern.example"}
    with serve("record", proxied, doms=["api.openai.com"]) as server:
        variables = server.variables
    assert variables["no_proxy"] == variables["NO_PROXY"] == "intern.example,127.0.0.1"
    with serve("record", doms=["api.openai.com"]) as server:
        assert "NO_PROXY" not in server.variables


def test_headers_between_two_programs_are_not_passed_on(
    origin: ScriptedServer, project: Path
) -> None:
    hop = (("Content-Type", "text/plain"), ("Keep-Alive", "timeout=5"), ("Alt-Svc", 'h3=":443"'))
    url = origin.on("/data", ScriptedResponse(b"x", headers=(*hop, ("X-Kept", "1"))))
    with serve("record") as server:
        reply = ask(server, url, connection="x-mine", x_mine="1", te="trailers", x_other="2")
    assert not {"keep-alive", "alt-svc"} & set(reply.headers)
    assert reply.headers["x-kept"] == "1"
    sent = origin.requests[0].headers
    assert not {"x-mine", "te"} & set(sent)
    assert (sent["x-other"], sent["host"]) == ("2", origin.host)


def test_a_key_reaches_its_own_host_and_no_fixture(origin: ScriptedServer, project: Path) -> None:
    url = origin.on("/v1/chat/completions", json_response({"choices": []}))
    with serve("record") as server:
        ask(server, url, CHAT, **JSON, authorization="Bearer sk-proj-abcdefghijklmnop1234567890")
    assert origin.requests[0].headers["authorization"].startswith("Bearer sk-proj-")
    assert "sk-proj" not in fixtures_in(project)[0].read_text()


def test_a_request_with_a_placeholder_key_never_goes_live(
    origin: ScriptedServer, project: Path
) -> None:
    with serve("record", {"OPENAI_BASE_URL": f"{origin.url}/v1"}) as server:
        assert server.variables["OPENAI_API_KEY"].startswith("cachy-placeholder-for-")
        key = f"Bearer {server.variables['OPENAI_API_KEY']}"
        reply = ask(server, f"{origin.url}/v1/models", authorization=key)
    assert reply.status == 501
    assert "OPENAI_API_KEY isn't set" in json.loads(reply.body)["error"]["message"]
    assert origin.count == 0


def test_requests_of_one_connection_follow_each_other(
    origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server:
        connection = HTTPConnection(server.address.host, timeout=60)
        answers = []
        for number in range(5):
            connection.request("GET", path_of(server, f"{origin.url}/{number}"))
            answers.append(json.loads(connection.getresponse().read())["path"])
            assert connection.sock is not None  # it was kept
        connection.close()
    assert answers == [f"/{number}" for number in range(5)]


def test_requests_that_are_sent_at_once_are_answered_in_order(
    origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server:
        two = [f"GET {path_of(server, f'{origin.url}/{name}')} HTTP/1.1" for name in "ab"]
        sent = message(server, two[0], "Host: {at}") + message(server, two[1])
        replies = send_raw(server, sent)
    assert replies.index(b'"path": "/a"') < replies.index(b'"path": "/b"')


def test_eight_clients_at_once_lose_nothing(origin: ScriptedServer, project: Path) -> None:
    def work(number: int) -> list[Any]:
        return [
            json.loads(ask(server, f"{origin.url}/{number}/{turn % 3}").body)["path"]
            for turn in range(6)
        ]

    with serve("record") as server, ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(work, range(8))]
        assert server.totals().replayed + len(server.totals().recorded) == 48
    assert answers == [[f"/{number}/{turn % 3}" for turn in range(6)] for number in range(8)]
    assert len(fixtures_in(project)) == 24


def test_a_client_that_goes_away_leaves_a_whole_fixture(
    origin: ScriptedServer, project: Path
) -> None:
    events = [f"number {number}" for number in range(30)]
    url = origin.on("/v1/chat/completions", sse_response(*events, "[DONE]", pause=0.01))
    with serve("record") as server:
        connection = HTTPConnection(server.address.host, timeout=60)
        connection.request("POST", path_of(server, url), CHAT, {"content-type": "application/json"})
        connection.getresponse().read1()
        connection.close()
    (path,) = fixtures_in(project)
    response = load_fixture(path).document["response"]
    assert (len(response["sse"]), response.get("truncated")) == (31, None)


def test_a_client_that_goes_away_while_nothing_comes_is_noticed(
    origin: ScriptedServer, project: Path
) -> None:
    gate = threading.Event()  # which stays shut: the API says no more
    script = {**vars(sse_response("one", "two", "[DONE]")), "gate": gate}
    url = origin.on("/v1/chat/completions", ScriptedResponse(**script))
    began = time.monotonic()
    with serve("record") as server:
        connection = HTTPConnection(server.address.host, timeout=60)
        connection.request("POST", path_of(server, url), CHAT, {"content-type": "application/json"})
        connection.getresponse().read1()
        connection.close()
    assert time.monotonic() - began < 4
    (path,) = fixtures_in(project)
    assert load_fixture(path).document["response"]["truncated"] is True
    gate.set()


def test_a_stream_that_the_api_cuts_is_cut_and_not_recorded(
    origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/v1/chat/completions", sse_response("one", "two", end="cut"))
    with serve("record") as server:
        start = f"GET {path_of(server, url)} HTTP/1.1"
        reply = send_raw(server, message(server, start))
    assert b"data: two" in reply
    assert not reply.endswith(b"0\r\n\r\n")
    assert fixtures_in(project) == []


def test_reading_on_where_a_recorded_stream_was_cut_is_a_miss(
    origin: ScriptedServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachy.serve.exchange._GRACE", 0.2)
    url = origin.on("/events", sse_response("one", "two"))
    with serve("record") as server:
        ask(server, url)
    (path,) = fixtures_in(project)
    path.write_text(path.read_text().replace('"status": 200,', '"status": 200, "truncated": true,'))
    with serve("replay") as server:
        connection = HTTPConnection(server.address.host, timeout=60)
        connection.request("GET", path_of(server, url))
        assert connection.getresponse().read1() == b"data: one\n\n"
        connection.close()
        time.sleep(0.3)
        assert server.totals().missed == []
        assert b"0\r\n" not in send_raw(
            server, message(server, f"GET {path_of(server, url)} HTTP/1.1")
        )
        (missed,) = server.totals().missed
    assert missed.startswith("The recorded stream ends here")


@pytest.mark.parametrize("mib", [2, pytest.param(64, marks=pytest.mark.slow)])
def test_a_large_body_goes_both_ways(mib: int, origin: ScriptedServer, project: Path) -> None:
    big = random.Random(1).randbytes(mib * 1024 * 1024)
    kind = "application/octet-stream"
    url = origin.on("/upload", text_response(big, kind=kind))
    with serve("record") as server:
        recorded = ask(server, url, big, content_type=kind)
        replayed = ask(server, url, big, content_type=kind)
        assert server.totals().replayed == 1
    assert recorded.body == replayed.body == big
    assert origin.requests[0].body == big


def test_an_old_program_gets_a_stream_that_ends_with_its_connection(
    origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/events", sse_response("one", "two"))
    with serve("record") as server:
        start = f"GET {path_of(server, url)} HTTP/1.0"
        recorded = send_raw(server, message(server, start, "Host: {at}"))
        replayed = send_raw(server, message(server, start, "Host: {at}"))
    for reply in (recorded, replayed):
        head, _, body = reply.partition(b"\r\n\r\n")
        assert (body, b"chunked" in head) == (b"data: one\n\ndata: two\n\n", False)


def test_the_path_of_the_api_version_may_be_left_out_of_a_base_url(project: Path) -> None:
    """As @ai-sdk/anthropic does for any base URL that is not Anthropic's own."""
    with serve("replay", doms=["api.anthropic.com"]) as server:
        for path in ("/messages", "/v1/messages"):
            reply = ask(server, f"https://api.anthropic.com{path}", b"{}")
            assert json.loads(reply.body)["error"]["url"] == "https://api.anthropic.com/v1/messages"


def test_an_alias_lets_a_gateway_and_the_api_share_fixtures(
    origin: ScriptedServer, project: Path
) -> None:
    origin.on("/v1/chat/completions", json_response({"choices": ["Hello"]}))
    (project / "pyproject.toml").write_text(
        f'[tool.cachy]\nalias = {{"{origin.host}" = "api.openai.com"}}\n'
    )
    with serve("record") as server:
        ask(server, f"{origin.url}/v1/chat/completions", CHAT, **JSON)
    with serve("replay", doms=["api.openai.com"]) as server:
        reply = ask(server, "https://api.openai.com/v1/chat/completions", CHAT, **JSON)
    assert reply.body == b'{"choices": ["Hello"]}'


def test_it_forwards_over_verified_tls(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import trustme
    from wire import proxying, server_context

    authority = trustme.CA()
    context = server_context()
    authority.issue_cert("api.openai.com").configure_cert(context)
    scripts = {"/v1/models": [json_response({"data": []})]}
    with serving(scripts, context=context) as provider, proxying(provider.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with serve("record", doms=["api.openai.com"]) as server:
            assert ask(server, "https://api.openai.com/v1/models").status == 502
        assert provider.count == 0
        with authority.cert_pem.tempfile() as bundle:
            monkeypatch.setenv("SSL_CERT_FILE", bundle)
            with serve("record", doms=["api.openai.com"]) as server:
                assert ask(server, "https://api.openai.com/v1/models").status == 200
        assert proxy.asked == ["CONNECT api.openai.com:443 HTTP/1.1"] * 2
    (path,) = fixtures_in(project)
    assert path.parts[-4:-1] == ("api.openai.com", "v1", "models")
