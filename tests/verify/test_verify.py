"""What verify finds in a folder of fixtures; each rule breaks a fixture that was whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from verify_project import NOW, edit, make_config, record

from cachy.cli import run_program
from cachy.config import Config, Match
from cachy.errors import CachyError, Inconclusive
from cachy.fixture.store.run_log import PYTEST, Run, save_run
from cachy.verify import RULES, Finding, verify
from cachy.verify.report import render_github, render_sarif, render_text, summarize
from cachy.verify.unused import find_unused


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
    ("edited-request", lambda path: edit(path, lambda d: d["request"]["json"].update(model="o"))),
    ("edited-request", lambda path: path.rename(path.with_name("hey-0123456789abcdef.json"))),
    ("wrong-place", lambda path: path.rename(path.with_name("renamed.json"))),
    ("wrong-place", lambda path: path.rename(path.parents[4] / path.name)),
    ("unsafe-path", link_outside),
    ("secret-left", key),
    ("ambiguous", lambda path: edit(path, lambda d: d["request"].update(ambiguous=["$.key"]))),
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


def dump(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "detail", "advice"),
    [
        (lambda text: "\ufeff" + text, "begins with a byte order mark (BOM)", "without a BOM"),
        (
            lambda text: text.replace('  "response"', '<<<<<<< HEAD\n  "response"'),
            "has a merge conflict marker in line ",
            "Keep one side",
        ),
        (
            lambda text: text.replace('"status": 200', '"status": 200, "status": 200'),
            "has the key 'status' twice in one object",
            "Delete one",
        ),
    ],
)
def test_damage_is_named_for_what_it_is(
    damage: Callable[[str], str], detail: str, advice: str, config: Config
) -> None:
    path = record(config)
    dump(path, damage)
    (finding,) = verify(config, now=NOW)
    assert finding.rule == "unreadable"
    assert finding.detail.startswith(detail)
    assert advice in finding.fix


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda d: d.pop("response"), "at $: lacks 'response'"),
        (
            lambda d: d["response"].update(status="200"),
            "at $.response.status: expected a status code from 100 to 599, found a string",
        ),
        (
            lambda d: d["response"].update(status=20),
            "at $.response.status: expected a status code from 100 to 599, found a number",
        ),
        (lambda d: d["response"].update(text="x"), "at $.response: has more than one body"),
        (
            lambda d: d["response"].update(headers={"a": 1}),
            "at $.response.headers.a: expected text, or an array of texts, found a number",
        ),
        (
            lambda d: d["recorded"].update(http="9"),
            "at $.recorded.http: expected HTTP/1.0, HTTP/2 or HTTP/3; absent for HTTP/1.1, "
            "found a string",
        ),
    ],
)
def test_a_broken_schema_says_what_was_expected(
    change: Callable[[dict[str, Any]], Any], detail: str, config: Config
) -> None:
    path = record(config)
    edit(path, change)
    (finding,) = verify(config, now=NOW)
    assert (finding.rule, finding.detail) == ("invalid", detail)


def test_warnings_fail_a_run_that_asks_for_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(make_config(project))
    (project / "pyproject.toml").write_text("[tool.cachy]\nmax_age = 20\n")
    codes = [run_program(["verify", *options]) for options in ([], ["--fail-on", "too-old"])]
    codes += [run_program(["verify", "--fail-on", name]) for name in ("warning", "unused", "old")]
    assert codes == [0, 1, 1, 0, 2]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('severity = { field-remove = "risky" }', "Did you mean 'field-removed'?"),
        ('ignore = [{ rule = "field-added" }]', "Add reason"),
        ("allowed = []", "Did you mean 'allow'?"),
    ],
)
def test_the_settings_of_drift_are_checked_too(
    table: str, said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(make_config(project))
    (project / "pyproject.toml").write_text(f"[tool.cachy.drift]\n{table}\n")
    assert run_program(["verify"]) == 2
    assert said in capsys.readouterr().err


def test_what_scripts_and_notebooks_recorded_is_not_unused(config: Config) -> None:
    record(config)
    save_run(config.fixtures, Run(PYTEST, NOW.timestamp() + 1e9, frozenset()))
    assert verify(config, now=NOW) == []
    assert find_unused(config).fixtures == ()
    save_run(config.fixtures, Run("python script.py", NOW.timestamp() + 1e9, frozenset()))
    assert verify(config, now=NOW) == []


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
    with pytest.raises(Inconclusive, match="nothing to verify: no fixtures in "):
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


def test_an_unreadable_file_is_reported_once(config: Config) -> None:
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
