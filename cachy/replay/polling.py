"""Which surfaces tell how far a job is, so that equal requests are answered in turn."""

from __future__ import annotations

from cachy.fixture.identity.fingerprint import Identity
from cachy.providers import find_surface
from cachy.providers.provider import Polling


def surface_of(identity: Identity) -> str:
    """Return the surface of a request as the setting `polling` names it."""
    return f"{identity.target.authority}{identity.target.template}"


def polling_of(identity: Identity) -> Polling | None:
    """Return how the response to a request tells a job's state; None where it tells none."""
    target = identity.target
    surface = find_surface(target.authority, identity.method, target.template)
    return surface.polling if surface else None
