"""What the README says is there, and what is there the README says."""

from __future__ import annotations

import ast
import re

import click
import pytest
from places import ROOT
from sdks.matrix import FOUR, ROWS

from cachy.cli import COMMANDS, program
from cachy.compare.rules import RULES as CHANGES
from cachy.config import SECTIONS, SETTINGS, Config
from cachy.fixture.compose import compose
from cachy.fixture.document import request_of, response_of
from cachy.fixture.format.text import parse_fixture, render_fixture
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.verify import RULES as FINDINGS

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_readme(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    rows = [line for line in README.splitlines() if f"`cachy {name}" in line]
    assert rows
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert any(parameter.opts[-1] in row for row in rows), parameter.opts


def test_every_setting_is_in_the_readme() -> None:
    keys = {*SETTINGS, *(f"{name}.{key}" for name in SECTIONS for key in SECTIONS[name][1])}
    table = README.partition("## Settings")[2].partition("## ")[0]
    assert {key for key in keys if f"`{key}`" not in table} == set()


def test_the_python_of_the_readme_parses() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        ast.parse(block)


def test_the_two_lines_stand_near_the_top() -> None:
    top = README.splitlines()[:40]
    assert "python -m pip install . && cachy demo" in top
    assert "python -m pip install '.[test]' && python -m pytest -n 2 --dist loadfile" in top


FIXTURES = README.partition("## What is in a fixture")[2].partition("\n## ")[0]


EXAMPLE = re.compile(r"`cachy_fixtures/([^`]+)\.json`:\n\n```json\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(("name", "text"), EXAMPLE.findall(FIXTURES))
def test_the_fixtures_of_the_readme_are_what_cachy_writes(name: str, text: str) -> None:
    document, config = parse_fixture(text), Config()
    request, response = request_of(document, no_blob), response_of(document, no_blob)
    whole = response._replace(body=response.body or b"".join(response.chunks), chunks=())
    assert identify_settled(request, config).name == name
    assert render_fixture(compose(request, whole, document["recorded"], config)[0]) == text


def no_blob(name: str) -> bytes:
    raise AssertionError(name)


def test_one_of_them_is_plain_and_one_is_streamed() -> None:
    kinds = [kind for kind in ("json", "sse") if f'    "{kind}": ' in FIXTURES]
    assert kinds == ["json", "sse"]
    assert len(EXAMPLE.findall(FIXTURES)) == 2


def test_every_rule_explains_itself() -> None:
    for rule in CHANGES.values():
        assert rule.what
        assert rule.why
        assert rule.example
        assert rule.advice
    assert not set(CHANGES) & set(FINDINGS)


def test_the_sdks_of_the_readme_are_those_of_the_tests() -> None:
    section = README.partition("## SDKs")[2].partition("## ")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("|")]
    told = {}
    for name, *ticks, also in ([cell.strip() for cell in row] for row in rows[2:]):
        ways = [way for way, tick in zip(FOUR, ticks, strict=True) if tick]
        told[name] = {*ways, *also.split(", ")}
    assert told == {row.name: set(row.ways.split(", ")) for row in ROWS}
