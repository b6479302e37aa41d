"""mistralai."""

from __future__ import annotations

import os
from typing import Any

from mistralai.client import Mistral
from mistralai.client.utils import BackoffStrategy, RetryConfig
from sdks.asking import (
    AS_JSON,
    ASK,
    CALL,
    FILE,
    TOOL,
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
    until_done,
)

SMALL = "mistral-small-latest"
ASKED: dict[str, Any] = {"model": SMALL, "messages": TURN}
RETRIES = RetryConfig("backoff", BackoffStrategy(10, 50, 1.1, 2000), False)


def client_at(url: str, **options: Any) -> Mistral:
    return Mistral(api_key=os.environ.get("MISTRAL_API_KEY", ""), server_url=url, **options)


def calls(foreign: str, own: str) -> Calls:
    chat = client_at(foreign).chat

    def early() -> Any:
        with chat.stream(**ASKED, random_seed=1) as stream:
            return first(stream)

    def ask(url: str) -> Any:
        return client_at(url, retry_config=RETRIES).chat.complete(**ASKED)

    def say(text: str) -> dict[str, Any]:
        return {"model": SMALL, "messages": [{"role": "user", "content": text}]}

    return {
        "plain": lambda: chat.complete(**ASKED),
        "streamed": lambda: each(chat.stream(**ASKED)),
        "async": lambda: run(chat.complete_async(**ASKED, random_seed=2)),
        "async streamed": lambda: run(collect(chat.stream_async(**ASKED, random_seed=2))),
        "tools": lambda: chat.complete(model=SMALL, messages=CALL, tools=[TOOL]),
        "structured": lambda: chat.parse(model=SMALL, messages=AS_JSON, response_format=Answer),
        "early close": early,
        **parallel(
            lambda text: chat.complete(**say(text)), lambda text: chat.complete_async(**say(text))
        ),
        **refused_with(ask, own),
        **retried(ask, own),
        **further(client_at(own)),
    }


def further(ours: Mistral) -> Calls:
    def polled() -> Any:
        job = ours.batch.jobs.create(
            input_files=["7e1f3c9a-0000-4000-8000-000000000001"],
            endpoint="/v1/chat/completions",
            model=SMALL,
        )
        return until_done(
            lambda: ours.batch.jobs.get(job_id=job.id), lambda state: state.status == "SUCCESS"
        )

    return {
        "embeddings": lambda: ours.embeddings.create(model="mistral-embed", inputs=[ASK]),
        "upload": lambda: ours.files.upload(file={"file_name": "notes.txt", "content": FILE}),
        "binary": lambda: ours.files.download(file_id="file-abc123").read(),
        "polling": polled,
    }
