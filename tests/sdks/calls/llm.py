"""llm, with its own models."""

from __future__ import annotations

import os
from typing import Any

from llm.default_plugins.openai_models import AsyncChat, Chat, OpenAIEmbeddingModel
from sdks.asking import (
    ASK,
    GPT,
    SCHEMA,
    Calls,
    first,
    parallel,
    refused_with,
    retried,
    run,
    weather,
)


def at(kind: Any, url: str) -> Any:
    model = kind(
        "gpt", model_name=GPT, api_base=f"{url}/v1", supports_schema=True, supports_tools=True
    )
    model.key = os.environ["OPENAI_API_KEY"]
    return model


def calls(foreign: str, own: str) -> Calls:
    model, other = at(Chat, foreign), at(AsyncChat, foreign)

    async def said(text: str) -> Any:
        return await other.prompt(text, stream=False).text()

    async def streamed() -> Any:
        return [part async for part in other.prompt(ASK, stream=True)]

    def ask(url: str) -> Any:
        return at(Chat, url).prompt(ASK, stream=False).text()

    def vector() -> Any:
        os.environ["OPENAI_BASE_URL"] = f"{own}/v1"
        embedder = OpenAIEmbeddingModel("e", "e")
        embedder.key = os.environ["OPENAI_API_KEY"]
        try:
            return embedder.embed(ASK)
        finally:
            del os.environ["OPENAI_BASE_URL"]

    return {
        "plain": lambda: model.prompt(ASK, stream=False).text(),
        "streamed": lambda: list(model.prompt(ASK, stream=True)),
        "async": lambda: run(said("Say it later.")),
        "async streamed": lambda: run(streamed()),
        "tools": lambda: [
            call.arguments
            for call in model.prompt("Call the tool.", tools=[weather], stream=False).tool_calls()
        ],
        "structured": lambda: model.prompt("Answer as JSON.", schema=SCHEMA, stream=False).text(),
        "embeddings": vector,
        "early close": lambda: first(iter(model.prompt("Count.", stream=True))),
        **parallel(lambda text: model.prompt(text, stream=False).text(), said),
        **refused_with(ask, own),
        **retried(ask, own),
    }
