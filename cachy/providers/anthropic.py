"""Anthropic. https://platform.claude.com/docs/en/api"""

from __future__ import annotations

from cachy.providers.provider import Operation, Provider, WireFormat, parse_surfaces

ANTHROPIC_WIRE = WireFormat(
    name="anthropic",
    operations=(
        Operation("/v1/messages", stream_ends=("message_stop", "error")),
        Operation("/v1/messages/count_tokens"),
    ),
    match_headers=("anthropic-version", "anthropic-beta"),
    required_header=("anthropic-version", "2023-06-01"),
    server_side=("mcp_servers", "container"),
    client_tools=("custom",),
    references=("file_id", "container_id"),
    often_filtered=("anthropic-beta",),
)

ANTHROPIC = Provider(
    name="anthropic",
    hosts=("api.anthropic.com",),
    wire=ANTHROPIC_WIRE,
    key_variables=("ANTHROPIC_API_KEY",),
    auth="x-api-key: {key}",
    placeholders=("ANTHROPIC_API_KEY",),
    base_url_variables=("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"),
    base_url="https://api.anthropic.com",
    left_out_path="/v1",  # by @ai-sdk/anthropic
    surfaces=parse_surfaces(
        "POST /v1/messages generates",
        "POST /v1/messages/count_tokens generates",
        "POST /v1/complete generates",
        "GET /v1/messages/batches/{batch_id} processing_status=ended",
        "GET /v1/messages/batches/{batch_id}/results",
        "GET /v1/models/{model}",
    ),
    sdk_prefixes=("/v1",),
    sdk_models=(
        "/messages anthropic.types:Message anthropic.types:RawMessageStreamEvent",
        "/messages/count_tokens anthropic.types:MessageTokensCount -",
        "/messages/batches/{batch_id} anthropic.types.messages:MessageBatch -",
        "/models/{model} anthropic.types:ModelInfo -",
    ),
)
