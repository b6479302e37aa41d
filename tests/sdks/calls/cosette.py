"""cosette."""

from __future__ import annotations

from typing import Any

import cosette
from openai import OpenAI
from sdks.asking import ASK, GPT, Calls, each, first, parallel, plain, refused_with, retried


def calls(foreign: str, own: str) -> Calls:
    client = cosette.Client(GPT, OpenAI(base_url=f"{foreign}/v1"))

    def weather(
        city: str,  # The city
    ) -> str:
        """Tell the weather of a city."""
        return f"sunny in {city}"

    def chat(text: str, **more: Any) -> Any:
        return plain(cosette.Chat(cli=client, **more)(text))

    def dialog() -> Any:
        turns = cosette.Chat(cli=client, sp="Be brief.")
        return [plain(turns(ASK)), plain(turns("And tomorrow?"))]

    def ask(url: str) -> Any:
        return plain(cosette.Client(GPT, OpenAI(base_url=f"{url}/v1"))(ASK))

    return {
        "plain": lambda: plain(client(ASK)),
        "plain: dialog": dialog,
        "streamed": lambda: each(cosette.Chat(cli=client)(ASK, stream=True)),
        "tools": lambda: chat("Call the tool.", tools=[weather]),
        "structured": lambda: client.structured("Call the tool.", tools=[weather]),
        "early close": lambda: first(cosette.Chat(cli=client)("Count.", stream=True)),
        **parallel(lambda text: chat(text), None),
        **refused_with(ask, own),
        **retried(ask, own),
    }
