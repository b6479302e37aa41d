"""A value of the environment that looks like a credential is never written, whatever its shape."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from conftest import Scope, fixtures_in, refused
from credentials import KINDS
from hypothesis import given
from hypothesis import strategies as st
from loopback import Origin, event, json_answer, sse_answer

from cachy.cli import run_program
from cachy.config import Config, load_config
from cachy.errors import CachyError
from cachy.fixture.environment_advice import guard_identity
from cachy.fixture.identity.fingerprint import identify, identify_settled
from cachy.interaction import Request
from cachy.verify import verify

FIRST, SECOND = (KINDS["mistral"].make(at) for at in "12")
NAMES = st.sampled_from(("MISTRAL_API_KEY", "MY_TOKEN", "SOME_SECRET", "PGPASSWORD"))
VALUES = st.sampled_from((FIRST, SECOND, KINDS["openai"].make("1"), "user-1234567890-abcdef"))


@given(environ=st.dictionaries(NAMES, VALUES), said=VALUES | st.text(max_size=20))
def test_the_fingerprint_does_not_depend_on_the_environment(
    environ: dict[str, str], said: str
) -> None:
    body = json.dumps({"q": said, "auth": {"mine": said}}).encode()
    url = httpx.URL("https://h.example/v1", params={"q": said})
    request = Request("POST", str(url), (("content-type", "application/json"),), body)
    before = identify(request, Config()), identify_settled(request, Config())
    with patch.dict(os.environ, environ):
        assert (identify(request, Config()), identify_settled(request, Config())) == before


def test_an_answer_is_redacted(
    project: Path, origin: Origin, recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", FIRST)
    url = origin.on("/v1", json_answer({"error": f"no such key: {FIRST}", "n": 2**60, "at": 1.5}))
    with recording():
        live = httpx.get(url)
        replayed = httpx.get(url)
    assert live.json()["error"] == f"no such key: {FIRST}"
    assert replayed.json() == {"error": "no such key: [redacted:{{env}}]", "n": 2**60, "at": 1.5}


def spelled(word: str) -> list[Any]:
    """Say a word by three events of each kind of stream that we know."""
    parts = [word[:7], word[7:20], word[20:]]
    return [
        [{"choices": [{"index": 0, "delta": {"content": part}}]} for part in parts],
        [
            {
                "choices": [
                    {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}}
                ]
            }
            for part in (f'{{"key": "{parts[0]}', parts[1], f'{parts[2]}"}}')
        ],
        [{"type": "response.output_text.delta", "output_index": 0, "delta": p} for p in parts],
        [{"type": "content_block_delta", "index": 0, "delta": {"text": part}} for part in parts],
        [{"candidates": [{"content": {"parts": [{"text": part}]}}]} for part in parts],
    ]


@pytest.mark.parametrize("kind", range(5))
def test_a_stream_that_spells_one_out_is_not_recorded(
    kind: int,
    project: Path,
    origin: Origin,
    recording: Scope,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", FIRST)
    told = origin.on("/told", sse_answer(*map(event, spelled(FIRST)[kind])))
    other = origin.on("/other", sse_answer(*map(event, spelled(SECOND)[kind])))
    with recording():
        assert FIRST[20:] in httpx.post(told).text
        httpx.post(other)
    (path,) = fixtures_in(project)
    assert "/other" in path.read_text()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cachy: not recorded: ")
    assert "spells out a value of your environment over several events" in line


ADVICE = {
    "a field": (
        lambda url, key: httpx.post(url, json={"auth": [{"mine": key}], "q": "Hey!"}),
        "json.auth[*].mine",
        '[tool.cachy.match] ignore = ["auth[*].mine"]',
        '[tool.cachy.match]\nignore = ["auth[*].mine"]',
    ),
    "a query": (
        lambda url, key: httpx.get(url, params={"q": key}),
        "url",
        "[tool.cachy] redact = [a pattern that finds such values]",
        '[tool.cachy]\nredact = ["\\\\b[A-Za-z0-9]{32}\\\\b"]',
    ),
    "a path": (
        lambda url, key: httpx.get(f"{url}/bot{key}/send"),
        "url",
        "[tool.cachy] redact = [a pattern that finds such values]",
        '[tool.cachy]\nredact = ["(?<=/bot)[A-Za-z0-9]{32}"]',
    ),
    "a text": (
        lambda url, key: httpx.post(url, content=f"mine is {key}"),
        "text",
        "[tool.cachy] redact = [a pattern that finds such values]",
        '[tool.cachy]\nredact = ["\\\\b[A-Za-z0-9]{32}\\\\b"]',
    ),
}


@pytest.mark.parametrize("place", ADVICE)
def test_a_request_that_holds_one_is_redacted_and_the_rule_that_makes_it_match_is_said(
    place: str,
    project: Path,
    origin: Origin,
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    send, where, rule, setting = ADVICE[place]
    monkeypatch.setenv("MISTRAL_API_KEY", FIRST)
    with recording():
        send(f"{origin.url}/v1", FIRST)
        send(f"{origin.url}/v1", FIRST)  # is found again, though its name tells less
    assert origin.count == 1
    assert FIRST not in fixtures_in(project)[0].read_text()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"stands in {where} and is redacted" in said
    assert said.endswith(f"unless you set {rule}\n")
    assert FIRST not in said
    (finding,) = verify(load_config())
    assert finding.rule == "wrong-place"
    assert said.endswith(f": {finding.detail}\n")

    monkeypatch.setenv("MISTRAL_API_KEY", SECOND)
    with replaying(), refused():
        send(f"{origin.url}/v1", SECOND)
    assert SECOND not in capsys.readouterr().err

    fixtures_in(project)[0].unlink()
    (project / "pyproject.toml").write_text(setting)
    with recording():
        send(f"{origin.url}/v1", SECOND)
    monkeypatch.setenv("MISTRAL_API_KEY", FIRST)
    with replaying():
        send(f"{origin.url}/v1", FIRST)
    assert origin.count == 2
    assert run_program(["verify"]) == 0


def test_a_miss_tells_no_value(
    project: Path,
    origin: Origin,
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", FIRST)
    with recording():
        httpx.post(f"{origin.url}/v1", json={"q": "Hey!"})
    with replaying(), refused() as caught:
        httpx.post(f"{origin.url}/v1?at={FIRST}", json={"q": f"Is {'so ' * 12}{FIRST} mine?"})
    told = f"{caught.value} {vars(caught.value)}"
    assert "[redacted:{{env}}]" in told
    assert FIRST[:8] not in told


def test_a_request_to_a_host_that_is_one_is_not_recorded() -> None:
    host = "a1b2c3d4e5f6g7h8.example"
    request = Request("GET", f"https://{host}/v1")
    with pytest.raises(CachyError, match="its host is the value of a variable") as caught:
        guard_identity(request, identify_settled(request, Config()), Config(), (host,))
    assert host not in str(caught.value)
