"""A user's program: every way of calling the openai and anthropic SDKs, its answers as JSON.

    python sdk_program.py OPENAI_URL ANTHROPIC_URL

Run once to record and once to replay; with NO_SOCKETS set, any connection is an error.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from cachy import enable_cachy


def forbid_sockets() -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"a socket was opened to {address}")

    socket.socket.connect = refuse  # type: ignore[assignment,method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[assignment,method-assign]


if os.environ.get("NO_SOCKETS"):
    forbid_sockets()
enable_cachy(doms=["127.0.0.1"])

import anthropic  # noqa: E402
import openai  # noqa: E402


def calls(openai_client: Any, anthropic_client: Any, text: str) -> dict[str, Any]:
    ask = [{"role": "user", "content": text}]
    message = {"model": "claude-opus-4-6", "max_tokens": 64, "messages": ask}
    return {
        "chat": (openai_client.chat.completions.create, {"model": "gpt-4.1", "messages": ask}),
        "responses": (openai_client.responses.create, {"model": "gpt-4.1", "input": text}),
        "messages": (anthropic_client.messages.create, message),
    }


def sync_answers(openai_url: str, anthropic_url: str) -> Iterator[tuple[str, Any]]:
    clients = openai.OpenAI(base_url=openai_url), anthropic.Anthropic(base_url=anthropic_url)
    for name, (create, arguments) in calls(*clients, "Say hello.").items():
        yield f"{name} sync", create(**arguments).model_dump(mode="json")
        stream = create(**arguments, stream=True)
        yield f"{name} sync streamed", [event.model_dump(mode="json") for event in stream]


async def async_answers(openai_url: str, anthropic_url: str) -> dict[str, Any]:
    openai_client = openai.AsyncOpenAI(base_url=openai_url)
    anthropic_client = anthropic.AsyncAnthropic(base_url=anthropic_url)
    answers = {}
    of_its_own = "Say hello, later."
    for name, (create, arguments) in calls(openai_client, anthropic_client, of_its_own).items():
        answers[f"{name} async"] = (await create(**arguments)).model_dump(mode="json")
        stream = await create(**arguments, stream=True)
        answers[f"{name} async streamed"] = [e.model_dump(mode="json") async for e in stream]
    return answers


if __name__ == "__main__":
    urls = sys.argv[1], sys.argv[2]
    answers = dict(sync_answers(*urls)) | asyncio.run(async_answers(*urls))
    json.dump(answers, sys.stdout)
