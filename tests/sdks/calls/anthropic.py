"""anthropic: messages, files, batches."""

from __future__ import annotations

from typing import Any

import anthropic
from sdks.asking import (
    AS_JSON,
    CALL,
    CLAUDE,
    FILE,
    TURN,
    WEATHER,
    Answer,
    Calls,
    collect,
    each,
    first,
    parallel,
    plain,
    refused_with,
    retried,
    run,
    until_done,
)

ASKED: dict[str, Any] = {"model": CLAUDE, "max_tokens": 64, "messages": TURN}
LATER: dict[str, Any] = {**ASKED, "max_tokens": 65}
TOOL = {"name": "weather", "input_schema": WEATHER}


def calls(foreign: str, own: str) -> Calls:
    client = anthropic.Anthropic(base_url=foreign)
    other = anthropic.AsyncAnthropic(base_url=foreign)
    ours = anthropic.Anthropic(base_url=own)

    def ask(url: str) -> Any:
        return anthropic.Anthropic(base_url=url).messages.create(**ASKED)

    return {
        **messages(client, other),
        **raw(client),
        **refused_with(ask, own),
        **retried(ask, own),
        **files_and_batches(ours),
    }


def messages(client: Any, other: Any) -> Calls:
    create, create_async = client.messages.create, other.messages.create

    def helper() -> Any:
        with client.messages.stream(**ASKED, stop_sequences=["x"]) as stream:
            return [[event.type for event in stream], plain(stream.get_final_message())]

    def early() -> Any:
        with create(**ASKED, stream=True, stop_sequences=["y"]) as stream:
            return first(stream)

    def say(text: str) -> dict[str, Any]:
        return {**ASKED, "messages": [{"role": "user", "content": text}]}

    return {
        "plain": lambda: create(**ASKED),
        "streamed": lambda: each(create(**ASKED, stream=True)),
        "streamed: helper": helper,
        "async": lambda: run(create_async(**LATER)),
        "async streamed": lambda: run(collect(create_async(**LATER, stream=True))),
        "tools": lambda: create(**{**ASKED, "messages": CALL}, tools=[TOOL]),
        "tools: streamed": lambda: each(
            create(**{**ASKED, "messages": CALL}, tools=[TOOL], stream=True)
        ),
        "structured": lambda: client.messages.parse(
            **{**ASKED, "messages": AS_JSON}, output_format=Answer
        ),
        "early close": early,
        **parallel(lambda text: create(**say(text)), lambda text: create_async(**say(text))),
    }


def raw(client: Any) -> Calls:
    def raw_response() -> Any:
        answer = client.messages.with_raw_response.create(**ASKED, stop_sequences=["z"])
        return [answer.status_code, answer.headers["content-type"], plain(answer.parse())]

    def streaming_response() -> Any:
        create = client.messages.with_streaming_response.create
        with create(**ASKED, stop_sequences=["w"]) as answer:
            return list(answer.iter_lines())

    return {"raw response": raw_response, "streaming response": streaming_response}


def files_and_batches(ours: Any) -> Calls:
    request = {"custom_id": "one", "params": ASKED}

    def polled() -> Any:
        batch = ours.messages.batches.create(requests=[request])
        return until_done(
            lambda: ours.messages.batches.retrieve(batch.id),
            lambda state: state.processing_status == "ended",
        )

    return {
        "upload": lambda: ours.beta.files.upload(file=("notes.txt", FILE, "text/plain")),
        "binary": lambda: ours.beta.files.download("file_abc123").read(),
        "polling": polled,
        "streamed: results": lambda: each(ours.messages.batches.results("batch_ended123")),
    }
