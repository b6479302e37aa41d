"""cohere."""

from __future__ import annotations

from typing import Any

import cohere
from sdks.asking import (
    AS_JSON,
    ASK,
    CALL,
    FILE,
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
    until_done,
)

ASKED: dict[str, Any] = {"model": "command-r", "messages": TURN}


def calls(foreign: str, own: str) -> Calls:
    client, other = cohere.ClientV2(base_url=foreign), cohere.AsyncClientV2(base_url=foreign)

    def early() -> Any:
        stream = client.chat_stream(**ASKED, seed=1)
        try:
            return first(stream)
        finally:
            stream.close()

    def raw_response() -> Any:
        answer = client.with_raw_response.chat(**ASKED, seed=2)
        return [answer.headers["content-type"], plain(answer.data)]

    def raw_stream() -> Any:
        with client.with_raw_response.chat_stream(**ASKED, seed=4) as answer:
            return [answer.headers["content-type"], each(answer.data)]

    async def raw_stream_async() -> Any:
        async with other.with_raw_response.chat_stream(**ASKED, seed=5) as answer:
            return [answer.headers["content-type"], await collect(answer.data)]

    def say(text: str) -> dict[str, Any]:
        return {"model": "command-r", "messages": [{"role": "user", "content": text}]}

    def ask(url: str) -> Any:
        return cohere.ClientV2(base_url=url).chat(**ASKED)

    as_json = {"type": "json_object", "json_schema": SCHEMA}
    return {
        "plain": lambda: client.chat(**ASKED),
        "streamed": lambda: each(client.chat_stream(**ASKED)),
        "async": lambda: run(other.chat(**ASKED, seed=3)),
        "async streamed": lambda: run(collect(other.chat_stream(**ASKED, seed=3))),
        "tools": lambda: client.chat(model="command-r", messages=CALL, tools=[TOOL]),
        "structured": lambda: client.chat(
            model="command-r", messages=AS_JSON, response_format=as_json
        ),
        "raw response": raw_response,
        "raw response: streamed": raw_stream,
        "raw response: async streamed": lambda: run(raw_stream_async()),
        "early close": early,
        **parallel(lambda text: client.chat(**say(text)), lambda text: other.chat(**say(text))),
        **refused_with(ask, own),
        **retried(ask, own),
        **further(cohere.ClientV2(base_url=own)),
    }


def further(ours: cohere.ClientV2) -> Calls:
    asked = {"model": "embed-v4.0", "texts": [ASK], "input_type": "search_query"}

    def polled() -> Any:
        job = ours.embed_jobs.create(
            model="embed-v4.0", dataset_id="notes-1", input_type="search_document"
        )
        return until_done(
            lambda: ours.embed_jobs.get(job.job_id), lambda state: state.status == "complete"
        )

    return {
        "embeddings: float": lambda: ours.embed(**asked, embedding_types=["float"]),
        "embeddings: base64": lambda: ours.embed(**asked, embedding_types=["base64"]),
        "upload": lambda: ours.datasets.create(
            name="notes", type="embed-input", data=("notes.txt", FILE)
        ),
        "polling": polled,
    }
