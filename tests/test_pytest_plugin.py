"""What a project sees that runs its tests with cachy's plugin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest_plugins = ["pytester"]


class Counting(BaseHTTPRequestHandler):
    """Answers each request with its number."""

    served = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        Counting.served += 1
        body = b'{"number": %d}' % Counting.served
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Counting.served = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/count"
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, url: str
) -> pytest.Pytester:
    for name in ("CI", "CACHY_MODE"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyprojecttoml('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    pytester.makeconftest(
        f"""
        import httpx, pytest

        @pytest.fixture
        def ask():
            return lambda **body: httpx.post({url!r}, json=body).json()["number"]
        """
    )
    return pytester


TWICE = """
    import pytest

    def test_one(ask, cachy):
        assert [ask(), ask(), ask(q=1)] == [1, 2, 3]

    @pytest.mark.cachy
    def test_two(ask):
        assert [ask(), ask()] == [1, 2]
"""


def test_equal_requests_are_answered_in_turn_and_counted_per_test(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(TWICE)
    recording = project.runpytest_subprocess()
    recording.assert_outcomes(passed=2)
    recording.stdout.fnmatch_lines(["cachy: 2 replayed, 3 recorded, 0 missed"])
    names = sorted(path.name for path in (project.path / "cachy_fixtures").rglob("*.json"))
    assert [name.endswith("-2.json") for name in names].count(True) == 1
    replaying = project.runpytest_subprocess("--cachy=replay")
    replaying.assert_outcomes(passed=2)
    replaying.stdout.fnmatch_lines(["cachy: 5 replayed, 0 recorded, 0 missed"])
    assert Counting.served == 3


def test_the_option_turns_cachy_on_for_every_test(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(ask):\n    assert ask() == 1\n")
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1)
    assert len([*(project.path / "cachy_fixtures").rglob("*.json")]) == 1
    text = next((project.path / "cachy_fixtures").rglob("*.json")).read_text()
    assert '.py::test_it"' in text


def test_without_being_asked_nothing_is_recorded(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(ask):\n    assert ask() == 1\n")
    project.runpytest_subprocess().assert_outcomes(passed=1)
    assert not (project.path / "cachy_fixtures").exists()


def test_a_miss_fails_with_the_command_that_records_it(project: pytest.Pytester) -> None:
    project.makepyfile(test_a="def test_it(ask):\n    ask(q='Hey!')\n")
    result = project.runpytest_subprocess("--cachy=replay")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*No fixture answers POST http://127.0.0.1:*/v1/count (mode replay, from CACHY_MODE).",
            "*Record it: pytest --cachy=record 'test_a.py::test_it'",
            "cachy: 0 replayed, 0 recorded, 1 missed",
        ]
    )
    assert Counting.served == 0


def test_a_swallowed_miss_still_fails_the_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_it(ask):
            try:
                ask()
            except BaseException:
                pass
        """
    )
    result = project.runpytest_subprocess("--cachy=replay")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*This test swallowed a miss:", "*No fixture answers POST*"])


def test_a_miss_in_a_session_fixture_fails_every_test_with_its_own_words(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        """
        import httpx, pytest

        @pytest.fixture(scope="session")
        def broken():
            return httpx.post("http://127.0.0.1:9/x", json={})

        def test_one(broken): pass
        def test_two(broken): pass
        """
    )
    result = project.runpytest_subprocess("--cachy=replay")
    result.assert_outcomes(errors=2)
    assert result.stdout.str().count("E           No fixture answers") <= 2
    assert "AssertionError" not in result.stdout.str()


def test_workers_replay_and_their_totals_are_added(project: pytest.Pytester) -> None:
    project.makepyfile(TWICE)
    project.runpytest_subprocess()
    result = project.runpytest_subprocess("-n2", "--cachy=replay")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["cachy: 5 replayed, 0 recorded, 0 missed"])


def test_a_project_that_enables_cachy_itself_fails_on_a_swallowed_miss(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        """
        import cachy
        cachy.enable_cachy(mode="replay")

        def test_it(ask):
            try:
                ask()
            except BaseException:
                pass
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1, errors=1)


def test_a_mode_that_is_none_ends_in_one_line(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--cachy=sometimes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--cachy: invalid choice: 'sometimes'*"])
