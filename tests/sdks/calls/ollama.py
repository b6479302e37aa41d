"""ollama."""

from __future__ import annotations

import tempfile
from typing import Any

import ollama
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
    refused_with,
    run,
)

ASKED: dict[str, Any] = {"model": "llama3", "messages": TURN}


def calls(foreign: str, own: str) -> Calls:
    client, other = ollama.Client(host=foreign), ollama.AsyncClient(host=foreign)
    ours = ollama.Client(host=own)

    def early() -> Any:
        stream = client.chat(**ASKED, stream=True, options={"seed": 1})
        try:
            return first(stream)
        finally:
            stream.close()

    def upload() -> Any:
        with tempfile.NamedTemporaryFile() as file:
            file.write(FILE)
            file.flush()
            return ours.create_blob(file.name)

    def say(text: str) -> dict[str, Any]:
        return {"model": "llama3", "messages": [{"role": "user", "content": text}]}

    return {
        "plain": lambda: client.chat(**ASKED),
        "streamed": lambda: each(client.chat(**ASKED, stream=True)),
        "async": lambda: run(other.chat(**ASKED, options={"seed": 2})),
        "async streamed": lambda: run(
            collect(other.chat(**ASKED, stream=True, options={"seed": 2}))
        ),
        "tools": lambda: client.chat(model="llama3", messages=CALL, tools=[TOOL]),
        "structured": lambda: client.chat(model="llama3", messages=AS_JSON, format=SCHEMA),
        "embeddings": lambda: ours.embed(model="e", input=ASK),
        "upload": upload,
        "early close": early,
        **parallel(lambda text: client.chat(**say(text)), lambda text: other.chat(**say(text))),
        **refused_with(lambda url: ollama.Client(host=url).chat(**ASKED), own),
    }
