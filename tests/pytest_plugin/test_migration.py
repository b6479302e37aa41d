"""A suite of pytest-recording moves to strict matching in one run, without key or network."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from plugin_project import prepare, run_pytest
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, json_response, serving

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow
RECORDING = ("-p", "pytest_recording.plugin")
SUITE = """
    import os
    import httpx, pytest

    URL = os.environ["ORIGIN"]

    def ask(path="/v1/chat", **body):
        if "TODAY" in os.environ:
            body["max_tokens"] = 4096
        return httpx.post(URL + path, json=body).json()["number"]

    @pytest.mark.vcr
    def test_one():
        assert [ask(q="a"), ask(q="b"), ask(q="b")] == [1, 2, 3]

    class TestGroup:
        @pytest.mark.vcr
        @pytest.mark.parametrize("text", ["x/y", "z"])
        def test_two(self, text):
            assert ask("/v1/items", text=text) in (4, 5)

    @pytest.mark.vcr
    def test_the_same_request_with_another_response():
        assert ask(q="b") == 6

    @pytest.mark.default_cassette("named.yaml")
    @pytest.mark.vcr
    def test_named():
        assert ask(q="c") == 7

    def test_without_requests():
        pass
"""


def count(server: ScriptedServer) -> ScriptedResponse:
    return json_response({"number": server.count})


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pytest-recording, which cannot live beside cassetter's plugin."""
    folder = tmp_path_factory.mktemp("recorder")
    install = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*install, "pytest-recording", "pytest-vcr"], check=True, timeout=300)
    return folder


@pytest.fixture
def suite(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, recorder: Path
) -> pytest.Pytester:
    """A suite that pytest-recording has recorded; its provider is gone and its requests differ."""
    prepare(pytester, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(recorder))

    def answer(request: SeenRequest) -> ScriptedResponse:
        return count(server)

    with serving(otherwise=answer) as server:
        monkeypatch.setenv("ORIGIN", server.url)
        pytester.makepyfile(test_suite=SUITE)
        recorded = run_pytest(pytester, *RECORDING, "--record-mode=once")
        recorded.assert_outcomes(passed=6)
    monkeypatch.setenv("TODAY", "1")
    for path in pytester.path.rglob("*.yaml"):
        path.write_text(
            re.sub("- .{3}, .* GMT", "- Mon, 02 Nov 2026 10:00:00 GMT", path.read_text())
        )
    return pytester


def fixtures(project: pytest.Pytester) -> list[Path]:
    return sorted((project.path / "cachy_fixtures").rglob("*.json"))


def test_stale_requests_get_the_responses_of_their_cassettes(suite: pytest.Pytester) -> None:
    migrated = run_pytest(suite, *RECORDING, "--cachy=migrate")
    migrated.assert_outcomes(passed=6)
    migrated.stdout.fnmatch_lines(
        [
            "cachy: 7 replayed, 7 recorded, 0 missed",
            "cachy: 7 requests differ from what the cassettes recorded:",
            "cachy:   test_suite.py::test_one and 6 others: max_tokens is new: 4096",
        ]
    )
    replayed = run_pytest(suite, *RECORDING, "--disable-recording", "--cachy=replay")
    replayed.assert_outcomes(passed=6)
    replayed.stdout.fnmatch_lines(["cachy: 7 replayed, 0 recorded, 0 missed"])


def test_what_is_written_is_todays_request_and_that_response(suite: pytest.Pytester) -> None:
    run_pytest(suite, *RECORDING, "--cachy=migrate").assert_outcomes(passed=6)
    texts = [path.read_text() for path in fixtures(suite)]
    assert len(texts) == 7
    assert all('"max_tokens": 4096' in text for text in texts)
    assert all('"at": "2026-11-02T10:00:00Z"' in text for text in texts)
    assert not any('"ms"' in text for text in texts)
    (own,) = [text for text in texts if '"variant"' in text]
    assert '"test_suite.py::test_the_same_request_with_another_response"' in own


def test_a_second_run_and_a_newer_recording_stay_as_they_are(suite: pytest.Pytester) -> None:
    run_pytest(suite, *RECORDING, "--cachy=migrate").assert_outcomes(passed=6)
    (path,) = [path for path in fixtures(suite) if '"c"' in path.read_text()]
    path.write_text(path.read_text().replace('"number": 7', '"number": 70'))
    suite.makepyfile(test_suite=SUITE.replace("== 7", "== 70"))
    before = {path: path.read_text() for path in fixtures(suite)}
    again = run_pytest(suite, *RECORDING, "--cachy=migrate")
    again.assert_outcomes(passed=6)
    again.stdout.fnmatch_lines(["cachy: 7 replayed, 0 recorded, 0 missed"])
    assert {path: path.read_text() for path in fixtures(suite)} == before


def test_one_request_more_than_the_cassette_holds_is_a_miss(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_suite=SUITE.replace('ask(q="c") == 7', '[ask(q="c"), ask(q="d")]'))
    migrated = run_pytest(suite, *RECORDING, "--cachy=migrate", "-k", "named")
    migrated.assert_outcomes(failed=1, deselected=5)
    migrated.stdout.fnmatch_lines(
        ["*No fixture answers POST */v1/chat (cassettes/test_suite/named.yaml has no further*"]
    )


