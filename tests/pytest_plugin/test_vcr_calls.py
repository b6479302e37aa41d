"""Tests that call vcrpy themselves move to cachy as those with a marker do: without an edit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from plugin_project import prepare, run_pytest

pytest_plugins = ["pytester"]
LOADED = ("httpx", "vcr")
SUITE = """
    import httpx, vcr

    tape = vcr.VCR(cassette_library_dir="tapes", filter_query_parameters=["key"])
    URL = "http://127.0.0.1:9/v1/"

    def ask(path="items", **body):
        return httpx.post(URL + path, json=body).json()

    @tape.use_cassette("chat.yaml", inject_cassette=True)
    def test_decorated(cassette=None):
        assert [ask("items?key=mine", q=1), ask(q=2), ask(q=2)] == [1, 2, 3]
        assert cassette.play_count

    @tape.use_cassette
    async def named_after_the_function():
        assert ask(q="on 2026-01-02") == 4

    def test_a_coroutine():
        import asyncio
        asyncio.run(named_after_the_function())

    def test_blocks():
        with tape.use_cassette("chat.yaml") as cassette:
            recorded = cassette.data[0][1]["body"]["string"]
            assert [ask(q="new"), int(recorded)] == [1, 1]
        with tape.use_cassette("chat.yaml"):
            assert [ask(q="new"), ask(q=2)] == [1, 2]
            with tape.use_cassette("named_after_the_function") as cassette:
                assert ask(q=3) == 4
            assert (cassette.play_count, cassette.all_played, len(cassette)) == (1, True, 1)
            (request,) = cassette.requests
            assert (request.method, request.uri) == ("POST", URL + "items")
            assert request.body in (b'{"q":3}', b'{"q": "on 2026-01-01"}')  # vcrpy has the old one
            (response,) = cassette.responses
            assert (response["status"]["code"], bytes(response["body"]["string"])) == (200, b"4")

    def test_without_a_cassette():
        pass
"""


def interaction(number: int, uri: str = "http://127.0.0.1:9/v1/items") -> dict[str, object]:
    body = '{"q": "on 2026-01-01"}' if number == 4 else f"{number}"
    kind = {"content-type": ["application/json"]}
    return {
        "request": {"method": "POST", "uri": uri, "headers": kind, "body": body},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": dict(kind),
            "body": {"string": f"{number}"},
        },
    }


def write(file: Path, *numbers: int) -> None:
    file.parent.mkdir(exist_ok=True)
    document = {"interactions": [*map(interaction, numbers)], "version": 1}
    file.write_text(yaml.safe_dump(document))


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of vcrpy's decorator and blocks; no server answers, and no host is covered."""
    prepare(pytester, monkeypatch)
    pytester.makepyprojecttoml("[tool.cachy]\n")
    pytester.makepyfile(test_suite=SUITE)
    write(pytester.path / "tapes/chat.yaml", 1, 2, 3)
    write(pytester.path / "tapes/named_after_the_function", 4)
    return pytester


@pytest.mark.slow
def test_a_suite_moves_without_an_edit(suite: pytest.Pytester) -> None:
    migrated = run_pytest(suite, "--cachy=migrate", loaded=LOADED)
    migrated.assert_outcomes(passed=4)
    assert "cachy: 8 replayed, 7 recorded, 0 missed" in migrated.outlines
    advice = 'cachy: not covered yet: set extend-doms = ["127.0.0.1:9"] in [tool.cachy]'
    assert advice in migrated.outlines
    pattern = r"add '\d{4}-\d{2}-\d{2}' to normalize in [tool.cachy.match]"
    varies = f"a time or an id differs: if it varies with each run, {pattern}"
    assert f"cachy: test_suite.py::test_a_coroutine: {varies}" in migrated.outlines
    for path in (suite.path / "tapes").iterdir():
        path.unlink()
    suite.makepyfile(test_suite=SUITE.replace('cassette.data[0][1]["body"]["string"]', "1"))
    settings = '[tool.cachy]\nvcr_marker = true\nextend-doms = ["127.0.0.1:9"]\nmode = "replay"\n'
    suite.makepyprojecttoml(settings)
    replayed = run_pytest(suite, loaded=LOADED)
    replayed.assert_outcomes(passed=4)
    replayed.stdout.fnmatch_lines(["cachy: 8 replayed, 0 recorded, 0 missed"])
    assert not [*(suite.path / "tapes").iterdir()]


