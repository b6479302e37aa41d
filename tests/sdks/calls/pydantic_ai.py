"""pydantic-ai: everything is async underneath."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent, Embedder, NativeOutput
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from sdks.asking import (
    ASK,
    CLAUDE,
    GPT,
    Answer,
    Calls,
    parallel,
    refused_with,
    retried,
    run,
    weather,
)


def gpt_at(url: str) -> OpenAIChatModel:
    return OpenAIChatModel(GPT, provider=OpenAIProvider(base_url=f"{url}/v1"))


def calls(foreign: str, own: str) -> Calls:
    agent = Agent(gpt_at(foreign))
    claude = Agent(AnthropicModel(CLAUDE, provider=AnthropicProvider(base_url=foreign)))
    tooled = Agent(gpt_at(foreign), tools=[weather])
    structured = Agent(gpt_at(foreign), output_type=NativeOutput(Answer))
    vectors = Embedder(OpenAIEmbeddingModel("e", provider=OpenAIProvider(base_url=f"{own}/v1")))

    async def streamed() -> Any:
        async with agent.run_stream(ASK) as result:
            return [part async for part in result.stream_text(delta=True)]

    async def early() -> Any:
        async with agent.run_stream("Count.") as result:
            async for part in result.stream_text(delta=True):
                return part

    async def said(text: str) -> Any:
        return (await agent.run(text)).output

    def said_by_itself(text: str) -> Any:  # a client belongs to the loop, so to the thread, it has
        return Agent(gpt_at(foreign)).run_sync(text).output

    def stream_sync() -> Any:
        return list(agent.run_stream_sync("Stream it.").stream_text(delta=True))

    def ask(url: str) -> Any:
        return Agent(gpt_at(url)).run_sync(ASK).output

    return {
        "plain": lambda: agent.run_sync(ASK).output,
        "plain: anthropic": lambda: claude.run_sync(ASK).output,
        "streamed": stream_sync,
        "async": lambda: run(agent.run("Say it later.")).output,
        "async streamed": lambda: run(streamed()),
        "tools": lambda: tooled.run_sync("Use a tool.").output,
        "structured": lambda: structured.run_sync("Answer as JSON.").output,
        "embeddings": lambda: vectors.embed_query_sync(ASK).embeddings,
        "early close": lambda: run(early()),
        **parallel(said_by_itself, said),
        **refused_with(ask, own),
        **retried(ask, own),
    }
