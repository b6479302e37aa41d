"""claudette."""

from __future__ import annotations

from typing import Any

import claudette
from anthropic import Anthropic, AsyncAnthropic
from claudette.asink import AsyncChat, AsyncClient
from sdks.asking import ASK, CLAUDE, Calls, each, first, parallel, plain, refused_with, retried, run


def calls(foreign: str, own: str) -> Calls:
    client = claudette.Client(CLAUDE, Anthropic(base_url=foreign))
    other = AsyncClient(CLAUDE, AsyncAnthropic(base_url=foreign))

    def weather(
        city: str,  # The city
    ) -> str:
        """Tell the weather of a city."""
        return f"sunny in {city}"

    def chat(text: str, **more: Any) -> Any:
        return plain(claudette.Chat(cli=client, **more)(text))

    def dialog() -> Any:
        turns = claudette.Chat(cli=client, sp="Be brief.")
        return [plain(turns(ASK)), plain(turns("And tomorrow?"))]

    async def later(text: str) -> Any:
        return plain(await AsyncChat(cli=other)(text))

    async def streamed() -> Any:
        return [part async for part in await AsyncChat(cli=other)("Stream it.", stream=True)]

    def ask(url: str) -> Any:
        return plain(claudette.Client(CLAUDE, Anthropic(base_url=url))(ASK))

    return {
        "plain": lambda: plain(client(ASK)),
        "plain: dialog": dialog,
        "streamed": lambda: each(claudette.Chat(cli=client)(ASK, stream=True)),
        "async": lambda: run(later(ASK)),
        "async streamed": lambda: run(streamed()),
        "tools": lambda: chat("Call the tool.", tools=[weather]),
        "structured": lambda: client.structured("Call the tool.", tools=[weather]),
        "early close": lambda: first(
            filter(None, claudette.Chat(cli=client)("Count.", stream=True))
        ),
        **parallel(lambda text: chat(text), later),
        **refused_with(ask, own),
        **retried(ask, own),
    }
