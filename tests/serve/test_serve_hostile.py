"""What `cachy serve` refuses: strangers, web pages, and requests that can be read in two ways."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest
from conftest import fixtures_in
from scripted_server import ScriptedServer
from served import connected, message, path_of, send_raw, serve

HOST = "Host: {at}"
CLOSE = "Connection: close"
WRONG_HOSTS = (
    ("a name that leads here", "Host: evil.example.com:{port}"),
    ("no port", "Host: 127.0.0.1"),
    ("another port", "Host: 127.0.0.1:1"),
    ("the name of loopback", "Host: localhost:{port}"),
    ("another spelling of the address", "Host: 127.1:{port}"),
    ("none", "X-Host: {at}"),
    ("two", "Host: {at}\r\nHost: evil.example.com"),
    ("a user", "Host: me@{at}"),
)
STRANGERS = (
    ("a web page", (HOST, "Origin: https://evil.example.com")),
    ("a file", (HOST, "Origin: null")),
    ("a page of this server", (HOST, "Origin: http://{at}")),
)
SEGMENTS = ("", "/", "/x", "/{wrong}/", "/%2e", "/{short}", "//", "/..", "/{base}x/")
TWO_READINGS = (
    ("both framings", ("Content-Length: 2", "Transfer-Encoding: chunked")),
    ("both, the other way round", ("Transfer-Encoding: chunked", "Content-Length: 2")),
    ("two lengths", ("Content-Length: 2", "Content-Length: 3")),
    ("two equal lengths", ("Content-Length: 2", "Content-Length: 2")),
    ("a list of lengths", ("Content-Length: 2, 2",)),
    ("a signed length", ("Content-Length: +2",)),
    ("a negative length", ("Content-Length: -2",)),
    ("a hexadecimal length", ("Content-Length: 0x2",)),
    ("a length in other digits", ("Content-Length: \xb2",)),
    ("an unknown coding", ("Transfer-Encoding: gzip, chunked",)),
    ("chunked twice", ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
    ("chunked but not quite", ("Transfer-Encoding: xchunked",)),
    ("a space before the colon", ("Content-Length : 2",)),
    ("a folded line", ("X-A: 1\r\n 2",)),
    ("a line feed alone", ("X-A: 1\nContent-Length: 2",)),
    ("a carriage return alone", ("X-A: 1\rContent-Length: 2",)),
    ("NUL in a value", ("X-A: 1\x00",)),
    ("no name", (": 1",)),
    ("no colon", ("X-A",)),
    ("a name that is not one", ("X(A): 1",)),
)
CHUNKS = (
    b"2\n{}\r\n0\r\n\r\n",
    b"-2\r\n{}\r\n0\r\n\r\n",
    b"0x2\r\n{}\r\n0\r\n\r\n",
    b"2_0\r\n{}\r\n0\r\n\r\n",
    b"\r\n0\r\n\r\n",
    b"2\r\n{}}\r\n0\r\n\r\n",
    b"2\r\n{}0\r\n\r\n",
    b"99999999999999999\r\n{}",
    b"2;\x00\r\n{}\r\n0\r\n\r\n",
    b"0\r\nbad trailer\r\n\r\n",
    b"2" * 70_000 + b"\r\n",
)
PATHS = (
    "/../../../etc/passwd",
    "/v1/../../x",
    "/%2e%2e/%2E%2e/x",
    "/v1/.%2e/x",
    "/v1/..",
    "/./v1",
    "/..%5c..%5cx",
    "/..\\..\\x",
    "/v1#x",
)
START_LINES = (
    "GET {base}/127.0.0.1:1/x",
    "GET {base}/127.0.0.1:1/x HTTP/2.0",
    "GET {base}/127.0.0.1:1/x HTTP/1.1 x",
    "GET  {base}/127.0.0.1:1/x HTTP/1.1",
    "GET {base}/127.0.0.1:1/a b HTTP/1.1",
    "GET {base}/127.0.0.1:1/\x00 HTTP/1.1",
    "GET {base}/127.0.0.1:1/\xff HTTP/1.1",
    "GET {base}/127.0.0.1:1/x\rX-A: 1 HTTP/1.1",
    "G(T {base}/127.0.0.1:1/x HTTP/1.1",
    "GET http://{at}{base}/127.0.0.1:1/x HTTP/1.1",
    "GET http://evil.example.com/ HTTP/1.1",
    "CONNECT 127.0.0.1:1 HTTP/1.1",
    "OPTIONS * HTTP/1.1",
)
HOSTS = (
    "",
    "/x",
    "me@127.0.0.1",
    "127.0.0.1:99999999",
    "127.0.0.1:99999",
    "127.0.0.1:x",
    "a..b",
    "%2e",
    "[::1",
    "a%00b",
)


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "host", [row[1] for row in WRONG_HOSTS], ids=[row[0] for row in WRONG_HOSTS]
)
def test_a_host_that_is_not_its_own_is_refused(
    host: str, origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server:
        port = server.address.host.partition(":")[2]
        start = f"GET {path_of(server, origin.url)}/x HTTP/1.1"
        reply = send_raw(server, message(server, start, host.replace("{port}", port), CLOSE))
        assert server.count == 0
    assert status_of(reply) == 403
    assert origin.count == 0


@pytest.mark.parametrize(
    "headers", [row[1] for row in STRANGERS], ids=[row[0] for row in STRANGERS]
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_a_web_page_is_refused(
    method: str, headers: tuple[str, ...], origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server:
        start = f"{method} {path_of(server, origin.url)}/x HTTP/1.1"
        reply = send_raw(server, message(server, start, *headers, CLOSE))
    assert status_of(reply) == 403
    assert b"access-control" not in reply.lower()
    assert origin.count == 0


@pytest.mark.parametrize("segment", SEGMENTS)
def test_who_does_not_know_the_address_learns_nothing(
    segment: str, origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server:
        base = server.address.url.rpartition("/")[2]
        named = {"wrong": "A" * len(base), "short": base[:-1], "base": base}
        target = segment.format(**named) or "/"
        reply = send_raw(server, message(server, f"GET {target}{origin.host}/x HTTP/1.1"))
        assert (server.count, server.totals().missed) == (0, [])
    assert status_of(reply) in (400, 404)
    assert base.encode() not in reply
    assert b"127.0.0.1" not in reply
    assert origin.count == 0


@pytest.mark.parametrize(
    "headers", [row[1] for row in TWO_READINGS], ids=[row[0] for row in TWO_READINGS]
)
def test_a_request_with_two_readings_is_refused(
    headers: tuple[str, ...], origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server:
        start = f"POST {path_of(server, origin.url)}/x HTTP/1.1"
        smuggled = b"{}GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        reply = send_raw(server, message(server, start, HOST, *headers, body=smuggled))
    assert status_of(reply) == 400
    assert reply.count(b"HTTP/1.1 ") == 1  # the connection ends with it
    assert origin.count == 0


@pytest.mark.parametrize("body", CHUNKS, ids=[str(body[:20]) for body in CHUNKS])
def test_chunks_that_are_not_chunks_are_refused(
    body: bytes, origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server:
        start = f"POST {path_of(server, origin.url)}/x HTTP/1.1"
        reply = send_raw(
            server, message(server, start, HOST, "Transfer-Encoding: chunked", body=body)
        )
    assert status_of(reply) in (400, 413)
    assert origin.count == 0


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_climbs_is_refused(path: str, origin: ScriptedServer, project: Path) -> None:
    with serve("record") as server:
        start = f"GET {path_of(server, origin.url)}{path} HTTP/1.1"
        reply = send_raw(server, message(server, start))
    assert status_of(reply) == 400
    assert origin.count == 0
    assert [*project.rglob("*.json")] == []


@pytest.mark.parametrize("start", START_LINES)
def test_a_start_line_that_is_not_one_of_ours_is_refused(start: str, project: Path) -> None:
    with serve("record") as server:
        reply = send_raw(server, message(server, start))
    assert status_of(reply) == 400


@pytest.mark.parametrize("host", HOSTS)
def test_a_path_without_a_host_is_refused(host: str, project: Path) -> None:
    with serve("record") as server:
        reply = send_raw(server, message(server, f"GET {{base}}/{host}/x HTTP/1.1"))
    assert status_of(reply) in (400, 501)


def test_odd_paths_are_the_apis_and_stay_in_the_folder(
    origin: ScriptedServer, project: Path
) -> None:
    odd = ("//v1//x", "/%00", "/%0d%0aX-A:%201", "/~/.ssh", "/con", "/a:b", "/" + "x" * 5000)
    with serve("record") as server:
        for path in odd:
            start = f"GET {path_of(server, origin.url)}{path} HTTP/1.1"
            assert status_of(send_raw(server, message(server, start))) == 200
    assert len(fixtures_in(project)) == len(odd)
    folder = project / "cachy_fixtures"
    outside = [path.name for path in project.rglob("*") if not path.is_relative_to(folder)]
    assert outside == ["pyproject.toml"]


def test_what_is_too_long_is_refused(origin: ScriptedServer, project: Path) -> None:
    with serve("record") as server:
        path = path_of(server, origin.url)
        long_path = message(server, f"GET {path}/{'x' * 70_000} HTTP/1.1")
        assert status_of(send_raw(server, long_path)) == 431
        endless = message(server, f"GET {path}/x HTTP/1.1", HOST, f"X-A: {'x' * 400_000}")
        assert status_of(send_raw(server, endless)) == 431
        huge = message(server, f"POST {path}/x HTTP/1.1", HOST, "Content-Length: 1073741825")
        assert status_of(send_raw(server, huge)) == 413
    assert origin.count == 0


def test_an_expectation_that_nobody_knows_is_refused(origin: ScriptedServer, project: Path) -> None:
    with serve("record") as server:
        start = f"GET {path_of(server, origin.url)}/x HTTP/1.1"
        assert status_of(send_raw(server, message(server, start, HOST, "Expect: gold"))) == 417


def test_a_websocket_is_a_miss(origin: ScriptedServer, project: Path) -> None:
    with serve("record") as server:
        start = f"GET {path_of(server, origin.url)}/x HTTP/1.1"
        upgrade = ("Connection: Upgrade, close", "Upgrade: websocket")
        reply = send_raw(server, message(server, start, HOST, *upgrade))
        assert len(server.totals().missed) == 1
    assert status_of(reply) == 501
    assert b"WebSocket" in reply


def test_a_client_that_says_nothing_keeps_nobody_from_ending(project: Path) -> None:
    with serve("record") as server:
        silent = [connected(server) for _ in range(20)]
        silent[0].sendall(b"GET / HT")
    for sock in silent:
        with sock, contextlib.suppress(ConnectionResetError):
            assert sock.recv(10) == b""


def test_it_listens_on_its_own_address_only(project: Path) -> None:
    """What listens on every address answers at any of 127.0.0.0/8 too."""
    with serve("record") as server:
        port = int(server.address.host.partition(":")[2])
        refusal = pytest.raises(OSError)  # noqa: PT011 -- each system has its own
        with refusal, socket.create_connection(("127.0.0.2", port), timeout=5):
            pass


def test_a_header_of_a_fixture_cannot_begin_another_response(
    origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server:
        url = f"{origin.url}/x"
        send_raw(server, message(server, f"GET {path_of(server, url)} HTTP/1.1"))
    (path,) = fixtures_in(project)
    split = '"headers": {"x-request-id": "1\\r\\n\\r\\nHTTP/1.1 200 OK", "bad name": "1", '
    path.write_text(path.read_text().replace('"headers": {', split))
    with serve("replay") as server:
        reply = send_raw(server, message(server, f"GET {path_of(server, url)} HTTP/1.1"))
    assert reply.count(b"HTTP/1.1") == 1
    assert b"bad name" not in reply
