"""lisette, over litellm."""

from __future__ import annotations

from typing import Any

from lisette import AsyncChat, Chat
from lisette.core import structured
from sdks.asking import ASK, CALL, GPT, Calls, first, parallel, plain, refused_with, retried, run


def shown(answer: Any) -> Any:
    """What litellm doesn't mint itself: its ids and times differ from run to run."""
    return {key: plain(answer)[key] for key in ("choices", "model") if key in plain(answer)}


def calls(foreign: str, own: str) -> Calls:
    at: dict[str, Any] = {"model": f"openai/{GPT}", "api_base": f"{foreign}/v1"}

    def weather(
        city: str,  # The city
    ) -> str:
        """Tell the weather of a city."""
        return f"sunny in {city}"

    def chat(text: str, **more: Any) -> Any:
        return shown(Chat(**at, **more)(text))

    async def later(text: str) -> Any:
        return shown(await AsyncChat(**at)(text))

    async def streamed() -> Any:
        stream = await AsyncChat(**at)("Stream it.", stream=True)
        return [shown(part) async for part in stream]

    def ask(url: str) -> Any:
        return shown(Chat(f"openai/{GPT}", api_base=f"{url}/v1")(ASK))

    return {
        "plain": lambda: chat(ASK),
        "streamed": lambda: [shown(part) for part in Chat(**at)(ASK, stream=True)],
        "async": lambda: run(later(ASK)),
        "async streamed": lambda: run(streamed()),
        "tools": lambda: chat("Use a tool.", tools=[weather]),
        "structured": lambda: structured(at["model"], CALL, weather, api_base=at["api_base"]),
        "early close": lambda: shown(first(Chat(**at)("Count.", stream=True))),
        **parallel(lambda text: chat(text), later),
        **refused_with(ask, own),
        **retried(ask, own),
    }
