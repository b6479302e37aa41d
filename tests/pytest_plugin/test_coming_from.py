"""The pages for those who come from another recorder: their commands are run as they stand."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import httpx
import pytest
import yaml
from places import ROOT
from plugin_project import prepare, run_pytest

from cachy.cli import run_program
from cachy.fixture import legacy_pycachy
from cachy.interaction import Request

pytest_plugins = ["pytester"]
URL = "http://127.0.0.1:9/v1/items"
TEST = """
    import httpx, pytest

    {mark}
    def test_items():
        assert httpx.post("{url}", json={{"q": 1}}).json() == [1]
"""
INTERACTION = {
    "request": {
        "method": "POST",
        "uri": URL,
        "headers": {"content-type": ["application/json"]},
        "body": '{"q": 2}',
    },
    "response": {
        "status": {"code": 200, "message": "OK"},
        "headers": {"content-type": ["application/json"]},
        "body": {"string": "[1]"},
    },
}
COUNTS = "cachy: 1 replayed, 0 recorded, 0 missed"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project without settings, whose provider is gone."""
    prepare(pytester, monkeypatch)
    pytester.makepyprojecttoml("[tool.cachy]\n")
    return pytester


def write_cassette(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump({"interactions": [INTERACTION], "version": 1}))


def follow(page: str, suite: pytest.Pytester, *options: str) -> list[pytest.RunResult]:
    """Do what a page says, in its order: save its settings, and run its commands."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    done = []
    for language, block in re.findall(r"^```(sh|toml)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if language == "toml":
            (suite.path / "pyproject.toml").write_text(block)
            continue
        for command in block.splitlines():
            done += run(command, suite, options)
    return done


def run(command: str, suite: pytest.Pytester, options: tuple[str, ...]) -> list[pytest.RunResult]:
    words = shlex.split(command)
    with pytest.MonkeyPatch.context() as environment:
        while "=" in words[0]:
            environment.setenv(*words.pop(0).split("=", 1))
        if words[0] == "pytest":
            return [run_pytest(suite, *options, *words[1:], loaded=("httpx", "vcr"))]
        environment.chdir(suite.path)
        if words[0] == "cachy":
            assert run_program(words[1:]) == 0
        elif words[0] == "rm":
            (suite.path / words[1]).unlink()
        else:
            assert words[0] == "pip", command
    return []


@pytest.mark.slow
@pytest.mark.parametrize("call", ["decorator", "marker"])
def test_the_pages_for_vcrpy_and_cassetter(call: str, suite: pytest.Pytester) -> None:
    options = ("-p", "cassetter.pytest_plugin") if call == "marker" else ()
    mark = 'import vcr\n    @vcr.use_cassette("tests/cassettes/test_items.yaml")'
    used = mark if call == "decorator" else "@pytest.mark.vcr"
    (suite.path / "tests").mkdir()
    text = TEST.format(mark=used, url=URL).replace("\n    ", "\n")
    (suite.path / "tests/test_suite.py").write_text(text)
    folder = "." if call == "decorator" else "test_suite"
    write_cassette(suite.path / "tests/cassettes" / folder / "test_items.yaml")
    page = "from-vcrpy" if call == "decorator" else "from-cassetter"
    migrated, replayed = follow(page, suite, *options)
    migrated.assert_outcomes(passed=1)
    migrated.stdout.fnmatch_lines(
        [
            "cachy: 1 replayed, 1 recorded, 0 missed",
            "cachy:   tests/test_suite.py::test_items: q changed: 2 -> 1",
            "cachy: not covered yet: *127.0.0.1*",
            "cachy: next: set vcr_marker = true in *",
        ]
    )
    replayed.assert_outcomes(passed=1)
    assert COUNTS in replayed.outlines


@pytest.mark.slow
def test_the_page_for_pycachy(suite: pytest.Pytester) -> None:
    suite.makepyprojecttoml('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    suite.makepyfile(test_suite=TEST.format(mark="@pytest.mark.cachy", url=URL))
    (suite.path / "cachy.jsonl").write_text(json.dumps(former_answer()) + "\n")
    adopted, replayed = follow("from-pycachy", suite)
    adopted.assert_outcomes(passed=1)
    adopted.stdout.fnmatch_lines(["cachy: * 1 recorded, 0 missed"])
    replayed.assert_outcomes(passed=1)
    assert COUNTS in replayed.outlines
    assert not (suite.path / "cachy.jsonl").exists()


def former_answer() -> dict[str, object]:
    """The line that pycachy 0.0.x would have written for the request of the test."""
    sent = httpx.Request("POST", URL, json={"q": 1})
    headers = (("accept", "*/*"), ("content-type", "application/json"))
    request = Request("POST", URL, headers, sent.content)
    key, *_ = legacy_pycachy._keys(request)
    return {"key": key, "response": "[1]", "headers": {}, "status_code": 200, "binary": False}


def test_a_recorder_that_answers_in_the_place_of_cachy_is_named(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_suite=TEST.format(mark="@pytest.mark.vcr", url=URL))
    write_cassette(suite.path / "cassettes/test_suite/test_items.yaml")
    done = run_pytest(suite, "-p", "cassetter.pytest_plugin", "--cachy=replay", loaded=("httpx",))
    done.stdout.fnmatch_lines(
        ["cachy: cassetter answered the tests with the marker vcr: set vcr_marker = true in *"]
    )
