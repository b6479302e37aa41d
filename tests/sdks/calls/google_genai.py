"""google-genai: its async client rides on aiohttp."""

from __future__ import annotations

import io
from typing import Any

from google import genai
from sdks.asking import (
    ASK,
    FILE,
    GEMINI,
    WEATHER,
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

ASKED: dict[str, Any] = {"model": GEMINI, "contents": ASK}
DECLARED = {"name": "weather", "description": "Tell the weather.", "parameters": WEATHER}
AS_ANSWER = {"response_mime_type": "application/json", "response_schema": Answer}


def client_at(url: str, **options: Any) -> genai.Client:
    return genai.Client(http_options={"base_url": url, "api_version": "v1beta", **options})


def calls(foreign: str, own: str) -> Calls:
    retries = {"attempts": 3, "initial_delay": 0.01}
    client = client_at(foreign)  # closes itself when nothing refers to it

    def early() -> Any:
        stream = client.models.generate_content_stream(**ASKED, config={"top_k": 1})
        try:
            return first(stream)
        finally:
            stream.close()

    def ask(url: str) -> Any:
        at = client_at(url, retry_options=retries)
        return at.models.generate_content(**ASKED)

    return {
        "plain": lambda: client.models.generate_content(**ASKED),
        "streamed": lambda: each(client.models.generate_content_stream(**ASKED)),
        "async": lambda: run(client.aio.models.generate_content(**ASKED, config={"top_k": 2})),
        "async streamed": lambda: run(
            collect(client.aio.models.generate_content_stream(**ASKED, config={"top_k": 2}))
        ),
        "tools": lambda: client.models.generate_content(
            model=GEMINI,
            contents="Call the tool.",
            config={"tools": [{"function_declarations": [DECLARED]}]},
        ),
        "structured": lambda: (
            client.models.generate_content(
                model=GEMINI, contents="Answer as JSON.", config=AS_ANSWER
            ).parsed
        ),
        "early close": early,
        **parallel(
            lambda text: client.models.generate_content(model=GEMINI, contents=text),
            lambda text: client.aio.models.generate_content(model=GEMINI, contents=text),
        ),
        **refused_with(ask, own),
        **retried(ask, own),
        **further(client_at(own)),
    }


def further(ours: genai.Client) -> Calls:
    request = {"contents": [{"role": "user", "parts": [{"text": ASK}]}]}

    def polled() -> Any:
        batch = ours.batches.create(model=GEMINI, src=[request])
        return until_done(
            lambda: ours.batches.get(name=str(batch.name)),
            lambda job: str(job.state).endswith("SUCCEEDED"),
        )

    def upload() -> Any:
        return ours.files.upload(file=io.BytesIO(FILE), config={"mime_type": "text/plain"})

    def upload_async() -> Any:
        file = io.BytesIO(FILE * 2)
        return run(ours.aio.files.upload(file=file, config={"mime_type": "text/plain"}))

    return {
        "embeddings": lambda: ours.models.embed_content(model="gemini-embedding-001", contents=ASK),
        "upload": upload,
        "upload: async": upload_async,
        "binary": lambda: ours.files.download(file="files/abc123"),
        "polling": polled,
    }
