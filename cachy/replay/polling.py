"""Which surfaces tell how far a job is, so that equal requests are answered in turn."""

from __future__ import annotations

from cachy.config import Config
from cachy.fixture.identity.fingerprint import Identity
from cachy.providers import find_surface
from cachy.providers.provider import Polling
from cachy.replay.process import PROCESS


def repeats(identity: Identity, config: Config) -> bool:
    """Return whether equal requests get their responses in turn, as in tests and when polling."""
    way = config.repeats or ("sequence" if PROCESS.owner else "same")
    return way == "sequence" or is_polling(identity, config)


def is_polling(identity: Identity, config: Config) -> bool:
    """Return whether a request polls, as the settings or the provider's table say."""
    target = identity.target
    surface = find_surface(target.authority, identity.method, target.template)
    if surface is not None and surface.polling is not None:
        return True
    return bool(config.polling) and is_listed(identity, config)


def is_listed(identity: Identity, config: Config) -> bool:
    """Return whether the setting `polling` names the surface of a request."""
    return surface_of(identity) in config.polling


def surface_of(identity: Identity) -> str:
    """Return the surface of a request as the setting `polling` names it."""
    return f"{identity.target.authority}{identity.target.template}"


def polling_of(identity: Identity) -> Polling | None:
    """Return how the response to a request tells a job's state; None where it tells none."""
    target = identity.target
    surface = find_surface(target.authority, identity.method, target.template)
    return surface.polling if surface else None
