"""litellm: its async client is aiohttp under httpx."""

from __future__ import annotations

from typing import Any

import litellm
from sdks.asking import (
    AS_JSON,
    ASK,
    CALL,
    CLAUDE,
    GPT,
    JOB,
    SOUND,
    TOOL,
    TURN,
    Answer,
    Calls,
    first,
    parallel,
    plain,
    refused_with,
    retried,
    run,
    until_done,
)


def shown(answer: Any) -> Any:
    """What litellm doesn't mint itself: its ids and times differ from run to run."""
    return {key: plain(answer)[key] for key in ("choices", "model")}


def calls(foreign: str, own: str) -> Calls:
    ask: dict[str, Any] = {"messages": TURN, "model": f"openai/{GPT}", "api_base": f"{foreign}/v1"}
    claude = {"messages": TURN, "model": f"anthropic/{CLAUDE}", "api_base": foreign}

    async def streamed(asked: dict[str, Any]) -> Any:
        return [shown(part) async for part in await litellm.acompletion(**asked, stream=True)]

    def say(text: str) -> dict[str, Any]:
        return {**ask, "messages": [{"role": "user", "content": text}]}

    async def said(text: str) -> Any:
        return shown(await litellm.acompletion(**say(text)))

    def ask_at(url: str) -> Any:
        return shown(litellm.completion(**{**ask, "api_base": f"{url}/v1"}))

    return {
        "plain": lambda: shown(litellm.completion(**ask)),
        "plain: anthropic": lambda: shown(litellm.completion(**claude)),
        "streamed": lambda: [shown(part) for part in litellm.completion(**ask, stream=True)],
        "streamed: anthropic": lambda: [
            shown(part) for part in litellm.completion(**claude, stream=True)
        ],
        "async": lambda: shown(run(litellm.acompletion(**ask, seed=1))),
        "async: anthropic": lambda: shown(run(litellm.acompletion(**claude, max_tokens=65))),
        "async streamed": lambda: run(streamed({**ask, "seed": 1})),
        "async streamed: anthropic": lambda: run(streamed({**claude, "max_tokens": 65})),
        "tools": lambda: shown(litellm.completion(**{**ask, "messages": CALL}, tools=[TOOL])),
        "structured": lambda: shown(
            litellm.completion(**{**ask, "messages": AS_JSON}, response_format=Answer)
        ),
        "early close": lambda: shown(first(litellm.completion(**ask, seed=2, stream=True))),
        **parallel(lambda text: shown(litellm.completion(**say(text))), said),
        **refused_with(ask_at, own),
        **retried(ask_at, own),
        **further({"api_base": f"{own}/v1"}),
    }


def further(at: dict[str, Any]) -> Calls:
    speech: dict[str, Any] = {"model": "openai/tts-1", "voice": "alloy", "input": ASK}
    sound = ("sound.mp3", SOUND, "audio/mpeg")
    return {
        "embeddings": lambda: litellm.embedding(model="openai/e", input=[ASK], **at).data,
        "upload": lambda: litellm.transcription(model="openai/whisper-1", file=sound, **at).text,
        "binary": lambda: litellm.speech(**speech, **at).content,
        "polling": lambda: until_done(
            lambda: litellm.retrieve_batch(JOB, custom_llm_provider="openai", **at),
            lambda state: state.status == "completed",
        ),
    }
