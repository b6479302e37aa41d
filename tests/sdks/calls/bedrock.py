"""anthropic's client for Bedrock: signed by botocore, streamed as AWS event streams."""

from __future__ import annotations

from typing import Any

import anthropic
from sdks.asking import (
    AS_JSON,
    CALL,
    TURN,
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
from sdks.calls.anthropic import TOOL, raw

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 64, "messages": TURN}
LATER: dict[str, Any] = {**ASKED, "max_tokens": 65}
REGION = "us-east-1"


def calls(foreign: str, own: str) -> Calls:
    client = anthropic.AnthropicBedrock(base_url=foreign, aws_region=REGION)
    other = anthropic.AsyncAnthropicBedrock(base_url=foreign, aws_region=REGION)
    create, create_async = client.messages.create, other.messages.create
    ours = anthropic.AnthropicBedrock(base_url=own, aws_region=REGION)
    ours_async = anthropic.AsyncAnthropicBedrock(base_url=own, aws_region=REGION)

    def early() -> Any:
        with ours.messages.create(**LATER, stream=True) as stream:
            return first(stream)

    def ask(url: str) -> Any:
        at = anthropic.AnthropicBedrock(base_url=url, aws_region=REGION)
        return at.messages.create(**ASKED)

    def say(text: str) -> dict[str, Any]:
        return {**ASKED, "messages": [{"role": "user", "content": text}]}

    return {
        "plain": lambda: create(**ASKED),
        "streamed": lambda: each(ours.messages.create(**ASKED, stream=True)),
        "async": lambda: run(create_async(**LATER)),
        "async streamed": lambda: run(collect(ours_async.messages.create(**LATER, stream=True))),
        "tools": lambda: create(**{**ASKED, "messages": CALL}, tools=[TOOL]),
        "structured": lambda: client.messages.parse(
            **{**ASKED, "messages": AS_JSON}, output_format=Answer
        ),
        "early close": early,
        **parallel(lambda text: create(**say(text)), lambda text: create_async(**say(text))),
        **raw(client),
        **refused_with(ask, own),
        **retried(ask, own),
    }
