"""What documentation says of the fields of responses, of every provider.

Facts come from the providers' own API references; a rule that only a recording suggests does
not belong here.
"""

from __future__ import annotations

# What a model writes into an answer: its type counts, nothing below it. "name of the object or
# variant.field"; "*" is any.
GENERATED = (
    "function.arguments",
    "function_call.arguments",
    "tool_use.input",
    "server_tool_use.input",
    "functionCall.args",
    "function_call.args",
    "mcp_call.arguments",
    "*.embedding",
    "*.embeddings",
    "*.logprobs",
    "*.top_logprobs",
    "*.parsed",
    "*.structured_output",
    "*.fieldsV1",  # https://kubernetes.io/docs/reference/using-api/server-side-apply
)
# Maps whose keys are the caller's data.
OPEN_MAPS = (
    *("*.metadata", "*.logit_bias", "*.headers", "*.files", "*.labels", "*.tags"),
    *("*.annotations", "*.features", "*.flags", "*.feature_flags", "*.experiments"),
    *("*.user_metadata", "*.app_metadata", "*.client_metadata", "*.domain_metadata"),
    *("*.userMetadata", "*.appMetadata", "*.clientMetadata", "*.customMetadata"),
    *("*.custom_metadata", "*.custom_fields", "*.customFields", "*.custom_attributes"),
    *("*.customAttributes", "*.custom_properties", "*.customProperties", "*.custom_data"),
    *("*.user_attributes", "*.userAttributes", "*.additional_properties"),
    # Named by the query or the fields that it counts by:
    # https://www.elastic.co/guide/en/elasticsearch/reference/current/search-aggregations.html
    *("*.aggregations", "*.aggs", "*.facets", "*.facet_counts", "*.facetCounts"),
)
# How an answer ended, and how far a job is: other fields come and go with these.
ENDINGS = ("finish_reason", "stop_reason", "finishReason", "stopReason")
STATES = ("status", "state")
# Of these, what says that nothing was cut, refused or filtered.
FINISHED = frozenset(
    {"stop", "STOP", "end_turn", "COMPLETE", "completed", "tool_calls", "tool_use", "in_progress"}
)
# Members of unions that are a tool call.
CALLS = frozenset({"function", "function_call", "custom_tool_call", "tool_use"})
# Fields that hold one of a few words, by the providers' API references.
ENUMS = (*ENDINGS, *STATES, "service_tier", "role")
# When a resource was made and when it was last changed, by its own account:
# https://google.aip.dev/148, https://docs.github.com/rest, and their other spellings
REVISIONS = (
    ("created_at", "updated_at"),
    ("createdAt", "updatedAt"),
    ("create_time", "update_time"),
    ("createTime", "updateTime"),
)
# Which of several back ends a router asked: https://openrouter.ai/docs/features/provider-routing
BACKENDS = ("provider",)

# Random text that hides the length of a streamed piece from an eavesdropper.
PADDING = ("p",)
# Events that say that a response failed after it began well.
FAILURE_EVENTS = frozenset({"error", "response.failed"})
# Events that only keep a connection open.
KEEP_ALIVE_EVENTS = frozenset({"ping", "keepalive", "keep-alive", "heartbeat"})

# When a model is taken away: https://platform.openai.com/docs/deprecations,
# https://docs.mistral.ai/api (models: deprecation), and the usual names of such a field.
SHUTDOWNS = ("shutdown_date", "deprecation", "deprecation_date", "retirement_date", "sunset_date")
# Response headers that say which version of an API answered.
VERSION_HEADERS = (
    *("anthropic-version", "openai-version", "x-api-version", "x-ms-version"),
    *("x-github-api-version-selected", "stripe-version", "notion-version"),
)
# Response headers that clients read and that do not come and go with a value.
JUDGED_HEADERS = (*VERSION_HEADERS, "etag", "www-authenticate")
# Codes of errors that say that a model is not served (any more).
GONE = ("model_not_found", "not_found_error", "model_decommissioned", "DeploymentNotFound")
# Objects of what a user set; those who set nothing leave it out.
CHOSEN = frozenset(
    {
        *("options", "settings", "preferences", "config", "configuration", "params", "parameters"),
        *("arguments", "args", "inputs", "variables", "vars", "custom", "extra", "extras"),
    }
)
# Fields that hold what a caller put there, of any type, in APIs that keep data.
FREE_VALUES = frozenset(
    {
        *("value", "values", "val", "default", "default_value", "defaultValue", "data", "payload"),
        *("input", "output", "expected_output", "result", "content", "body", "example", "raw"),
        *("attributes", "properties", "params", "parameters", "arguments", "settings", "config"),
        *("min", "max", "old_value", "new_value", "oldValue", "newValue", "from", "to", "answer"),
    }
)
