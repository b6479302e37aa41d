"""Everything that a user can set: arguments, environment and `[tool.cachy]`, read once."""

from cachy.config.check import SECTIONS, SETTINGS, parse_mode, suggest
from cachy.config.covered_hosts import find_alias, is_covered, is_loopback
from cachy.config.load import config_at, current_test, environment, in_ci, load_config, override
from cachy.config.project import calling_folder, find_project, parse_pyproject
from cachy.config.settings import Config, Drift, Match, Mode, Pair, Repeats, Share, is_recorded

__all__ = [
    "SECTIONS",
    "SETTINGS",
    "Config",
    "Drift",
    "Match",
    "Mode",
    "Pair",
    "Repeats",
    "Share",
    "calling_folder",
    "config_at",
    "current_test",
    "environment",
    "find_alias",
    "find_project",
    "in_ci",
    "is_covered",
    "is_loopback",
    "is_recorded",
    "load_config",
    "override",
    "parse_mode",
    "parse_pyproject",
    "suggest",
]
