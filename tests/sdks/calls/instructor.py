"""instructor, over openai."""

from __future__ import annotations

from typing import Any

import instructor
import openai
from pydantic import BaseModel
from sdks.asking import (
    AS_JSON,
    CALL,
    GPT,
    Answer,
    Calls,
    collect,
    each,
    first,
    parallel,
    refused_with,
    retried,
    run,
)


class Weather(BaseModel):
    """Tell the weather."""

    city: str


def client_at(url: str, mode: instructor.Mode = instructor.Mode.JSON) -> Any:
    return instructor.from_openai(openai.OpenAI(base_url=f"{url}/v1"), mode=mode)


def calls(foreign: str, own: str) -> Calls:
    of_async = openai.AsyncOpenAI(base_url=f"{foreign}/v1")
    completions = client_at(foreign).chat.completions
    later = instructor.from_openai(of_async, mode=instructor.Mode.JSON).chat.completions
    tooled = client_at(foreign, instructor.Mode.TOOLS).chat.completions
    ask: dict[str, Any] = {"model": GPT, "messages": AS_JSON, "response_model": Answer}

    def say(text: str) -> dict[str, Any]:
        return {**ask, "messages": [{"role": "user", "content": text}, *AS_JSON]}

    def ask_at(url: str) -> Any:
        return client_at(url).chat.completions.create(**ask, max_retries=0)

    return {
        "structured": lambda: completions.create(**ask),
        "async": lambda: run(later.create(**ask, seed=1)),
        "streamed": lambda: each(completions.create_partial(**ask, seed=2)),
        "async streamed": lambda: run(collect(later.create_partial(**ask, seed=2))),
        "tools": lambda: tooled.create(model=GPT, messages=CALL, response_model=Weather),
        "early close": lambda: first(completions.create_partial(**ask, seed=3)),
        **parallel(
            lambda text: completions.create(**say(text)), lambda text: later.create(**say(text))
        ),
        **refused_with(ask_at, own),
        **retried(ask_at, own),
    }
