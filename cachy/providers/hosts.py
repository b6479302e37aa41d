"""What we know of each API host, as data: keys, surfaces.

Facts come from the providers' own API references; a rule that only a recording suggests does
not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple


class Surface(NamedTuple):
    """One method and path template of a provider.

    `generates`: a completion, message, response or embedding, which drift may re-send unasked.
    `polling`: a job's state, so that equal requests are answered in turn, the last one repeating.
    `is_data`: the body is a file of the caller's, whose structure the API doesn't promise.
    """

    method: str
    path: str
    generates: bool = False
    polling: bool = False
    is_data: bool = False


class Provider(NamedTuple):
    """An API host we know: how it authenticates and what its surfaces are."""

    name: str
    hosts: tuple[str, ...]
    key_env: tuple[str, ...] = ()  # the first that is set is the credential
    auth: str = "authorization: Bearer {key}"
    match_headers: tuple[str, ...] = ()  # request headers that choose the answer's shape
    required_header: tuple[str, str] | None = None  # what the API refuses a request without
    surfaces: tuple[Surface, ...] = ()


def _surfaces(*rows: str) -> tuple[Surface, ...]:
    """Read rows such as "POST /v1/responses generates"."""
    parsed = []
    for row in rows:
        method, path, *marks = row.split()
        marked = {"generates": "generates" in marks, "polling": "polling" in marks}
        marked["is_data"] = "data" in marks
        parsed.append(Surface(method=method, path=path, **marked))
    return tuple(parsed)


# https://platform.openai.com/docs/api-reference
_OPENAI = (
    "POST /v1/chat/completions generates",
    "POST /v1/completions generates",
    "POST /v1/responses generates",
    "POST /v1/embeddings generates",
    "POST /v1/moderations generates",
    "GET /v1/responses/{response_id} polling",
    "GET /v1/batches/{batch_id} polling",
    "GET /v1/fine_tuning/jobs/{job_id} polling",
    "GET /v1/vector_stores/{vector_store_id} polling",
    "GET /v1/videos/{video_id} polling",
    "GET /v1/models/{model}",
    "GET /v1/files/{file_id}",
    "GET /v1/files/{file_id}/content data",
)

# https://ai.google.dev/api
_GEMINI = (
    *(
        f"POST /{version}/models/{{model}}:{verb} generates"
        for version in ("v1beta", "v1")
        for verb in (
            "generateContent",
            "streamGenerateContent",
            "embedContent",
            "batchEmbedContents",
            "countTokens",
        )
    ),
    "GET /v1beta/models/{model}",
    "GET /v1beta/operations/{operation} polling",
)

PROVIDERS = (
    Provider(
        name="openai",
        hosts=("api.openai.com",),
        key_env=("OPENAI_API_KEY",),
        match_headers=("openai-beta",),
        surfaces=_surfaces(*_OPENAI),
    ),
    Provider(  # https://learn.microsoft.com/azure/ai-services/openai/reference
        name="azure-openai",
        hosts=("openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"),
        key_env=("AZURE_OPENAI_API_KEY",),
        auth="api-key: {key}",
        surfaces=_surfaces(
            *(
                f"POST /openai/deployments/{{deployment}}/{verb} generates"
                for verb in ("chat/completions", "completions", "embeddings")
            ),
            *(row.replace("/v1/", "/openai/v1/") for row in _OPENAI),
        ),
    ),
    Provider(  # https://platform.claude.com/docs/en/api
        name="anthropic",
        hosts=("api.anthropic.com",),
        key_env=("ANTHROPIC_API_KEY",),
        auth="x-api-key: {key}",
        match_headers=("anthropic-version", "anthropic-beta"),
        required_header=("anthropic-version", "2023-06-01"),
        surfaces=_surfaces(
            "POST /v1/messages generates",
            "POST /v1/messages/count_tokens generates",
            "POST /v1/complete generates",
            "GET /v1/messages/batches/{batch_id} polling",
            "GET /v1/messages/batches/{batch_id}/results",
            "GET /v1/models/{model}",
        ),
    ),
    Provider(
        name="gemini",
        hosts=("generativelanguage.googleapis.com",),
        key_env=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        auth="x-goog-api-key: {key}",
        surfaces=_surfaces(*_GEMINI),
    ),
    Provider(  # https://docs.mistral.ai/api
        name="mistral",
        hosts=("api.mistral.ai",),
        key_env=("MISTRAL_API_KEY",),
        surfaces=_surfaces(
            "POST /v1/chat/completions generates",
            "POST /v1/fim/completions generates",
            "POST /v1/embeddings generates",
            "POST /v1/moderations generates",
            "GET /v1/batch/jobs/{job_id} polling",
            "GET /v1/models/{model}",
        ),
    ),
    Provider(  # https://console.groq.com/docs/api-reference
        name="groq",
        hosts=("api.groq.com",),
        key_env=("GROQ_API_KEY",),
        surfaces=_surfaces(
            "POST /openai/v1/chat/completions generates",
            "POST /openai/v1/responses generates",
            "POST /openai/v1/embeddings generates",
            "GET /openai/v1/batches/{batch_id} polling",
            "GET /openai/v1/models/{model}",
        ),
    ),
    Provider(  # https://docs.cohere.com/reference
        name="cohere",
        hosts=("api.cohere.com", "api.cohere.ai"),
        key_env=("CO_API_KEY",),
        surfaces=_surfaces(
            *(
                f"POST /{version}/{verb} generates"
                for version in ("v1", "v2")
                for verb in ("chat", "embed", "rerank", "classify", "generate")
            ),
            "GET /v1/embed-jobs/{job_id} polling",
        ),
    ),
    Provider(  # https://docs.together.ai/reference
        name="together",
        hosts=("api.together.xyz", "api.together.ai"),
        key_env=("TOGETHER_API_KEY",),
        surfaces=_surfaces(
            "POST /v1/chat/completions generates",
            "POST /v1/completions generates",
            "POST /v1/embeddings generates",
            "GET /v1/batches/{batch_id} polling",
        ),
    ),
    Provider(  # https://openrouter.ai/docs/api-reference
        name="openrouter",
        hosts=("openrouter.ai",),
        key_env=("OPENROUTER_API_KEY",),
        surfaces=_surfaces(
            "POST /api/v1/chat/completions generates",
            "POST /api/v1/completions generates",
            "POST /api/v1/responses generates",
            "POST /api/v1/embeddings generates",
        ),
    ),
    Provider(  # https://api-docs.deepseek.com
        name="deepseek",
        hosts=("api.deepseek.com",),
        key_env=("DEEPSEEK_API_KEY",),
        surfaces=_surfaces(
            "POST /chat/completions generates",
            "POST /v1/chat/completions generates",
            "POST /beta/completions generates",
        ),
    ),
    Provider(  # https://docs.x.ai/docs/api-reference
        name="xai",
        hosts=("api.x.ai",),
        key_env=("XAI_API_KEY",),
        surfaces=_surfaces(
            "POST /v1/chat/completions generates",
            "POST /v1/responses generates",
            "POST /v1/embeddings generates",
        ),
    ),
    Provider(  # https://docs.fireworks.ai/api-reference
        name="fireworks",
        hosts=("api.fireworks.ai",),
        key_env=("FIREWORKS_API_KEY",),
        surfaces=_surfaces(
            "POST /inference/v1/chat/completions generates",
            "POST /inference/v1/completions generates",
            "POST /inference/v1/responses generates",
            "POST /inference/v1/embeddings generates",
        ),
    ),
    Provider(  # https://platform.moonshot.ai/docs
        name="moonshot",
        hosts=("api.moonshot.ai", "api.moonshot.cn"),
        key_env=("MOONSHOT_API_KEY",),
        surfaces=_surfaces("POST /v1/chat/completions generates"),
    ),
    Provider(  # https://replicate.com/docs/reference/http
        name="replicate",
        hosts=("api.replicate.com",),
        key_env=("REPLICATE_API_TOKEN",),
        surfaces=_surfaces("GET /v1/predictions/{prediction_id} polling"),
    ),
    Provider(  # https://huggingface.co/docs/inference-providers
        name="huggingface",
        hosts=("router.huggingface.co", "api-inference.huggingface.co"),
        key_env=("HF_TOKEN",),
        surfaces=_surfaces("POST /v1/chat/completions generates", "POST /v1/responses generates"),
    ),
    Provider(  # https://docs.aws.amazon.com/bedrock/latest/APIReference; requests are signed
        name="bedrock",
        hosts=("amazonaws.com",),
        auth="",
        surfaces=_surfaces(
            *(
                f"POST /model/{{model}}/{verb}"
                for verb in ("invoke", "invoke-with-response-stream", "converse", "converse-stream")
            )
        ),
    ),
    Provider(  # https://docs.ollama.com/api
        name="ollama",
        hosts=("ollama.com", "localhost:11434", "127.0.0.1:11434"),
        key_env=("OLLAMA_API_KEY",),
        surfaces=_surfaces(
            "POST /api/chat generates",
            "POST /api/generate generates",
            "POST /api/embed generates",
            "POST /v1/chat/completions generates",
        ),
    ),
    Provider(name="chatgpt", hosts=("chatgpt.com",), auth=""),
)

# Covered unless `doms` says otherwise: Bedrock by its own label, not the whole of AWS.
DOMS = tuple(host for row in PROVIDERS if row.name != "bedrock" for host in row.hosts) + tuple(
    f"bedrock-runtime.{region}.amazonaws.com"
    for region in (
        *("us-east-1", "us-east-2", "us-west-2", "ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    )
)

MATCH_HEADERS = tuple(sorted({name for row in PROVIDERS for name in row.match_headers}))


@lru_cache(maxsize=256)
def find_provider(host: str) -> Provider | None:
    """Find the provider of a host (`host` or `host:port`, lower case), or None."""
    name = host.rpartition(":")[0] or host
    labels = name.split(".")
    tails = {".".join(labels[start:]) for start in range(len(labels))} | {host}
    return next((row for row in PROVIDERS if tails.intersection(row.hosts)), None)


@lru_cache(maxsize=1024)
def find_surface(host: str, method: str, template: str) -> Surface | None:
    """Find the row of a surface by its path template, or None."""
    provider = find_provider(host)
    rows: Iterator[Surface] = iter(provider.surfaces if provider else ())
    return next((row for row in rows if row.method == method and row.path == template), None)
