"""Replicate. https://replicate.com/docs/reference/http"""

from __future__ import annotations

from cachy.providers.provider import Provider, WireFormat, parse_surfaces

REPLICATE = Provider(
    name="replicate",
    hosts=("api.replicate.com",),
    wire=WireFormat("replicate"),
    key_variables=("REPLICATE_API_TOKEN",),
    surfaces=parse_surfaces(
        "GET /v1/predictions/{prediction_id} status=succeeded|failed|canceled|aborted"
    ),
)
