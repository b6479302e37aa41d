"""What verify reports: one breach of one rule, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from cachy.config import Config
from cachy.display import relative_path
from cachy.verify.rules import RULES, FindingSeverity


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of one rule; `fixture` is relative to the project's root.

    `advice` says what to do in this case, if the rule's own advice does not fit.
    """

    rule: str
    fixture: str
    detail: str
    advice: str = ""

    @property
    def severity(self) -> FindingSeverity:
        """The severity of its rule."""
        return RULES[self.rule].severity

    @property
    def fix(self) -> str:
        """What to do about it."""
        return self.advice or RULES[self.rule].fix

    def after_fix(self) -> Finding:
        """Return the finding with the advice for what `--fix` has left."""
        return replace(self, advice=self.advice or RULES[self.rule].left)


def shown(config: Config, path: Path) -> str:
    """Return a file's path as findings show it: from the project's root if it lies below."""
    return relative_path(path, config.root)
