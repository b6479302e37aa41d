"""How text is written for terminals and pages."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cachy.display import agree, counted, inline_code, matches_glob, printable, relative_path
from cachy.errors import CachyError, InvalidFixture, NewerFormat


def test_control_characters_are_shown_as_escapes() -> None:
    assert printable("a\x1b[31m\nb") == "a\\u001b[31m\\u000ab"
    assert printable("a\x1b\nb", keep="\n") == "a\\u001b\nb"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("field", "`field`"),
        ("a|b`c\\", "`a|b\\u0060c\\u005c`"),
        ("@someone", "`@\u200bsomeone`"),
        ("<img>\n", "`\\u003cimg\\u003e\\u000a`"),
        ("", "(empty)"),
        ("x" * 200, f"`{'x' * 64}…`"),
    ],
)
def test_untrusted_text_cannot_leave_its_inline_code(text: str, shown: str) -> None:
    assert inline_code(text) == shown


@pytest.mark.parametrize(
    ("number", "noun", "shown"),
    [
        (0, "fixture", "0 fixtures"),
        (1, "fixture", "1 fixture"),
        (2, "fixture", "2 fixtures"),
        (2, "miss", "2 misses"),
        (2, "entry", "2 entries"),
        (2, "day", "2 days"),
        (61000, "token", "61,000 tokens"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, noun: str, shown: str) -> None:
    assert counted(number, noun) == shown


def test_a_verb_agrees_with_its_count() -> None:
    assert [agree(1, "fails"), agree(2, "fails"), agree(2, "is")] == ["fails", "fail", "are"]


def test_a_path_below_the_folder_is_shortened(tmp_path: Path) -> None:
    assert relative_path(tmp_path / "a" / "b.json", tmp_path) == "a/b.json"
    assert relative_path(tmp_path, tmp_path / "a") == str(tmp_path)


def test_brackets_of_a_glob_stand_for_themselves() -> None:
    assert matches_glob("$.items[*].id", "$.items[*")
    assert not matches_glob("a", "[a]")


def test_an_error_names_the_file_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = CachyError("is not valid JSON", path=tmp_path / "a.json", advice="Restore it.")
    assert str(error) == "a.json is not valid JSON. Restore it."
    assert str(CachyError("one text: as it is")) == "one text: as it is"


@pytest.mark.parametrize(
    "error",
    [
        CachyError("is bad", path="a.json", advice="Delete it."),
        InvalidFixture("b.json"),
        NewerFormat("a.json", 9, 1),
    ],
)
def test_an_error_keeps_its_facts_between_processes(error: CachyError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
