"""Changes as text, JSON and Markdown, for `cachy diff`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from cachy.compare.catalogue.change import Change
from cachy.compare.catalogue.rules import RULES, SDK_VERDICTS
from cachy.display import inline_code, printable, table_row
from cachy.interaction import Json


def render_changes(changes: Sequence[Change], output_format: str) -> str:
    """Return the changes between two responses as text, json or markdown."""
    rows = [change.to_json() for change in changes]
    if output_format == "json":
        return json.dumps({"cachy": 1, "changes": rows}, indent=2, ensure_ascii=False)
    if output_format == "markdown":
        return "\n".join(_markdown_lines(rows))
    lines = [line for row in rows for line in change_lines(row)]
    return "\n".join(lines or ["No structural change."])


def _markdown_lines(rows: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    if not rows:
        yield "No structural change."
        return
    yield "| severity | rule | path | old | new | SDK |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        shown = (inline_code(row[key], 120) if row[key] else "" for key in ("path", "old", "new"))
        path, old, new = shown
        hint = f" ({inline_code(row['hint'], 120)})" if row.get("hint") else ""
        verdict = "" if row["sdk"] == "unknown" else row["sdk"]
        yield table_row(row["severity"], row["rule"], path + hint, old, new, verdict)


def change_lines(change: Mapping[str, Json]) -> Iterator[str]:
    """Yield a change as lines for a terminal: what it is, then what to do."""
    yield f"  {change['severity']:10} {change['rule']:22} {_moved(change)}"
    for advice in (_advice(change), SDK_VERDICTS.get(change["sdk"], "")):
        if advice:
            yield f"             {advice}"


def _advice(change: Mapping[str, Json]) -> str:
    rule = RULES.get(change["rule"])
    return rule.advice if rule else ""


def _moved(change: Mapping[str, Json]) -> str:
    old, new = change["old"], change["new"]
    types = f"{old} -> {new}" if old and new else (new or old or "")
    hint = f" ({change['hint']})" if change.get("hint") else ""
    return printable((f"{change['path']}: {types}" if types else change["path"]) + hint)
