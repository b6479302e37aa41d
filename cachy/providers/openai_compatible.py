"""Hosts that speak OpenAI's wire format and nothing else: one row each."""

from __future__ import annotations

from cachy.providers.openai import OPENAI_WIRE
from cachy.providers.provider import Provider, Surface, parse_surfaces

_BATCHES = "batches/{batch_id} status=completed|failed|expired|cancelled"
_COMPLETIONS = ("chat/completions", "completions")


def _generating(prefix: str, *verbs: str) -> tuple[Surface, ...]:
    return parse_surfaces(*(f"POST {prefix}/{verb} generates" for verb in verbs))


def _chat_models(module: str) -> tuple[str, ...]:
    return (f"/chat/completions {module}:ChatCompletion {module}:ChatCompletionChunk",)


OPENAI_COMPATIBLE = (
    Provider(  # https://console.groq.com/docs/api-reference
        name="groq",
        hosts=("api.groq.com",),
        wire=OPENAI_WIRE,
        key_variables=("GROQ_API_KEY",),
        placeholders=("GROQ_API_KEY",),
        base_url_variables=("GROQ_BASE_URL",),
        base_url="https://api.groq.com",
        surfaces=(
            *_generating("/openai/v1", "chat/completions", "responses", "embeddings"),
            *parse_surfaces(f"GET /openai/v1/{_BATCHES}", "GET /openai/v1/models/{model}"),
        ),
        sdk_prefixes=("/openai/v1",),
        sdk_models=_chat_models("groq.types.chat"),
    ),
    Provider(  # https://docs.together.ai/reference
        name="together",
        hosts=("api.together.xyz", "api.together.ai"),
        wire=OPENAI_WIRE,
        key_variables=("TOGETHER_API_KEY",),
        placeholders=("TOGETHER_API_KEY",),
        base_url_variables=("TOGETHER_BASE_URL",),
        base_url="https://api.together.xyz/v1",
        surfaces=(
            *_generating("/v1", *_COMPLETIONS, "embeddings"),
            *parse_surfaces(f"GET /v1/{_BATCHES}"),
        ),
        sdk_prefixes=("/v1",),
        sdk_models=_chat_models("together.types.chat"),
    ),
    Provider(  # https://openrouter.ai/docs/api-reference
        name="openrouter",
        hosts=("openrouter.ai",),
        wire=OPENAI_WIRE,
        key_variables=("OPENROUTER_API_KEY",),
        surfaces=_generating("/api/v1", *_COMPLETIONS, "responses", "embeddings"),
    ),
    Provider(  # https://api-docs.deepseek.com
        name="deepseek",
        hosts=("api.deepseek.com",),
        wire=OPENAI_WIRE,
        key_variables=("DEEPSEEK_API_KEY",),
        surfaces=_generating("", "chat/completions", "v1/chat/completions", "beta/completions"),
    ),
    Provider(  # https://docs.x.ai/docs/api-reference
        name="xai",
        hosts=("api.x.ai",),
        wire=OPENAI_WIRE,
        key_variables=("XAI_API_KEY",),
        surfaces=_generating("/v1", "chat/completions", "responses", "embeddings"),
    ),
    Provider(  # https://docs.fireworks.ai/api-reference
        name="fireworks",
        hosts=("api.fireworks.ai",),
        wire=OPENAI_WIRE,
        key_variables=("FIREWORKS_API_KEY",),
        surfaces=_generating("/inference/v1", *_COMPLETIONS, "responses", "embeddings"),
    ),
    Provider(  # https://platform.moonshot.ai/docs
        name="moonshot",
        hosts=("api.moonshot.ai", "api.moonshot.cn"),
        wire=OPENAI_WIRE,
        key_variables=("MOONSHOT_API_KEY",),
        surfaces=_generating("/v1", "chat/completions"),
    ),
    Provider(  # https://huggingface.co/docs/inference-providers
        name="huggingface",
        hosts=("router.huggingface.co", "api-inference.huggingface.co"),
        wire=OPENAI_WIRE,
        key_variables=("HF_TOKEN",),
        surfaces=_generating("/v1", "chat/completions", "responses"),
    ),
)
