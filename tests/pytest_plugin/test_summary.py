"""What pytest's summary says of API calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from plugin_project import prepare
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, json_response, serving

pytest_plugins = ["pytester"]


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    """An API that answers with the status it is asked for, and counts."""

    def respond(request: SeenRequest) -> ScriptedResponse:
        return json_response({"number": server.count}, int(request.path.rpartition("/")[2]))

    with serving(otherwise=respond) as server:
        yield server


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> pytest.Pytester:
    pytester.makepyfile(
        f"""
        import httpx, pytest

        @pytest.mark.parametrize("status", [200, 401, 429, 404])
        def test_it(status):
            assert httpx.get("{origin.url}/" + str(status)).status_code == status
        """
    )
    return prepare(pytester, monkeypatch)


def test_refused_responses_are_counted_with_the_setting_that_records_them(
    project: pytest.Pytester,
) -> None:
    done = project.runpytest_subprocess("--cachy=record")
    done.assert_outcomes(passed=4)
    done.stdout.fnmatch_lines(
        [
            "cachy: 0 replayed, 2 recorded, 0 missed",
            "cachy: 2 not recorded: 401 (1), 429 (1); to record these: record_status = *401, 429*",
        ]
    )


def test_refresh_says_what_it_rewrote(project: pytest.Pytester) -> None:
    project.runpytest_subprocess("--cachy=record")
    done = project.runpytest_subprocess("--cachy=refresh")
    done.stdout.fnmatch_lines(["cachy: 0 replayed, 0 recorded, 2 refreshed (2 changed, 0 equal)*"])
