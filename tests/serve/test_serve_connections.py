"""Clients of `cachy serve` that are slow, old, hasty, or gone before they have said all."""

from __future__ import annotations

import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import fixtures_in
from scripted_server import ScriptedServer, sse_response
from served import ask, connected, message, path_of, send_raw, serve

HOST = "Host: {at}"
CLOSE = "Connection: close"
# What a client has sent of its request as it goes away.
PARTS: dict[str, tuple[tuple[str, ...], bytes]] = {
    "nothing of a body": ((HOST, "Content-Length: 10"), b""),
    "a part of a body": ((HOST, "Content-Length: 10"), b"{}"),
    "a part of a chunk": ((HOST, "Transfer-Encoding: chunked"), b"a\r\n{}"),
    "a chunk and no end": ((HOST, "Transfer-Encoding: chunked"), b"2\r\n{}\r\n"),
    "no end of the trailers": ((HOST, "Transfer-Encoding: chunked"), b"2\r\n{}\r\n0\r\n"),
    "an expectation": ((HOST, "Content-Length: 10", "Expect: 100-continue"), b""),
}


@pytest.mark.parametrize("part", PARTS)
def test_what_is_not_sent_whole_never_goes_live(
    part: str, origin: ScriptedServer, project: Path
) -> None:
    headers, body = PARTS[part]
    with serve("record") as server:
        start = f"POST {path_of(server, origin.url)}/x HTTP/1.1"
        with connected(server) as sock:
            sock.sendall(message(server, start, *headers, body=body))
            time.sleep(0.05)
        assert ask(server, f"{origin.url}/next").status == 200
        assert server.totals().missed == []
    assert [seen.path for seen in origin.requests] == ["/next"]
    assert len(fixtures_in(project)) == 1


def test_a_client_that_only_waits_after_its_request_is_answered(
    origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server, connected(server) as sock:
        start = f"POST {path_of(server, origin.url)}/x HTTP/1.1"
        sock.sendall(message(server, start, HOST, CLOSE, "Content-Length: 2", body=b"{}"))
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_request_that_comes_byte_by_byte_is_answered(
    origin: ScriptedServer, project: Path
) -> None:
    with serve("record") as server, connected(server) as sock:
        start = f"POST {path_of(server, origin.url)}/x HTTP/1.1"
        for byte in message(server, start, HOST, CLOSE, "Content-Length: 2", body=b"{}"):
            sock.sendall(bytes([byte]))
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert origin.requests[0].body == b"{}"


OLD: dict[str, tuple[str, tuple[str, ...], bytes, int]] = {
    "a GET": ("GET", (HOST,), b"", 200),
    "a HEAD": ("HEAD", (HOST,), b"", 200),
    "a body": ("POST", (HOST, "Content-Length: 2"), b"{}", 200),
    "one that wants to stay": ("GET", (HOST, "Connection: keep-alive"), b"", 200),
    "one without a host": ("GET", ("X-A: 1",), b"", 403),
    "one with chunks": ("POST", (HOST, "Transfer-Encoding: chunked"), b"0\r\n\r\n", 400),
    "one that expects": ("POST", (HOST, "Content-Length: 2", "Expect: 100-continue"), b"{}", 200),
}


@pytest.mark.parametrize("kind", OLD)
def test_an_old_program_is_answered_once(kind: str, origin: ScriptedServer, project: Path) -> None:
    method, headers, body, status = OLD[kind]
    with serve("record") as server:
        start = f"{method} {path_of(server, origin.url)}/x HTTP/1.0"
        reply = send_raw(server, message(server, start, *headers, body=body))
    assert reply.startswith(b"HTTP/1.1 %d " % status)
    assert reply.count(b"HTTP/1.1 ") == 1
    assert b"transfer-encoding:" not in reply.lower()


def test_a_miss_and_a_failure_do_not_end_a_connection(
    origin: ScriptedServer, project: Path
) -> None:
    ports = f"127.0.0.1:{origin.port}"
    with serve("record") as server:
        ask(server, f"http://{ports}/a")
    with serve("replay") as server:
        lines = [f"GET {{base}}/{ports}/{name} HTTP/1.1" for name in ("a", "b", "a")]
        sent = b"".join(message(server, line, HOST) for line in lines)
        replies = send_raw(server, sent + b"GET x\r\n\r\n")
        assert len(server.totals().missed) == 1
    assert re.findall(rb"HTTP/1\.1 ([0-9]+) ", replies) == [b"200", b"501", b"200", b"400"]


@pytest.mark.parametrize("turn", ["one server after the other", "two at once"])
def test_two_servers_share_one_folder(turn: str, origin: ScriptedServer, project: Path) -> None:
    with serve("record") as first, serve("record") as second:
        assert first.address.url != second.address.url
        strange = first.address.url.rpartition("/")[2]
        crossed = f"GET /{strange}/{origin.host}/x HTTP/1.1"
        assert send_raw(second, message(second, crossed)).startswith(b"HTTP/1.1 404")
        urls = [f"{origin.url}/{number}" for number in range(8)]
        both = [(server, url) for url in urls for server in (first, second)]
        if turn == "two at once":
            with ThreadPoolExecutor(8) as pool:
                statuses = [*pool.map(lambda one: ask(*one).status, both)]
        else:
            statuses = [ask(*one).status for one in both]
    assert statuses == [200] * 16
    assert len(fixtures_in(project)) == 8
    assert origin.count <= 16 if turn == "two at once" else origin.count == 8


def test_idle_and_slow_clients_keep_no_other_waiting(origin: ScriptedServer, project: Path) -> None:
    with serve("record") as server:
        slow = [connected(server) for _ in range(100)]
        for number, sock in enumerate(slow):
            start = f"POST {path_of(server, origin.url)}/x HTTP/1.1"
            head = message(server, start, HOST, "Content-Length: 1000")
            sock.sendall(head[: number or 1] if number % 2 else head)
        began = time.monotonic()
        assert ask(server, f"{origin.url}/y").status == 200
        assert time.monotonic() - began < 5
        for sock in slow:
            sock.close()


def test_a_response_that_nobody_reads_keeps_no_other_waiting(
    origin: ScriptedServer, project: Path
) -> None:
    url = origin.on("/big", sse_response(*["a few words " * 20_000] * 4))
    with serve("record") as server:
        with connected(server) as sock:
            sock.sendall(message(server, f"GET {path_of(server, url)} HTTP/1.1", HOST))
            assert sock.recv(10)
            assert ask(server, f"{origin.url}/y").status == 200
        deadline = time.monotonic() + 10
        while len(fixtures_in(project)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
    whole = [
        json.loads(path.read_text())["response"].get("sse", ()) for path in fixtures_in(project)
    ]
    assert sorted(map(len, whole)) == [0, 4]
