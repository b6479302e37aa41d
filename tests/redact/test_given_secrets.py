"""What a response gives as a secret: cookies, tokens that travel on, and JWTs."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import httpx
import httpx2
import jwt as pyjwt
import pytest
import requests
import urllib3
from conftest import Scope, fixtures_in, forgotten
from hypothesis import given
from hypothesis import strategies as st
from msal.oauth2cli.oidc import Client
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    SeenRequest,
    json_response,
    redirect,
    sse_response,
)

import cachy
from cachy.config import Config, load_config
from cachy.fixture.compose import compose
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.fixture.replayed import response_of
from cachy.interaction import Request, Response
from cachy.redact.given_secrets import GivenSecrets
from cachy.redact.json_values import redact_json
from cachy.redact.response import RESPONSE, find_secrets
from cachy.verify import verify

REQUEST = Request("GET", "https://api.example.com/v1/x")


def minted() -> str:
    """A token of no known shape, another one each time."""
    return f"tok_Zx9{secrets.token_hex(8)}Q"


def written(project: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in fixtures_in(project))


FOLDED = (
    "a=Zx81kQm3; Path=/; HttpOnly, b=hunter2value; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Secure, "
    "c=third-secret"
)


QUOTED = 'a="one; two, b=three"; Path=/, __Host-c={"k":"four","n":1}; Secure, five, d=; Max-Age=0'


def test_no_part_of_a_cookies_value_in_quotes_is_left() -> None:
    document, _ = compose(REQUEST, Response(200, (("Set-Cookie", QUOTED),)), {}, Config())
    assert document["response"]["headers"]["set-cookie"] == [
        "a=[redacted:cookie]; Path=/",
        "__Host-c=[redacted:cookie]; Secure, five",
        "d=; Max-Age=0",
    ]


def test_each_cookie_of_a_folded_header_is_redacted_and_comes_back() -> None:
    response = Response(200, (("Set-Cookie", FOLDED), ("set-cookie", "d=four; Max-Age=3")))
    document, _ = compose(REQUEST, response, {}, Config())
    assert document["response"]["headers"]["set-cookie"] == [
        "a=[redacted:cookie]; Path=/; HttpOnly",
        "b=[redacted:cookie]; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Secure",
        "c=[redacted:cookie]",
        "d=[redacted:cookie]; Max-Age=3",
    ]
    assert len(response_of(document, lambda _: b"").headers) == 4


def test_a_cookie_that_the_body_calls_a_password_is_redacted_as_one() -> None:
    cookie = minted()
    response = Response(
        200,
        (("content-type", "text/plain"), ("set-cookie", f"sid={cookie}")),
        f"said {cookie}\npassword: {cookie}".encode(),
    )
    document, _ = compose(REQUEST, response, {}, Config())
    said = document["response"]["text"]
    assert said == "said [redacted:cookie]\npassword: [redacted:{{password}}]"


def by_requests(url: str) -> dict[str, str]:
    session = requests.Session()
    session.get(url)
    return dict(session.cookies)


def by_httpx(url: str) -> dict[str, str]:
    with httpx.Client() as client:
        client.get(url)
        return dict(client.cookies)


def by_httpx2(url: str) -> dict[str, str]:
    with httpx2.Client() as client:
        client.get(url)
        return dict(client.cookies)


def by_aiohttp(url: str) -> dict[str, str]:
    import asyncio

    async def get() -> dict[str, str]:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session, session.get(url):
            return {cookie.key: cookie.value for cookie in jar}

    return asyncio.run(get())


def by_urllib3(url: str) -> dict[str, str]:
    headers = urllib3.PoolManager().request("GET", url).headers
    pairs = (one.partition(";")[0].split("=", 1) for one in headers.getlist("set-cookie"))
    return {name: value for name, value in pairs}


@pytest.mark.parametrize("get", [by_requests, by_httpx, by_httpx2, by_aiohttp, by_urllib3])
def test_no_client_brings_a_cookie_to_the_disk_and_each_gets_it_back(
    get: Callable[[str], dict[str, str]],
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    values = {"first": minted(), "second": minted()}
    headers = tuple(("Set-Cookie", f"{name}={value}; Path=/") for name, value in values.items())
    url = origin.on("/login", json_response({}, 200, *headers))
    with recording():
        assert get(url) == values
    assert not any(value in written(project) for value in values.values())
    assert verify(load_config()) == []
    with replaying():
        assert set(get(url)) == set(values)


TOLD: dict[str, Callable[[str], dict[str, Any]]] = {
    "in free text": lambda token: {"json": {"note": f"use {token} for this"}},
    "in a form": lambda token: {"data": {"q": f"say {token}"}},
    "in the query": lambda token: {"params": {"q": token}},
    "in base64": lambda token: {"json": {"b": base64.b64encode(f"as {token}!".encode()).decode()}},
    "as bytes": lambda token: {"content": b"\x00\xff " + token.encode()},
    "as JSON in a string": lambda token: {"json": {"s": json.dumps({"t": [token]})}},
    "in multipart": lambda token: {"data": {"n": f"by {token}"}, "files": {"f": ("a.txt", token)}},
    "in a packed body": lambda token: {
        "content": gzip.compress(json.dumps({"say": f"by {token}"}).encode(), mtime=1),
        "headers": {"content-encoding": "gzip", "content-type": "application/json"},
    },
    "as a password": lambda token: {"auth": ("ann", token), "json": {"n": 1}},
    "in a header": lambda token: {"headers": {"x-said": token}, "json": {"n": 2}},
    "with JSON escapes": lambda token: {
        "content": json.dumps({"by": f"me, {token}"}).replace("_", "\\u005f").encode(),
        "headers": {"content-type": "application/json"},
    },
    "percent-encoded": lambda token: {"params": {"next": f"/a?q={quote(token, safe='')}&n=1"}},
    "in JSON Lines": lambda token: {"content": f'{{"n": 1}}\n{{"say": "by {token}"}}\n'.encode()},
}
SPELLED = {"as tok_": lambda: minted(), "as base64": lambda: f"Zx9+{secrets.token_hex(8)}/Qa=="}


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("spelled", SPELLED)
def test_a_token_that_a_response_gave_is_known_wherever_it_is_sent(
    told: str,
    spelled: str,
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    token = SPELLED[spelled]()
    login = origin.on("/token", json_response({"access_token": token}))
    url = origin.on("/use", lambda request: json_response({"seen": len(request.body)}))

    def run() -> Any:
        given = httpx.post(login).json()["access_token"]
        return httpx.post(url, **TOLD[told](given)).json()

    with recording():
        run()
    assert token not in written(project)
    assert len(fixtures_in(project)) == 2
    with replaying():
        run()


@pytest.mark.parametrize(
    ("text", "may_show"),
    [
        ("A line of the response, some words long.", False),
        ("gpt-4.1-2025-04-14 at 1760000000, 0.123456789012345", False),
        ("key: aB3" + "x" * 8, False),
        ("as in aB3" + "x" * 9 + ".", True),
        ("a1b2c3d4e5f6", True),
        ("/v1/" + "ab" * 16, True),
        ("cachy-placeholder-for-OPENAI_API_KEY", True),
    ],
)
def test_what_was_written_is_kept_in_mind_where_it_may_hold_a_secret(
    text: str, may_show: bool
) -> None:
    """Each later request is searched then."""
    assert GivenSecrets().hear("f.json", json.dumps({"json": {"text": text}})) is may_show


FORM_TYPE = ("Content-Type", "application/x-www-form-urlencoded")
GIVING: dict[str, Callable[[str], ScriptedResponse]] = {
    "x-auth-token": lambda token: json_response({}, 200, ("X-Auth-Token", token)),
    "authorization": lambda token: json_response({}, 200, ("Authorization", f"Bearer {token}")),
    "x-csrf-token": lambda token: json_response({}, 200, ("X-CSRF-Token", token)),
    "set-cookie": lambda token: json_response({}, 200, ("Set-Cookie", f"sid={token}; Path=/")),
    "location": lambda token: redirect(302, f"/callback?state=1&code={token}"),
    "fragment": lambda token: redirect(302, f"/callback#access_token={token}&n=1"),
    "link": lambda token: json_response({}, 200, ("Link", f'</a?access_token={token}>; rel="a"')),
    "form": lambda token: ScriptedResponse(
        f"access_token={token}&scope=a".encode(), headers=(FORM_TYPE,)
    ),
    "events": lambda token: sse_response({"access_token": token}),
}


@pytest.mark.parametrize("place", GIVING)
def test_a_token_is_known_wherever_a_response_gave_it(
    place: str, project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    token = minted()
    login, use = origin.on("/token", GIVING[place](token)), origin.on("/use", json_response({}))
    with recording():
        httpx.get(login)
        for told in TOLD.values():
            httpx.post(use, **told(token))
        httpx.get(f"{origin.url}/bot{token}/me")
        requests.post(use, json={"by": f"requests with {token}"}, timeout=60)
        urllib3.PoolManager().request("POST", use, body=f"urllib3 with {token}".encode())
    assert len(fixtures_in(project)) == len(TOLD) + 4
    assert token not in written(project)
    assert not any(token in str(path) for path in fixtures_in(project))


def test_a_token_that_is_repeated_in_a_later_response_is_known_there(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    token = minted()
    login = origin.on("/token", json_response({"session": {"refresh_token": token}}))
    other = origin.on("/me", json_response({"about": f"signed in by {token}"}))
    with recording():
        httpx.post(login)
        assert token in httpx.get(other).text
    assert token not in written(project)


def test_what_a_person_writes_is_not_a_token(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    login = origin.on("/token", json_response({"password": "administrator"}))
    other = origin.on("/me", json_response({"role": "administrator"}))
    with recording():
        httpx.post(login)
        httpx.get(other)
    assert '"role": "administrator"' in written(project)


def test_a_request_that_carries_a_placeholder_is_never_sent(
    project: Path, origin: ScriptedServer, recording: Scope
) -> None:
    login = origin.on("/token", json_response({"access_token": minted()}))
    url = origin.on("/use", json_response({}))
    with recording():
        httpx.post(login)
    with recording():
        token = httpx.post(login).json()["access_token"]
        for sent in (
            {"headers": {"authorization": f"Bearer {token}"}},
            {"params": {"q": token}},
            {"json": {"t": f"use {token}"}},
            {"data": {"t": f"use {token}"}},
        ):
            with pytest.raises(cachy.UnrecordedRequest) as caught:
                httpx.post(url, **sent)
            forgotten()
            assert "it carries [redacted:access-token], which " in str(caught.value)
            assert str(fixtures_in(project)[0].relative_to(project / "cachy_fixtures")) in str(
                caught.value
            )
            assert "refresh both: pytest --cachy=refresh 'tests/" in str(caught.value)
    assert [request.path for request in origin.requests] == ["/token"]


def jwt(claims: dict[str, Any]) -> str:
    parts = [{"alg": "RS256", "kid": "k1"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), secrets.token_urlsafe(64)])


def claims_of(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.mark.parametrize("field", ["id_token", "access_token", "jwt", "said"])
def test_a_jwt_in_a_response_keeps_its_claims_and_no_signature(field: str) -> None:
    token = jwt({"sub": "me", "exp": 1764500000, "client_secret": "hunter2", "aud": "app"})
    clean = redact_json({field: token}, (), RESPONSE)[field]
    assert clean.startswith("e30.")
    assert clean.endswith(".redacted")
    assert claims_of(clean) == {
        "sub": "me",
        "exp": 4070908800,
        "client_secret": "[redacted:client-secret]",
        "aud": "app",
    }
    assert redact_json({field: clean}, (), RESPONSE)[field] == clean
    assert find_secrets(json.dumps({field: clean})) == []
    assert find_secrets(json.dumps({field: token})) != []


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": 1764500000.5}, {"exp": 4070908800.0}),
        ({"exp": "1764500000", "nbf": 3}, {"exp": "4070908800", "nbf": 3}),
        ({"exp": None, "aud": ["a", "b"]}, {"exp": None, "aud": ["a", "b"]}),
        ({"sub": "me"}, {"sub": "me"}),
    ],
)
def test_pyjwt_reads_the_claims_that_a_response_keeps(claims: Any, expected: Any) -> None:
    inner, outer = jwt(claims), jwt({**claims, "act": jwt(claims)})
    clean = redact_json({"t": f"Bearer {outer}", "u": inner}, (), RESPONSE)
    read = [claims_of(clean["u"]), claims_of(clean["t"].partition(" ")[2])]
    assert read[0] == expected
    assert claims_of(read[1].pop("act")) == read[1] == expected
    unverified = pyjwt.decode(clean["u"], options={"verify_signature": False, "verify_exp": False})
    assert unverified == expected
    assert redact_json(clean, (), RESPONSE) is clean


def test_what_only_looks_like_a_jwt_is_redacted_by_its_name() -> None:
    token = f"eyJ{'a' * 20}.eyJ{'b' * 20}.{'c' * 20}"
    assert redact_json({"password": token, "said": token}, rules=RESPONSE) == {
        "password": "[redacted:{{password}}]",
        "said": "[redacted:jwt]",
    }


def test_in_a_request_every_jwt_is_one_placeholder() -> None:
    tokens = [jwt({"sub": name, "exp": 1764500000}) for name in "ab"]
    tokens += [redact_json({"t": token}, (), RESPONSE)["t"] for token in tokens]
    asked = [
        Request("POST", "https://api.example.com/x", (), json.dumps({"say": f"it is {t}"}).encode())
        for t in tokens
    ]
    assert len({identify_settled(one, Config()).fingerprint for one in asked}) == 1
    document, _ = compose(asked[3], Response(200), {}, Config())
    assert document["request"]["json"] == {"say": "it is [redacted:jwt]"}


def test_a_key_of_a_newer_shape_is_written_nowhere_and_changes_no_fingerprint() -> None:
    key = "dckr_pat_" + "Zx81kQm3Lw7Vt0Rb5Nc2aX1yU4t"
    asked = Request("POST", "https://api.example.com/x", (), json.dumps({"k": key}).encode())
    response = Response(200, (("content-type", "application/json"),), json.dumps([key]).encode())
    document, _ = compose(asked, response, {}, Config())
    assert key not in json.dumps(document)
    assert find_secrets(f'"{key}"') == ["docker-token"]
    other = asked._replace(body=json.dumps({"k": key[:-1] + "u"}).encode())
    one, two = (identify_settled(each, Config()).fingerprint for each in (asked, other))
    assert one != two


def test_msal_signs_in_from_a_fixture(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    def token(_: SeenRequest) -> ScriptedResponse:
        now = int(time.time())
        claims = {"iss": origin.url, "aud": "app", "sub": "me", "iat": now, "exp": now + 3600}
        answer = {"token_type": "Bearer", "expires_in": 3600, "id_token": jwt(claims)}
        return json_response({**answer, "access_token": jwt(claims), "refresh_token": minted()})

    server = {"token_endpoint": origin.on("/token", token), "issuer": origin.url}

    def sign_in() -> dict[str, Any]:
        client = Client(server, "app", http_client=requests.Session())
        return dict(client.obtain_token_by_username_password("me", "hunter2", scope=["openid"]))

    with recording():
        live = sign_in()
    with replaying():
        replayed = sign_in()
    assert live["id_token_claims"]["sub"] == replayed["id_token_claims"]["sub"] == "me"
    assert "hunter2" not in written(project)


JSON_TYPE = (("content-type", "application/json"),)
SHAPED = [
    "sk-proj-{}Zx91kQm3Lw7Vt0",
    "AIza{}Zx91kQm3Lw7Vt0Rb5Nc2aB4",
    "ghp_Ab12Cd34Ef56{}Gh78Ij90Kl12",
]
PLACES: dict[str, Callable[[str], Request]] = {
    "path": lambda key: Request("GET", f"https://api.example.com/v1/{key}/x"),
    "query": lambda key: Request("GET", f"https://api.example.com/v1?say=use+{key}+now"),
    "encoded": lambda key: Request("GET", f"https://api.example.com/v1?say=use%20{key}%20now"),
    "json": lambda key: Request(
        "POST", "https://api.example.com/v1", JSON_TYPE, json.dumps({"say": f"use {key}"}).encode()
    ),
    "form": lambda key: Request(
        "POST",
        "https://api.example.com/v1",
        (("content-type", "application/x-www-form-urlencoded"),),
        f"say=use+{key}&n=1".encode(),
    ),
    "text": lambda key: Request(
        "POST", "https://api.example.com/v1", (("content-type", "text/plain"),), f"a {key}".encode()
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPED)
def test_a_given_value_inside_a_longer_key_does_not_hide_its_shape(shape: str, place: str) -> None:
    value = "Qw3rT9yU1oP5"
    key = shape.format(value)
    asked = PLACES[place](key)
    memory = GivenSecrets()
    expected = identify_settled(asked, Config()).fingerprint
    memory.remember({value: "[redacted:access-token]"})
    assert list(memory.by_mark())
    settled = memory.take_out(asked)
    assert identify_settled(settled, Config()).fingerprint == expected
    assert value not in f"{settled.url} {settled.body!r}"


WORD = st.text("aB3-_", max_size=6)


@given(before=WORD, after=WORD, place=st.sampled_from(sorted(PLACES)))
def test_a_given_value_is_taken_out_of_any_text(before: str, after: str, place: str) -> None:
    value, mark = "tok_Zx91kQm3Lw7V", "[redacted:access-token]"
    memory = GivenSecrets()
    memory.remember({value: mark})
    sent = memory.take_out(PLACES[place](f"{before}{value}{after}"))
    assert value not in f"{sent.url} {sent.body!r}"
    replayed = PLACES[place](f"{before}{mark}{after}")
    both = [identify_settled(one, Config()).fingerprint for one in (sent, replayed)]
    assert both[0] == both[1]


def test_a_given_secret_in_a_urls_user_is_neither_written_nor_an_error(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    given = minted()
    url = origin.on("/login", json_response({"password": given}))
    asked = origin.on("/me", json_response({"name": "Ann"})).replace("://", f"://ann:{given}@")
    with recording(doms=["127.0.0.1"]):
        httpx.get(url)
        assert httpx.get(f"{asked}?said={given}").json() == {"name": "Ann"}
    with replaying(doms=["127.0.0.1"]):
        httpx.get(url)
        assert httpx.get(f"{asked}?said={given}").json() == {"name": "Ann"}
    assert given not in written(project)
