"""replicate: predictions that are polled, streamed, and whose output is a file."""

from __future__ import annotations

import io
from typing import Any

import replicate
from replicate.helpers import FileOutput
from sdks.asking import (
    FILE,
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
from sdks.asking import until_done as polled

MODEL, INPUT = "meta/llama-3", {"prompt": "Say hello."}


def calls(foreign: str, own: str) -> Calls:
    client = replicate.Client(base_url=own)

    def job() -> Any:
        prediction = client.models.predictions.create(MODEL, input=INPUT)
        return polled(
            lambda: client.predictions.get(prediction.id), lambda job: job.status == "succeeded"
        )

    def early() -> Any:
        stream = client.stream(MODEL, input={"prompt": "Count."})
        try:
            return first(stream)
        finally:
            stream.close()

    def ask(url: str) -> Any:
        return replicate.Client(base_url=url).models.predictions.create(MODEL, input=INPUT)

    def ask_again(url: str) -> Any:
        return replicate.Client(base_url=url).models.get(MODEL)

    return {
        "plain": lambda: client.run(MODEL, input=INPUT),
        "streamed": lambda: each(client.stream(MODEL, input=INPUT)),
        "async": lambda: run(client.async_run(MODEL, input={"prompt": "Say it later."})),
        "async streamed": lambda: run(collect(client.async_stream(MODEL, input=INPUT))),
        "upload": lambda: plain(client.files.create(io.BytesIO(FILE), filename="notes.txt")),
        "binary": lambda: FileOutput(f"{own}/out.png", client).read(),
        "polling": job,
        "early close": early,
        **parallel(
            lambda text: client.run(MODEL, input={"prompt": text}),
            lambda text: client.async_run(MODEL, input={"prompt": text}),
        ),
        **refused_with(ask, own),
        **retried(ask_again, own),
    }
