"""Whose state of the world a request sees: a test's own, a module's, or the project's."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cachy.config import Config
from cachy.fixture.identity.fingerprint import Identity
from cachy.providers import find_operation, find_surface
from cachy.replay.process import PROCESS


class Owner(NamedTuple):
    """The test that runs, or the module, class or session whose pytest fixture is set up."""

    path: Path | None  # None: the session
    names: str = ""  # pytest's own, joined by `::`
    is_wide: bool = False  # a scope of several tests, whose pytest fixture asks

    def name(self, config: Config) -> str:
        """Return the id by which its fixtures are found from any working folder."""
        if self.path is None:
            return ""
        return _name_below(config.root, self.path, self.names, config.redact)


@lru_cache(maxsize=64)  # each request of a test asks several times
def _name_below(root: Path, path: Path, names: str, redact: tuple[str, ...]) -> str:
    from cachy.redact import redact_text  # only tests have names

    shown = Path(os.path.relpath(path, root)).as_posix()
    return redact_text(f"{shown}::{names}" if names else shown, redact)


def current_owner() -> Owner | None:
    """Return the owner of what is asked now; None outside of pytest."""
    owner: Owner | None = PROCESS.owner
    return owner


def set_owner(owner: Owner | None) -> Owner | None:
    """Make this the owner from now on, and return the one before."""
    former, PROCESS.owner = current_owner(), owner
    return former


def variants_to_try(identity: Identity, config: Config) -> tuple[str, ...]:
    """Return the variants under which a response may be recorded, the test's own first."""
    owner: Owner | None = PROCESS.owner
    if owner is None or owner.path is None:
        return (config.variant,)
    share = _share(identity, config) or "test"
    own = _own(owner, config, share)
    if own == config.variant:
        return (own,)
    imported = _own(_as_cassettes_are_named(owner), config, share)
    return (own, config.variant) if imported == own else (own, imported, config.variant)


_NO_FILE_NAME = str.maketrans(dict.fromkeys("<>?%*:|\\\"'/", "-"))


def _as_cassettes_are_named(owner: Owner) -> Owner:
    """Return a test as `cachy import` knows it, by the name that pytest-recording gave its file."""
    *outer, test = owner.names.split("::")
    return owner._replace(names="::".join([*outer, test.translate(_NO_FILE_NAME)]))


def variant_to_record(identity: Identity, config: Config) -> str:
    """Return the variant under which a response is recorded now."""
    owner = current_owner()
    if owner is None or owner.path is None:
        return config.variant
    default = "project" if is_generation(identity) else "test"
    return _own(owner, config, _share(identity, config) or default)


def is_generation(identity: Identity) -> bool:
    """Return whether a model answers a request, so that no test's state matters."""
    target = identity.target
    surface = find_surface(target.authority, identity.method, target.template)
    found = find_operation(identity.method, target.path)
    return bool(surface and surface.generates) or bool(found and found[1].generates)


def _share(identity: Identity, config: Config) -> str:
    share = config.share
    if share is None or isinstance(share, str):
        return share or ""
    authority = identity.target.authority
    return share.get(authority, "") or share.get(authority.rpartition(":")[0], "")


def _own(owner: Owner, config: Config, share: str) -> str:
    if share == "project":
        return config.variant
    return own_variant(owner._replace(names="") if share == "module" else owner, config)


def own_variant(owner: Owner, config: Config) -> str:
    """Return the variant of what belongs to a test, in the state that the settings name."""
    name = owner.name(config)
    return f"{name}, {config.variant}" if config.variant else name
