"""Offline health of a folder of fixtures."""

from cachy.verify.check import Finding, count_fixtures, verify
from cachy.verify.rules import RULES, Rule

__all__ = ["RULES", "Finding", "Rule", "count_fixtures", "verify"]
