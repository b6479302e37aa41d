"""The calls of app.mjs, by the Python SDKs: prints the same lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from anthropic import Anthropic
from google import genai
from openai import OpenAI

PROMPT = sys.argv[1] if len(sys.argv) > 1 else "Hi"
MESSAGES: Any = [{"role": "user", "content": PROMPT}]
CHAT: Any = {"model": "gpt-4.1", "messages": MESSAGES}
CLAUDE: Any = {"model": "claude", "max_tokens": 9, "messages": MESSAGES}
GEMINI: Any = {"model": "gemini-2.5-flash", "contents": PROMPT}
# As Vercel's packages write a prompt.
PARTS: Any = [{"role": "user", "content": [{"type": "input_text", "text": PROMPT}]}]
BLOCKS: Any = [{"role": "user", "content": [{"type": "text", "text": PROMPT}]}]
BY_AI: Any = {**CLAUDE, "max_tokens": 4096, "messages": BLOCKS}
VERSION = {"anthropic-version": "2023-06-01"}  # which counts, and the two SDKs differ in it


def joined(pieces: Iterable[str | None]) -> str:
    return "".join(piece or "" for piece in pieces)


def calls() -> dict[str, Callable[[], str | None]]:
    openai, claude, google = OpenAI(), Anthropic(), genai.Client()
    return {
        "openai": lambda: openai.chat.completions.create(**CHAT).choices[0].message.content,
        "openai, streamed": lambda: joined(
            chunk.choices[0].delta.content
            for chunk in openai.chat.completions.create(**CHAT, stream=True)
        ),
        "openai responses": lambda: (
            openai.responses.create(model="gpt-4.1", input=PROMPT).output_text
        ),
        "@anthropic-ai/sdk": lambda: getattr(
            claude.messages.create(**CLAUDE).content[0], "text", ""
        ),
        "@anthropic-ai/sdk, streamed": lambda: joined(
            getattr(getattr(event, "delta", None), "text", "")
            for event in claude.messages.create(**CLAUDE, stream=True)
        ),
        "@google/genai": lambda: google.models.generate_content(**GEMINI).text,
        "@google/genai, streamed": lambda: joined(
            chunk.text for chunk in google.models.generate_content_stream(**GEMINI)
        ),
        "ai with @ai-sdk/openai": lambda: (
            openai.responses.create(model="gpt-4.1", input=PARTS).output_text
        ),
        "ai with @ai-sdk/openai, streamed": lambda: joined(
            getattr(event, "delta", "")
            for event in openai.responses.create(model="gpt-4.1", input=PARTS, stream=True)
        ),
        "ai with @ai-sdk/anthropic": lambda: getattr(
            claude.messages.create(**BY_AI, extra_headers=VERSION).content[0], "text", ""
        ),
    }


if __name__ == "__main__":
    for name, call in calls().items():
        print(f"{name}: {call()}")
