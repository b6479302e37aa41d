"""Azure OpenAI: OpenAI's wire format on a host for each tenant.

https://learn.microsoft.com/azure/ai-services/openai/reference
"""

from __future__ import annotations

from cachy.providers.openai import OPENAI_MODELS, OPENAI_ROWS, OPENAI_WIRE
from cachy.providers.provider import Provider, parse_surfaces

AZURE = Provider(
    name="azure-openai",
    hosts=("openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"),
    wire=OPENAI_WIRE,
    key_variables=("AZURE_OPENAI_API_KEY",),
    auth="api-key: {key}",
    placeholders=("AZURE_OPENAI_API_KEY",),
    base_url_variables=("AZURE_OPENAI_ENDPOINT",),
    surfaces=parse_surfaces(
        *(
            f"POST /openai/deployments/{{deployment}}/{verb} generates"
            for verb in ("chat/completions", "completions", "embeddings")
        ),
        *(row.replace("/v1/", "/openai/v1/") for row in OPENAI_ROWS),
    ),
    sdk_prefixes=("/openai/deployments/{deployment}", "/openai/v1"),
    sdk_models=OPENAI_MODELS,
)
