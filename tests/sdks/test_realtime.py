"""OpenAI's Realtime through openai, and Gemini Live through google-genai."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from conftest import Scope, fixtures_in, refused
from google import genai
from google.genai import types
from realtime_server import PCM, WORDS, gemini_answer, realtime_script
from websocket_server import ScriptedWebSockets, serving_websockets
from wire import TRUSTING, server_context

from cachy.fixture.store.store import load_fixture
from cachy.fixture.transcript.transcript import render_transcript

# openai calls `connect` of websockets in a way that is deprecated from 17.1 on.
DEPRECATED = r"ignore:connect\(\) must be used as a context manager:DeprecationWarning"
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(DEPRECATED)]
MODEL = "gpt-realtime"
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
SILENCE = base64.b64encode(bytes(3200)).decode()
SPEECH = base64.b64encode(PCM[:3200]).decode()
Talk = Callable[[ScriptedWebSockets, str], list[Any]]


def item(text: str) -> Any:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content}


def seen_of(events: list[Any]) -> list[Any]:
    """Return events as plain data."""
    return [event.model_dump(mode="json", exclude_unset=True) for event in events]


def by_openai(server: ScriptedWebSockets, text: str) -> list[Any]:
    client = openai.OpenAI(base_url=f"{server.url.replace('ws', 'http')}/v1")
    events: list[Any] = []

    def until(connection: Any, kind: str) -> Any:
        while True:
            events.append(connection.recv())
            if events[-1].type == kind:
                return events[-1]

    with client.realtime.connect(model=MODEL) as connection:
        until(connection, "session.created")
        session: Any = {"type": "realtime", "output_modalities": ["text"], "tools": [TOOL]}
        connection.session.update(session=session)
        until(connection, "session.updated")
        connection.conversation.item.create(item=item(text))
        connection.response.create()
        done = until(connection, "response.done")
        for call in done.response.output:
            output: Any = {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": "sunny",
            }
            connection.conversation.item.create(item=output)
            connection.response.create()
            until(connection, "response.done")
        connection.session.update(session={"type": "realtime", "instructions": "expire"})
        with pytest.raises(Exception, match=r"1001|maximum duration"):
            until(connection, "never")
    return seen_of(events)


async def _by_async_openai(server: ScriptedWebSockets, text: str) -> list[Any]:
    """Speak and listen at once: silence, speech, an interruption, a truncated item."""
    client = openai.AsyncOpenAI(base_url=f"{server.url.replace('ws', 'http')}/v1")
    events: list[Any] = []
    updated, heard, spoken = asyncio.Event(), asyncio.Event(), asyncio.Event()
    marks = {
        "session.updated": updated,
        "input_audio_buffer.speech_started": heard,
        "response.output_audio.done": spoken,
    }
    async with client.realtime.connect(model=MODEL) as connection:

        async def listen() -> None:
            async for event in connection:
                events.append(event)
                if mark := marks.get(event.type):
                    mark.set()
                if event.type == "conversation.item.truncated":
                    return

        async def speak() -> None:
            await connection.session.update(session={"type": "realtime", "instructions": text})
            await updated.wait()
            for audio in (SILENCE, SILENCE, SPEECH):
                await connection.input_audio_buffer.append(audio=audio)
            await heard.wait()
            await connection.input_audio_buffer.commit()
            await connection.response.create()
            await spoken.wait()
            await connection.response.cancel()
            await connection.conversation.item.truncate(
                item_id="item_1", content_index=0, audio_end_ms=100
            )

        await asyncio.gather(listen(), speak())
    return seen_of(events)


def by_async_openai(server: ScriptedWebSockets, text: str) -> list[Any]:
    return asyncio.run(_by_async_openai(server, text))


def by_beta(server: ScriptedWebSockets, text: str) -> list[Any]:
    client = openai.OpenAI(
        base_url=f"{server.url.replace('ws', 'http')}/v1",
        websocket_base_url=f"{server.url}/v1",
    )
    events: list[Any] = []
    with client.beta.realtime.connect(model=MODEL) as connection:
        connection.session.update(session={"modalities": ["text"]})
        connection.conversation.item.create(item=item(text))
        connection.response.create()
        for event in connection:
            events.append(event)
            if event.type == "response.done":
                break
    return seen_of(events)


async def _by_async_beta(server: ScriptedWebSockets, text: str) -> list[Any]:
    client = openai.AsyncOpenAI(
        base_url=f"{server.url.replace('ws', 'http')}/v1",
        websocket_base_url=f"{server.url}/v1",
    )
    events: list[Any] = []
    async with client.beta.realtime.connect(model=MODEL) as connection:
        await connection.session.update(session={"modalities": ["text"]})
        await connection.conversation.item.create(item=item(text))
        await connection.response.create()
        async for event in connection:
            events.append(event)
            if event.type == "response.done":
                break
    return seen_of(events)


def by_async_beta(server: ScriptedWebSockets, text: str) -> list[Any]:
    return asyncio.run(_by_async_beta(server, text))


async def _by_gemini(server: ScriptedWebSockets, text: str) -> list[Any]:
    """Ask by text, answer a call, speak over the model, and be closed by the server."""
    options = types.HttpOptions(
        base_url=server.url.replace("wss", "https"), async_client_args={"ssl": TRUSTING}
    )
    client = genai.Client(http_options=options)
    seen: list[Any] = []
    config: Any = {"response_modalities": ["TEXT"], "system_instruction": "Be brief."}
    async with client.aio.live.connect(model="gemini-live-2.5-flash", config=config) as session:

        async def turn() -> Any:
            call = None
            async for message in session.receive():
                seen.append(message.model_dump(mode="json", exclude_none=True))
                if message.tool_call and message.tool_call.function_calls:
                    call = message.tool_call.function_calls[0]
                    break
            return call

        for words in (text, "What is the weather in Paris?"):
            content: Any = {"role": "user", "parts": [{"text": words}]}
            await session.send_client_content(turns=content, turn_complete=True)
            call = await turn()
        answer = types.FunctionResponse(id=call.id, name=call.name, response={"result": "sunny"})
        await session.send_tool_response(function_responses=answer)
        await turn()
        audio = types.Blob(data=PCM[:3200], mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=audio)
        await turn()
        await session.send_client_content(turns={"role": "user", "parts": [{"text": "goodbye"}]})
        await turn()
        with pytest.raises(Exception, match="1011"):
            await turn()
    return seen


def by_gemini(server: ScriptedWebSockets, text: str) -> list[Any]:
    return asyncio.run(_by_gemini(server, text))


WAYS: dict[str, tuple[Talk, dict[str, Any]]] = {
    "openai": (by_openai, realtime_script()),
    "openai async, audio, two tasks": (by_async_openai, realtime_script()),
    "openai beta": (by_beta, realtime_script(beta=True)),
    "openai beta async": (by_async_beta, realtime_script(beta=True)),
    "google-genai": (by_gemini, {"answer": gemini_answer, "context": server_context()}),
}
SAID = "What is the weather in Paris? Call the tool."
KEYS = ("OPENAI_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY")


@pytest.mark.parametrize("way", WAYS)
def test_an_sdk_records_and_replays_keyless_with_the_server_gone(
    way: str,
    project: Path,
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    talk, script = WAYS[way]
    key = "sk-proj-" + "Ab3dEf6h" * 6
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("GOOGLE_API_KEY", f"AIzaSy{'Ab3dEf6' * 5}"[:39])
    with serving_websockets(**script) as server, recording():
        live = talk(server, SAID)
    assert len(live) > 5
    text = "".join(path.read_text(encoding="utf-8") for path in fixtures_in(project))
    assert key not in text
    assert "AIzaSy" not in text
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    with replaying():
        for _ in range(2):
            assert talk(server, SAID) == live
        with refused("that it sends is not recorded") as caught:
            talk(server, SAID.replace("Paris", "Vienna"))
    assert "Vienna" in str(caught.value)
    record_property("sdk", f"WebSocket: {way}: {len(live)} events")


@pytest.mark.parametrize("way", ["openai", "google-genai"])
def test_the_transcript_of_a_session_reads_as_a_conversation(
    way: str, project: Path, recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, script = WAYS[way]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("GOOGLE_API_KEY", "test")
    with serving_websockets(**script) as server, recording():
        talk(server, SAID)
    (path,) = fixtures_in(project)
    shown = render_transcript(load_fixture(path).document)
    assert all(len(line) <= 160 for line in shown.splitlines()[1:])
    if way == "openai":
        assert f'<- response.output_text.delta x3 "{"".join(WORDS)}"' in shown
        assert '<- response.function_call_arguments.delta x2 "{\\"city\\":\\"Paris\\"}"' in shown
        assert "-- the server closed it with 1001: Your session hit" in shown
    else:
        assert '<- {"setupComplete": {}}' in shown
        assert "-- the server closed it with 1011: Internal error" in shown
        assert "bytes: blobs/" in shown


def test_a_fixture_keeps_audio_beside_it(
    project: Path, recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with serving_websockets(**realtime_script()) as server, recording():
        by_async_openai(server, SAID)
    (path,) = fixtures_in(project)
    frames = json.loads(path.read_text(encoding="utf-8"))["response"]["ws"]
    deltas = [one["receive"]["delta"] for one in frames if "delta" in str(one.get("receive"))]
    assert all("$blob" in delta for delta in deltas)
    appended = [one for one in frames if "input_audio_buffer.append" in str(one.get("send"))]
    assert len(appended) == 3
    assert [*appended[-1]["send"]["audio"]] == ["$blob", "bytes"]
