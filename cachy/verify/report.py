"""What verify found: for a person, a program, or a workflow's log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from cachy.display import counted, printable
from cachy.verify.finding import Finding
from cachy.verify.rules import RULES, FindingRule

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def summarize(findings: Sequence[Finding], checked: int) -> dict[str, Any]:
    """Return the report as `--format json` prints it."""
    severities = [finding.severity for finding in findings]
    return {
        "cachy": 1,
        "summary": {
            "fixtures": checked,
            "errors": severities.count("error"),
            "warnings": severities.count("warning"),
        },
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity,
                "fixture": finding.fixture,
                "detail": finding.detail,
                "fix": finding.fix,
            }
            for finding in findings
        ],
    }


def render_json(findings: Sequence[Finding], checked: int) -> str:
    """Return the report for a program."""
    return json.dumps(summarize(findings, checked), indent=2, ensure_ascii=False)


def render_text(findings: Sequence[Finding], checked: int) -> str:
    """Return the report for a person, the errors first."""
    order = sorted(findings, key=lambda finding: list(_COMMANDS).index(finding.severity))
    lines = [
        f"{finding.severity}: {printable(finding.fixture)}: {printable(finding.detail)}"
        f"\n  {finding.rule}: {printable(finding.fix)}"
        for finding in order
    ]
    total = summarize(findings, checked)["summary"]
    found = f"{counted(total['errors'], 'error')}, {counted(total['warnings'], 'warning')}"
    return "\n".join([*lines, f"{counted(checked, 'fixture')}: {found}"])


def render_github(findings: Sequence[Finding], checked: int) -> str:
    """Return a workflow command for each finding, or the counts if there is none."""
    commands = [
        f"::{_COMMANDS[finding.severity]} file={_escaped(finding.fixture, ':,')},"
        f"title={finding.rule}::{_escaped(finding.detail)}"
        for finding in findings
    ]
    return "\n".join([*commands, render_text([], checked)] if not findings else commands)


_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SARIF = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render_sarif(findings: Sequence[Finding], checked: int) -> str:
    """Return the report for code scanning: SARIF 2.1.0, one run."""
    driver = {
        "name": "cachy",
        "informationUri": "https://github.com/AnswerDotAI/cachy",
        "rules": [_sarif_rule(rule) for rule in RULES.values()],
    }
    results = [_sarif_result(finding) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _sarif_rule(rule: FindingRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": f"{rule.what} {rule.why}"},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": _SARIF_LEVELS[rule.severity]},
    }


def _sarif_result(finding: Finding) -> dict[str, Any]:
    """Return a result at the file's first line: code scanning shows none without a place."""
    uri = quote(finding.fixture.replace("\\", "/"))
    place = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    return {
        "ruleId": finding.rule,
        "ruleIndex": list(RULES).index(finding.rule),
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": printable(f"{finding.detail}. {finding.fix}")},
        "locations": [{"physicalLocation": place}],
    }


def _escaped(text: str, more: str = "") -> str:
    """Escape for a workflow command, whose properties also end at a colon or a comma."""
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
