"""Ask a model for three capitals in four ways: chat and responses, whole and streamed."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from typing import Any

from cachy import enable_cachy

enable_cachy()

URL = sys.argv[1]
HEADERS = {"authorization": f"Bearer {os.environ.get('DEMO_API_KEY', '')}"}


def main() -> None:
    libraries = cycle(import_module(name) for name in ("httpx", "httpx2") if find_spec(name))
    for country in ("France", "Italy", "Japan"):
        library = next(libraries)
        question = f"What is the capital of {country}?"
        with library.Client(base_url=URL, headers=HEADERS) as client:
            model = "demo-0" if country == "Japan" else "demo-1"
            texts = set(ask(client, question, model))
        print(f"{question} {' / '.join(sorted(texts))}  [{library.__name__}]", flush=True)


def ask(client: Any, question: str, model: str) -> Iterator[str]:
    chat = {"model": model, "messages": [{"role": "user", "content": question}]}
    answer = client.post("/v1/chat/completions", json=chat).raise_for_status().json()
    assert datetime.fromtimestamp(answer["created"], UTC) <= datetime.now(UTC)
    yield answer["choices"][0]["message"]["content"]
    chunks = events(client, "/v1/chat/completions", chat)
    yield "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)

    respond = {"model": model, "input": question, "store": False}
    answer = client.post("/v1/responses", json=respond).raise_for_status().json()
    yield answer["output"][0]["content"][0]["text"]
    deltas = (event.get("delta", "") for event in events(client, "/v1/responses", respond))
    yield "".join(deltas)


def events(client: Any, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with client.stream("POST", path, json=body | {"stream": True}) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("data: {"):
                yield json.loads(line.removeprefix("data: "))


if __name__ == "__main__":
    main()
