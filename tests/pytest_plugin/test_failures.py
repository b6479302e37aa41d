"""What becomes of the recordings of a test that fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin_project import prepare
from scripted_server import ScriptedServer, json_response, serving, text_response

pytest_plugins = ["pytester"]


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    """An API that answers each request with its number."""
    server: ScriptedServer

    with serving(otherwise=lambda _: json_response({"number": server.count})) as server:
        server.on("/picture", text_response(b"\x89PNG" + bytes(range(256)) * 40, kind="image/png"))
        yield server


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: ScriptedServer
) -> pytest.Pytester:
    prepare(pytester, monkeypatch)
    pytester.makeconftest(f"URL = {origin.url!r}\n")
    write_test(pytester, passes=False)
    return pytester


def keep_passed(project: pytest.Pytester) -> None:
    project.makepyprojecttoml('[tool.cachy]\ndoms = ["127.0.0.1"]\nkeep = "passed"\n')


def write_test(project: pytest.Pytester, *, passes: bool) -> None:
    project.makepyfile(
        test_it=f"""
        import httpx
        from conftest import URL

        def test_wrong():
            first = httpx.post(URL + "/v1/chat/completions", json={{"q": 1}}).json()
            assert len(httpx.get(URL + "/picture").content) > 9000
            assert httpx.get(URL + "/items").status_code == 200
            assert first["number"] == 1 and {passes}

        def test_right():
            httpx.get(URL + "/right")
        """
    )


def names(folder: Path) -> set[str]:
    """Return the surfaces of the fixtures below a folder."""
    below = [path.relative_to(folder) for path in folder.rglob("*.json")]
    found = [folder / path for path in below if not {"blobs", ".cachy"} & {*path.parts}]
    return {json.loads(path.read_text())["request"]["url"].rpartition("/")[2] for path in found}


def kept(project: pytest.Pytester) -> set[str]:
    return names(project.path / "cachy_fixtures")


def apart(project: pytest.Pytester) -> set[str]:
    return names(project.path / "cachy_fixtures" / ".cachy" / "failed")


@pytest.mark.slow
def test_the_recordings_of_a_failed_test_are_named(project: pytest.Pytester) -> None:
    done = project.runpytest_subprocess("--cachy=record")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(
        [
            "cachy: test_it.py::test_wrong failed; check what it recorded:"
            " cachy_fixtures/*/completions/*.json, cachy_fixtures/*/picture/*.json, *.json"
        ]
    )
    done.stdout.no_fnmatch_line("*test_right failed*")
    assert kept(project) == {"completions", "picture", "items", "right"}
    again = project.runpytest_subprocess("--cachy=record")
    again.stdout.no_fnmatch_line("*what it recorded*")


@pytest.mark.slow
def test_they_wait_apart_and_are_replayed_until_the_test_passes(
    project: pytest.Pytester, origin: ScriptedServer
) -> None:
    keep_passed(project)
    done = project.runpytest_subprocess("--cachy=record")
    done.stdout.fnmatch_lines(
        [
            "cachy: test_it.py::test_wrong failed; set aside in cachy_fixtures/.cachy/failed"
            " until it passes: *.json, *.json, *.json"
        ]
    )
    assert (kept(project), apart(project)) == ({"right"}, {"completions", "picture", "items"})
    assert not [*(project.path / "cachy_fixtures").glob("blobs/*")]
    asked = origin.count
    for mode in ("record", "replay"):
        again = project.runpytest_subprocess(f"--cachy={mode}")
        again.assert_outcomes(passed=1, failed=1)
        again.stdout.fnmatch_lines(["cachy: 4 replayed, 0 recorded, 0 missed"])
        assert (kept(project), apart(project)) == ({"right"}, {"completions", "picture", "items"})
    write_test(project, passes=True)
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=2)
    assert (kept(project), apart(project)) == ({"right", "completions", "picture", "items"}, set())
    assert len([*(project.path / "cachy_fixtures").glob("blobs/*")]) == 1
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=2)
    assert origin.count == asked


def test_a_test_that_passes_with_them_keeps_them(
    project: pytest.Pytester, origin: ScriptedServer
) -> None:
    """What a model generates is shared: the second test needs what the first has recorded."""
    keep_passed(project)
    project.makepyfile(
        test_it="""
        import httpx
        from conftest import URL

        def ask():
            return httpx.post(URL + "/v1/chat/completions", json={"q": 1}).json()

        def test_wrong():
            assert ask() is None

        def test_right():
            assert ask()
        """
    )
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1, failed=1)
    assert (kept(project), apart(project), origin.count) == ({"completions"}, set(), 1)


@pytest.mark.slow
def test_a_refresh_by_a_failing_test_leaves_the_old_recording(project: pytest.Pytester) -> None:
    keep_passed(project)
    write_test(project, passes=True)
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=2)
    (path,) = project.path.rglob("completions/*.json")
    before = path.read_bytes()
    project.runpytest_subprocess("--cachy=refresh").assert_outcomes(passed=1, failed=1)
    assert path.read_bytes() == before
    assert "completions" in apart(project)
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=2)


@pytest.mark.slow
def test_in_ci_nothing_changes(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_passed(project)
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1, failed=1)
    monkeypatch.setenv("CI", "true")
    missed = project.runpytest_subprocess("--cachy=replay")
    missed.stdout.fnmatch_lines(["*No fixture answers POST *completions*"])
    assert apart(project) == {"completions", "picture", "items"}
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1, failed=1)
    assert kept(project) == {"right", "completions", "picture", "items"}


def test_a_test_that_passes_when_it_is_run_again_keeps_all(project: pytest.Pytester) -> None:
    keep_passed(project)
    project.makepyfile(
        test_it="""
        import httpx
        from conftest import URL
        tries = []

        def test_it():
            tries.append(httpx.get(URL + "/items"))
            assert len(tries) == 2
        """
    )
    arguments = ("--cachy=record", "-p", "pytest_rerunfailures", "--reruns=1")
    done = project.runpytest_subprocess(*arguments)
    done.assert_outcomes(passed=1)
    done.stdout.no_fnmatch_line("*test_it failed*")
    assert (kept(project), apart(project)) == ({"items"}, set())


@pytest.mark.slow
def test_workers_say_and_do_the_same(project: pytest.Pytester) -> None:
    keep_passed(project)
    done = project.runpytest_subprocess("--cachy=record", "-p", "xdist", "-n1")
    done.stdout.fnmatch_lines(["cachy: test_it.py::test_wrong failed; set aside in *"])
    assert apart(project) == {"completions", "picture", "items"}
