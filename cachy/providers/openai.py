"""OpenAI: its wire format, which many hosts speak, and its own API.

https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from cachy.providers.provider import Operation, Provider, WireFormat, parse_surfaces

# What names the turn of a conversation that a request goes on from.
TURN_REFERENCES = ("previous_response_id", "conversation")
DONE = "[DONE]"  # the text that ends a stream of completions
_RESPONSE_ENDS = ("response.completed", "response.failed", "response.incomplete", "error", DONE)

OPENAI_WIRE = WireFormat(
    name="openai",
    operations=(
        Operation("/chat/completions", stream_ends=(DONE,)),
        Operation("/fim/completions", stream_ends=(DONE,)),
        Operation("/completions", stream_ends=(DONE,)),
        Operation("/responses", stream_ends=_RESPONSE_ENDS),
        Operation("/embeddings"),
        Operation("/moderations"),
    ),
    match_headers=("openai-beta",),
    server_side=(
        *("background", "store", "web_search_options"),
        *("plugins", "search_parameters", "deferred"),  # of routers and xAI
        *("enable_search", "web_search"),  # of Qwen and others
    ),
    server_side_models=(
        *("*-search-preview*", "*-search-api*", "*deep-research*", "*:online"),
        *("perplexity/*", "sonar*", "groq/compound*", "compound-beta*"),
    ),
    client_tools=("function", "custom"),
    references=(
        *TURN_REFERENCES,
        *("file_id", "file_ids", "container_id", "vector_store_ids"),
    ),
    noise=("prompt_cache_key",),
)

_BATCH = "status=completed|failed|expired|cancelled"
OPENAI_ROWS = (
    "POST /v1/chat/completions generates",
    "POST /v1/completions generates",
    "POST /v1/responses generates",
    "POST /v1/embeddings generates",
    "POST /v1/moderations generates",
    "GET /v1/responses/{response_id} status=completed|failed|incomplete|cancelled",
    f"GET /v1/batches/{{batch_id}} {_BATCH}",
    "GET /v1/fine_tuning/jobs/{job_id} status=succeeded|failed|cancelled",
    "GET /v1/vector_stores/{vector_store_id} status=completed|expired",
    "GET /v1/videos/{video_id} status=completed|failed",
    "GET /v1/models/{model}",
    "GET /v1/files/{file_id}",
    "GET /v1/files/{file_id}/content data",
)
OPENAI_MODELS = (
    "/chat/completions openai.types.chat:ChatCompletion openai.types.chat:ChatCompletionChunk",
    "/completions openai.types:Completion openai.types:Completion",
    "/responses openai.types.responses:Response openai.types.responses:ResponseStreamEvent",
    "/responses/{response_id} openai.types.responses:Response -",
    "/embeddings openai.types:CreateEmbeddingResponse -",
    "/moderations openai.types:ModerationCreateResponse -",
    "/batches/{batch_id} openai.types:Batch -",
    "/fine_tuning/jobs/{job_id} openai.types.fine_tuning:FineTuningJob -",
    "/vector_stores/{vector_store_id} openai.types:VectorStore -",
    "/models/{model} openai.types:Model -",
    "/files/{file_id} openai.types:FileObject -",
)

OPENAI = Provider(
    name="openai",
    hosts=("api.openai.com",),
    wire=OPENAI_WIRE,
    key_variables=("OPENAI_API_KEY",),
    placeholders=("OPENAI_API_KEY",),
    base_url_variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    base_url="https://api.openai.com/v1",
    surfaces=parse_surfaces(*OPENAI_ROWS),
    sdk_prefixes=("/v1",),
    sdk_models=OPENAI_MODELS,
)
CHATGPT = Provider(name="chatgpt", hosts=("chatgpt.com",), wire=OPENAI_WIRE, auth="")