def test_a_test_without_a_cassette_says_so(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_suite=SUITE.replace("named.yaml", "new.yaml").replace("named", "new"))
    migrated = run_pytest(suite, *RECORDING, "--cachy=migrate", "-k", "new")
    migrated.stdout.fnmatch_lines(["*No fixture answers POST * (the test has no cassette)."])


def test_hosts_that_are_not_covered_are_answered_and_named(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = os.environ["ORIGIN"]
    for path in (suite.path / "cassettes").rglob("*.yaml"):
        path.write_text(path.read_text().replace(origin, "https://api.example.com"))
    monkeypatch.setenv("ORIGIN", "https://api.example.com")
    migrated = run_pytest(suite, *RECORDING, "--cachy=migrate")
    migrated.assert_outcomes(passed=6)
    line = 'cachy: not covered yet: set extend-doms = ["api.example.com"] in [tool.cachy]'
    assert line in migrated.outlines


def test_workers_of_xdist_add_what_they_migrated(suite: pytest.Pytester) -> None:
    migrated = run_pytest(suite, *RECORDING, "-p", "xdist", "-n2", "--cachy=migrate")
    migrated.assert_outcomes(passed=6)
    migrated.stdout.fnmatch_lines(["cachy: 7 requests differ from what the cassettes recorded:"])


def test_a_refused_status_says_which_setting_imports_it(suite: pytest.Pytester) -> None:
    run_pytest(suite, *RECORDING, "--cachy=migrate").assert_outcomes(passed=6)
    for path in (suite.path / "cassettes").rglob("named.yaml"):  # what is recorded is no answer
        path.write_text(path.read_text().replace("code: 200", "code: 401"))
    migrated = run_pytest(suite, *RECORDING, "--cachy=migrate", "-k", "named")
    setting = "record_status = [[]401]"
    migrated.stdout.fnmatch_lines(
        [f"*status 401: to import it, set {setting}*", f"*1 not recorded: 401 (1); *: {setting}"]
    )


def test_two_passwords_for_one_request_are_a_miss_that_says_so(suite: pytest.Pytester) -> None:
    keys = iter(["ntn_first-key-of-two", "ntn_other-key-of-two"])
    text = SUITE.replace("json=body)", "json=body, headers={'x-api-key': next(KEYS)})")
    text = text.replace('ask(q="a"), ask(q="b"), ask(q="b")', 'ask(q="b"), ask(q="b")')
    suite.makepyfile(test_suite=text.replace("def ask", f"KEYS = iter({[*keys]})\n\n    def ask"))
    migrated = run_pytest(suite, *RECORDING, "--cachy=migrate", "-k", "test_one")
    migrated.stdout.fnmatch_lines(["*No fixture answers POST */v1/chat (*only in x-api-key*"])


def test_what_the_recorder_dropped_from_urls_does_not_count(suite: pytest.Pytester) -> None:
    suite.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="module")
        def vcr_config():
            return {"filter_query_parameters": ["user"], "allow_playback_repeats": True}
        """
    )
    text = SUITE.replace('ask(q="c") == 7', '[ask("/v1/chat?user=me", q="c")] * 2 == [7, 7]')
    suite.makepyfile(test_suite=text)
    migrated = run_pytest(suite, *RECORDING, "--cachy=migrate", "-k", "named")
    migrated.assert_outcomes(passed=1, deselected=5)


def test_a_suite_of_pytest_vcr_keeps_its_own_pytest_fixtures(suite: pytest.Pytester) -> None:
    suite.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="module")
        def vcr(vcr):
            return vcr

        @pytest.fixture(autouse=True)
        def recorder(vcr, vcr_cassette_name):
            assert vcr.cassette_library_dir.endswith("cassettes")
        """
    )
    cassettes = suite.path / "cassettes"
    for path in (cassettes / "test_suite").iterdir():
        path.rename(cassettes / path.name)
    migrated = run_pytest(suite, "-p", "pytest_vcr", "--cachy=migrate", "-k", "test_one")
    migrated.assert_outcomes(passed=1, deselected=5)
    migrated.stdout.fnmatch_lines(["cachy: 3 replayed, 3 recorded, 0 missed"])


def test_the_markers_of_vcr_count_as_ours_by_a_setting(suite: pytest.Pytester) -> None:
    run_pytest(suite, *RECORDING, "--cachy=migrate").assert_outcomes(passed=6)
    for path in (suite.path / "cassettes").rglob("*.yaml"):
        path.unlink()
    run_pytest(suite, *RECORDING).assert_outcomes(passed=1, failed=5)
    pyproject = suite.path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + "\nvcr_marker = true\n")
    replayed = run_pytest(suite, *RECORDING)
    replayed.assert_outcomes(passed=6)
    replayed.stdout.fnmatch_lines(["cachy: 7 replayed, 0 recorded, 0 missed"])
