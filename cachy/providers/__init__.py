"""What we know of each API host, and of the fields of its answers, as data."""

from cachy.providers.hosts import (
    DOMS,
    MATCH_HEADERS,
    PROVIDERS,
    Provider,
    Surface,
    find_provider,
    find_surface,
)

__all__ = [
    "DOMS",
    "MATCH_HEADERS",
    "PROVIDERS",
    "Provider",
    "Surface",
    "find_provider",
    "find_surface",
]
