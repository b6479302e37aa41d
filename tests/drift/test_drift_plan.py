"""What drift may send again unasked, and how few requests it sends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cachy.config import Config, Drift
from cachy.drift.live.plan import cover, make_plan, parse_cases, why_not_allowed
from cachy.errors import CachyError
from cachy.interaction import Fixture

OPENAI = "https://api.openai.com/v1/responses"
CLAUDE = "https://api.anthropic.com/v1/messages"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent"
FUNCTION = {"type": "function", "name": "add", "parameters": {"properties": {"file_id": {}}}}


@pytest.mark.parametrize(
    ("url", "body", "why"),
    [
        (OPENAI, {"model": "m", "input": "Hey!"}, ""),
        (OPENAI, {"tools": [FUNCTION, {"type": "custom"}], "store": False}, ""),
        (OPENAI, {"tools": [], "background": False, "plugins": []}, ""),
        (CLAUDE, {"tools": [{"name": "add", "input_schema": {}}]}, ""),
        (GEMINI, {"tools": [{"functionDeclarations": [{}]}]}, ""),
        (OPENAI, {"background": True}, "it asks for background"),
        (OPENAI, {"store": True}, "it asks for store"),
        (OPENAI, {"web_search_options": {"a": 1}}, "it asks for web_search_options"),
        (CLAUDE, {"mcp_servers": [{}]}, "it asks for mcp_servers"),
        *(
            (url, {"tools": [tool]}, "it has a tool that the provider runs")
            for url, tool in (
                (OPENAI, {"type": "mcp", "server_url": "https://a.test"}),
                (OPENAI, {"type": "web_search"}),
                (OPENAI, {"type": "code_interpreter"}),
                (OPENAI, {"type": "file_search"}),
                (OPENAI, {"type": "computer_use_preview"}),
                (OPENAI, {"type": "a_tool_of_tomorrow"}),
                (CLAUDE, {"type": "web_search_20250305", "name": "web_search"}),
                (CLAUDE, {"type": "code_execution_20250522", "name": "x"}),
                (GEMINI, {"googleSearch": {}}),
                (GEMINI, {"functionDeclarations": [{}], "codeExecution": {}}),
                (OPENAI, "web_search"),
            )
        ),
        (OPENAI, {"tools": {"type": "mcp"}}, "it has a tool that the provider runs"),
        (
            OPENAI,
            {"previous_response_id": "resp_1"},
            "it refers to an earlier answer by previous_response_id",
        ),
        (
            OPENAI,
            {"input": [{"content": [{"type": "input_file", "file_id": "file-1"}]}]},
            "it refers to an earlier answer by file_id",
        ),
        (
            "https://api.openai.com/v1/files",
            {},
            "it is no generation surface that cachy knows",
        ),
        (
            "https://api.example.com/v1/responses",
            {},
            "it is no generation surface that cachy knows",
        ),
    ],
)
def test_only_what_is_harmless_is_sent_unasked(url: str, body: Any, why: str) -> None:
    found = why_not_allowed({"method": "POST", "url": url, "json": body}, Config())
    assert found.partition(";")[0] == why


def test_a_refusal_names_the_line_that_permits_it() -> None:
    request = {"method": "GET", "url": "https://api.example.com/users/7?page=2"}
    assert why_not_allowed(request, Config()) == (
        "it is no generation surface that cachy knows; "
        '[tool.cachy.drift] allow = ["GET api.example.com/users/{id}"] permits it'
    )


@pytest.mark.parametrize(
    ("entry", "is_allowed"),
    [
        ("GET api.example.com/users/{id}", True),
        ("GET api.example.com/users/7", True),
        ("get api.example.com/users/*", True),
        ("GET api.example.com/*", True),
        ("* api.example.com/users/*", True),
        ("GET api.example.com/users/8", False),
        ("POST api.example.com/users/{id}", False),
        ("GET example.com/*", False),
        ("GET *.example.com/users", False),
    ],
)
def test_the_config_can_allow_more(entry: str, is_allowed: bool) -> None:
    request = {"method": "GET", "url": "https://api.example.com/users/7?page=2"}
    config = Config(drift=Drift(allow=(entry,)))
    assert (why_not_allowed(request, config) == "") is is_allowed


@pytest.mark.parametrize("entry", ["api.example.com/users", "GET api.example.com", "GET"])
def test_an_entry_that_is_no_surface_is_a_mistake_in_one_line(entry: str) -> None:
    with pytest.raises(CachyError) as caught:
        why_not_allowed({"method": "GET", "url": OPENAI}, Config(drift=Drift(allow=(entry,))))
    assert str(caught.value) == (
        f'[tool.cachy.drift] allow: {entry!r} is no surface. Write "GET api.example.com/users".'
    )


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, []),
        ({"a": "x", "b": "x"}, ["a"]),
        ({"a": "x", "b": "xy"}, ["b"]),
        ({"a": "xy", "b": "yz", "c": "z"}, ["a", "b"]),
        ({"c": "xyz", "a": "x", "b": "w"}, ["b", "c"]),
    ],
)
def test_the_fewest_show_all_that_is_known(known: dict[str, str], expected: list[str]) -> None:
    shown = {name: frozenset(paths) for name, paths in known.items()}
    backwards = dict(reversed(shown.items()))
    assert (cover(shown), cover(backwards)) == (expected, expected)


def fixture(name: str, body: Any, *, url: str = OPENAI, **response: Any) -> Fixture:
    recorded = {"status": 200, "json": body, **response}
    request = {"method": "POST", "url": url, "json": {"input": name}}
    document = {"cachy": 1, "recorded": {}, "request": request, "response": recorded}
    return Fixture(document, Path.cwd() / "cachy_fixtures" / f"{name}.json")


def plan(*fixtures: Fixture, is_all: bool = False) -> list[tuple[str, str, list[str], str]]:
    config = Config()
    cases = parse_cases(fixtures, config)
    return [
        (
            planned.case.surface,
            planned.case.name,
            [str(other.path and other.path.stem) for other in planned.others],
            planned.refusal.reason if planned.refusal else "",
        )
        for planned in make_plan(cases, cases, config, is_all=is_all)
    ]


SURFACE = "POST api.openai.com/v1/responses"


def test_one_fixture_stands_for_those_that_show_no_more() -> None:
    group = fixture("a", {"id": 1}), fixture("b", {"id": 2}), fixture("c", {"id": 3, "x": 4})
    assert plan(*group) == [(SURFACE, "cachy_fixtures/c.json", ["a", "b"], "")]
    assert len(plan(*group, is_all=True)) == 3


def test_streams_and_errors_are_surfaces_of_their_own() -> None:
    error = fixture("e", {"error": {}}, status=404)
    stream = fixture("s", None)
    stream = Fixture(
        {**stream.document, "response": {"status": 200, "sse": [{"data": "[DONE]"}]}}, stream.path
    )
    assert [row[:2] for row in plan(error, stream, fixture("a", {}))] == [
        (SURFACE, "cachy_fixtures/a.json"),
        (f"{SURFACE} (4xx)", "cachy_fixtures/e.json"),
        (f"{SURFACE} (stream)", "cachy_fixtures/s.json"),
    ]


def test_an_answer_without_a_body_is_asked_for_too() -> None:
    empty = fixture("a", None)
    empty = Fixture({**empty.document, "response": {"status": 204}}, empty.path)
    assert plan(empty) == [(SURFACE, "cachy_fixtures/a.json", [], "")]


def test_what_is_not_sent_is_said() -> None:
    cut = fixture("cut", {"id": 1}, truncated=True)
    elsewhere = fixture("other", {}, url="https://api.openai.com/v1/files")
    assert plan(cut, fixture("a", {}), elsewhere) == [
        ("POST api.openai.com/v1/files", "cachy_fixtures/other.json", [], "not-allowed"),
        (SURFACE, "cachy_fixtures/a.json", [], ""),
        (SURFACE, "cachy_fixtures/cut.json", ["a"], "unparsed"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"cachy": 1},
        {"cachy": 1, "request": {"method": "GET", "url": "https://a.test/"}},
        {"cachy": 1, "request": {"method": "GET", "url": 7}, "response": {"status": 200}},
        {"cachy": 1, "request": [], "response": {"status": 200}},
        {
            "cachy": 1,
            "request": {"method": "GET", "url": "https://a.test/"},
            "response": {"status": "200"},
        },
        {
            "cachy": 1,
            "request": {"method": "GET", "url": "https://a.test/"},
            "response": {"status": 200, "sse": 5},
        },
        {
            "cachy": 1,
            "request": {"method": None, "url": "https://a.test/"},
            "response": {"status": 200},
        },
        {
            "cachy": 1,
            "request": {"method": "GET", "url": "https://a.test/"},
            "response": {"status": 200, "headers": "x"},
        },
        {
            "cachy": 1,
            "recorded": 7,
            "request": {"method": "GET", "url": "https://a.test/"},
            "response": {"status": 200},
        },
        {
            "cachy": 1,
            "request": {"method": "GET", "url": "https://[/"},
            "response": {"status": 200},
        },
    ],
)
def test_a_fixture_that_is_not_whole_is_named(document: Any) -> None:
    with pytest.raises(CachyError) as caught:
        parse_cases([Fixture(document, Path("a.json"))], Config())
    assert (
        str(caught.value) == "a.json is not a valid fixture. Run `cachy verify a.json` for details."
    )
