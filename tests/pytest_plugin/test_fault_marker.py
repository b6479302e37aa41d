"""Faults by the marker: counted over the requests of a test, and again where it is run again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from plugin_project import prepare
from scripted_server import ScriptedServer, json_response, serving

pytest_plugins = ["pytester"]


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    with serving(otherwise=json_response({"id": 1})) as server:
        yield server


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> pytest.Pytester:
    prepare(pytester, monkeypatch)
    pytester.makeconftest(f"URL = {origin.url!r}\n")
    return pytester


def test_the_first_requests_of_each_test_have_the_fault(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import httpx, pytest
        from conftest import URL

        @pytest.fixture
        def set_up():
            assert httpx.get(URL + "/login").status_code == 429

        @pytest.mark.parametrize("number", [1, 2])
        @pytest.mark.cachy(fault="429 x2")
        def test_it(number, set_up, cachy):
            assert httpx.get(URL + "/a").status_code == 429
            assert httpx.get(URL + "/b").status_code == 200
            assert [response.status for response in cachy.responses] == [429, 429, 200]

        @pytest.mark.cachy(fault="timeout")
        def test_a_failed_request_is_seen(cachy):
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(URL + "/a")
            httpx.get(URL + "/a")
            assert len(cachy) == 2 and len(cachy.responses) == 1
            assert cachy[0].response is None
        """
    )
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=3)
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=3)


def test_a_test_that_enables_cachy_itself_has_it_once(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import cachy, httpx, pytest
        from conftest import URL

        @pytest.mark.cachy(fault="503")
        def test_it():
            assert httpx.get(URL + "/a").status_code == 503
            cachy.enable_cachy()
            assert httpx.get(URL + "/a").status_code == 200
        """
    )
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1)


def test_a_test_that_is_run_again_has_it_again(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import httpx, pytest
        from conftest import URL
        statuses = []

        @pytest.mark.cachy(fault="503")
        def test_it():
            statuses.append(httpx.get(URL + "/a").status_code)
            assert statuses == [503, 503]
        """
    )
    arguments = ("--cachy=record", "-p", "pytest_rerunfailures", "--reruns=1")
    project.runpytest_subprocess(*arguments).assert_outcomes(passed=1)


def test_a_wrong_fault_fails_the_test_with_one_line(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.cachy(fault="429 twice")
        def test_it(): ...
        """
    )
    done = project.runpytest_subprocess()
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        ["*@pytest.mark.cachy: fault='429 twice' is not a fault that cachy knows. Write '429 x2'*"]
    )
    done.stdout.no_fnmatch_line("*Traceback*")
