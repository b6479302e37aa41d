"""Say what changed: for a person, a program, or a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from cachy.compare.compare import Change
from cachy.compare.rule import SEVERITIES
from cachy.compare.rules import RULES, SDK_VERDICTS
from cachy.display import counted, inline_code, printable, table_row
from cachy.drift.outcome.report import DriftReport, IgnoreRow, Summary, SurfaceRow
from cachy.drift.outcome.typed_json import dump
from cachy.interaction import Json


def render_json(report: DriftReport) -> str:
    """Return a report for a program."""
    return json.dumps(report.to_json(), indent=2, ensure_ascii=False)


def render_text(report: DriftReport) -> str:
    """Return a report for a terminal: what drifted first, worst first."""
    surfaces = [surface for surface in report.surfaces if surface.outcome == "drift"]
    lines = [line for surface in surfaces for line in _surface_lines(surface)]
    for entry in report.inconclusive:
        what = f"{entry.fixture}: {entry.detail}"
        lines.append(f"not checked ({entry.reason}): {printable(what)}")
    lines += [_ignore_line(entry) for entry in report.ignores]
    return "\n".join([*lines, summary_line(report.summary)])


def _ignore_line(entry: IgnoreRow) -> str:
    facts = {"rule": entry.rule, "surface": entry.surface, "path": entry.path}
    meant = ", ".join(f"{key} {value}" for key, value in facts.items() if value)
    why = f"expired on {entry.until}" if entry.state == "expired" else "nothing matched it"
    return printable(f"[tool.cachy.drift] ignore ({meant or 'everything'}): {why}. Remove it.")


def summary_line(summary: Summary) -> str:
    """Return one line that says what was checked and what was found."""
    counts = ", ".join(
        f"{getattr(summary, name)} {name.replace('_', ' ')}"
        for name in ("clean", "drift", "inconclusive", "not_exercised")
    )
    changes = ", ".join(f"{getattr(summary, name)} {name}" for name in SEVERITIES)
    return f"checked {summary.checked}: {counts}; changes: {changes}"


def _surface_lines(surface: SurfaceRow) -> Iterator[str]:
    count = len(surface.fixtures)
    yield f"{printable(surface.surface)}  ({counted(count, 'fixture')})"
    for change in surface.changes:
        yield from _change_lines(dump(change))
    yield ""


def _change_lines(change: Mapping[str, Json]) -> Iterator[str]:
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


def render_changes(changes: Sequence[Change], form: str) -> str:
    """Write the changes between two answers as text, json or markdown."""
    rows = [change.to_json() for change in changes]
    if form == "json":
        return json.dumps({"cachy": 1, "changes": rows}, indent=2, ensure_ascii=False)
    if form == "markdown":
        return "\n".join(_markdown_lines(rows))
    lines = [line for row in rows for line in _change_lines(row)]
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
