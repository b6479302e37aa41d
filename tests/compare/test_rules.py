"""Each rule is one row: nothing else in cachy lists rules by their ids."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import cachy
from cachy.compare.catalogue.rule_type import RuleId
from cachy.compare.catalogue.rules import RULES

PACKAGE = Path(cachy.__file__).parent


def test_every_id_that_mypy_knows_has_its_row() -> None:
    assert set(get_args(RuleId)) == set(RULES)


def test_no_rule_stands_by_its_id_outside_the_room() -> None:
    named = re.compile("|".join(f"[\"']{re.escape(rule)}[\"']" for rule in RULES))
    wrong = [
        f"{path.relative_to(PACKAGE)}: {found[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "compare" not in path.parts
        for found in named.finditer(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_what_is_gone_must_be_seen_more_than_once() -> None:
    absent = {rule.id for rule in RULES.values() if rule.evidence == "absence"}
    assert {"field-removed", "event-vanished", "model-retired", "error-shape-changed"} <= absent
    assert not {"field-added", "null-added", "type-changed", "sunset-announced"} & absent


def test_what_comes_and_goes_is_an_optional_field_or_event() -> None:
    found = {rule.id for rule in RULES.values() if rule.when_seen_again}
    assert found == {"field-removed", "field-became-optional", "event-vanished"}
