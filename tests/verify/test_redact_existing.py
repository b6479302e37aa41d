"""A fixture from before a rule: `verify --fix` takes the secret out and renames the file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import fixtures_in

from cachy.config import Config
from cachy.fixture.compose import compose
from cachy.fixture.format.render import render_fixture
from cachy.fixture.identity.fingerprint import identify, identify_settled
from cachy.fixture.store.store import Store, load_fixture
from cachy.interaction import Frame, Request, Response
from cachy.redact.response import find_secrets
from cachy.verify import verify
from cachy.verify.fix import fix

KEY = "dckr_pat_Zx81kQm3Lw7Vt0Rb5Nc2aX1yU4t"
OLDER = "sk-proj-Zx81kQm3Lw7Vt0Rb5Nc2"
URL = "https://api.example.com/v1/x"


def test_a_secret_is_taken_out_and_the_fixture_renamed(project: Path) -> None:
    config = Config(root=project, fixtures=project / "cachy_fixtures")
    body = json.dumps({"say": f"it is {OLDER}"}).encode()
    request = Request("POST", URL, (("content-type", "application/json"),), body)
    answer = json.dumps({"key_is": "KEY", "n": 1.5}, indent=2).encode()
    headers = (("content-type", "application/json"), ("retry-after", "7"), ("x-team", "red"))
    recorded = {"at": "2026-01-02T03:04:05Z"}
    document, _ = compose(request, Response(200, headers, answer), recorded, config)
    document["request"]["json"] = {"say": f"it is {OLDER}"}
    document["response"]["json"]["key_is"] = KEY
    store = Store(config.fixtures)
    before = identify(request, config)
    path = config.fixtures / f"{before.name}.json"
    store.write(path, render_fixture(document).encode())
    found = verify(config)
    assert {one.rule for one in found} >= {"secret-left"}
    fix(config, found)
    (moved,) = fixtures_in(project)
    text = moved.read_text()
    assert find_secrets(text) == []
    assert moved.stem.endswith(identify_settled(request, config).fingerprint)
    clean = load_fixture(moved).document
    assert clean["request"]["json"] == {"say": "it is [redacted:openai-key]"}
    assert clean["response"]["json"] == {"key_is": "[redacted:docker-token]", "n": 1.5}
    assert clean["response"]["headers"]["retry-after"] == "7"
    assert clean["response"]["layout"]["indent"] == 2
    assert clean["response"]["left_out"] == ["x-team"]
    assert clean["recorded"] == recorded
    assert verify(config) == []


def test_a_fixture_named_by_the_former_order_is_renamed(project: Path) -> None:
    config = Config(root=project, fixtures=project / "cachy_fixtures")
    asked = Request("GET", f"{URL}?point=B&point=A")
    document, _ = compose(asked, Response(200), {}, config)
    former = identify(asked._replace(url=f"{URL}?point=A&point=B"), config)
    Store(config.fixtures).write(
        config.fixtures / f"{former.name}.json", render_fixture(document).encode()
    )
    fix(config, verify(config))
    (moved,) = fixtures_in(project)
    assert moved.stem.endswith(identify(asked, config).fingerprint)
    assert verify(config) == []


JSON = ("content-type", "application/json")
MANY = "a\n" * 40
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSIsImV4cCI6MTc2NDUwMDAwMH0.c2lnbmF0dXJlc2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
SECRET = "hunter2hunter"
EVERY = bytes(range(256))
# What a response was before a rule: its type, its body, and the secret; MARK is there on the disk.
FORMER: dict[str, tuple[str, bytes, str]] = {
    "lines": (JSON[1], json.dumps({"t": f"{MANY}it is MARK\n"}).encode(), KEY),
    "a table in lines": ("text/csv", b"name,password\n" + b"ann,MARK\n" * 40, SECRET),
    "a key in lines": (JSON[1], json.dumps({"t": f"{MANY}MARK\n"}).encode(), PEM),
    "a stream": ("text/event-stream", b'data: {"t": "MARK"}\n\ndata: [DONE]\n\n', KEY),
    "JSON Lines": ("application/x-ndjson", b'{"a": 1}\n{"t": "MARK"}\n', KEY),
    "a container": (JSON[1], json.dumps({"passwords": {"ann": "MARK"}}).encode(), SECRET),
    "a sentence": ("text/plain", b"Your password is MARK", SECRET),
    "a token": (JSON[1], b'{"t": "MARK"}', JWT),
    "bytes": ("application/pdf", b"%PDF-1.4 \xff MARK " + EVERY * 20, KEY),
    "bytes in JSON": (JSON[1], b'{"t": "%s"}' % base64.b64encode(EVERY * 16 + b" MARK"), KEY),
}


def store_former(config: Config, request: Request, response: Response, secret: str) -> Path:
    """Write a fixture as it was before the rules knew this secret."""
    document, blobs = compose(request, response, {}, config)
    text = re.sub("redacted:[a-z{}-]+", "MARK", render_fixture(document)).replace("[MARK]", "MARK")
    escaped = json.dumps(secret)[1:-1]
    store = Store(config.fixtures)
    for name, content in blobs.items():
        former = content.replace(b"MARK", secret.encode())
        its = f"{hashlib.sha256(former).hexdigest()[:16]}{name[16:]}"
        store.write(config.fixtures / "blobs" / its, former)
        text = text.replace(name, its).replace(str(len(content)), str(len(former)))
    path = config.fixtures / f"{identify(request, config).name}.json"
    store.write(path, text.replace("MARK", escaped).encode())
    return path


@pytest.mark.parametrize("place", FORMER)
def test_a_response_from_before_a_rule_is_redacted_wherever_its_secret_stands(
    place: str, project: Path
) -> None:
    config = Config(root=project, fixtures=project / "cachy_fixtures")
    kind, body, secret = FORMER[place]
    path = store_former(
        config, Request("GET", URL), Response(200, (("content-type", kind),), body), secret
    )
    found = verify(config)
    assert "secret-left" in {one.rule for one in found}
    fix(config, found)
    assert fixtures_in(project) == [path]
    files = [file.read_bytes() for file in config.fixtures.rglob("*") if file.is_file()]
    assert not any(part.encode() in file for file in files for part in secret.split("\n")[:2])
    assert verify(config) == []


FORM = ("content-type", "application/x-www-form-urlencoded")
PARTS = ("content-type", "multipart/form-data; boundary=b")
PART = '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2hunter\r\n--b--\r\n'
ASKED: dict[str, Request] = {
    "a form": Request("POST", URL, (FORM,), b"n=1&password=hunter2hunter"),
    "the query": Request("GET", f"{URL}?n=1&password=hunter2hunter"),
    "lines": Request("POST", URL, (JSON,), json.dumps({"t": f"{MANY} {OLDER}"}).encode()),
    "multipart": Request("POST", URL, (PARTS,), PART.encode()),
}  # fmt: skip


def former_of(request: Request, config: Config) -> dict[str, Any]:
    """Return the document of a request as it was before any rule."""
    document, _ = compose(request, Response(200, (JSON,), b"{}"), {}, config)
    text = json.dumps(document, ensure_ascii=False)
    text = text.replace("[redacted:{{password}}]", SECRET).replace("[redacted:openai-key]", OLDER)
    former: dict[str, Any] = json.loads(text)
    return former


@pytest.mark.parametrize("place", ASKED)
def test_a_request_from_before_a_rule_is_redacted_and_renamed(place: str, project: Path) -> None:
    config = Config(root=project, fixtures=project / "cachy_fixtures")
    request, store = ASKED[place], Store(config.fixtures)
    path = config.fixtures / f"{identify(request, config).name}.json"
    store.write(path, render_fixture(former_of(request, config)).encode())
    fix(config, verify(config))
    (moved,) = fixtures_in(project)
    assert not any(secret in f"{moved} {moved.read_text()}" for secret in (SECRET, OLDER))
    assert moved.stem.endswith(identify_settled(request, config).fingerprint)
    assert verify(config) == []


def test_a_message_of_a_websocket_from_before_a_rule_is_redacted(project: Path) -> None:
    config = Config(root=project, fixtures=project / "cachy_fixtures")
    frames = (Frame("send", '{"a": 1}'), Frame("receive", json.dumps({"t": "MARK"})))
    request = Request("GET", "wss://api.example.com/v1/ws")
    path = store_former(config, request, Response(101, (), b"", frames=frames), KEY)
    fix(config, verify(config))
    assert fixtures_in(project) == [path]
    assert KEY not in path.read_text()
    assert verify(config) == []


@pytest.mark.parametrize("is_same", [True, False])
def test_of_two_fixtures_that_become_one_a_copy_is_deleted(is_same: bool, project: Path) -> None:
    config = Config(root=project, fixtures=project / "cachy_fixtures")
    for number, key in enumerate((OLDER, f"{OLDER}9")):
        request = Request("POST", URL, (JSON,), json.dumps({"k": key}).encode())
        document, _ = compose(request, Response(200, (JSON,), b"{}"), {}, config)
        document["request"]["json"] = {"k": key}
        document["response"]["json"] = {"n": 0 if is_same else number}
        path = config.fixtures / f"{identify(request, config).name}.json"
        Store(config.fixtures).write(path, render_fixture(document).encode())
    fix(config, verify(config))
    assert len(fixtures_in(project)) == (1 if is_same else 2)
    assert {one.rule for one in verify(config)} == (set() if is_same else {"secret-left"})
