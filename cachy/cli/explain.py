"""`cachy explain`: the page of a rule."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click

from cachy.cli.terminal import write
from cachy.errors import CachyError


@click.command()
@click.argument("rule", required=False)
def command(rule: str | None) -> int:
    """Explain a rule of verify or drift: what it means, why it matters, what to do.

    Without RULE, lists all rules.

    Example: cachy explain field-removed
    """
    from cachy.compare.compare import RULES as CHANGES
    from cachy.verify.rules import RULES as FINDINGS

    rules: dict[str, Any] = {**FINDINGS, **CHANGES}
    if rule is None:
        width = max(map(len, rules))
        lines = [f"{name:{width}}  {row.what}" for name, row in rules.items()]
        write("\n".join(lines), hang=width + 2)
        return 0
    if rule not in rules:
        near = get_close_matches(rule, rules, n=3) or ["`cachy explain` lists all rules"]
        raise CachyError(f"Unknown rule {rule!r}.", advice=f"Did you mean: {', '.join(near)}?")
    write(_render(rules[rule]), hang=0)
    return 0


def _render(row: Any) -> str:
    lines = [f"{getattr(row, 'id', '')} ({getattr(row, 'severity', '')})"]
    titles = {"what": "What it means", "why": "Why it matters", "example": "Example"}
    titles |= {"fix": "What to do", "advice": "What to do"}
    for name, title in titles.items():
        if text := getattr(row, name, ""):
            lines.append(f"{title}\n  {text}")
    return "\n\n".join(lines)
