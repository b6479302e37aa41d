"""openai's client for Azure."""

from __future__ import annotations

from typing import Any

import openai
from asking import AS_JSON, ASK, GPT, Answer, Calls, refused_with, retried

from calls.stainless import chats, raw

VERSION = "2024-10-21"


def calls(foreign: str, own: str) -> Calls:
    client = openai.AzureOpenAI(azure_endpoint=foreign, api_version=VERSION)
    other = openai.AsyncAzureOpenAI(azure_endpoint=foreign, api_version=VERSION)
    ours = openai.AzureOpenAI(azure_endpoint=own, api_version=VERSION)

    def ask(url: str) -> Any:
        at = openai.AzureOpenAI(azure_endpoint=url, api_version=VERSION)
        return at.chat.completions.create(model=GPT, messages=[{"role": "user", "content": ASK}])

    return {
        **chats(client, other, GPT),
        **raw(client, GPT),
        **refused_with(ask, own),
        **retried(ask, own),
        "structured": lambda: client.chat.completions.parse(
            model=GPT, messages=AS_JSON, response_format=Answer
        ),
        "embeddings: base64": lambda: ours.embeddings.create(model="e", input=ASK),
        "embeddings: float": lambda: ours.embeddings.create(
            model="e", input=ASK, encoding_format="float"
        ),
    }
