"""What the README says is there, and what is there the README says."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from cachy.cli import COMMANDS, program
from cachy.config import _LISTS, _OTHER, Drift, Match
from cachy.drift.rules import RULES as CHANGES
from cachy.verify import RULES as FINDINGS

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


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
    sections = {"match": Match, "drift": Drift}
    keys = {*_LISTS, *_OTHER, "record_status"}
    keys |= {f"{name}.{entry.name}" for name, kind in sections.items() for entry in fields(kind)}
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
    assert "python -m pip install '.[test]' && python -m pytest" in top


def test_every_rule_explains_itself() -> None:
    for rule in CHANGES.values():
        assert rule.what
        assert rule.why
        assert rule.example
        assert rule.advice
    assert not set(CHANGES) & set(FINDINGS)
