"""Our own answers, in the providers' words, for what the foreign providers don't serve."""

from __future__ import annotations

from typing import Any

from scripted_server import Script, ScriptedServer
from sdks.provider.anthropic import ANTHROPIC, MESSAGE
from sdks.provider.bedrock import BEDROCK, BOTO3, CONVERSED
from sdks.provider.cohere import COHERE, COHERE_FURTHER
from sdks.provider.google import CONTENT, GOOGLE
from sdks.provider.huggingface_hub import HUGGING_FACE
from sdks.provider.mistral import MISTRAL
from sdks.provider.ollama import OLLAMA, OLLAMA_FURTHER
from sdks.provider.openai import OPENAI_LIKE, RESPONSE, completion
from sdks.provider.replicate import LLAMA, REPLICATE, prediction
from sdks.provider.words import JOB, answer, refusal

GPT_PATH, CLAUDE_PATH = "/v1/chat/completions", "/v1/messages"
# By module: the family of its errors, the path of its plain call, and what that gives.
PLAIN: dict[str, tuple[str, str, Any]] = {
    "openai": ("openai", GPT_PATH, completion()),
    "azure": ("openai", "/openai/deployments/gpt-4.1/chat/completions", completion()),
    "anthropic": ("anthropic", CLAUDE_PATH, MESSAGE),
    "bedrock": ("bedrock", "/model/anthropic.claude-sonnet-4-5-20250929-v1:0/invoke", MESSAGE),
    "boto3": ("bedrock", "/model/amazon.nova-lite/converse", CONVERSED),
    "aiobotocore": ("bedrock", "/model/amazon.nova-lite/converse", CONVERSED),
    "google_genai": ("google", "/v1beta/models/gemini-2.5-flash:generateContent", CONTENT),
    "mistralai": ("mistral", GPT_PATH, completion("mistral-small-latest")),
    "groq": ("openai", "/openai/v1/chat/completions", completion("llama-3.3-70b-versatile")),
    "together": ("openai", GPT_PATH, completion("meta-llama/Llama-3")),
    "cohere": ("cohere", "/v2/chat", COHERE),
    "ollama": ("ollama", "/api/chat", OLLAMA),
    "huggingface_hub": ("ollama", GPT_PATH, completion("meta-llama/Llama-3")),
    "replicate": ("replicate", "/v1/models/meta/llama-3/predictions", prediction("starting")),
    "litellm": ("openai", GPT_PATH, completion()),
    "langchain": ("openai", GPT_PATH, completion()),
    "pydantic_ai": ("openai", GPT_PATH, completion()),
    "llm": ("openai", GPT_PATH, completion()),
    "requests": ("openai", GPT_PATH, completion()),
    "instructor": ("openai", GPT_PATH, completion(text='{"content": "sunny"}')),
    "claudette": ("anthropic", CLAUDE_PATH, MESSAGE),
    "cosette": ("openai", "/v1/responses", RESPONSE),
    "lisette": ("openai", GPT_PATH, completion()),
}
# By the path below which they are: all other answers.
FURTHER: dict[str, dict[str, tuple[Script, ...]]] = {
    "openai/v1": OPENAI_LIKE,
    "groq/openai/v1": OPENAI_LIKE,
    "together/v1": OPENAI_LIKE,
    "azure/openai": OPENAI_LIKE,
    "azure/openai/deployments/e": OPENAI_LIKE,
    "anthropic/v1": ANTHROPIC,
    "bedrock/model/anthropic.claude-sonnet-4-5-20250929-v1:0": BEDROCK,
    "boto3": BOTO3,
    "aiobotocore": BOTO3,
    "google_genai": GOOGLE,
    "mistralai/v1": MISTRAL,
    "cohere": COHERE_FURTHER,
    "ollama": OLLAMA_FURTHER,
    "huggingface_hub": HUGGING_FACE,
    "replicate": REPLICATE,
    "litellm/v1": OPENAI_LIKE,
    "langchain/v1": OPENAI_LIKE,
    "pydantic_ai/v1": OPENAI_LIKE,
    "llm/v1": OPENAI_LIKE,
    "requests/v1": OPENAI_LIKE,
}


def serve(origin: ScriptedServer) -> None:
    """Script the answers of a provider for every SDK, each below a path of its module's name."""
    for module, (family, path, value) in PLAIN.items():
        ok = answer(value)
        origin.on(f"/{module}{path}", ok)
        for status in (400, 404, 422):
            origin.on(f"/{module}/{status}{path}", refusal(family, status))
        for busy in ("busy", "busy-recorded"):
            origin.on(f"/{module}/{busy}{path}", refusal(family, 429), ok)
    for busy in ("busy", "busy-recorded"):
        origin.on(f"/replicate/{busy}/v1/models/meta/llama-3", refusal("replicate", 429), LLAMA)
    for base, paths in FURTHER.items():
        for path, scripts in paths.items():
            origin.on(f"/{base}{path}", *scripts)


def polling(origin: ScriptedServer) -> list[str]:
    """List the surfaces of jobs, as the config names them."""
    return [
        f"{origin.host}/{base}{path.replace(JOB, '{id}')}"
        for base, further in FURTHER.items()
        for path, scripts in further.items()
        if len(scripts) > 1
    ]
