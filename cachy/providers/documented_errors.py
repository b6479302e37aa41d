"""What each API documents as the body of an error, by its wire format.

https://platform.openai.com/docs/guides/error-codes, https://platform.claude.com/docs/en/api/errors,
https://ai.google.dev/gemini-api/docs/troubleshooting, https://docs.cohere.com/reference/errors
"""

from __future__ import annotations

import json
from http import HTTPStatus

from cachy.interaction import Json
from cachy.providers.registry import find_operation, find_provider

_OPENAI = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", None, "Country, region, or territory not supported"),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests"),
    503: ("server_error", None, "The engine is currently overloaded, please try again later"),
}
_OPENAI_OTHER = ("server_error", None, "The server had an error while processing your request")
_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_GOOGLE = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def documented_error(host: str, method: str, path: str, status: int) -> bytes:
    """Return the body that the API at a host and path documents for a status."""
    found, provider = find_operation(method, path), find_provider(host)
    wire = found[0].name if found else provider.wire.name if provider else ""
    return json.dumps(_body(wire, status), separators=(",", ":")).encode()


def _body(wire: str, status: int) -> Json:
    phrase = HTTPStatus(status).phrase if status in list(HTTPStatus) else "Overloaded"
    match wire:
        case "openai":
            kind, code, message = _OPENAI.get(status, _OPENAI_OTHER)
            return {"error": {"message": message, "type": kind, "param": None, "code": code}}
        case "anthropic":
            error = {"type": _ANTHROPIC.get(status, "api_error"), "message": phrase}
            return {"type": "error", "error": error}
        case "gemini":
            name = _GOOGLE.get(status, "INTERNAL")
            return {"error": {"code": status, "message": phrase, "status": name}}
        case "cohere" | "bedrock":
            return {"message": phrase}
    return {"error": {"message": phrase}}
