"""Cassettes of every age and kind: readable ones are read, others are reported, none does harm."""

from __future__ import annotations

import base64
import gzip
import json
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import brotli
import httpx
import pytest
import yaml
import zstandard
from aws_messages import CONVERSE
from conftest import Scope, fixtures_in
from hypothesis import given
from hypothesis import strategies as st
from secret_shapes import is_hidden

from cachy.cli import run_program
from cachy.config import Config
from cachy.fixture.store.fast_read import read_response
from cachy.importers import import_cassettes
from cachy.importers.parse import find_moment
from cachy.verify import verify

KEY = "sk-" + "proj-Zx81kQm3Lw7Vt0Rb5Nc2"


def entry(
    asked: Any = "", answer: Any = "{}", uri: str = "https://api.openai.com/v1/x", **response: Any
) -> dict[str, Any]:
    """Write one interaction as vcrpy does."""
    kind = {"Content-Type": ["application/json"]}
    return {
        "request": {"method": "POST", "uri": uri, "headers": dict(kind), "body": asked},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": dict(kind),
            "body": {"string": answer},
            **response,
        },
    }


def write_cassette(file: Path, *entries: Any) -> Path:
    """Write a cassette as vcrpy does, in the format of the file's name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"interactions": list(entries), "version": 1}
    is_json = file.suffix == ".json"
    file.write_text(json.dumps(document) if is_json else yaml.dump(document, allow_unicode=True))
    return file


def test_an_event_stream_of_aws_becomes_events(project: Path) -> None:
    uri = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream"
    kind = {"Content-Type": ["application/vnd.amazon.eventstream"]}
    one = entry('{"messages": []}', b"".join(CONVERSE), uri, headers=kind)
    one["request"]["headers"]["X-Amz-Date"] = ["20261124T091500Z"]
    write_cassette(project / "cassettes" / "a.yaml", one)
    assert run_program(["import", "cassettes"]) == 0
    [path] = fixtures_in(project)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [one["event"] for one in document["response"]["eventstream"]][:2] == [
        *("messageStart", "contentBlockDelta"),
    ]
    assert "20261124T091500Z" not in str(document)
    assert read_response(path.read_text(encoding="utf-8"), no_blob, "a").chunks == CONVERSE


def no_blob(name: str) -> bytes:
    raise AssertionError(name)


OLD = {
    "before 1.0, in JSON": (
        "a.json",
        '[{"request": {"method": "POST", "protocol": "https", "host": "api.openai.com", '
        '"port": 443, "path": "/v1/x", "headers": {"Content-Type": "application/json"}, '
        '"body": "{\\"q\\": 1}"}, "response": {"status": {"code": 200, "message": "OK"}, '
        '"headers": ["Content-Type: application/json\\r\\n"], "body": {"string": "[1]"}}}]',
    ),
    "before 1.0, in YAML with Python's tags": (
        "a.yaml",
        "- request: !!python/object:vcr.request.Request\n"
        "    body: !!python/unicode '{\"q\": 1}'\n"
        "    headers: !!python/object/apply:__builtin__.frozenset\n"
        "    - - !!python/tuple [Content-Type, application/json]\n"
        "    host: api.openai.com\n    method: POST\n    path: /v1/x\n    port: 443\n"
        "    protocol: https\n"
        "  response:\n    body: {string: !!python/unicode '[1]'}\n"
        "    headers: ['Content-Type: application/json']\n    status: {code: 200, message: OK}\n",
    ),
    "base64_string": (
        "a.json",
        json.dumps(
            {
                "interactions": [
                    entry('{"q": 1}', body={"base64_string": base64.b64encode(b"[1]").decode()})
                ]
            }
        ),
    ),
    "vcrpy 4 for httpx": (
        "a.yaml",
        "interactions:\n- request:\n    body: '{\"q\": 1}'\n    headers: {content-type: "
        "[application/json]}\n    method: POST\n    uri: https://api.openai.com/v1/x\n"
        "  response:\n    content: '[1]'\n    headers: {content-type: application/json}\n"
        "    http_version: HTTP/1.1\n    status_code: 200\nversion: 1\n",
    ),
    "a body that was a file": (
        "a.yaml",
        "interactions:\n- request:\n    body: !!python/object/new:_io.BytesIO\n      state: "
        "!!python/tuple\n      - !!binary |\n        eyJxIjogMX0=\n      - 0\n      - null\n"
        "    headers: {content-type: [application/json]}\n    method: POST\n"
        "    uri: https://api.openai.com/v1/x\n  response:\n    body: {string: '[1]'}\n"
        "    headers: {content-type: [application/json]}\n    status: {code: 200, message: OK}\n",
    ),
    "requests and responses apart": (
        "a.yaml",
        "version: 1\nrequests:\n- body: '{\"q\": 1}'\n  headers: {content-type: "
        "[application/json]}\n  method: POST\n  uri: https://api.openai.com/v1/x\nresponses:\n"
        "- body: {string: '[1]'}\n  headers: {content-type: [application/json]}\n"
        "  status: {code: 200, message: OK}\n",
    ),
    "betamax": (
        "a.json",
        json.dumps(
            {
                "http_interactions": [
                    {
                        "request": {
                            "body": {"encoding": "utf-8", "string": '{"q": 1}'},
                            "headers": {"Content-Type": ["application/json"]},
                            "method": "POST",
                            "uri": "https://api.openai.com/v1/x",
                        },
                        "response": {
                            "body": {
                                "encoding": "utf-8",
                                "string": "",
                                "base64_string": base64.b64encode(gzip.compress(b"[1]")).decode(),
                            },
                            "headers": {
                                "Content-Type": ["application/json"],
                                "Content-Encoding": ["gzip"],
                            },
                            "status": {"code": 200, "message": "OK"},
                        },
                        "recorded_at": "2013-09-28T01:25:38",
                    }
                ],
                "recorded_with": "betamax/0.4.2",
            }
        ),
    ),
    "VCR of Ruby": (
        "a.yml",
        "---\nhttp_interactions:\n- request:\n    method: post\n    uri: "
        "https://api.openai.com/v1/x\n    body: {encoding: UTF-8, string: '{\"q\": 1}'}\n"
        "    headers: {Content-Type: [application/json]}\n  response:\n    status: {code: 200, "
        "message: OK}\n    headers: {Content-Type: [application/json]}\n    body: "
        "{encoding: UTF-8, string: '[1]'}\n    http_version:\n  recorded_at: "
        "Tue, 01 Nov 2011 04:58:44 GMT\n",
    ),
    "a name without an ending": (
        "test_chat",
        "interactions:\n- request: {method: POST, uri: 'https://api.openai.com/v1/x', body: "
        "'{\"q\": 1}', headers: {content-type: [application/json]}}\n  response: {status: {code: "
        "200}, headers: {content-type: [application/json]}, body: {string: '[1]'}}\nversion: 1\n",
    ),
    "a name that ends otherwise, in JSON": (
        "test_chat[1.5]",
        json.dumps({"version": 1, "interactions": [entry('{"q": 1}', "[1]")]}, indent=4),
    ),
    "a byte order mark": (
        "a.json",
        "\ufeff" + json.dumps({"interactions": [entry('{"q": 1}', "[1]")]}),
    ),
    "JSON as aiohttp was given it": (
        "a.yaml",
        "interactions:\n- request:\n    body:\n      q: 1\n    headers: {Content-Type: "
        "[application/json]}\n    method: POST\n    uri: https://api.openai.com/v1/x\n"
        "  response:\n    body: {string: '[1]'}\n    headers: {content-type: "
        "[application/json]}\n    status: {code: 200, message: OK}\nversion: 1\n",
    ),
    "parsed bodies of pydantic-ai": (
        "a.yaml",
        "interactions:\n- request:\n    headers: {content-type: [application/json]}\n"
        "    method: POST\n    parsed_body: {q: 1}\n    uri: https://api.openai.com/v1/x\n"
        "  response:\n    headers: {content-type: [application/json]}\n    parsed_body: [1]\n"
        "    status: {code: 200, message: OK}\nversion: 1\n",
    ),
}


@pytest.mark.parametrize("kind", OLD)
def test_what_older_recorders_wrote_is_read(kind: str, project: Path, replaying: Scope) -> None:
    name, text = OLD[kind]
    (project / "cassettes").mkdir()
    (project / "cassettes" / name).write_text(text, encoding="utf-8")
    assert run_program(["import", "cassettes"]) == 0
    with replaying(doms=["api.openai.com"]):
        assert httpx.post("https://api.openai.com/v1/x", json={"q": 1}).json() == [1]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("<<<<<<< HEAD\n{}=======\n{}>>>>>>> theirs\n", "has a merge conflict marker in line 1."),
        ("{}{}", "cannot be read: it has two lists of interactions."),
        ("{}---\n{}", "cannot be read: expected a single document in the stream"),
    ],
)
def test_a_cassette_that_came_to_harm_is_refused_in_one_line(
    damage: str, said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = "interactions:\n- request: {method: GET, uri: 'https://api.openai.com/v1/x'}\n"
    whole += "  response: {status: {code: 200}, body: {string: x}}\n"
    (project / "a.yaml").write_text(damage.replace("{}", whole))
    assert run_program(["import", "a.yaml"]) == 2
    assert f"not read: a.yaml {said}" in capsys.readouterr().out


def test_a_terminal_shows_which_cassette_is_being_read(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    write_cassette(project / "t/a.yaml", entry("1", "[1]"))
    assert run_program(["import", "t"]) == 0
    assert "Importing t/a.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2013-09-28T01:25:38", "2013-09-28T01:25:38Z"),  # betamax: UTC, though it does not say so
        ("Tue, 01 Nov 2011 04:58:44 GMT", "2011-11-01T04:58:44Z"),
        ("2026-11-30T12:00:00+02:00", "2026-11-30T10:00:00Z"),
        ("yesterday", ""),
    ],
)
def test_the_moment_of_recording_is_read_as_each_recorder_writes_it(
    written: str, moment: str
) -> None:
    assert find_moment(written, ()) == moment


def test_a_header_that_was_filtered_though_the_provider_requires_it_is_known(
    project: Path, replaying: Scope
) -> None:
    url = "https://api.anthropic.com/v1/messages"
    write_cassette(project / "a.yaml", entry('{"q": 1}', "[1]", url))
    assert run_program(["import", "a.yaml"]) == 0
    with replaying(doms=["api.anthropic.com"]):
        sent = {"anthropic-version": "2023-06-01", "x-api-key": "k"}
        assert httpx.post(url, json={"q": 1}, headers=sent).json() == [1]


@pytest.mark.parametrize("given", [{"a": "1 2", "b": ["x", "y"]}, [["a", "1 2"], ["b", "x"]]])
def test_a_form_as_aiohttp_was_given_it_is_a_form(
    given: Any, project: Path, replaying: Scope
) -> None:
    form = {"Content-Type": ["application/x-www-form-urlencoded"]}
    recorded = entry(given, "[1]")
    recorded["request"]["headers"] = form
    assert run_program(["import", str(write_cassette(project / "a.yaml", recorded))]) == 0
    with replaying(doms=["api.openai.com"]):
        answer = httpx.post("https://api.openai.com/v1/x", data=dict(given))
    assert answer.json() == [1]


def test_a_packed_cassette_is_found_and_read(project: Path, replaying: Scope) -> None:
    plain = write_cassette(project / "t/a.yaml", entry('{"q": 1}', "[1]"))
    (project / "t/a.yaml.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (project / "t/notes.yaml.gz").write_bytes(gzip.compress(b"notes: []"))
    plain.unlink()
    assert run_program(["import", "t"]) == 0
    with replaying(doms=["api.openai.com"]):
        assert httpx.post("https://api.openai.com/v1/x", json={"q": 1}).json() == [1]


@pytest.mark.parametrize(
    "damage",
    [b"not packed", gzip.compress(b"x" * 99)[:20], gzip.compress(bytes(65 * 1024**2))],
    ids=["not packed", "cut", "too big"],
)
def test_a_packed_cassette_that_cannot_be_read_is_refused_in_one_line(
    damage: bytes, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "a.yaml.gz").write_bytes(damage)
    assert run_program(["import", "a.yaml.gz"]) == 2
    assert "not read: a.yaml.gz " in capsys.readouterr().out


def test_what_is_not_http_is_listed_with_the_reason(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {
        "interactions": [entry("1", "[1]")],
        "ws_interactions": [{"uri": "https://api.openai.com/v1/realtime", "frames": []}],
        "grpc_interactions": [{"request": {}, "response": {}}],
    }
    (project / "a.yaml").write_text(yaml.dump(document))
    assert run_program(["import", "a.yaml"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "skipped 1: its URL is not ws or wss",
        "  a.yaml, interaction 2",
        "skipped 1: it is a gRPC call, which cachy does not replay",
        "  a.yaml, interaction 3",
    ]


def test_a_request_without_a_response_is_skipped(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = entry("1", "[1]")
    document = {"requests": [one["request"]] * 2, "responses": [one["response"]]}
    (project / "a.yaml").write_text(yaml.dump(document))
    assert run_program(["import", "a.yaml"]) == 1
    assert "1 interaction imported" in capsys.readouterr().out


def test_what_became_of_every_interaction_is_said(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cassette(project / "t/a.yaml", entry("1", "[1]"), entry("1", "[2]"), entry("2", "[3]"))
    write_cassette(project / "t/b.json", entry("1", "[1]"), entry("2", "[4]"), entry("3", "[5]"))
    write_cassette(
        project / "t/c.yml",
        entry("4", status={"code": 429, "message": "slow down"}),
        entry("4", "[6]", uri="https://api.mine.example:8443/x"),
        entry("4", uri="ftp://api.openai.com/x"),
        entry({"_fields": [], "_writer": "x"}),
        {"request": {"method": "GET"}},
        "nothing",
    )
    project.joinpath("t/package.json").write_text("{}")
    project.joinpath("t/d.yaml").write_text("interactions: [\n")
    assert run_program(["import", "t"]) == 2
    said = capsys.readouterr().out
    assert said.splitlines() == [
        "3 cassettes: 5 interactions imported into cachy_fixtures, 1 merged with an equal fixture, "
        "6 skipped.",
        "skipped 2: it is not as vcrpy or cassetter write it",
        "  t/c.yml, interaction 5",
        "  t/c.yml, interaction 6",
        "skipped 1: another answer to the same request is there, and stays",
        "  t/b.json, interaction 2: api.openai.com/v1/x/post-x-28b046e637bad538.json",
        "skipped 1: status 429: to import it, set record_status = [429]",
        "  t/c.yml, interaction 1",
        "skipped 1: its URL is not http or https",
        "  t/c.yml, interaction 3",
        "skipped 1: its body is an aiohttp.FormData, which only its recorder can read",
        "  t/c.yml, interaction 4",
        "not read: t/d.yaml cannot be read: did not find expected node content, line 2. "
        "Fix it, or leave it out.",
        'not covered: add to doms, or requests to them go live: "api.mine.example:8443"',
    ]
    before = {path: path.read_bytes() for path in fixtures_in(project)}
    assert run_program(["import", "t/a.yaml"]) == 0
    assert "0 interactions imported" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in fixtures_in(project)} == before


GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
CLAUDE = "https://api.anthropic.com/v1/messages"
WHOLE = {"x-goog-api-key": ["x"], "anthropic-version": ["2023-06-01"]}
FILTERED = [
    (GEMINI, {}, "if your client sends its key in the URL"),
    (f"{GEMINI}?alt=sse", {}, "if your client sends its key in the URL"),
    (f"{GEMINI}?key=x", {}, ""),
    (GEMINI, WHOLE, ""),
    (CLAUDE, {}, "if your client sends a header anthropic-beta"),
    (f"{CLAUDE}?beta=true", WHOLE, "if your client sends a header anthropic-beta"),
    (CLAUDE, WHOLE, ""),
    (CLAUDE, {"Anthropic-Beta": ["a"]}, ""),
    ("https://api.openai.com/v1/chat/completions", {}, ""),
]


@pytest.mark.parametrize(("url", "headers", "said"), FILTERED)
def test_what_the_recorder_may_have_filtered_out_is_said_once(
    url: str, headers: Any, said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [entry(number, uri=url) for number in "12"]
    for one in entries:
        one["request"]["headers"] |= headers
    write_cassette(project / "t/a.yaml", *entries)
    assert run_program(["import", "t"]) == 0
    line, *more = capsys.readouterr().out.splitlines()
    assert line.startswith("1 cassette: 2 interactions imported")
    assert len(more) == bool(said)
    assert "".join(more).startswith(f"may not match, 2: {said}" if said else "")


REFUSED = {
    "t": "t: no cassettes found. Name a file or folder that has some.",
    "gone.yaml": "gone.yaml does not exist. Name a cassette or a folder.",
    "cachy.jsonl": "cachy.jsonl holds no requests. Leave it beside the fixtures",
    "a.txt": "a.txt is not a cassette: its name does not end in .yaml, .yml, .json, .toml.",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_be_no_cassette_is_refused_in_one_line(
    name: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.joinpath("t").mkdir()
    project.joinpath("a.txt").touch()
    project.joinpath("cachy.jsonl").touch()
    assert run_program(["import", name]) == (3 if name == "t" else 2)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"cachy: {REFUSED[name]}")
    assert said.err.count("\n") == 1


BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)
HOSTILE: dict[str, str | bytes] = {
    "bomb.yaml": BOMB + "interactions: [*m]\n",
    "circle.yaml": "&a\ninteractions: [*a]\n",
    "deep.yaml": "interactions: " + "[" * 100_000,
    "deep.json": '{"interactions": ' + "[" * 100_000,
    "code.yaml": "interactions: [!!python/object/apply:os.system ['touch owned']]\n",
    "latin.yaml": b"interactions: [\xff]\n",
    "number.json": '{"interactions": [' + "9" * 5000 + "]}",
    "list.json": '{"interactions": {}}',
    "text.yaml": "interactions\n",
    "half.toml": "[[interactions]\n",
    "outside.yaml": yaml.dump(
        {"interactions": [entry(uri="https://api.openai.com/../../../x/%2e%2e/%2e%2e/owned")]}
    ),
    "host.yaml": yaml.dump({"interactions": [entry(uri="https://../../owned")]}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_cassette_does_no_harm(
    name: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = HOSTILE[name]
    raw = content if isinstance(content, bytes) else content.encode()
    project.joinpath(name).write_bytes(raw)
    before = time.process_time()
    code = run_program(["import", name])
    assert time.process_time() - before < 5
    lines = capsys.readouterr().out.splitlines()
    written = {path.name for path in project.iterdir()} - {name, "pyproject.toml"}
    assert written <= {"cachy_fixtures"}
    assert not project.parent.joinpath("owned").exists()
    if name not in ("outside.yaml", "host.yaml", "code.yaml"):
        assert code == 2
        assert lines[1].startswith(f"not read: {name}")


ODD = st.recursive(
    st.none() | st.integers() | st.text() | st.binary() | st.sampled_from(["a:b", "http://[", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)
SLOTS = ("method", "uri", "headers", "body", "parsed_body", "status", "status_code", "content")


PLACES = st.tuples(st.sampled_from(["request", "response"]), st.sampled_from(SLOTS), ODD)


@given(st.lists(PLACES, max_size=3))
def test_no_interaction_ends_in_a_traceback(changes: list[tuple[str, str, Any]]) -> None:
    raw = entry("1", "[1]")
    for part, slot, odd in changes:
        raw[part][slot] = odd
    with TemporaryDirectory() as folder:
        file = Path(folder, "a.yaml")
        config = Config(root=file.parent, fixtures=file.parent / "cachy_fixtures")
        file.write_text(yaml.dump({"interactions": [raw]}, allow_unicode=True), "utf-8", "replace")
        report = import_cassettes([file], config)
        assert report.imported + len(report.skipped) + len(report.unread) == 1
        assert report.imported == 0 or [found.rule for found in verify(config)] == []


@pytest.mark.slow  # 300 MiB
def test_an_answer_that_unpacks_without_end_is_skipped(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    headers = {"content-encoding": ["gzip"]}
    write_cassette(project / "a.yaml", entry(answer=bomb, headers=headers))
    assert run_program(["import", "a.yaml"]) == 1
    assert "its body unpacks to more than 256 MiB" in capsys.readouterr().out


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize(("name", "pack"), PACKED.items())
def test_a_packed_answer_is_unpacked(
    name: str, pack: Callable[[bytes], bytes], project: Path, replaying: Scope
) -> None:
    plain = json.dumps({"said": "Grüße " * 300}).encode()
    kind = {"Content-Type": ["application/json"], "Content-Encoding": [name]}
    write_cassette(project / "a.yaml", entry(b"{}", pack(plain), headers=kind))
    assert run_program(["import", "a.yaml"]) == 0
    assert '"said": "Grüße' in fixtures_in(project)[0].read_text(encoding="utf-8")
    with replaying(doms=["api.openai.com"]):
        answer = httpx.post("https://api.openai.com/v1/x", json={})
    assert answer.json() == json.loads(plain)
    damaged = entry(b"[]", pack(plain)[:-9] + b"\xff" * 9, headers=kind)
    write_cassette(project / "b.yaml", damaged)
    assert run_program(["import", "b.yaml"]) == 1


@pytest.mark.parametrize("name", ["br", "zstd"])
def test_what_unpacks_an_answer_is_named_where_it_is_missing(
    name: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for module in ("brotli", "brotlicffi", "compression.zstd", "backports.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)
    kind = {"Content-Type": ["application/json"], "Content-Encoding": [name]}
    packed = PACKED[name](b'{"said": 1}')
    write_cassette(project / "a.yaml", entry(b"{}", packed, headers=kind))
    assert run_program(["import", "a.yaml"]) == 1
    wanted = {"br": "brotlicffi", "zstd": "zstandard"}[name]
    assert f"its body is packed. Unpack it with: pip install {wanted}" in capsys.readouterr().out


def test_without_a_yaml_parser_the_command_that_brings_one_is_said(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cassette(project / "a.yaml", entry())
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert run_program(["import", "a.yaml"]) == 2
    assert (
        "a.yaml cannot be read: YAML needs a parser. Install one: pip install 'pycachy[yaml]'"
        in capsys.readouterr().out
    )


def test_no_secret_of_a_cassette_reaches_the_fixtures(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = "pW8rTq2LmZx5Nv7Kc4Yd9Bf3Hg6Js1Aa"
    monkeypatch.setenv("MINE_API_KEY", guarded)
    told = {"message": f"Incorrect API key provided: {KEY}", "seen": guarded}
    stream = f"data: {json.dumps(told)}\n\ndata: [DONE]\n\n"
    url = f"https://me:{KEY}@api.openai.com/v1/{KEY}?key={KEY}&sig=abcdef0123456789abcdef0123456789"
    headers = {"Authorization": [f"Bearer {KEY}"], "Cookie": f"sid={KEY}", "Set-Cookie": f"s={KEY}"}
    both = entry(json.dumps({"password": "hunter2", "told": told}), json.dumps(told), url)
    both["request"]["headers"] |= headers
    both["response"]["headers"] |= headers | {"X-Request-Id": [KEY]}
    streamed = entry(json.dumps({"n": 1}), stream, headers={"Content-Type": ["text/event-stream"]})
    packed = entry(
        json.dumps({"n": 2}),
        gzip.compress(json.dumps(told).encode()),
        headers={"Content-Type": ["application/json"], "Content-Encoding": ["gzip"]},
    )
    other = entry(json.dumps({"n": 1}), f"{stream}{stream}", uri=url)
    write_cassette(project / f"cassettes/{KEY}/{KEY}.yaml", both, streamed, packed, other, other)
    project.joinpath(f"{KEY}.py").touch()
    run_program(["import", "cassettes"])
    written = [str(path) + path.read_text() for path in fixtures_in(project)]
    assert len(written) == 5
    for text in (*written, capsys.readouterr().out.replace(f"cassettes/{KEY}/{KEY}.yaml", "")):
        for secret in (KEY, guarded, "hunter2", "abcdef"):
            assert is_hidden(secret, text)
