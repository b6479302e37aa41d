"""Google's Gemini API. https://ai.google.dev/api"""

from __future__ import annotations

from cachy.providers.provider import Operation, Provider, WireFormat, parse_surfaces

# Hosts that write ProtoJSON, which leaves out a field that holds its type's default (0, false,
# "", []) and names fields in lowerCamelCase: https://protobuf.dev/programming-guides/json
PROTO_JSON_HOSTS = ("googleapis.com",)
_VERBS = (
    *("generateContent", "streamGenerateContent"),
    *("embedContent", "batchEmbedContents", "countTokens"),
)

GEMINI_WIRE = WireFormat(
    name="gemini",
    operations=tuple(Operation(f":{verb}") for verb in _VERBS),
    client_tool_fields=("functionDeclarations", "function_declarations"),
    references=("cached_content", "cachedContent", "fileUri", "file_uri"),
    often_filtered=("?key",),
)

GEMINI = Provider(
    name="gemini",
    hosts=("generativelanguage.googleapis.com",),
    wire=GEMINI_WIRE,
    key_variables=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    auth="x-goog-api-key: {key}",
    key_parameters=("key",),
    placeholders=("GOOGLE_API_KEY",),
    credential_sources=("GEMINI_API_KEY",),  # google-genai warns where both are set
    base_url_variables=("GOOGLE_GEMINI_BASE_URL",),
    base_url="https://generativelanguage.googleapis.com",
    surfaces=parse_surfaces(
        *(
            f"POST /{version}/models/{{model}}:{verb} generates"
            for version in ("v1beta", "v1")
            for verb in _VERBS
        ),
        "GET /v1beta/models/{model}",
        "GET /v1beta/operations/{operation} done=true",
    ),
    sdk_prefixes=("/v1beta/models/{model}:", "/v1/models/{model}:"),
    sdk_models=(
        "generateContent google.genai.types:GenerateContentResponse -",
        "streamGenerateContent - google.genai.types:GenerateContentResponse",
        "embedContent google.genai.types:EmbedContentResponse -",
        "countTokens google.genai.types:CountTokensResponse -",
    ),
)
