"""The headers that prove or name an account, of any API: no setting brings them into a fixture."""

from __future__ import annotations

NEVER_STORED = frozenset(
    (
        *("authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "apikey"),
        *("x-goog-api-key", "x-goog-user-project", "ocp-apim-subscription-key"),
        *("x-amz-security-token", "x-amz-credential", "x-auth-token", "x-access-token"),
        *("x-csrf-token", "x-xsrf-token", "proxy-authenticate", "authentication-info"),
        *("openai-organization", "openai-project", "anthropic-organization-id"),
        *("x-ms-authorization-auxiliary", "private-token", "x-gitlab-token", "x-vault-token"),
    )
)
"""Their names, in lower case."""
