"""Offline health of a folder of fixtures."""

from cachy.verify.check import count_fixtures, verify
from cachy.verify.finding import Finding
from cachy.verify.fix import fix
from cachy.verify.rules import RULES, Rule

__all__ = ["RULES", "Finding", "Rule", "count_fixtures", "fix", "verify"]
