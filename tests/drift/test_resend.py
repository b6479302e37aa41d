"""What drift sends, to whom, with which credential, and which responses are no evidence."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import httpx
import pytest
from scripted_server import ScriptedResponse, ScriptedServer, json_response, serving, sse_response

from cachy.config import Config, Drift
from cachy.drift.live.credentials import check_hosts, find_credential
from cachy.drift.live.inconclusive import NotExercised, Obstacle, Unchecked, find_obstacle
from cachy.drift.live.limits import Allowance, Limits
from cachy.drift.live.resend import Connection, find_proxy, open_connection, outgoing_request
from cachy.drift.live.retry_after import parse_retry_after
from cachy.errors import CachyError
from cachy.fixture.format.body import parse_response_body
from cachy.interaction import Request, Response, header

KEY = "sk-live-1234567890abcdef"
CHAT = "/v1/chat/completions"
QUICK = Allowance(requests=9)
RECORDED: Mapping[str, Any] = {"status": 200, "json": {"id": "c1"}}


@pytest.fixture
def provider() -> Iterator[ScriptedServer]:
    with serving({CHAT: [json_response({"id": "c2"})]}) as running:
        yield running


def config(*hosts: str) -> Config:
    return Config(drift=Drift(hosts={host: "Authorization: Bearer ${MY_KEY}" for host in hosts}))


def chat(origin: str, **headers: str) -> Request:
    pairs = (("content-type", "application/json"), *headers.items())
    return Request("POST", origin + CHAT, pairs, b'{"model":"m"}')


def examining(recorded: Mapping[str, Any]) -> Callable[[Response], Response | Obstacle]:
    """Return what finds the obstacle of a response, or the response itself."""

    def examine(response: Response) -> Response | Obstacle:
        media = header(response.headers, "content-type") or ""
        body = parse_response_body(media, response.body)
        return find_obstacle(response, body, recorded) or response

    return examine


def resend(
    provider: ScriptedServer, recorded: Mapping[str, Any] = RECORDED
) -> tuple[Response | Obstacle, list[float]]:
    """Send without waiting; return what was found, and how long would have been waited."""
    waited: list[float] = []
    with (
        open_connection(config(provider.host), {"MY_KEY": KEY}, Limits(QUICK)) as connection,
        mock.patch.object(time, "sleep", waited.append),
    ):
        return connection.resend(chat(provider.url), examining(recorded)), waited


def test_the_recorded_request_arrives_with_the_credential_and_nothing_else(
    provider: ScriptedServer,
) -> None:
    request = chat(provider.url, cookie="a=b", accept="application/json", host="evil.test")
    with open_connection(config(provider.host), {"MY_KEY": KEY + "\n"}) as connection:
        answer = connection.resend(request, examining(RECORDED))
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (200, b'{"id": "c2"}')
    (asked,) = provider.requests
    assert (asked.method, asked.path, asked.body) == ("POST", CHAT, b'{"model":"m"}')
    assert asked.headers == {
        "host": provider.host,
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": "cachy-drift",
        "accept-encoding": "gzip, deflate",
        "authorization": f"Bearer {KEY}",
        "content-length": "13",
    }


OPENAI = "https://api.openai.com/v1/responses"
ENVIRON = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a", "MY_KEY": "sk-m"}
HOSTS = {"gateway.test": "X-Key: ${MY_KEY}", "open.test:8443": "", "127.0.0.1:8000": ""}
OVERRIDDEN = {"api.openai.com": "authorization: Bearer ${MY_KEY}"}
TENANT = {"me.openai.azure.com": "api-key: ${MY_KEY}"}


@pytest.mark.parametrize(
    ("url", "hosts", "expected"),
    [
        (OPENAI, {}, (("authorization", "Bearer sk-o"),)),
        ("https://API.OpenAI.com:443/v1/responses", {}, (("authorization", "Bearer sk-o"),)),
        ("https://api.anthropic.com/v1/messages", {}, (("x-api-key", "sk-a"),)),
        ("https://gateway.test/v1", HOSTS, (("x-key", "sk-m"),)),
        ("https://open.test:8443/v1", HOSTS, ()),
        ("http://127.0.0.1:8000/v1", HOSTS, ()),
        ("https://me.openai.azure.com/openai/v1/responses", TENANT, (("api-key", "sk-m"),)),
        (OPENAI, OVERRIDDEN, (("authorization", "Bearer sk-m"),)),
        ("https://api.groq.com/openai/v1/x", {}, "auth"),
        ("https://api.x.ai/v1/x", {"api.x.ai": "a: ${UNSET}"}, "auth"),
        ("http://api.openai.com/v1/responses", {}, "unsafe"),
        ("https://user@api.openai.com/v1/responses", {}, "unsafe"),
        ("https://api.openai.com:8443/v1/responses", {}, "unsafe"),
        ("https://eu.api.openai.com/v1/responses", {}, "unsafe"),
        ("https://other.openai.azure.com/openai/v1/x", TENANT, "unsafe"),
        ("https://api.openai.com.evil.test/v1", {}, "unsafe"),
        ("https://api.openai.com@evil.test/v1", {}, "unsafe"),
        ("https://gateway.test:444/v1", HOSTS, "unsafe"),
        ("http://gateway.test/v1", HOSTS, "unsafe"),
        ("http://localhost:8000/v1", HOSTS, "unsafe"),
        ("http://localhost:11434/api/chat", {}, "unsafe"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke", {}, "unsafe"),
    ],
)
def test_a_credential_is_bound_to_an_exact_host(
    url: str, hosts: dict[str, str], expected: Any
) -> None:
    found = find_credential(url, hosts, ENVIRON)
    assert (found.reason if isinstance(found, Unchecked) else found) == expected


def test_a_placeholder_key_is_not_a_credential() -> None:
    environ = {"OPENAI_API_KEY": "cachy-placeholder-for-OPENAI_API_KEY"}
    assert find_credential(OPENAI, {}, environ) == Unchecked("auth", "OPENAI_API_KEY is not set")


def test_a_key_that_no_header_may_hold_is_not_quoted() -> None:
    found = find_credential(OPENAI, {}, {"OPENAI_API_KEY": "sk\nx: y"})
    assert found == Unchecked("auth", "OPENAI_API_KEY holds characters that no header may hold")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Bearer ${X}", 'Write "header: ${ENV_NAME}", or "" for none.'),
        ("no header", 'Write "header: ${ENV_NAME}"'),
        ("authorization: Bearer sk-live-1234567890abcdef", "holds a literal value"),
        ("x-api-key: 0123456789abcdef", "holds a literal value"),
        ("authorization: Bearer 12345${X}", "holds a literal value"),
        ("x-tenant: acme", "holds a literal value"),
        ("x-key: sk-live-abcdefgh ${X}", "holds a literal value"),
    ],
)
def test_a_host_line_that_is_not_a_variable_is_a_mistake_in_one_line(line: str, words: str) -> None:
    with pytest.raises(CachyError) as caught:
        check_hosts({"a.test": line})
    assert str(caught.value).startswith('[tool.cachy.drift] hosts, "a.test"')
    assert words in str(caught.value)
    assert not re.search(r"sk-live|0123456|12345|acme", str(caught.value))


@pytest.mark.parametrize(
    "line",
    [
        *("", "x-key: ${A}", "Authorization: Token token=${A}", "authorization: Basic ${A}:${B}"),
        *("Authorization: DeepL-Auth-Key ${A}", "cookie: session_id=${A}; tenant=${B}"),
    ],
)
def test_a_host_line_of_variables_is_accepted(line: str) -> None:
    check_hosts({"a.test": line})


NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 1.0),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "30s"}, 30.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Mon, 30 Nov 2026 12:00:20 GMT"}, 20.0),
        ({"retry-after": "Mon, 30 Nov 2026 12:00:20 -0000"}, 20.0),
        ({"retry-after": "Mon, 30 Nov 2026 14:00:20 +0200"}, 20.0),
        ({"retry-after": "2026-11-30T12:00:20Z"}, 20.0),
        ({"retry-after": "Mon, 30 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, 1.0),
        ({"retry-after": "nan"}, 1.0),
        ({"retry-after": "inf"}, 1.0),
    ],
)
def test_retry_after_is_read_in_every_spelling(headers: dict[str, str], seconds: float) -> None:
    assert parse_retry_after(tuple(headers.items()), NOW) == seconds


PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("scheme", "host", "environ", "expected"),
    [
        ("https", "a.test", {}, None),
        ("https", "a.test", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https", "a.test", {"https_proxy": "proxy.test:3128"}, PROXY),
        ("https", "a.test", {"ALL_PROXY": PROXY}, PROXY),
        ("https", "a.test", {"HTTP_PROXY": PROXY}, None),
        ("https", "a.test", {"HTTPS_PROXY": PROXY, "NO_PROXY": "b.test,.test"}, None),
        ("https", "a.test", {"HTTPS_PROXY": PROXY, "no_proxy": "*"}, None),
        ("https", "a.test:8443", {"HTTPS_PROXY": PROXY, "no_proxy": "a.test:8443"}, None),
        ("http", "127.0.0.1:8000", {"HTTP_PROXY": PROXY}, None),
    ],
)
def test_the_proxy_of_the_environment_is_used(
    scheme: str, host: str, environ: dict[str, str], expected: str | None
) -> None:
    assert find_proxy(scheme, host, environ) == expected


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", OPENAI, (), b'{"key":"[redacted:openai-key]"}'),
        Request("POST", OPENAI + "?key=[redacted:field]"),
        Request("POST", OPENAI, (("openai-beta", "[redacted:jwt]"),)),
        Request("POST", OPENAI, (), b'{"key":"cachy-placeholder-for-OPENAI_API_KEY"}'),
    ],
)
def test_a_request_with_a_placeholder_is_not_sent(request_: Request) -> None:
    outgoing = outgoing_request(request_, Config(), ENVIRON)
    assert isinstance(outgoing, Unchecked)
    assert outgoing.reason == "redacted"


def test_anthropic_gets_a_version_if_the_fixture_has_none() -> None:
    url = "https://api.anthropic.com/v1/messages"
    versions = []
    for headers in ((), (("anthropic-version", "2026-10-21"),)):
        outgoing = outgoing_request(Request("POST", url, headers), Config(), ENVIRON)
        assert isinstance(outgoing, httpx.Request)
        versions.append(outgoing.headers["anthropic-version"])
    assert versions == ["2023-06-01", "2026-10-21"]


ERROR_IN_200 = {"error": {"code": "insufficient_quota"}}
FAILED = {"type": "response.failed", "response": {"error": {"code": "server_error"}}}
DONE = {"type": "message_stop"}
STREAM: Mapping[str, Any] = {"status": 200, "sse": [{"data": {"a": 1}}, {"data": DONE}]}
HTML = ScriptedResponse(b"<html>", 200, (("Content-Type", "application/json"),))
TYPED = {"type": "error", "error": {"type": "overloaded_error"}}


@pytest.mark.parametrize(
    ("answer", "recorded", "expected", "requests"),
    [
        (json_response({"error": {"code": "invalid_api_key"}}, 401), RECORDED, "auth", 1),
        (json_response({}, 403), RECORDED, "auth", 1),
        (json_response({}, 407), RECORDED, "auth", 1),
        (json_response({}, 402), RECORDED, "quota", 1),
        (json_response({"error": {"code": "insufficient_quota"}}, 429), RECORDED, "quota", 1),
        (json_response({"error": {"message": "exhausted balance"}}, 403), RECORDED, "quota", 1),
        (
            json_response({"error": {"message": "credit balance is too low"}}, 400),
            RECORDED,
            "quota",
            1,
        ),
        (json_response({"error": {"message": "API key not valid."}}, 400), RECORDED, "auth", 1),
        (json_response({"error": {"code": "rate_limit_exceeded"}}, 429), RECORDED, "quota", 2),
        (json_response({}, 408), RECORDED, "provider", 2),
        (json_response({}, 500), RECORDED, "provider", 2),
        (json_response({}, 503), RECORDED, "provider", 2),
        (json_response(TYPED, 529), RECORDED, "provider", 2),
        (json_response({}, 429, ("Retry-After", "3600")), RECORDED, "quota", 1),
        (HTML, RECORDED, "unparsed", 2),
        (json_response(ERROR_IN_200), RECORDED, "quota", 1),
        (json_response({"object": "response", "status": "failed"}), RECORDED, "provider", 2),
        (sse_response({"a": 1}, FAILED), STREAM, "provider", 2),
        (sse_response({"a": 1}, TYPED), STREAM, "provider", 2),
        (sse_response({"a": 1}, end="cut"), STREAM, "provider", 2),
        (sse_response({"a": 1}, DONE), STREAM, 200, 1),
        (sse_response({"a": 1}), STREAM, 200, 1),
        (json_response({"error": {"code": "unknown_field"}}, 400), RECORDED, 400, 1),
        (json_response({"error": {"code": "model_not_found"}}, 404), RECORDED, 404, 1),
        (json_response({}, 429), {"status": 429, "json": {}}, 429, 1),
        (json_response(ERROR_IN_200), {"status": 200, "json": ERROR_IN_200}, 200, 1),
    ],
)
def test_a_response_that_says_nothing_about_drift_is_inconclusive(
    answer: ScriptedResponse, recorded: Mapping[str, Any], expected: str | int, requests: int
) -> None:
    with serving({CHAT: [answer]}) as provider:
        found, _ = resend(provider, recorded)
    assert not isinstance(found, NotExercised)
    assert (found.reason if isinstance(found, Unchecked) else found.status) == expected
    assert provider.count == requests


def test_a_refusal_is_named_by_its_code() -> None:
    with serving(
        {CHAT: [json_response({"error": {"code": "insufficient_quota"}}, 429)]}
    ) as provider:
        found, _ = resend(provider)
    assert found == Unchecked("quota", "429 insufficient_quota")


@pytest.mark.parametrize("code", [KEY, "a b", "<b>", "x" * 65, 7])
def test_what_is_not_a_code_is_not_quoted(code: Any) -> None:
    with serving({CHAT: [json_response({"error": {"code": code}}, 401)]}) as provider:
        found, _ = resend(provider)
    assert found == Unchecked("auth", "401")


def test_a_second_try_waits_as_long_as_the_provider_asks() -> None:
    refused = json_response({}, 429, ("Retry-After", "7"))
    with serving({CHAT: [refused, json_response({"id": "c2"})]}) as provider:
        found, waited = resend(provider)
    assert (isinstance(found, Response), waited) == (True, [7.0])


def test_the_budget_counts_every_request() -> None:
    with (
        serving({CHAT: [json_response({})]}) as provider,
        open_connection(
            config(provider.host), {"MY_KEY": KEY}, Limits(Allowance(requests=2))
        ) as connection,
    ):
        found = [connection.resend(chat(provider.url), examining(RECORDED)) for _ in range(3)]
    assert found[2] == Unchecked("budget", "--max-requests 2 is reached")
    assert provider.count == 2


def test_a_redirect_to_another_host_is_not_followed() -> None:
    with serving({CHAT: [json_response({})]}) as elsewhere:
        moved = json_response({}, 307, ("Location", elsewhere.url + CHAT))
        with serving({CHAT: [moved]}) as provider:
            found, _ = resend(provider)
    assert isinstance(found, Unchecked)
    assert elsewhere.requests == []


def test_a_provider_that_is_gone_is_not_drift() -> None:
    with serving({}) as provider:
        pass
    found, waited = resend(provider)
    assert (found, waited) == (Unchecked("provider", "ConnectError", 1.0, is_silence=True), [1.0])


def test_a_compressed_answer_is_decoded() -> None:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    with serving({CHAT: [ScriptedResponse(gzip.compress(b'{"a":1}'), 200, headers)]}) as provider:
        found, _ = resend(provider)
    assert isinstance(found, Response)
    assert json.loads(found.body) == {"a": 1}


def test_a_slow_provider_is_given_up() -> None:
    def too_late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout(f"with {request.headers['authorization']}")

    transport = httpx.MockTransport(too_late)
    connection = Connection(config("127.0.0.1:1"), {"MY_KEY": KEY}, lambda _: transport)
    found = connection.resend(chat("http://127.0.0.1:1"), examining(RECORDED))
    late = "127.0.0.1 timed out (ReadTimeout)"
    assert found == Unchecked("provider", late, None, is_silence=True)
