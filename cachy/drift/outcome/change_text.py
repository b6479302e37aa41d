"""Changes as text, JSON and Markdown, for `cachy diff`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cachy.compare.catalogue.change import Change
from cachy.compare.catalogue.rules import RULES, SDK_VERDICTS
from cachy.display import inline_code, printable, table_row
from cachy.interaction import Json

INDENT = " " * 13
_MOST = 3  # names in a line


def render_changes(changes: Sequence[Change], output_format: str) -> str:
    """Return the changes between responses as text, json or markdown.

    What people read has a change of several files once, with their names.
    """
    if output_format == "json":
        rows = [change.to_json() for change in changes]
        return json.dumps({"cachy": 1, "changes": rows}, indent=2, ensure_ascii=False)
    rows = [change.to_json() for change in _once(changes)]
    if output_format == "markdown":
        return "\n".join(_markdown_lines(rows))
    lines = [line for row in rows for line in _lines_with_files(row)]
    return "\n".join(lines or ["No structural change."])


def _once(changes: Iterable[Change]) -> Iterator[Change]:
    """Yield each change once, with all files that show it."""
    files: dict[Change, dict[str, None]] = {}
    for change in changes:
        names = files.setdefault(replace(change, fixtures=()), {})
        names.update(dict.fromkeys(change.fixtures))
    for change, names in files.items():
        yield replace(change, fixtures=tuple(names))


def _lines_with_files(change: Mapping[str, Json]) -> Iterator[str]:
    first, *advice = change_lines(change)
    yield first
    if change["fixtures"]:
        yield f"{INDENT}In {listed(change['fixtures'])}"
    yield from advice


def listed(names: Sequence[str]) -> str:
    """Return names on one line: the first ones, and how many more there are."""
    shown = ", ".join(map(printable, names[:_MOST]))
    return shown + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


def _markdown_lines(rows: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    if not rows:
        yield "No structural change."
        return
    heads = ["severity", "rule", "path", "old", "new", "SDK"]
    has_files = any(row["fixtures"] for row in rows)
    yield table_row(*heads, *(["files"] if has_files else []))
    yield "|---" * (len(heads) + has_files) + "|"
    for row in rows:
        shown = (inline_code(row[key], 120) if row[key] else "" for key in ("path", "old", "new"))
        path, old, new = shown
        hint = f" ({inline_code(row['hint'], 120)})" if row.get("hint") else ""
        verdict = "" if row["sdk"] == "unknown" else row["sdk"]
        files = [inline_code(listed(row["fixtures"]), 400)] if has_files else []
        yield table_row(row["severity"], row["rule"], path + hint, old, new, verdict, *files)


def change_lines(change: Mapping[str, Json]) -> Iterator[str]:
    """Yield a change as lines for a terminal: what it is, then what to do."""
    yield f"  {change['severity']:10} {change['rule']:22} {_moved(change)}"
    for advice in (_advice(change), SDK_VERDICTS.get(change["sdk"], "")):
        if advice:
            yield INDENT + advice


def _advice(change: Mapping[str, Json]) -> str:
    rule = RULES.get(change["rule"])
    return rule.advice if rule else ""


def _moved(change: Mapping[str, Json]) -> str:
    old, new = change["old"], change["new"]
    types = f"{old} -> {new}" if old and new else (new or old or "")
    hint = f" ({change['hint']})" if change.get("hint") else ""
    return printable((f"{change['path']}: {types}" if types else change["path"]) + hint)
