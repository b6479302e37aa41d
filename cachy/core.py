"""The public names where pycachy 0.0.x had them; import them from `cachy`."""

from cachy.fixture.legacy_pycachy import norm_pats
from cachy.providers import DOMS as doms
from cachy.replay.scope import cachy, disable_cachy, enable_cachy, no_cachy

__all__ = ["cachy", "disable_cachy", "doms", "enable_cachy", "no_cachy", "norm_pats"]
