"""A secret that a request or a response names once is hidden wherever else it stands."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from conftest import Scope, fixtures_in
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    SeenRequest,
    json_response,
    text_response,
)

from cachy.config import Config, load_config
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.interaction import Request
from cachy.verify import verify

SECRET = "hunter9hunter9Y"
BASIC = "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()
NOTE = f"please mention {SECRET}"
SOAP = f"<Login><Password>{SECRET}</Password><Note>{NOTE}</Note></Login>"
Ask = dict[str, Any]
ASKED: dict[str, Ask] = {
    "JSON": {"json": {"password": SECRET, "note": NOTE}},
    "JSON, later": {"json": {"a_note": NOTE, "user": [{"new_password": SECRET}]}},
    "JSON in a string": {"json": {"tool": json.dumps({"passphrase": SECRET}), "n": NOTE}},
    "a labelled value": {"json": {"env": [{"key": "DB_PWD", "value": SECRET}], "n": NOTE}},
    "a form": {"data": {"user[password]": SECRET, "note": NOTE}},
    "multipart": {"data": {"password": SECRET, "note": NOTE}, "files": {"f": ("a", b"\x00x")}},
    "a file": {"data": {"password": SECRET}, "files": {"f": ("a", b"\xff " + NOTE.encode())}},
    "the query": {"params": {"password": SECRET, "q": NOTE}},
    "query and body": {"params": {"pwd": SECRET}, "json": {"note": NOTE}},
    "body and query": {"json": {"password": SECRET}, "params": {"q": NOTE}},
    "bearer and body": {"headers": {"authorization": f"Bearer {SECRET}"}, "json": {"note": NOTE}},
    "basic and body": {"headers": {"authorization": BASIC}, "json": {"note": NOTE}},
    "key and query": {"headers": {"x-api-key": SECRET}, "params": {"q": NOTE}},
    "cookie and body": {"headers": {"cookie": f"a=b; sid={SECRET}"}, "json": {"note": NOTE}},
    "SOAP": {"content": SOAP.encode(), "headers": {"content-type": "text/xml"}},
    "bytes": {"content": b"\x00\xff?password=" + f"{SECRET} {NOTE}".encode()},
    "a header of any name": {"headers": {"x-custom-token": SECRET}, "json": {"note": NOTE}},
    "base64": {"json": {"password": SECRET, "b": base64.b64encode(NOTE.encode()).decode()}},
    "a header": {"json": {"password": SECRET}, "headers": {"x-said": NOTE}},
}


def written(project: Path) -> str:
    paths = [path for path in project.rglob("*") if path.is_file()]
    return "".join(f"{path}\n{path.read_bytes()!r}" for path in paths)


def spellings(secret: str) -> list[str]:
    shifted = [base64.b64encode(b" " * shift + NOTE.encode()).decode() for shift in range(3)]
    return [secret, *(text[24:36] for text in shifted)]


def echo(asked: SeenRequest) -> ScriptedResponse:
    said = {"path": asked.path, "headers": dict(asked.headers), "body": repr(asked.body)}
    return json_response(said, 200, ("Location", f"/at?q={SECRET}"), ("X-Note", NOTE))


@pytest.mark.parametrize("place", ASKED)
def test_it_is_hidden_in_the_request_in_its_echo_and_on_replay(
    place: str, project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    (project / "pyproject.toml").write_text('[tool.cachy.match]\nheaders = ["x-said"]\n')
    url = origin.on("/login", echo)
    with recording(hdrs=["x-note"]):
        httpx.post(url, **ASKED[place])
    assert len(fixtures_in(project)) == 1
    assert not any(form in written(project) for form in spellings(SECRET))
    assert verify(load_config()) == []
    with replaying():
        assert httpx.post(url, **ASKED[place]).status_code == 200


@pytest.mark.parametrize("place", [place for place in ASKED if place != "a header"])
def test_another_secret_has_the_same_fingerprint(place: str) -> None:
    def fingerprint(secret: str) -> str:
        other = json.loads(json.dumps(_plain(ASKED[place])).replace(SECRET, secret))
        sent = httpx.Request("POST", "https://h.example/a", **_sendable(other))
        asked = Request("POST", str(sent.url), tuple(sent.headers.items()), sent.read())
        return identify_settled(asked, Config()).fingerprint

    if place not in ("basic and body", "base64", "bytes"):  # which hold it otherwise
        assert fingerprint(SECRET) == fingerprint("Another1Another1")


def _plain(asked: Ask) -> Ask:
    return {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in asked.items()
        if name != "files"
    }


def _sendable(asked: Ask) -> Ask:
    return asked


def test_the_order_of_keys_does_not_count_where_two_names_have_one_secret() -> None:
    def fingerprint(*names: str) -> str:
        body = json.dumps(dict.fromkeys(names, SECRET)).encode()
        asked = Request("POST", "https://h.example/a", (), body)
        return identify_settled(asked, Config()).fingerprint

    assert fingerprint("password", "client_secret") == fingerprint("client_secret", "password")


def test_a_short_password_is_not_looked_for_in_other_words(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    url = origin.on("/login", json_response({"role": "admin"}))
    with recording():
        httpx.post(url, json={"user": "admin", "password": "admin"})
    assert '"user": "admin"' in written(project)
    assert '"role": "admin"' in written(project)


def test_a_password_that_a_later_request_says_is_not_written_and_still_matches(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    login, other = origin.on("/login", json_response({})), origin.on("/ask", json_response({}))
    with recording():
        httpx.post(login, json={"password": SECRET})
        httpx.post(other, json={"note": NOTE})
    assert SECRET not in written(project)
    with replaying():
        httpx.post(other, json={"note": NOTE})  # alone


TOKEN = "Qw81nTz4Hs6Yb0Pc3Mk7"
GIVING: dict[str, tuple[str, ScriptedResponse]] = {
    "as text from a login": ("/login", text_response(f"{TOKEN}\n")),
    "as text": ("/start", text_response(TOKEN)),
    "in a sentence": ("/start", text_response(f"Your code is {TOKEN}.")),
    "as a JSON string": ("/v1/tokens", json_response(TOKEN)),
    "in a field of any name": ("/start", json_response({"handle": TOKEN})),
}
USING: dict[str, Callable[[str], Ask]] = {
    "as a bearer token": lambda token: {"headers": {"authorization": f"Bearer {token}"}},
    "in a key header": lambda token: {"headers": {"x-api-key": token}},
    "in a named field": lambda token: {"json": {"access_token": token}},
    "as a parameter": lambda token: {"params": {"access_token": token}},
}


@pytest.mark.parametrize("use", USING)
@pytest.mark.parametrize("give", GIVING)
def test_a_token_is_recognised_by_how_it_is_used_later(
    give: str,
    use: str,
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    path, response = GIVING[give]
    start, url = origin.on(path, response), origin.on("/me", json_response({"said": TOKEN}))

    def run() -> None:
        text = requests.get(start, timeout=60).text
        (token,) = re.findall(rf"{TOKEN}|\[redacted:[a-z-]+\]", text)
        requests.post(url, timeout=60, **USING[use](token))
        requests.post(url, timeout=60, json={"note": f"use {token}"})

    with recording():
        run()
    assert len(fixtures_in(project)) == 3
    assert TOKEN not in written(project)
    assert verify(load_config()) == []
    with replaying():
        run()


@pytest.mark.parametrize("sent", [{"json": {"note": NOTE}}, {"content": f"\0{NOTE}".encode()}])
def test_verify_says_why_a_request_with_an_earlier_secret_has_another_name(
    sent: Ask, project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    login, other = origin.on("/login", json_response({})), origin.on("/ask", json_response({}))
    with recording():
        httpx.post(login, json={"password": SECRET})
        httpx.post(other, **sent)
    (finding,) = verify(load_config())
    assert finding.rule == "wrong-place"
    assert "a secret of your environment or of an earlier request stands in " in finding.detail


def test_another_login_is_not_another_credential(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    first, second = text_response(TOKEN), text_response(TOKEN[::-1])
    login, url = origin.on("/start", first, second), origin.on("/me", json_response({}))
    with recording(repeats="sequence"):
        for _ in range(2):
            token = httpx.get(login).text
            httpx.get(url, headers={"authorization": f"Bearer {token}"})
    assert "ambiguous" not in written(project)
    assert len(fixtures_in(project)) == 4


def test_a_version_is_not_a_token(project: Path, origin: ScriptedServer, recording: Scope) -> None:
    commit = "9f2c4e1a" * 5
    url = origin.on("/version", text_response(commit))
    with recording():
        httpx.get(url, headers={"authorization": f"Bearer {TOKEN}"})
    assert commit in written(project)
