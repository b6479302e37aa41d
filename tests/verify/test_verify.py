"""What verify finds in a folder of fixtures; each rule breaks a fixture that was whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from verify_project import NOW, edit, make_config, record

from cachy.config import Config, Match
from cachy.errors import CachyError, Inconclusive
from cachy.verify import RULES, Finding, verify
from cachy.verify.report import render_github, render_sarif, render_text, summarize


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def test_a_whole_folder_has_no_findings(config: Config) -> None:
    record(config)
    record(config, "And you?", b'{"choices": []}')
    assert verify(config, now=NOW) == []


def drop_version(path: Path) -> None:
    path.write_text(path.read_text().replace('"cachy": 1', '"cachy": 9'))


def link_outside(path: Path) -> None:
    outside = path.parents[6] / "outside.json"
    path.rename(outside)
    path.symlink_to(outside)


def key(path: Path) -> None:
    shaped = "sk-" + "proj-" + "Ab1" * 16
    edit(path, lambda document: document["response"]["sse"].insert(0, {"data": shaped}))


BREAKS: list[tuple[str, Callable[[Path], Any]]] = [
    ("unreadable", lambda path: path.write_text("{")),
    ("unreadable", lambda path: path.write_bytes(b"\xff\xfe")),
    ("newer-format", drop_version),
    ("invalid", lambda path: edit(path, lambda document: document.pop("response"))),
    ("invalid", lambda path: edit(path, lambda document: document["response"].update(json=1))),
    ("invalid", lambda path: edit(path, lambda document: document["request"].update(x=1))),
    ("wrong-place", lambda path: edit(path, lambda d: d["request"]["json"].update(model="other"))),
    ("wrong-place", lambda path: path.rename(path.with_name("hey-0123456789abcdef.json"))),
    ("wrong-place", lambda path: path.rename(path.with_name("renamed.json"))),
    ("wrong-place", lambda path: path.rename(path.parents[4] / path.name)),
    ("unsafe-path", link_outside),
    ("secret-left", key),
    ("truncated", lambda path: edit(path, lambda d: d["response"].update(truncated=True))),
    ("no-terminator", lambda path: edit(path, lambda d: d["response"]["sse"].pop())),
    ("empty-stream", lambda path: edit(path, lambda d: d["response"]["sse"].clear())),
    ("duplicate", lambda path: path.with_name("b" + path.name).write_text(path.read_text())),
]


@pytest.mark.parametrize(("rule", "damage"), BREAKS)
def test_a_broken_fixture_is_found(
    rule: str, damage: Callable[[Path], Any], config: Config
) -> None:
    path = record(config)
    record(config, "A whole one.")
    damage(path)
    findings = verify(config, now=NOW)
    assert {finding.rule for finding in findings} == {rule}
    assert all("whole" not in finding.fixture for finding in findings)


def test_no_text_of_a_file_or_its_name_decides_its_rule(config: Config) -> None:
    record(config)
    (config.fixtures / "api.openai.com" / "reads up to 1.json").write_text("{")
    (finding,) = verify(config, now=NOW)
    assert finding.rule == "unreadable"
    (config.fixtures / "api.openai.com" / "Upgrade it: pip install.json").write_text("[]")
    assert {finding.rule for finding in verify(config, now=NOW)} == {"unreadable"}


def test_a_secret_is_found_but_not_repeated(config: Config) -> None:
    key(record(config))
    (finding,) = verify(config, now=NOW)
    assert finding.detail == "holds what looks like a secret: openai-key"


def test_age_counts_where_the_config_says_so(tmp_path: Path) -> None:
    config = make_config(tmp_path, max_age=20)
    record(config)
    (finding,) = verify(config, now=NOW)
    assert (finding.rule, finding.detail) == ("too-old", "recorded 23 days ago, max_age is 20")


def test_what_matching_ignores_is_listed(tmp_path: Path) -> None:
    config = make_config(tmp_path, match=Match(ignore=("metadata.run",)))
    record(config)
    (finding,) = verify(config, now=NOW)
    assert (finding.rule, finding.severity) == ("match-ignored", "info")


def test_an_unused_blob_is_found(config: Config) -> None:
    record(config)
    blob = config.fixtures / "blobs" / "0123456789abcdef.bin"
    blob.parent.mkdir()
    blob.write_bytes(b"x")
    (finding,) = verify(config, now=NOW)
    assert (finding.rule, finding.fixture) == ("blob-unused", f"cachy_fixtures/blobs/{blob.name}")


def test_nothing_to_verify_is_inconclusive(config: Config) -> None:
    with pytest.raises(Inconclusive, match="holds no fixtures: nothing to verify"):
        verify(config)


def test_a_path_that_is_not_there_is_named(config: Config) -> None:
    with pytest.raises(CachyError, match="does not exist"):
        verify(config, [config.root / "nowhere"])


def test_the_report_says_what_to_do() -> None:
    findings = [
        Finding("truncated", "a.json", "cut"),
        Finding("unreadable", "b\x1b[31m.json", "no JSON"),
    ]
    assert render_text(findings, 3) == (
        "error: b\\u001b[31m.json: no JSON\n"
        "  unreadable: Restore it from git, or record it again.\n"
        "warning: a.json: cut\n"
        "  truncated: Record it again, and read the stream to its end.\n"
        "3 fixtures: 1 error, 1 warning"
    )
    assert summarize(findings, 3)["summary"] == {"fixtures": 3, "errors": 1, "warnings": 1}


def test_a_workflow_command_cannot_be_forged() -> None:
    findings = [Finding("unreadable", "a,b::c\n.json", "no\n::error::JSON%")]
    assert render_github(findings, 1) == (
        "::error file=a%2Cb%3A%3Ac%0A.json,title=unreadable::no%0A::error::JSON%25"
    )


def test_every_rule_says_what_why_and_what_to_do() -> None:
    assert all(rule.what and rule.why and rule.fix for rule in RULES.values())


def test_code_scanning_gets_every_rule_and_every_finding() -> None:
    findings = [Finding("unreadable", "cachy_fixtures/a b.json", "no JSON\x1b[31m")]
    (run,) = json.loads(render_sarif(findings, 1))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    assert run["results"] == [
        {
            "ruleId": "unreadable",
            "ruleIndex": list(RULES).index("unreadable"),
            "level": "error",
            "message": {
                "text": "no JSON\\u001b[31m. Restore it from git, or record it again.",
            },
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "cachy_fixtures/a%20b.json"},
                        "region": {"startLine": 1},
                    }
                }
            ],
        }
    ]


def test_an_unreadable_file_is_told_once(config: Config) -> None:
    path = record(config)
    path.write_text("{")
    (finding,) = verify(config, now=NOW)
    assert finding.detail.startswith("is not valid JSON (")
    said = render_text([finding], 1)
    assert (said.count(path.name), said.lower().count("record it again")) == (1, 1)
    path.write_text("{}")
    (finding,) = verify(config, now=NOW)
    problem = 'is not a fixture: it lacks "cachy": 1'
    assert (finding.detail, finding.fix) == (problem, "Move it elsewhere.")
