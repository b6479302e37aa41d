"""What verify reports: one breach of one rule, and how its file is named to people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cachy.config import Config
from cachy.verify.rules import RULES, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of one rule; `fixture` is relative to the project's root."""

    rule: str
    fixture: str
    detail: str

    @property
    def severity(self) -> Severity:
        """The severity of its rule."""
        return RULES[self.rule].severity


def shown(config: Config, path: Path) -> str:
    """Name a file as findings do: relative to the project's root where it lies below."""
    inside = path.is_relative_to(config.root)
    return path.relative_to(config.root).as_posix() if inside else str(path)
