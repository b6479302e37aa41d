"""langchain-openai and langchain-anthropic."""

from __future__ import annotations

from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from sdks.asking import (
    AS_JSON,
    ASK,
    CLAUDE,
    GPT,
    Answer,
    Calls,
    parallel,
    plain,
    refused_with,
    retried,
    run,
    weather,
)


def text(answer: Any) -> Any:
    return plain(answer.content)


async def texts(stream: Any) -> list[Any]:
    return [text(part) async for part in stream]


def calls(foreign: str, own: str) -> Calls:
    gpt = ChatOpenAI(model=GPT, base_url=f"{foreign}/v1")
    claude = ChatAnthropic(model=CLAUDE, base_url=foreign)
    vectors = OpenAIEmbeddings(base_url=f"{own}/v1", check_embedding_ctx_length=False)

    def early() -> Any:
        stream = gpt.stream("Count.")
        try:
            return text(next(stream))
        finally:
            stream.close()

    async def said(words: str) -> Any:
        return text(await gpt.ainvoke(words))

    def ask(url: str) -> Any:
        return text(ChatOpenAI(model=GPT, base_url=f"{url}/v1").invoke(ASK))

    return {
        "plain": lambda: text(gpt.invoke(ASK)),
        "plain: anthropic": lambda: text(claude.invoke(ASK)),
        "streamed": lambda: [text(part) for part in gpt.stream(ASK)],
        "streamed: anthropic": lambda: [text(part) for part in claude.stream(ASK)],
        "async": lambda: text(run(gpt.ainvoke(ASK, seed=1))),
        "async: anthropic": lambda: text(run(claude.ainvoke(ASK, max_tokens=65))),
        "async streamed": lambda: run(texts(gpt.astream(ASK))),
        "async streamed: anthropic": lambda: run(texts(claude.astream(ASK))),
        "tools": lambda: plain(gpt.bind_tools([weather]).invoke("Call the tool.").tool_calls),
        "tools: anthropic": lambda: plain(
            claude.bind_tools([weather]).invoke("Call the tool.").tool_calls
        ),
        "structured": lambda: gpt.with_structured_output(Answer).invoke(AS_JSON),
        "embeddings": lambda: vectors.embed_query(ASK),
        "early close": early,
        **parallel(lambda words: text(gpt.invoke(words)), said),
        "threads: batch": lambda: [text(one) for one in gpt.batch(["One.", "Two.", "Three."])],
        "gather: batch": lambda: [text(one) for one in run(gpt.abatch(["Four.", "Five."]))],
        **refused_with(ask, own),
        **retried(ask, own),
    }
