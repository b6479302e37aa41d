"""Mistral. https://docs.mistral.ai/api"""

from __future__ import annotations

from cachy.providers.openai import OPENAI_WIRE
from cachy.providers.provider import Provider, parse_surfaces

MISTRAL = Provider(
    name="mistral",
    hosts=("api.mistral.ai",),
    wire=OPENAI_WIRE,
    key_variables=("MISTRAL_API_KEY",),
    surfaces=parse_surfaces(
        "POST /v1/chat/completions generates",
        "POST /v1/fim/completions generates",
        "POST /v1/embeddings generates",
        "POST /v1/moderations generates",
        "GET /v1/batch/jobs/{job_id} status=SUCCESS|FAILED|TIMEOUT_EXCEEDED|CANCELLED",
        "GET /v1/models/{model}",
    ),
    sdk_prefixes=("/v1",),
    sdk_models=(
        "/chat/completions mistralai.client.models:ChatCompletionResponse "
        "mistralai.client.models:CompletionChunk",
    ),
)
