"""The GitHub Action: neither hostile text nor a secret gets through."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from action_project import Project, change, drifted, finding, verified
from markdown_it import MarkdownIt

HOSTILE = [
    "`code` ``more`` ```",
    "` | [link](https://evil.example) | @org/team #1",
    "<img src=x onerror=alert(1)> </details> <!-- --> -->",
    "::error::forged\r\n::add-mask::a",
    "%0A::error::forged%0D%25",
    "title=a,file=b::c",
    "a<<EOF\nEOF\noutcome=clean",
    "\u202ereversed\u2028line\u200bnothing\x00\x1b[31m\x85",
    "\ud800 alone",
    "**bold** ![i](https://evil.example/i.png)\n\n# heading",
    "\\",
    "|",
    " ",
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def hostile_reports() -> list[tuple[str, Any]]:
    findings = [finding(text=text) for text in HOSTILE]
    changes = [
        change("breaking", rule=text, path=text, old=text, new=text, fixtures=[text])
        for text in HOSTILE
    ]
    return [
        ("verify", verified(*findings)),
        (
            "drift",
            drifted(
                *changes,
                surface=HOSTILE[2],
                inconclusive=[{"fixture": t, "reason": t, "detail": t} for t in HOSTILE],
                tests={"command": HOSTILE[0], "passed": 1, "failed": HOSTILE},
                pull_request={"number": 7, "url": f"https://x){HOSTILE[6]}", "operation": "none"},
            ),
        ),
    ]


@pytest.mark.parametrize(("command", "report"), hostile_reports())
def test_hostile_text_stays_text(project: Project, command: str, report: Any) -> None:
    ran = project.run(report, 1, command=command)
    assert ran.outputs["outcome"] == ("findings" if command == "verify" else "drift")
    assert "forged" not in {said.message for said in ran.said}
    assert {said.command for said in ran.said} <= {"error", "warning", "add-mask"}
    assert len(ran.of_kind("error")) == 10
    assert {"html_block", "html_inline", "link_open", "image"} & markup(ran.summary) <= {
        "html_inline"
    }
    assert set(re.findall(r"<[^>]*>", without_code(ran.summary))) <= {"<br>"}
    assert not re.search("[\u202e\u2028\u200b\x00\x1b\x85\r]", ran.summary + ran.log)


def test_a_name_can_not_end_its_property(project: Project) -> None:
    [said] = project.run(verified(finding(text="a,title=b::c%2C")), 1).said
    assert said.properties == {
        "file": "cachy_fixtures/a,title=b::c%2C.json",
        "title": "cachy: a,title=b::c%2C",
    }
    assert said.message == "a,title=b::c%2C; a,title=b::c%2C again"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x.example/)[a](b", "https://x.example/?q=@a"]
)
def test_only_a_plain_address_becomes_a_link(project: Project, url: str) -> None:
    given = {"number": 7, "url": url, "operation": "created"}
    ran = project.run(drifted(pull_request=given), command="drift")
    assert f"Pull request `{url}`: created" in ran.summary


def test_no_cell_breaks_the_columns_of_a_table(project: Project) -> None:
    summary = project.run(verified(*(finding(text=text) for text in HOSTILE)), 1).summary
    tokens = MarkdownIt("commonmark").enable("table").parse(summary)
    assert [token.type for token in tokens].count("td_open") == 4 * len(HOSTILE)
    assert [token.type for token in tokens].count("table_open") == 1


def test_what_cachy_says_on_stderr_is_shown_but_not_obeyed(project: Project) -> None:
    project.says("Re-sending 12 fixtures\n::error::forged\n::add-mask::fixtures")
    ran = project.run(verified())
    assert "Re-sending 12 fixtures\n::error::forged\n::add-mask::fixtures\n" in ran.log
    assert ran.said == []


def markup(summary: str) -> set[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(summary)
    return {part.type for token in tokens for part in (token, *(token.children or ()))}


def without_code(summary: str) -> str:
    tokens = MarkdownIt("commonmark").enable("table").parse(summary)
    parts = (part for token in tokens for part in (token.children or ()))
    return " ".join(part.content for part in parts if part.type != "code_inline")


PEM = "-----BEGIN PRIVATE KEY-----\r\nMIIEv\n-----END PRIVATE KEY-----"
SECRETS = {
    "OPENAI_API_KEY": "sk-proj-0123456789",
    "HF_TOKEN": "50%off-the-token",
    "DB_PASSWORD": "correcthorse9",
    "SIGNING": PEM,
    "UNNAMED": "ghp_0123456789",
}
SETTINGS = {
    "TOKEN_LIMIT": "100000000",
    "AUTH_MODE": "disabled",
    "SSH_KEY": sys.executable,
    "KEYBOARD": "qwertz-de-1",
    "API_KEY": "",
}


def test_credentials_are_masked_before_anything_else(project: Project) -> None:
    ran = project.run(verified(), environ=SECRETS | SETTINGS)
    assert {said.message for said in ran.said} == set(SECRETS.values())
    masks = ran.log.splitlines()[: len(SECRETS)]
    assert all(line.startswith("::add-mask::") for line in masks)
    assert "::add-mask::50%25off-the-token" in masks


def test_the_token_of_the_pull_request_is_masked(project: Project) -> None:
    ran = project.run(drifted(), command="drift", open_pr="true", token="unlike-any-known-1")
    assert [said.message for said in ran.said] == ["unlike-any-known-1"]


def test_elsewhere_than_on_a_runner_no_secret_is_printed(project: Project) -> None:
    ran = project.run(verified(), environ=SECRETS | {"GITHUB_ACTIONS": "false"})
    assert ran.log == ""
    assert ran.outputs["outcome"] == "clean"
