"""openai's client for Azure."""

from __future__ import annotations

from typing import Any

import openai
from sdks.asking import AS_JSON, ASK, GPT, SOUND, Answer, Calls, refused_with, retried, until_done
from sdks.calls.stainless import chats, raw

VERSION = "2024-10-21"


def calls(foreign: str, own: str) -> Calls:
    client = openai.AzureOpenAI(azure_endpoint=foreign, api_version=VERSION)
    other = openai.AsyncAzureOpenAI(azure_endpoint=foreign, api_version=VERSION)
    ours = openai.AzureOpenAI(azure_endpoint=own, api_version=VERSION)

    def ask(url: str) -> Any:
        at = openai.AzureOpenAI(azure_endpoint=url, api_version=VERSION)
        return at.chat.completions.create(model=GPT, messages=[{"role": "user", "content": ASK}])

    def polled() -> Any:
        batch = ours.batches.create(
            input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
        )
        return until_done(
            lambda: ours.batches.retrieve(batch.id), lambda state: state.status == "completed"
        )

    return {
        **chats(client, other, GPT),
        **raw(client, GPT),
        **refused_with(ask, own),
        **retried(ask, own),
        "structured": lambda: client.chat.completions.parse(
            model=GPT, messages=AS_JSON, response_format=Answer
        ),
        "upload": lambda: ours.audio.transcriptions.create(
            model="e", file=("sound.mp3", SOUND, "audio/mpeg")
        ),
        "binary": lambda: ours.audio.speech.create(model="e", voice="alloy", input=ASK).content,
        "polling": polled,
        "embeddings: base64": lambda: ours.embeddings.create(model="e", input=ASK),
        "embeddings: float": lambda: ours.embeddings.create(
            model="e", input=ASK, encoding_format="float"
        ),
    }
