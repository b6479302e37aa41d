"""huggingface_hub: its client for inference."""

from __future__ import annotations

from typing import Any

from huggingface_hub import AsyncInferenceClient, InferenceClient
from sdks.asking import (
    AS_JSON,
    ASK,
    CALL,
    SCHEMA,
    SOUND,
    TOOL,
    TURN,
    Calls,
    collect,
    each,
    first,
    parallel,
    refused_with,
    run,
)

ASKED: dict[str, Any] = {"messages": TURN, "max_tokens": 64}


def calls(foreign: str, own: str) -> Calls:
    client = InferenceClient(base_url=f"{foreign}/v1")
    other = AsyncInferenceClient(base_url=f"{foreign}/v1")
    ours = InferenceClient()
    chat, chat_async = client.chat_completion, other.chat_completion
    as_json = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}

    def early() -> Any:
        stream = chat(**ASKED, stream=True, seed=1)
        try:
            return first(stream)
        finally:
            stream.close()

    def say(text: str) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": text}], "max_tokens": 64}

    return {
        "plain": lambda: chat(**ASKED),
        "streamed": lambda: each(chat(**ASKED, stream=True)),
        "async": lambda: run(chat_async(**ASKED, seed=2)),
        "async streamed": lambda: run(collect(chat_async(**ASKED, seed=2, stream=True))),
        "tools": lambda: chat(messages=CALL, tools=[TOOL]),
        "structured": lambda: chat(messages=AS_JSON, response_format=as_json),
        "upload": lambda: ours.automatic_speech_recognition(SOUND, model=f"{own}/asr"),
        "binary": lambda: ours.text_to_speech(ASK, model=f"{own}/tts"),
        "embeddings": lambda: ours.feature_extraction(ASK, model=f"{own}/embed").tolist(),
        "early close": early,
        **parallel(lambda text: chat(**say(text)), lambda text: chat_async(**say(text))),
        **refused_with(
            lambda url: InferenceClient(base_url=f"{url}/v1").chat_completion(**ASKED), own
        ),
    }
