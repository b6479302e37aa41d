"""What the SDKs that Stainless generates share, where they speak openai's chat completions."""

from __future__ import annotations

from typing import Any

from sdks.asking import (
    AS_JSON,
    CALL,
    SCHEMA,
    TOOL,
    TURN,
    Calls,
    collect,
    each,
    first,
    parallel,
    plain,
    refused_with,
    retried,
    run,
)


def chats(client: Any, other: Any, model: str) -> Calls:
    """Chat completions, every way that they can be asked for."""
    create, create_async = client.chat.completions.create, other.chat.completions.create
    ask: dict[str, Any] = {"model": model, "messages": TURN}

    def early() -> Any:
        with create(**ask, stream=True, seed=1) as stream:
            return first(stream)

    async def early_async() -> Any:
        async with await create_async(**ask, stream=True, seed=2) as stream:
            async for item in stream:
                return plain(item)

    def say(text: str) -> dict[str, Any]:
        return {"model": model, "messages": [{"role": "user", "content": text}]}

    return {
        "plain": lambda: create(**ask),
        "streamed": lambda: each(create(**ask, stream=True)),
        "async": lambda: run(create_async(**ask, seed=3)),
        "async streamed": lambda: run(collect(create_async(**ask, seed=3, stream=True))),
        "tools": lambda: create(model=model, messages=CALL, tools=[TOOL]),
        "early close": early,
        "early close: async": lambda: run(early_async()),
        **parallel(lambda text: create(**say(text)), lambda text: create_async(**say(text), n=1)),
    }


def raw(client: Any, model: str) -> Calls:
    """The two ways to an answer as it came."""
    completions = client.chat.completions
    ask: dict[str, Any] = {"model": model, "messages": TURN}

    def raw_response() -> Any:
        answer = completions.with_raw_response.create(**ask, seed=4)
        assert answer.elapsed.total_seconds() >= 0
        return [answer.status_code, answer.headers["content-type"], plain(answer.parse())]

    def streaming_response() -> Any:
        with completions.with_streaming_response.create(**ask, seed=5) as answer:
            return list(answer.iter_lines())

    return {"raw response": raw_response, "streaming response": streaming_response}


def structured(client: Any, model: str) -> Calls:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    create = client.chat.completions.create
    return {
        "structured": lambda: create(model=model, messages=AS_JSON, response_format=form),
    }


def refusals(make: Any, own: str, model: str, base: str = "/v1") -> Calls:
    """Errors and retries."""

    def ask(url: str) -> Any:
        client = make(base_url=f"{url}{base}")
        return client.chat.completions.create(model=model, messages=TURN)

    return {**refused_with(ask, own), **retried(ask, own)}
