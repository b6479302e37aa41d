"""Cohere. https://docs.cohere.com/reference"""

from __future__ import annotations

from cachy.providers.provider import Operation, Provider, WireFormat, parse_surfaces

COHERE_WIRE = WireFormat(
    name="cohere",
    operations=(
        *(Operation(f"/v2/{verb}") for verb in ("embed", "rerank")),
        *(Operation(f"/v1/{verb}") for verb in ("embed", "rerank", "classify", "generate")),
        *(Operation(path) for path in ("/v2/chat", "/v1/chat")),
    ),
    server_side=("connectors", "conversation_id"),
    client_tools=("function",),
)

COHERE = Provider(
    name="cohere",
    hosts=("api.cohere.com", "api.cohere.ai"),
    wire=COHERE_WIRE,
    key_variables=("CO_API_KEY",),
    placeholders=("CO_API_KEY",),
    base_url_variables=("CO_API_URL",),
    base_url="https://api.cohere.com",
    surfaces=parse_surfaces(
        *(
            f"POST /{version}/{verb} generates"
            for version in ("v1", "v2")
            for verb in ("chat", "embed", "rerank", "classify", "generate")
        ),
        "GET /v1/embed-jobs/{job_id} status=complete|failed|cancelled",
    ),
    sdk_prefixes=("/v2",),
    sdk_models=("/chat cohere:V2ChatResponse -",),
)
