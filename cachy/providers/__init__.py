"""What we know of each API, as data: one file a provider, and one registry of them."""

from cachy.providers.provider import Operation, Polling, Provider, Surface, WireFormat
from cachy.providers.registry import (
    DOMS,
    MATCH_HEADERS,
    PROVIDERS,
    STREAM_ENDS,
    WIRE_FORMATS,
    find_operation,
    find_provider,
    find_surface,
    hosts_behind,
    is_known_api,
)

__all__ = [
    "DOMS",
    "MATCH_HEADERS",
    "PROVIDERS",
    "STREAM_ENDS",
    "WIRE_FORMATS",
    "Operation",
    "Polling",
    "Provider",
    "Surface",
    "WireFormat",
    "find_operation",
    "find_provider",
    "find_surface",
    "hosts_behind",
    "is_known_api",
]