def test_vcrpy_answers_where_nothing_says_that_cachy_does(suite: pytest.Pytester) -> None:
    done = run_pytest(suite, loaded=LOADED)
    done.assert_outcomes(passed=4)
    done.stdout.no_fnmatch_line("cachy:*")


def test_one_request_more_than_the_cassette_holds_is_a_miss(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_suite=SUITE.replace("== [1, 2, 3]", "== ask(q=5)"))
    migrated = run_pytest(suite, "--cachy=migrate", "-k", "decorated", loaded=LOADED)
    migrated.assert_outcomes(failed=1, deselected=3)
    migrated.stdout.fnmatch_lines(
        ["*No fixture answers POST */v1/items (tapes/chat.yaml has no further response*"]
    )


@pytest.mark.slow
def test_responses_come_in_their_order_unless_bodies_are_matched(suite: pytest.Pytester) -> None:
    """vcrpy compares no bodies by default; the first of two recordings is what the test saw."""
    text = SUITE.replace('[ask("items?key=mine", q=1), ask(q=2), ask(q=2)]', "[send(2)]")
    text += "\n    def send(body):\n        return httpx.post(URL + 'items', json=body).json()\n"
    suite.makepyfile(test_suite=text.replace("== [1, 2, 3]", "== [1]"))
    ordered = run_pytest(suite, "--cachy=migrate", "-k", "decorated", loaded=LOADED)
    ordered.assert_outcomes(passed=1, deselected=3)
    by_body = text.replace("filter_query", "match_on=['uri', 'body'], filter_query")
    suite.makepyfile(test_suite=by_body.replace("== [1, 2, 3]", "== [2]"))
    for path in (suite.path / "cachy_fixtures").rglob("*.json"):
        path.unlink()
    matched = run_pytest(suite, "--cachy=migrate", "-k", "decorated", loaded=LOADED)
    matched.assert_outcomes(passed=1, deselected=3)


def test_cassettes_that_only_the_project_can_read_or_match_are_played(
    suite: pytest.Pytester,
) -> None:
    """A serializer and a matcher of its own, and a cassette that is open for a whole module."""
    suite.makepyfile(
        test_suite="""
        import json
        from types import SimpleNamespace
        import httpx, pytest, vcr, yaml

        tape = vcr.VCR(cassette_library_dir="tapes", record_mode="none")
        load = lambda text: json.loads(text[5:])
        own = SimpleNamespace(serialize=yaml.dump, deserialize=load)
        tape.register_serializer("own", own)
        tape.register_matcher("same path", lambda one, two: one.path == two.path)
        URL = "http://127.0.0.1:9/v1/items"

        @pytest.fixture(scope="module", autouse=True)
        def open_for_all():
            with tape.use_cassette("chat.yaml"):
                yield httpx.post(URL, json={}).json()

        def test_first(open_for_all):
            assert (open_for_all, httpx.post(URL, json={"q": 1}).json()) == (1, 2)

        def test_second():
            assert httpx.post(URL, json={"q": 2}).json() == 3

        def test_serializer():
            with tape.use_cassette("own.txt", serializer="own"):
                assert httpx.post(URL, json={"q": 3}).json() == 4

        def test_matcher():
            with tape.use_cassette("named_after_the_function", match_on=["same path"]):
                assert httpx.post(URL + "?day=1", json={"q": 4}).json() == 4
        """
    )
    document = json.dumps({"interactions": [interaction(4)], "version": 1})
    (suite.path / "tapes/own.txt").write_text(f"own: {document}")
    migrated = run_pytest(suite, "--cachy=migrate", loaded=LOADED)
    migrated.assert_outcomes(passed=4)
    assert "cachy: 5 replayed, 5 recorded, 0 missed" in migrated.outlines
