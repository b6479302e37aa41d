"""Offline health of a folder of fixtures."""

from cachy.verify.check import count_fixtures, list_checked, verify
from cachy.verify.finding import Finding
from cachy.verify.fix import fix, write_contracts
from cachy.verify.rules import RULES, FindingRule

__all__ = [
    "RULES",
    "Finding",
    "FindingRule",
    "count_fixtures",
    "fix",
    "list_checked",
    "verify",
    "write_contracts",
]
