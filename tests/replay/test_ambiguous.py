"""Requests that differ only in a credential never get each other's response."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from conftest import Scope, fixtures_in, forgotten, refused
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, json_response

import cachy
from cachy.config import load_config
from cachy.fixture.format.text import parse_fixture
from cachy.verify import verify

RIGHT, WRONG = "right-horse-1", "wrong-horse-2"


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"ann:{password}".encode()).decode()


def header(name: str, write: Callable[[str], str] = str) -> Callable[[str], dict[str, Any]]:
    return lambda secret: {"headers": {name: write(secret)}}


WAYS: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "x-api-key": ("x-api-key", header("x-api-key")),
    "api-key": ("api-key", header("api-key")),
    "dd-api-key": ("dd-api-key", header("DD-API-KEY")),
    "x-shopify-access-token": ("x-shopify-access-token", header("X-Shopify-Access-Token")),
    "bearer": ("authorization", header("Authorization", "Bearer {}".format)),
    "token": ("authorization", header("Authorization", "token {}".format)),
    "plain": ("authorization", header("Authorization")),
    "basic": ("authorization", header("Authorization", basic)),
    "json": ("$.password", lambda secret: {"json": {"user": "ann", "password": secret}}),
    "nested": ("$.auth[0].apiKey", lambda secret: {"json": {"auth": [{"apiKey": secret}]}}),
    "form": ("client_secret", lambda secret: {"data": {"id": "1", "client_secret": secret}}),
    "multipart": (
        "password",
        lambda secret: {"files": {"f": ("a", b"x")}, "data": {"password": secret}},
    ),
    "query": ("?access_token", lambda secret: {"params": {"access_token": secret, "n": "1"}}),
    "text": ("text", lambda secret: {"content": f"?password={secret}".encode()}),
}


def answer(request: SeenRequest) -> ScriptedResponse:
    told = f"{request.path} {request.headers} {request.body!r}"
    is_right = RIGHT in told or base64.b64encode(f"ann:{RIGHT}".encode()).decode() in told
    return json_response({"is_right": is_right}, 200 if is_right else 403)


@pytest.fixture
def url(origin: ScriptedServer) -> str:
    return origin.on("/login", answer)


def asked(url: str, arguments: Mapping[str, Any]) -> bool:
    return bool(httpx.post(url, **arguments).json()["is_right"])


def requests_of(project: Path) -> Iterator[dict[str, Any]]:
    for path in fixtures_in(project):
        yield parse_fixture(path.read_text())["request"]


RIGHT_FIRST, WRONG_FIRST = (RIGHT, WRONG), (WRONG, RIGHT)


@pytest.mark.parametrize(
    ("name", "order", "status"),
    [
        *((name, WRONG_FIRST, ()) for name in WAYS),
        *((name, RIGHT_FIRST, (403,)) for name in WAYS),
        ("json", RIGHT_FIRST, ()),
        ("json", WRONG_FIRST, (403,)),
    ],
)
def test_another_credential_gets_its_own_response_or_none(
    name: str,
    status: tuple[int, ...],
    order: tuple[str, str],
    url: str,
    project: Path,
    recording: Scope,
    replaying: Scope,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place, arguments = WAYS[name]
    with recording(record_status=status):
        seen = [asked(url, arguments(secret)) for secret in order * 2]
    assert seen == [secret == RIGHT for secret in order * 2]
    assert [request["ambiguous"] for request in requests_of(project)] == [[place]]
    told = [line for line in capsys.readouterr().err.splitlines() if "variant" in line]
    assert len(told) == 1
    assert f"differs from another request only in {place}" in told[0]
    for secret in order:
        with replaying(), refused("differ only in"):
            asked(url, arguments(secret))
    everything = b"".join(path.read_bytes() for path in fixtures_in(project))
    assert not any(secret.encode() in everything for secret in (RIGHT, WRONG))


@pytest.mark.parametrize("name", ["bearer", "json", "query"])
def test_a_variant_tells_them_apart(
    name: str, url: str, project: Path, recording: Scope, replaying: Scope
) -> None:
    arguments = WAYS[name][1]
    with recording(record_status=[403]):
        assert [asked(url, arguments(secret)) for secret in (RIGHT, WRONG)] == [True, False]
    for scope in (recording, replaying):
        with scope():
            assert asked(url, arguments(RIGHT))
            with scope(variant="wrong password", record_status=[403]):
                assert not asked(url, arguments(WRONG))
    assert not any("ambiguous" in request for request in requests_of(project))
    assert verify(load_config(project)) == []


@pytest.mark.parametrize("name", WAYS)
def test_a_replayed_response_is_not_given_to_another_credential(
    name: str, url: str, recording: Scope, replaying: Scope
) -> None:
    place, arguments = WAYS[name]
    with recording():
        asked(url, arguments(RIGHT))
    with replaying():
        assert asked(url, arguments(RIGHT))
        with refused(re.escape(f"differs from it only in {place}")):
            asked(url, arguments(WRONG))
        assert asked(url, arguments(RIGHT))


def test_the_first_response_of_a_recording_is_marked_where_it_was_replayed(
    url: str, project: Path, recording: Scope
) -> None:
    arguments = WAYS["bearer"][1]
    with recording():
        asked(url, arguments(RIGHT))
    with recording():
        assert [asked(url, arguments(secret)) for secret in (RIGHT, WRONG)] == [True, False]
    assert [request["ambiguous"] for request in requests_of(project)] == [["authorization"]]
    document = parse_fixture(fixtures_in(project)[0].read_text())
    assert document["response"]["json"] == {"is_right": True}
    found = [(finding.rule, finding.detail) for finding in verify(load_config(project))]
    assert found == [("ambiguous", "requests differ only in authorization")]


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ7fSJ9.c2lnbmVk{}"


@pytest.mark.parametrize(
    "arguments",
    [
        header("Authorization", lambda n: "Bearer " + JWT.format(n)),
        header("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA, Signature={}".format),
        header("Authorization", 'Digest username="ann", nonce="{}"'.format),
        header("Authorization", "Bearer ya29.a0AfH6SMBx{}-longer-than-twenty".format),
        header("cookie", "session={}".format),
        header("x-csrf-token"),
        lambda n: {"params": {"signature": f"Zx91kQm3Lw7Vt0Rb5Nc2{n}"}},
        lambda n: {"data": {"code_verifier": f"verifier-{n}"}},
        lambda n: {"json": {"client_assertion": JWT.format(n)}},
        lambda n: {"json": {"id_token": JWT.format(n)}},
    ],
)
def test_what_is_new_each_time_is_not_another_credential(
    arguments: Callable[[str], dict[str, Any]], origin: ScriptedServer, recording: Scope
) -> None:
    url = origin.on("/things", json_response({}))
    with recording():
        for number in "12":
            httpx.post(url, **arguments(number))
    assert origin.count == 1


def test_what_is_ignored_is_not_another_credential(
    origin: ScriptedServer, project: Path, recording: Scope
) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.cachy.match]\nignore = ["password", "?access_token"]\n'
    )
    with recording():
        for secret in (RIGHT, WRONG):
            httpx.post(f"{origin.url}/a", json={"password": secret, "user": "ann"})
            httpx.post(f"{origin.url}/b", params={"access_token": secret})
            httpx.post(f"{origin.url}/c", data={"password": secret})
    assert origin.count == 3


@pytest.mark.parametrize("token", ["t{}", "tok_Zx91kQm3Lw7Vt0Rb5Nc{}"])
def test_a_token_that_a_response_gave_is_not_another_credential(
    token: str, origin: ScriptedServer, recording: Scope
) -> None:
    given = [json_response({"access_token": token.format(n)}) for n in (1, 2)]
    origin.on("/token", *given)
    with recording():
        for number in (1, 2):
            told = httpx.post(f"{origin.url}/token", json={"n": number}).json()["access_token"]
            httpx.get(f"{origin.url}/me", headers={"Authorization": f"Bearer {told}"})
    assert origin.count == 3


def test_a_key_that_a_response_repeats_is_still_a_credential(
    origin: ScriptedServer, recording: Scope
) -> None:
    url = origin.on("/me", lambda seen: json_response({"token": seen.headers["x-api-key"]}))
    keys = ["tok_Ab12kQm3Lw7Vt0Rb5Nd9", "wrong"]
    with recording():
        told = [httpx.get(url, headers={"x-api-key": key}).json()["token"] for key in keys]
    assert told == keys


def test_a_request_without_a_key_is_not_one_with_it(
    url: str, project: Path, recording: Scope, replaying: Scope
) -> None:
    right = WAYS["x-api-key"][1](RIGHT)
    with recording():
        assert [asked(url, one) for one in ({}, right, {})] == [False, True, False]
    with replaying(), refused("differ only in x-api-key"):
        asked(url, right)


def test_other_clients_tell_credentials_apart(url: str, recording: Scope) -> None:
    arguments = WAYS["basic"][1]
    with recording():
        assert asked(url, arguments(RIGHT))
        told = requests.post(url, auth=("ann", WRONG), timeout=60).json()
    assert told == {"is_right": False}


def test_scopes_that_follow_each_other_may_have_other_keys(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    for number, scope in enumerate((recording, recording, replaying)):
        with scope():
            httpx.post(f"{origin.url}/a", headers={"x-api-key": f"key-{number}"})
    assert origin.count == 1


def test_a_miss_of_two_keys_names_neither(url: str, recording: Scope, replaying: Scope) -> None:
    arguments = WAYS["x-api-key"][1]
    with recording():
        asked(url, arguments(RIGHT))
    with replaying():
        asked(url, arguments(RIGHT))
        with pytest.raises(cachy.UnrecordedRequest, match='variant="wrong password"'):
            asked(url, arguments(WRONG))
    assert json.dumps(forgotten()).count(WRONG) == 0
