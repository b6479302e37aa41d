"""What the installed SDKs know of an answer: who is behind, provider, fixture or SDK."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import run_cachy
from pydantic import TypeAdapter, ValidationError
from scripted_server import ScriptedServer, json_response, serving

from cachy.compare.bodies import sdk_models
from cachy.config import load_config
from cachy.drift import compare
from cachy.drift.check import Options, check, load_fixtures
from cachy.drift.live.resend import Connection
from cachy.providers.openai import OPENAI

CHAT_URL = "https://api.openai.com/v1/chat/completions"
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1732440000,
    "model": "gpt-4.1",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
MESSAGE_URL = "https://api.anthropic.com/v1/messages"
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
GEMINI_URL = (
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
)
GEMINI = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "Hi"}]},
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "thoughtsTokenCount": 4, "totalTokenCount": 6},
    "modelVersion": "gemini-2.5-flash",
}
Edit = Callable[[Any], object]


def fixture(url: str, body: Any) -> dict[str, Any]:
    return {
        "cachy": 1,
        "request": {"method": "POST", "url": url, "json": {"model": "m"}},
        "response": {"status": 200, "headers": {"content-type": "application/json"}, "json": body},
    }


def stream(url: str, *events: dict[str, Any]) -> dict[str, Any]:
    document = fixture(url, None)
    rows = [{"event": event["type"], "data": event} for event in events]
    document["response"] = {
        "status": 200,
        "headers": {"content-type": "text/event-stream"},
        "sse": rows,
    }
    return document


def edited(body: Any, edit: Edit) -> Any:
    changed = copy.deepcopy(body)
    edit(changed)
    return changed


def judged(url: str, body: Any, edit: Edit, sdk: bool = True) -> list[tuple[str, str, str, str]]:
    found = compare(fixture(url, body), fixture(url, edited(body, edit)), sdk=sdk)
    return [(change.rule, change.severity, change.path, change.sdk) for change in found]


VERDICTS: list[tuple[str, Any, Edit, tuple[str, str, str, str]]] = [
    (
        CHAT_URL,
        CHAT,
        lambda body: body.update(mood="calm"),
        ("field-added", "compatible", "$.mood", "provider-ahead"),
    ),
    (
        CHAT_URL,
        CHAT,
        lambda body: body.update(service_tier="default"),
        ("field-added", "compatible", "$.service_tier", "fixture-stale"),
    ),
    (
        CHAT_URL,
        CHAT,
        lambda body: body["usage"].pop("total_tokens"),
        ("field-removed", "breaking", "$.usage.total_tokens", "sdk-broken"),
    ),
    (
        CHAT_URL,
        CHAT,
        lambda body: body.update(created="2026-11-24"),
        ("type-changed", "breaking", "$.created", "sdk-broken"),
    ),
    (
        MESSAGE_URL,
        MESSAGE,
        lambda body: body["content"].append({"type": "hologram", "text": "Hi"}),
        ("variant-added", "risky", "$.content[type=hologram]", "provider-ahead"),
    ),
    (
        MESSAGE_URL,
        MESSAGE,
        lambda body: body["usage"].pop("input_tokens"),
        ("field-removed", "breaking", "$.usage.input_tokens", "sdk-broken"),
    ),
    (
        GEMINI_URL,
        GEMINI,
        lambda body: body["candidates"][0].update(mood="calm"),
        ("field-added", "compatible", "$.candidates[*].mood", "provider-ahead"),
    ),
    (
        GEMINI_URL,
        GEMINI,
        lambda body: body["usageMetadata"].update(promptTokenCount="one"),
        ("type-changed", "breaking", "$.usageMetadata.promptTokenCount", "sdk-broken"),
    ),
]


@pytest.mark.parametrize(
    ("url", "body", "edit", "change"), VERDICTS, ids=[row[3][2] for row in VERDICTS]
)
def test_a_change_says_who_is_behind(
    url: str, body: Any, edit: Edit, change: tuple[str, str, str, str]
) -> None:
    assert judged(url, body, edit) == [change]
    assert [row[3] for row in judged(url, body, edit, sdk=False)] == ["unknown"]


KNOWN: list[tuple[str, Any, Edit]] = [
    (CHAT_URL, CHAT, lambda body: body["choices"][0].pop("logprobs")),
    (MESSAGE_URL, MESSAGE, lambda body: body["content"].append({"type": "thinking"})),
]


@pytest.mark.parametrize(("url", "body", "edit"), KNOWN, ids=["optional", "member"])
def test_what_the_sdk_calls_optional_or_a_member_is_not_drift(
    url: str, body: Any, edit: Edit
) -> None:
    assert judged(url, body, edit) == []
    assert judged(url, body, edit, sdk=False) != []


def test_a_null_is_not_drift_where_the_sdk_allows_it() -> None:
    """`content` is nullable to the SDK, `created` is not."""
    old = fixture(CHAT_URL, CHAT)
    allowed = edited(CHAT, lambda body: body["choices"][0]["message"].update(content=None))
    refused = edited(CHAT, lambda body: body.update(created=None))
    for body, sdk, told in (
        (allowed, True, []),
        (allowed, False, [("null-added", "breaking", "unknown")]),
        (refused, True, [("null-added", "breaking", "sdk-broken")]),
    ):
        found = compare(old, fixture(CHAT_URL, body), baseline=[old] * 9, sdk=sdk)
        assert [(one.rule, one.severity, one.sdk) for one in found] == told


def test_events_are_known_to_the_sdk_or_ahead_of_it() -> None:
    created = {"type": "message_start", "message": MESSAGE}
    known = {"type": "content_block_stop", "index": 0}
    new = {"type": "hologram_delta", "index": 0}
    old = stream(MESSAGE_URL, created)
    assert compare(old, stream(MESSAGE_URL, created, known, created)) == []
    (change,) = compare(old, stream(MESSAGE_URL, created, new, created))
    assert (change.rule, change.path) == ("event-added", "event(hologram_delta)")
    assert change.sdk == "provider-ahead"


def test_the_verdict_is_that_of_the_sdk_s_own_parser() -> None:
    """What is called broken doesn't parse as the SDK's model; what is not, does."""
    import anthropic.types
    import google.genai.types
    import openai.types.chat

    models: dict[str, Any] = {
        CHAT_URL: openai.types.chat.ChatCompletion,
        MESSAGE_URL: anthropic.types.Message,
        GEMINI_URL: google.genai.types.GenerateContentResponse,
    }
    for url, body, edit, change in VERDICTS:
        if change[0] in ("variant-added", "enum-value-added"):
            continue  # the SDKs build what they don't know without validation
        adapter: TypeAdapter[Any] = TypeAdapter(models[url])
        adapter.validate_json(json.dumps(body))
        try:
            adapter.validate_json(json.dumps(edited(body, edit)), extra="ignore")
            parses = True
        except ValidationError:
            parses = False
        assert parses == (change[3] != "sdk-broken"), change


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1/chat/completions",  # no provider of ours
        "https://x.services.ai.azure.com/models/chat/completions",  # another SDK's
        "https://api.openai.com/v1/assistants",  # no row
        None,
    ],
)
def test_without_a_model_nothing_is_known(url: str | None) -> None:
    (row,) = judged(url, CHAT, lambda body: body.pop("usage"))  # type: ignore[arg-type]
    assert row[3] == "unknown"


def test_an_sdk_that_is_absent_or_fails_to_import_knows_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_sdk.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    rows = ("/absent absent_sdk:Model -", "/broken broken_sdk:Model -")
    broken = OPENAI._replace(sdk_models=rows)
    monkeypatch.setattr(sdk_models, "find_provider", lambda host: broken)
    for name in ("absent", "broken"):
        assert sdk_models.find_model(fixture(f"https://api.openai.com/v1/{name}", {})) is None


def run_diff(tmp_path: Path, *options: str) -> str:
    for name, body in (("old", CHAT), ("new", {**CHAT, "mood": "calm"})):
        (tmp_path / f"{name}.json").write_text(json.dumps(fixture(CHAT_URL, body)))
    return run_cachy("diff", "old.json", "new.json", *options, folder=tmp_path).stdout


def test_diff_shows_the_verdict_in_every_form(tmp_path: Path) -> None:
    assert "The installed SDK does not know it yet" in run_diff(tmp_path)
    assert "installed SDK" not in run_diff(tmp_path, "--no-sdk")
    assert run_diff(tmp_path, "--format", "markdown").splitlines()[-1].endswith("provider-ahead |")
    (change,) = json.loads(run_diff(tmp_path, "--format", "json"))["changes"]
    assert change["sdk"] == "provider-ahead"


class Rerouted(httpx.BaseTransport):
    """A real transport to loopback, whatever host is asked: nobody's API is reached from a test."""

    def __init__(self, provider: ScriptedServer) -> None:
        self.inner, self.url = httpx.HTTPTransport(), httpx.URL(provider.url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = self.url.copy_with(path=request.url.path)
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


def drift_of(project: Path, answer: Any, **options: Any) -> list[Any]:
    (project / "pyproject.toml").write_text("[tool.cachy]\n")
    folder = project / "cachy_fixtures"
    folder.mkdir(exist_ok=True)
    document = fixture(CHAT_URL, CHAT) | {"recorded": {"at": "2026-11-01T00:00:00Z"}}
    (folder / "hey-0123456789abcdef.json").write_text(json.dumps(document))
    config = load_config(project)
    with serving({"/v1/chat/completions": [json_response(answer)]}) as provider:
        transport = Rerouted(provider)
        environ = {"OPENAI_API_KEY": "test-key"}
        connection = Connection(config, environ, lambda _: transport)
        chosen = Options(apart=0, now=lambda: datetime(2026, 11, 24, tzinfo=UTC), **options)
        report = check(config, connection, load_fixtures(config, ()), chosen).report.to_json()
        transport.close()
    return [change for surface in report["surfaces"] for change in surface["changes"]]


def test_drift_asks_the_sdk_unless_no_sdk_is_given(tmp_path: Path) -> None:
    without = edited(CHAT, lambda body: body["choices"][0]["message"].pop("refusal"))
    assert drift_of(tmp_path, without) == []
    (change,) = drift_of(tmp_path, without, sdk=False)
    assert (change["rule"], change["sdk"]) == ("absent-null-swapped", "unknown")
    (change,) = drift_of(tmp_path, {**CHAT, "created": "today"})
    assert (change["rule"], change["sdk"]) == ("type-changed", "sdk-broken")
