"""Every provider that we know, and how to find one."""

from __future__ import annotations

from functools import lru_cache

from cachy.providers.anthropic import ANTHROPIC, ANTHROPIC_WIRE
from cachy.providers.aws import AWS_WIRE
from cachy.providers.azure import AZURE
from cachy.providers.bedrock import BEDROCK, BEDROCK_HOSTS
from cachy.providers.cohere import COHERE, COHERE_WIRE
from cachy.providers.google import GEMINI, GEMINI_WIRE
from cachy.providers.mcp import MCP_WIRE
from cachy.providers.mistral import MISTRAL
from cachy.providers.ollama import OLLAMA
from cachy.providers.openai import CHATGPT, OPENAI, OPENAI_WIRE
from cachy.providers.openai_compatible import OPENAI_COMPATIBLE
from cachy.providers.provider import Operation, Provider, Surface, WireFormat
from cachy.providers.replicate import REPLICATE

PROVIDERS = (
    *(OPENAI, AZURE, ANTHROPIC, GEMINI, MISTRAL, COHERE),
    *OPENAI_COMPATIBLE,
    *(REPLICATE, BEDROCK, OLLAMA, CHATGPT),
)
WIRE_FORMATS = (OPENAI_WIRE, ANTHROPIC_WIRE, GEMINI_WIRE, COHERE_WIRE, MCP_WIRE, AWS_WIRE)

# The hosts that are covered unless `doms` says otherwise.
DOMS = tuple(host for row in PROVIDERS if row is not BEDROCK for host in row.hosts) + BEDROCK_HOSTS

_PAGE = "x-ms-continuation"  # which page of Cosmos DB is asked for
MATCH_HEADERS = tuple(
    sorted({_PAGE, *[name for wire in WIRE_FORMATS for name in wire.match_headers]})
)
# The server-sent events of which one ends a whole stream of some provider.
STREAM_ENDS = frozenset(
    end
    for wire in WIRE_FORMATS
    if wire is not AWS_WIRE  # its streams are framed in another way
    for row in wire.operations
    for end in row.stream_ends
)


@lru_cache(maxsize=256)
def find_provider(host: str) -> Provider | None:
    """Find the provider of a host (`host` or `host:port`, lower case), or None."""
    name = host.rpartition(":")[0] or host
    labels = name.split(".")
    tails = {".".join(labels[start:]) for start in range(len(labels))} | {host}
    return next((row for row in PROVIDERS if tails.intersection(row.hosts)), None)


def hosts_behind(variable: str) -> tuple[str, ...]:
    """Return the hosts that a provider's SDK calls where this base-URL variable names no other."""
    rows = (row for row in PROVIDERS if variable in row.base_url_variables)
    return tuple(host for row in rows for host in row.hosts)


def is_known_api(host: str) -> bool:
    """Return whether a host serves only a provider's API, as not all of AWS does."""
    provider = find_provider(host)
    return provider is not None and (provider is not BEDROCK or host in BEDROCK_HOSTS)


@lru_cache(maxsize=1024)
def find_surface(host: str, method: str, template: str) -> Surface | None:
    """Find the row of a surface by its path template, or None."""
    provider = find_provider(host)
    rows = provider.surfaces if provider else ()
    return next((row for row in rows if row.method == method and row.path == template), None)


@lru_cache(maxsize=1024)
def find_operation(method: str, path: str) -> tuple[WireFormat, Operation] | None:
    """Find what a request to any host asks for, and in which wire format; or None.

    A gateway serves the paths of the API that it stands for below a path of its own.
    """
    for wire in WIRE_FORMATS if method == "POST" else ():
        for row in wire.operations:
            if path.endswith(row.ending):
                return wire, row
    return None
