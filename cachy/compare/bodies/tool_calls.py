"""Tool calls that a request requires: a response that ends without one has changed."""

from __future__ import annotations

from cachy.interaction import Json
from cachy.providers.response_fields import CALLS, ENDINGS, FINISHED, STATES
from cachy.structure.paths import Paths


def demands_call(body: Json) -> bool:
    """Return whether a request's body requires the model to call a tool.

    https://platform.openai.com/docs/guides/function-calling,
    https://platform.claude.com/docs/en/agents-and-tools/tool-use,
    https://ai.google.dev/gemini-api/docs/function-calling
    """
    if not isinstance(body, dict):
        return False
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        choice = choice.get("mode", choice.get("type"))
    config = body.get("toolConfig")
    for name in ("functionCallingConfig", "mode"):
        config = config.get(name) if isinstance(config, dict) else None
    words = [word.lower() for word in (choice, config) if isinstance(word, str)]
    return any(word in ("required", "any", "tool", "function", "custom") for word in words)


def is_call(path: str) -> bool:
    """Return whether a path is a member of a union that is a tool call."""
    return path.endswith(("]", "}")) and path[path.rfind("=") + 1 : -1] in CALLS


def has_finished(paths: Paths) -> bool:
    """Return whether a response is complete: one that was cut or refused may lack anything."""
    endings = [fact.tokens for path, fact in paths.items() if _last(path) in (*ENDINGS, *STATES)]
    return frozenset[str]().union(*endings) <= FINISHED


def _last(path: str) -> str:
    return path.rpartition(".")[2]
