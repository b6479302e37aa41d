"""openai: chat completions, responses, embeddings, files, speech, batches."""

from __future__ import annotations

from typing import Any

import openai
from sdks.asking import (
    AS_JSON,
    ASK,
    FILE,
    GPT,
    SOUND,
    Answer,
    Calls,
    collect,
    each,
    run,
    until_done,
)
from sdks.calls.stainless import chats, raw, refusals


def calls(foreign: str, own: str) -> Calls:
    client = openai.OpenAI(base_url=f"{foreign}/v1")
    other = openai.AsyncOpenAI(base_url=f"{foreign}/v1")
    ours = openai.OpenAI(base_url=f"{own}/v1")
    return {
        **chats(client, other, GPT),
        **responses(client, other),
        **further(client, ours, GPT),
        **refusals(openai.OpenAI, own, GPT),
        "structured": lambda: client.chat.completions.parse(
            model=GPT, messages=AS_JSON, response_format=Answer
        ),
        "structured: responses": lambda: (
            client.responses.parse(
                model=GPT, input="Answer as JSON.", text_format=Answer
            ).output_parsed
        ),
    }


def responses(client: Any, other: Any) -> Calls:
    ask: dict[str, Any] = {"model": GPT, "input": ASK}

    def helper() -> Any:
        with client.responses.stream(**ask, temperature=1) as stream:
            return [event.type for event in stream]

    return {
        "plain: responses": lambda: client.responses.create(**ask),
        "streamed: responses": lambda: each(client.responses.create(**ask, stream=True)),
        "streamed: helper": helper,
        "async: responses": lambda: run(other.responses.create(**ask, top_p=0.5)),
        "async streamed: responses": lambda: run(
            collect(other.responses.create(**ask, top_p=0.5, stream=True))
        ),
    }


def further(client: Any, ours: Any, model: str) -> Calls:
    file = ("notes.txt", FILE, "application/octet-stream")
    sound = ("sound.mp3", SOUND, "audio/mpeg")
    speech: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": ASK}

    def polled() -> Any:
        batch = ours.batches.create(
            input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
        )
        return until_done(
            lambda: ours.batches.retrieve(batch.id), lambda state: state.status == "completed"
        )

    def streamed_speech() -> Any:
        with client.audio.speech.with_streaming_response.create(**speech, speed=2) as answer:
            return b"".join(answer.iter_bytes())

    return {
        **raw(client, model),
        "upload": lambda: client.files.create(file=file, purpose="user_data"),
        "upload: transcription": lambda: ours.audio.transcriptions.create(
            model="whisper-1", file=sound
        ),
        "binary": lambda: client.audio.speech.create(**speech).content,
        "binary: streamed": streamed_speech,
        "embeddings: base64": lambda: ours.embeddings.create(model="e", input=ASK),
        "embeddings: float": lambda: client.embeddings.create(
            model="e", input=ASK, encoding_format="float"
        ),
        "polling": polled,
    }
