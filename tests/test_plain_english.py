"""No text that users see holds a word for which there is a plainer one."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from places import ROOT

WORDS = re.compile(
    r"\b(?:told|mend(?:s|ed|ing)?|whoever|whatever|anew|is none"
    r"|is no (?!longer\b|more than\b|less than\b)\w+)\b",
    re.IGNORECASE,
)
SOURCES = sorted([*ROOT.glob("cachy/**/*.py"), *ROOT.glob("action/**/*.py")])
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings of a module but for docstrings; a command's docstring is its help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(node) for owner in ast.walk(tree) for node in _docstrings_of(owner, path)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, node.value


def _docstrings_of(owner: ast.AST, path: Path) -> Iterator[ast.expr]:
    """Yield the strings of a body that only developers read: its docstring, those of its names."""
    is_help = "cli" in path.parts and getattr(owner, "name", "") == "command"
    if isinstance(owner, _DOCUMENTED) and not is_help:
        for node in owner.body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                yield node.value


def found_in(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if not WORDS.search(text):  # then there is no need to parse it
        return []
    lines = enumerate(text.splitlines(), 1) if path.suffix == ".md" else strings(path)
    return [f"{path.name}:{at}: {hit[0]!r}" for at, text in lines for hit in WORDS.finditer(text)]


def test_what_users_see_is_plain_english() -> None:
    assert [hit for path in (*SOURCES, *PAGES) for hit in found_in(path)] == []
    assert len(SOURCES) > 200
    assert len(PAGES) > 20


def test_only_what_users_see_is_held_to_it(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""Whatever."""\n# anew\nNAME = "It is no list."\n', encoding="utf-8")
    assert found_in(module) == ["module.py:3: 'is no list'"]


# What developers read may say "whatever"; these are riddles to them too.
RIDDLES = re.compile(
    r"\b(?:told(?!:)|mend(?:s|ed|ing)?|whoever|anew|(?<!there )(?:is|are) none"
    r"|(?<!there )is no (?!longer\b|more than\b|less than\b|such\b)\w+)\b",
)
OLD_VERBS = re.compile(r"(?:Give|Say|Tell|Whether)s?\b")  # "Return …", "Yield …", "Print …"
AFTER_QUOTES = re.compile(rf"""["']\\?\s*{OLD_VERBS.pattern}""")
# An SDK sends the docstring of a tool to the model.
TOOLS = ("weather",)
TESTS = sorted(ROOT.glob("tests/**/*.py"))


def docstrings(path: Path, words: re.Pattern[str]) -> list[tuple[str, ast.AST, str]]:
    """Return the docstrings of a module that holds such words: where, their node, their text."""
    source = path.read_text(encoding="utf-8")
    if not words.search(source):  # then there is no need to parse it
        return []
    return [
        (f"{path.name}: {getattr(node, 'name', 'module')}", node, text)
        for node in statements(ast.parse(source))
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node))
    ]


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield a module and its statements; their expressions, which are most of it, are left out."""
    yield tree
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            yield from statements(node)


def riddles_in(path: Path) -> list[str]:
    return [where for where, _, text in docstrings(path, RIDDLES) if RIDDLES.search(text)]


def test_what_developers_read_is_plain_english() -> None:
    assert [where for path in (*SOURCES, *TESTS) for where in riddles_in(path)] == []
    assert len(TESTS) > 150


def riddling_comments(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if not any(RIDDLES.search(line.partition("#")[2]) for line in text.splitlines()):
        return []
    found = tokenize.generate_tokens(StringIO(text).readline)
    comments = (token.string for token in found if token.type == tokenize.COMMENT)
    return [f"{path.name}: {comment}" for comment in comments if RIDDLES.search(comment)]


def test_comments_are_plain_english() -> None:
    assert [where for path in SOURCES for where in riddling_comments(path)] == []


def old_verbs_in(path: Path) -> list[str]:
    return [
        where
        for where, node, text in docstrings(path, AFTER_QUOTES)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if not any("property" in ast.unparse(each) for each in node.decorator_list)
        if OLD_VERBS.match(text) and node.name not in TOOLS
    ]


def test_a_function_says_what_it_returns_or_does() -> None:
    assert [where for path in (*SOURCES, *TESTS) for where in old_verbs_in(path)] == []


def test_what_is_not_plain_is_found_where_developers_read_it(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    told = ('"""This is none."""', "def f(): # anew", '    """\n    Give it."""', 'x = "is none"')
    module.write_text("\n".join(told), encoding="utf-8")
    assert riddles_in(module) == ["module.py: module"]
    assert riddling_comments(module) == ["module.py: # anew"]
    assert old_verbs_in(module) == ["module.py: f"]


OLD_NAMES = re.compile(
    r"_(?:told|mends?|whoever|whatever|anew|(?:is|are)_none"
    r"|(?:is|are)_no_(?!longer_|more_|less_)[a-z0-9]+)(?:_|$)"
)


def test_the_name_of_a_test_is_plain_english() -> None:
    """In the programs that tests write, too."""
    named = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
    names = [name for path in TESTS for name in named.findall(path.read_text(encoding="utf-8"))]
    assert [name for name in names if OLD_NAMES.search(name)] == []
    assert len(names) > 500
    assert OLD_NAMES.search("test_what_is_no_fixture_is_told")


@pytest.mark.parametrize("text", ["What is none is left.", "It is no list.", "They are told so."])
def test_a_riddle_is_found(text: str) -> None:
    assert RIDDLES.search(text)


@pytest.mark.parametrize("text", ["None if there is none.", "There is no such file."])
def test_a_plain_sentence_is_not_a_riddle(text: str) -> None:
    assert not RIDDLES.search(text)


@pytest.mark.parametrize("text", ["It is no list.", "Mend that.", "Record it anew", "that is none"])
def test_a_mannered_word_is_found(text: str) -> None:
    assert WORDS.search(text)


@pytest.mark.parametrize("text", ["is no longer set", "is no more than 3", "recommend"])
def test_a_plain_word_is_not_found(text: str) -> None:
    assert not WORDS.search(text)
