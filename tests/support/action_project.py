"""A checkout whose `cachy` prints what a test wants, and the reports that it may print."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from action_runner import Ran, Runner

STUB = """#!/bin/sh
here=${0%/*}
printf '%s\\0' "$PWD" "$@" > "$here/called"
env -0 > "$here/environ"
cat "$here/stderr" >&2
cat "$here/stdout"
exit "$(cat "$here/code")"
"""


class Project:
    """A checkout with a runner; its `cachy` prints what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.temp, self.bin = (folder / name for name in ("work", "temp", "bin"))
        for made in (self.workspace, self.temp, self.bin):
            made.mkdir()
        self.program = self.bin / "cachy"
        self.program.write_text(STUB, encoding="utf-8")
        self.program.chmod(0o755)

    def run(self, report: Any = "", code: int = 0, *, environ: Any = (), **inputs: str) -> Ran:
        """Run the action; `report` is what cachy prints, as JSON if it is not text."""
        text = report if isinstance(report, str) else json.dumps(report)
        (self.bin / "stdout").write_text(text, encoding="utf-8")
        (self.bin / "code").write_text(str(code))
        if not (self.bin / "stderr").exists():
            self.says("")
        return self.runner(self.program, **dict(environ)).run(**inputs)

    def says(self, talk: str) -> None:
        (self.bin / "stderr").write_text(talk, encoding="utf-8")

    def runner(self, program: Path, **environ: str) -> Runner:
        installed = {"python": sys.executable, "cachy": str(program)}
        return Runner(self.workspace, self.temp, environ, {"install": installed}, uses_bash=False)

    @property
    def called(self) -> tuple[list[str], str, dict[str, str]]:
        """The arguments, working folder and environment of cachy."""
        folder, *arguments = self._read("called")
        environ = dict(row.split("=", 1) for row in self._read("environ"))
        return arguments, folder, environ

    @property
    def was_called(self) -> bool:
        return (self.bin / "called").exists()

    def _read(self, name: str) -> list[str]:
        return (self.bin / name).read_text(encoding="utf-8").split("\0")[:-1]


def verified(*findings: Any, fixtures: int = 12) -> dict[str, Any]:
    severities = [finding["severity"] for finding in findings]
    summary = {
        "fixtures": fixtures,
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
    }
    return {"cachy": 1, "summary": summary, "findings": list(findings)}


def finding(severity: str = "error", text: str = "secret-left") -> dict[str, str]:
    return {
        "rule": text,
        "severity": severity,
        "fixture": f"cachy_fixtures/{text}.json",
        "detail": text,
        "fix": f"{text} again",
    }


def drifted(*changes: Any, **more: Any) -> dict[str, Any]:
    severities = [change["severity"] for change in changes]
    counts = {name: severities.count(name) for name in ("breaking", "risky", "compatible")}
    unchecked = more.get("inconclusive", [])
    summary = {
        "checked": 12,
        "clean": 10,
        "drift": int(bool(changes)),
        "inconclusive": len(unchecked),
        "not_exercised": 3,
        **counts,
    }
    surface = {
        "surface": more.pop("surface", "POST api.openai.com/v1/responses"),
        "outcome": "drift",
        "fixtures": ["cachy_fixtures/a.json"],
        "changes": list(changes),
    }
    summary |= more.pop("summary", {})
    return {"cachy": 1, "summary": summary, "surfaces": [surface], "inconclusive": [], **more}


def change(severity: str = "compatible", **more: Any) -> dict[str, Any]:
    known = {
        "rule": "field-added",
        "severity": severity,
        "path": "$.completed_at",
        "old": None,
        "new": "integer",
        "confirmed": "1/1",
        "sdk": "unknown",
        "fixtures": ["cachy_fixtures/a.json"],
    }
    return known | more


UNCHECKED = {"fixture": "cachy_fixtures/b.json", "reason": "quota", "detail": "429"}
