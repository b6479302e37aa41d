"""Record your API calls once, replay them for ever, and hear when the API drifts.

PYTEST_DONT_REWRITE: nothing here asserts, and `cachy run` loads it before pytest can.
"""

from cachy.errors import CachyError, UnrecordedRequest
from cachy.fixture.legacy_pycachy import norm_pats
from cachy.providers import DOMS as doms
from cachy.replay.scope import cachy, disable_cachy, enable_cachy, no_cachy

__all__ = [
    "CachyError",
    "UnrecordedRequest",
    "cachy",
    "disable_cachy",
    "doms",
    "enable_cachy",
    "no_cachy",
    "norm_pats",
]
