"""requests, which many small SDKs ride on."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from sdks.asking import (
    AS_JSON,
    CALL,
    FILE,
    GPT,
    SCHEMA,
    TOOL,
    TURN,
    Calls,
    parallel,
    refused_with,
    retried,
)
from urllib3.util import Retry


def calls(foreign: str, own: str) -> Calls:
    at = f"{foreign}/v1/chat/completions"

    def ask(**body: Any) -> Any:
        return requests.post(at, json={"model": GPT, "messages": TURN, "user": "r", **body}).json()

    def streamed() -> Any:
        body = {"model": GPT, "messages": TURN, "stream": True}
        with requests.post(at, json=body, stream=True) as answer:
            return [line.decode() for line in answer.iter_lines()]

    def early() -> Any:
        body = {"model": GPT, "messages": TURN, "seed": 1, "stream": True}
        with requests.post(at, json=body, stream=True) as answer:
            return next(answer.iter_lines()).decode()

    def ask_at(url: str) -> Any:
        session = requests.Session()
        retries = Retry(2, status_forcelist=[429], allowed_methods=None)
        session.mount("http://", HTTPAdapter(max_retries=retries))
        answer = session.post(f"{url}/v1/chat/completions", json={"model": GPT, "messages": TURN})
        answer.raise_for_status()
        return answer.json()

    def say(text: str) -> Any:
        return ask(messages=[{"role": "user", "content": text}])

    as_json = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    return {
        "plain": ask,
        "streamed": streamed,
        "tools": lambda: ask(messages=CALL, tools=[TOOL]),
        "structured": lambda: ask(messages=AS_JSON, response_format=as_json),
        "upload": lambda: requests.post(
            f"{own}/v1/files", files={"file": ("notes.txt", FILE)}, data={"purpose": "batch"}
        ).json(),
        "binary": lambda: requests.post(f"{own}/v1/audio/speech", json={"input": "x"}).content,
        "embeddings": lambda: requests.post(f"{own}/v1/embeddings", json={"input": "x"}).json(),
        "early close": early,
        **parallel(say, None),
        **refused_with(ask_at, own),
        **retried(ask_at, own),
    }
