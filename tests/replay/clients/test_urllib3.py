"""urllib3 and requests, in the ways of sending and reading that only they have."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session
import pytest
import requests
import requests_cache
import urllib3
from conftest import Scope, fixtures_in
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    SeenRequest,
    event,
    gzip_response,
    json_response,
    redirect,
    sse_response,
    text_response,
)

LINES = b"".join(b"line %d\n" % number for number in range(120))


def size(asked: SeenRequest) -> ScriptedResponse:
    return json_response({"size": len(asked.body), "end": asked.body[-4:].decode("latin-1")})


class Pieces:
    """A file whose `read` returns a piece at a time, as sockets and pipes do."""

    def __init__(self, raw: bytes = b"x" * 756 + b"tail") -> None:
        self._file = io.BytesIO(raw)

    def read(self, amount: int = -1) -> bytes:
        return self._file.read(100 if amount < 0 else min(amount, 100))


class Sized:
    """A file whose `read` needs a size."""

    def __init__(self) -> None:
        self._file = io.BytesIO(b"y" * 50_000)

    def read(self, amount: int) -> bytes:
        return self._file.read(amount)


def text_pieces() -> Iterator[str]:
    yield "Grüße, "
    yield "Welt"


BODIES: dict[str, tuple[Callable[[], Any], int]] = {
    "a file that reads in pieces": (Pieces, 760),
    "a file that must be told how much": (Sized, 50_000),
    "a generator of strings": (text_pieces, 13),
    "a generator of bytes": (lambda: iter([b"a", b"bc"]), 3),
    "a bytearray": (lambda: bytearray(b"abcde"), 5),
    "a string": (lambda: "Grüße", 7),
    "a file": (lambda: io.BytesIO(b"file"), 4),
    "nothing": (lambda: None, 0),
    "an empty file": (lambda: io.BytesIO(b""), 0),
}
SENDERS: dict[str, Callable[[str, Any], Any]] = {
    "requests": lambda url, body: requests.post(url, data=body, timeout=60).json(),
    "urllib3": lambda url, body: urllib3.request("POST", url, body=body, timeout=60).json(),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("sender", SENDERS)
def test_a_body_of_any_kind_is_sent_whole_and_matches_again(
    kind: str, sender: str, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    make, length = BODIES[kind]
    url = origin.on("/v1/up", size)
    plain = SENDERS[sender](url, make())
    framing = {name: origin.requests[0].headers.get(name) for name in FRAMING}
    assert plain["size"] == length
    for scope in (recording, replaying):
        with scope():
            assert SENDERS[sender](url, make()) == plain
    assert origin.count == 2
    assert {name: origin.requests[1].headers.get(name) for name in FRAMING} == framing


FRAMING = ("content-length", "transfer-encoding")


def test_a_file_is_sent_again_after_a_redirect(
    origin: ScriptedServer, recording: Scope, replaying: Scope, tmp_path: Path
) -> None:
    url = origin.on("/v1/old", redirect(307, "/v1/up"))
    origin.on("/v1/up", size)
    (tmp_path / "a.bin").write_bytes(b"header" + b"z" * 300)
    for scope in (recording, replaying):
        with (tmp_path / "a.bin").open("rb") as file, scope():
            file.seek(6)
            assert SENDERS["requests"](url, file) == {"size": 300, "end": "zzzz"}
    assert origin.count == 2


def filled(raw: Any) -> bytes:
    target = bytearray(50)
    found = b""
    while count := raw.readinto(target):
        found += target[:count]
    return found


def by_read1(raw: Any) -> bytes:
    return b"".join(iter(lambda: raw.read1(70), b""))


READS: dict[str, Callable[[requests.Response], bytes]] = {
    "raw, iterated": lambda response: b"".join(response.raw),
    "raw.readinto": lambda response: filled(response.raw),
    "raw.read1": lambda response: by_read1(response.raw),
    "raw.readline": lambda response: b"".join(iter(response.raw.readline, b"")),
    "raw.readlines": lambda response: b"".join(response.raw.readlines()),
    "raw.data": lambda response: response.raw.data,
    "raw.read": lambda response: response.raw.read(),
    "raw.read(n)": lambda response: b"".join(iter(lambda: response.raw.read(64), b"")),
    "raw.stream(None)": lambda response: b"".join(response.raw.stream(None)),
    "raw, buffered": lambda response: io.BufferedReader(response.raw).read(),
    "iter_content(None)": lambda response: b"".join(response.iter_content(None)),
    "iter_content(7)": lambda response: b"".join(response.iter_content(7)),
    "iter_lines": lambda response: b"".join(line + b"\n" for line in response.iter_lines()),
    "iter_lines(None)": lambda response: b"".join(
        line + b"\n" for line in response.iter_lines(chunk_size=None)
    ),
    "content": lambda response: response.content,
}
SERVED = {
    "whole": text_response(LINES),
    "chunked": ScriptedResponse((LINES[:30], LINES[30:]), 200, (("Content-Type", "text/plain"),)),
    "to the end": ScriptedResponse((LINES,), 200, (("Content-Type", "text/plain"),), end="close"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", READS)
@pytest.mark.parametrize("served", SERVED)
def test_a_body_is_the_same_however_it_is_read(
    how: str, served: str, origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    url = origin.on("/v1/lines", SERVED[served])
    for scope in (recording, replaying):
        with scope(), requests.get(url, stream=True, timeout=60) as response:
            assert READS[how](response) == LINES
    (path,) = fixtures_in(project)
    assert "truncated" not in path.read_text(encoding="utf-8")
    assert origin.count == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", ["iter_content", "iter_lines"])
def test_an_empty_body_ends(
    how: str, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/v1/none", ScriptedResponse(b"", 200))
    for scope in (recording, replaying):
        with scope(), requests.get(url, stream=True, timeout=60) as response:
            assert list(getattr(response, how)(chunk_size=None)) == []
    assert origin.count == 1


def test_packed_bytes_that_are_read_raw_stay_packed(
    origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    packed = gzip_response({"a": 1})
    url = origin.on("/v1/packed", packed)
    for scope in (recording, replaying):
        with scope(), requests.get(url, stream=True, timeout=60) as response:
            assert response.headers["content-encoding"] == "gzip"
            assert response.raw.read() == packed.body
    with replaying():  # whoever wants it unpacked gets that
        assert requests.get(url, timeout=60).json() == {"a": 1}
        assert urllib3.request("GET", url).json() == {"a": 1}
    assert origin.count == 1


def test_packed_pieces_are_read_as_they_came(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    packed = gzip.compress(LINES)
    kind = (("Content-Type", "text/plain"), ("Content-Encoding", "gzip"))
    url = origin.on("/v1/packed", ScriptedResponse((packed[:30], packed[30:]), 200, kind))
    for scope in (recording, replaying):
        with scope():
            response = urllib3.request("GET", url, preload_content=False)
            assert b"".join(response.stream(decode_content=False)) == packed
            response = urllib3.request("GET", url, preload_content=False)
            assert b"".join(response.read_chunked(decode_content=True)) == LINES
    assert origin.count == 1


def test_a_connection_that_its_reader_shuts_down_is_recorded_up_to_there(
    origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    url = origin.on("/v1/chat", sse_response(event({"n": 0}), end="open"))
    for scope in (recording, replaying):
        with scope():
            response = urllib3.request("GET", url, preload_content=False)
            assert response.read(2) == b"da"
            response.shutdown()
            response.close()
    (path,) = fixtures_in(project)
    assert '"truncated": true' in path.read_text(encoding="utf-8")
    assert origin.count == 1


def test_packed_bytes_that_hold_a_secret_are_kept_unpacked(
    origin: ScriptedServer, recording: Scope, project: Path
) -> None:
    key = "sk-proj-" + "a1B2c3D4" * 6
    url = origin.on("/v1/packed", gzip_response({"key": key}))
    with recording(), requests.get(url, stream=True, timeout=60) as response:
        assert key in gzip.decompress(response.raw.read()).decode()
    (path,) = fixtures_in(project)
    answer = json.loads(path.read_text(encoding="utf-8"))["response"]
    assert set(answer["json"]) == {"key"}
    assert key not in str(answer)


def test_a_cache_above_requests_keeps_what_was_streamed(
    origin: ScriptedServer, recording: Scope, replaying: Scope, tmp_path: Path
) -> None:
    url = origin.on("/v1/lines", text_response(LINES))
    for number, scope in enumerate((recording, replaying)):
        file = str(tmp_path / f"cache{number}")
        with scope(), requests_cache.CachedSession(file, backend="filesystem") as session:
            for _ in range(2):
                assert session.get(url, stream=True).content == LINES
    assert origin.count == 1


def test_urllib3_retries_and_follows_redirects_by_itself(
    origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    busy = json_response({"error": "busy"}, 503)
    url = origin.on("/v1/busy", busy, redirect(302, "/v1/up"))
    origin.on("/v1/up", json_response({"a": 1}))
    for scope in (recording, replaying):
        with scope(), urllib3.PoolManager() as pool:
            retries = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)
            assert pool.request("GET", url, retries=retries).json() == {"a": 1}
    assert (origin.count, len(fixtures_in(project))) == (3, 2)


def test_events_come_one_by_one_through_requests(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    ticks = [event({"n": number}) for number in range(3)]
    url = origin.on("/v1/chat", sse_response(*ticks, end="open"))
    for scope in (recording, replaying):
        with scope(), requests.post(url, stream=True, timeout=60) as response:
            assert next(response.iter_lines()) == b'data: {"n": 0}'
    assert origin.count == 1


def test_botocore_records_and_replays(
    origin: ScriptedServer, recording: Scope, replaying: Scope, project: Path
) -> None:
    """S3: an upload with its checksum in the trailer, a download, and no key on disk."""
    kept: dict[str, bytes] = {}

    def bucket(asked: SeenRequest) -> ScriptedResponse:
        if asked.method == "PUT":
            kept["body"] = asked.body
            return ScriptedResponse(b"", 200, (("ETag", '"e"'),))
        return ScriptedResponse(b"hello", 200, (("Content-Type", "text/plain"), ("ETag", '"e"')))

    origin.on("/bucket/a.txt", bucket)
    for scope in (recording, replaying):
        with scope():
            client = botocore.session.Session().create_client(
                "s3",
                region_name="us-east-1",
                endpoint_url=origin.url,
                aws_access_key_id="AKIAIOSFODNN7EXAMPLA",
                aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                config=botocore.config.Config(s3={"addressing_style": "path"}),
            )
            assert client.put_object(Bucket="bucket", Key="a.txt", Body=b"hello")["ETag"] == '"e"'
            assert client.get_object(Bucket="bucket", Key="a.txt")["Body"].read() == b"hello"
            client.close()
    assert origin.count == 2
    assert b"hello" in kept["body"]
    text = "".join(path.read_text(encoding="utf-8") for path in fixtures_in(project))
    assert "AKIAIOSFODNN7EXAMPLA" not in text
