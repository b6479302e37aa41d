"""What drift may send again unasked, and how few requests it sends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cachy.config import Config, Drift
from cachy.drift.check import load_fixtures
from cachy.drift.live.case import Case, parse_cases
from cachy.drift.live.permission import Skip, why_not_allowed
from cachy.drift.live.plan import Planned, cover, make_plan
from cachy.errors import CachyError
from cachy.interaction import Fixture

OPENAI = "https://api.openai.com/v1/responses"
CLAUDE = "https://api.anthropic.com/v1/messages"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent"
UNKNOWN = "cachy does not know it as a generation surface"
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
        (OPENAI, {"web_search_options": {}}, "it asks for web_search_options"),
        (OPENAI, {"enable_search": True}, "it asks for enable_search"),
        (OPENAI, {"enable_search": False, "deferred": None}, ""),
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
        *(
            (OPENAI, {"model": model}, "its model searches the web")
            for model in ("gpt-4o-search-preview", "openai/gpt-4o:online", "o3-deep-research")
        ),
        (OPENAI, {"model": "groq/compound-mini"}, "its model searches the web"),
        (OPENAI, {"model": "m", "models": ["a", "perplexity/sonar"]}, "its model searches the web"),
        ("https://api.openai.com/v1/files", {}, UNKNOWN),
        ("https://api.example.com/v1/responses", {}, UNKNOWN),
    ],
)
def test_only_what_is_harmless_is_sent_unasked(url: str, body: Any, why: str) -> None:
    assert why_not_allowed({"method": "POST", "url": url, "json": body}, Config()) == why


def test_a_skipped_fixture_names_the_settings_that_would_send_it() -> None:
    url = "https://api.example.com/users/7?page=2"
    (planned,) = plan_of(fixture("a", {}, url=url))
    assert planned.skip == Skip(
        "not-allowed", UNKNOWN, "POST api.example.com/users/{id}", "api.example.com"
    )


@pytest.mark.parametrize(
    ("entry", "is_allowed"),
    [
        ("GET api.example.com/users/{id}", True),
        ("GET api.example.com/users/7", True),
        ("get api.example.com/users/*", True),
        ("GET https://API.example.com:443/users/*", True),
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
def test_an_entry_that_is_not_a_surface_ends_in_one_line(entry: str) -> None:
    with pytest.raises(CachyError) as caught:
        why_not_allowed({"method": "GET", "url": OPENAI}, Config(drift=Drift(allow=(entry,))))
    assert str(caught.value) == (
        f'[tool.cachy.drift] allow: {entry!r} is not a surface. Write "GET api.example.com/users".'
    )


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, []),
        ({"a": "x", "b": "x"}, ["a"]),
        ({"a": "x", "b": "xy"}, ["b"]),
        ({"a": "xy", "b": "yz", "c": "z"}, ["a", "b"]),
        ({"c": "xyz", "a": "x", "b": "w"}, ["b", "c"]),
        # Taking the one that shows most first would need three.
        ({"a": "123456", "b": "12378", "c": "45690"}, ["b", "c"]),
    ],
)
def test_the_smallest_set_shows_all_that_is_known(
    known: dict[str, str], expected: list[str]
) -> None:
    cases = [case(name, *facets) for name, facets in known.items()]
    for given in (cases, cases[::-1]):
        assert [one.name for one in cover(given)] == expected


def test_among_equals_the_cheapest_is_sent() -> None:
    dear, cheap = case("a", "x", tokens=900), case("b", "x", tokens=20)
    assert cover([dear, cheap]) == [cheap]


def case(name: str, *facets: str, tokens: int = 0) -> Case:
    (plain,) = parse_cases([fixture(name, {})], Config())
    return replace(plain, name=name, facets=frozenset(facets), total_tokens=tokens)


def fixture(name: str, body: Any, *, url: str = OPENAI, **response: Any) -> Fixture:
    recorded = {"status": 200, "json": body, **response}
    request = {"method": "POST", "url": url, "json": {"input": name}}
    document = {"cachy": 1, "recorded": {}, "request": request, "response": recorded}
    return Fixture(document, Path.cwd() / "cachy_fixtures" / f"{name}.json")


def plan_of(*fixtures: Fixture, send_all: bool = False) -> list[Planned]:
    config = Config(root=Path.cwd())
    cases = parse_cases(fixtures, config)
    return make_plan(cases, cases, config, send_all=send_all)


def plan(*fixtures: Fixture, send_all: bool = False) -> list[tuple[str, str, list[str], str]]:
    return [
        (
            planned.case.surface,
            planned.case.name,
            [str(other.path and other.path.stem) for other in planned.others],
            planned.skip.reason if planned.skip else "",
        )
        for planned in plan_of(*fixtures, send_all=send_all)
    ]


SURFACE = "POST api.openai.com/v1/responses"


def test_one_fixture_stands_for_those_that_show_no_more() -> None:
    group = fixture("a", {"id": 1}), fixture("b", {"id": 2}), fixture("c", {"id": 3, "x": 4})
    assert plan(*group) == [(SURFACE, "cachy_fixtures/c.json", ["a", "b"], "")]
    assert len(plan(*group, send_all=True)) == 3


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
        (SURFACE, "cachy_fixtures/cut.json", ["a"], "truncated"),
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
def test_a_fixture_that_is_not_whole_is_named(document: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(document))
    with pytest.raises(CachyError) as caught:
        parse_cases(load_fixtures(Config(root=tmp_path, fixtures=tmp_path), ()), Config())
    assert "a.json is not a valid fixture, at $" in str(caught.value)
    assert "Run `cachy verify " in str(caught.value)
