"""What a project sees that runs its tests with cachy's plugin."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from plugin_project import prepare, run_pytest
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, json_response, serving

pytest_plugins = ["pytester"]


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    """A provider that answers each request with its number, and the status that it asks for."""

    def count(request: SeenRequest) -> ScriptedResponse:
        status = request.json.get("status", 200) if request.body else 200
        return json_response({"number": server.count}, status)

    with serving(otherwise=count) as server:
        yield server


@pytest.fixture
def url(origin: ScriptedServer) -> str:
    return f"{origin.url}/v1/chat/completions"  # generated, so shared


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, url: str
) -> pytest.Pytester:
    prepare(pytester, monkeypatch)
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


@pytest.mark.slow
def test_equal_requests_are_answered_in_turn_and_counted_per_test(
    origin: ScriptedServer,
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
    assert origin.count == 3


@pytest.mark.slow
def test_the_option_turns_cachy_on_for_every_test(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    project.makepyfile("def test_it(ask):\n    assert ask() == 1\n")
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1)
    assert len([*(project.path / "cachy_fixtures").rglob("*.json")]) == 1
    text = next((project.path / "cachy_fixtures").rglob("*.json")).read_text()
    assert '.py::test_it"' in text


def test_without_being_asked_nothing_is_recorded(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(ask):\n    assert ask() == 1\n")
    project.runpytest_subprocess().assert_outcomes(passed=1)
    assert not (project.path / "cachy_fixtures").exists()


def test_a_miss_fails_with_the_command_that_records_it(
    origin: ScriptedServer, project: pytest.Pytester
) -> None:
    project.makepyfile(test_a="def test_it(ask):\n    ask(q='Hey!')\n")
    result = project.runpytest_subprocess("--cachy=replay")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*No fixture answers POST http://127.0.0.1:*/completions (mode replay, from --cachy).",
            "*Record it: pytest --cachy=record 'test_a.py::test_it'",
            "cachy: 0 replayed, 0 recorded, 1 missed",
        ]
    )
    result.stdout.no_fnmatch_line("*_settled_answer*")
    result.stdout.no_fnmatch_line("*cachy/replay/session.py:*")
    assert origin.count == 0


def test_a_miss_is_said_once_in_the_failure_and_once_in_the_summary(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(test_a="def test_it(ask):\n    ask(q='Hey!')\n")
    result = project.runpytest_subprocess("--cachy=replay")
    said = [line for line in result.outlines if "No fixture answers POST" in line]
    assert [line.partition(" ")[0] for line in said] == ["E"]
    assert not any("No fixture" in line for line in result.errlines)
    result.stdout.fnmatch_lines_random(["FAILED test_a.py::test_it*", "cachy: *1 missed"])


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
    result.stdout.fnmatch_lines(["*This test swallowed a miss: No fixture answers POST*"])


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


@pytest.mark.slow
def test_workers_replay_and_their_totals_are_added(project: pytest.Pytester) -> None:
    project.makepyfile(TWICE)
    project.runpytest_subprocess()
    result = project.runpytest_subprocess("-p", "xdist", "-n2", "--cachy=replay")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["cachy: 5 replayed, 0 recorded, 0 missed"])


@pytest.mark.slow
def test_workers_that_record_the_same_at_once_lose_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(ask, number):
            assert len({ask(), ask(), ask(own=number)}) == 3
        """
    )
    for mode in ("record", "replay"):
        result = project.runpytest_subprocess("-p", "xdist", "-n2", f"--cachy={mode}")
        result.assert_outcomes(passed=8)
        assert len([*(project.path / "cachy_fixtures").rglob("*.json")]) == 10
    result.stdout.fnmatch_lines(["cachy: 24 replayed*, 0 recorded, 0 missed"])


def test_a_portal_that_an_earlier_miss_ended_says_so(project: pytest.Pytester, url: str) -> None:
    project.makepyfile(
        f"""
        import httpx, pytest
        from starlette.applications import Starlette
        from starlette.responses import Response
        from starlette.routing import Route
        from starlette.testclient import TestClient

        async def ask(request):
            async with httpx.AsyncClient() as client:
                await client.get({url!r})

        app = Starlette(routes=[Route("/ask", ask), Route("/", lambda _: Response())])

        @pytest.fixture(scope="module")
        def client():
            client = TestClient(app)
            client.__enter__()  # its exit would fail of the dead portal too
            return client

        def test_one(client):
            client.get("/ask")

        def test_two(client):
            client.get("/")
        """
    )
    result = project.runpytest_subprocess("--cachy=replay")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*This portal is not running*", f"*before that, No fixture answers GET {url}*"]
    )


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


def test_a_wrong_mode_ends_in_one_line(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--cachy=sometimes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--cachy: invalid choice: 'sometimes'*"])


def test_the_marker_chooses_mode_repeats_and_status(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import cachy, pytest

        @pytest.mark.cachy(mode="refresh", repeats="same")
        def test_refresh(ask):
            assert ask() == ask()

        @pytest.mark.cachy(mode="replay")
        def test_replay(ask):
            with pytest.raises(cachy.UnrecordedRequest):
                ask(q="new")

        @pytest.mark.cachy(mode="off")
        def test_off(ask):
            assert ask() == 2

        @pytest.mark.cachy(record_status=[503])
        def test_status(ask):
            assert ask(status=503) == ask(status=503) - 1
        """
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=4, errors=1)  # a miss that a test expects is a miss
    result.stdout.fnmatch_lines(["cachy: 1 replayed, 3 recorded, 1 missed"])
    statuses = [
        path.name
        for path in (project.path / "cachy_fixtures").rglob("*.json")
        if '"status": 503' in path.read_text()
    ]
    assert len(statuses) == 2


def test_a_marker_that_cannot_be_right_fails_its_test_in_one_line(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", [
            pytest.param(1, marks=pytest.mark.cachy("replay")),
            pytest.param(2, marks=pytest.mark.cachy(mode="sometimes")),
            pytest.param(3, marks=pytest.mark.cachy(modus="replay")),
            pytest.param(4, marks=pytest.mark.cachy(record_status=429)),
            5,
        ])
        def test_it(number):
            assert number == 5
        """
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=4)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.cachy: the argument 'replay' has no name. The marker takes mode, *",
            "@pytest.mark.cachy: *'sometimes' is not one of*",
            "@pytest.mark.cachy: unknown argument 'modus'. The marker takes mode, repeats, share*",
            "@pytest.mark.cachy: record_status=429 is not a list of numbers*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_config_that_cannot_be_right_fails_in_one_line(project: pytest.Pytester) -> None:
    project.makepyprojecttoml("[tool.cachy]\nhosts = 1\n")
    project.makepyfile("def test_it(ask):\n    ask()\n")
    result = project.runpytest_subprocess("--cachy=replay")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["cachy: *hosts*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_a_miss_in_a_teardown_is_its_own_tests(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def closing(ask):
            yield
            ask()

        def test_one(closing): pass
        def test_two(): pass
        """
    )
    result = project.runpytest_subprocess("--cachy=replay")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["cachy: 0 replayed, 0 recorded, 1 missed", "ERROR *::test_one*"])


def test_a_test_that_is_run_again_is_answered_from_the_start(
    origin: ScriptedServer, project: pytest.Pytester
) -> None:
    project.makepyfile(
        """
        tries = []

        def test_it(ask):
            tries.append(ask())
            assert len(tries) == 3
            assert tries == [1, 1, 1]
        """
    )
    for mode, expected in (
        ("record", "2 replayed, 1 recorded"),
        ("replay", "3 replayed, 0 recorded"),
    ):
        result = project.runpytest_subprocess(
            "-p", "rerunfailures", f"--cachy={mode}", "--reruns=2"
        )
        assert result.parseoutcomes() == {"passed": 1, "rerun": 2}
        result.stdout.fnmatch_lines([f"cachy: {expected}, 0 missed"])
    assert origin.count == 1


def test_an_expected_failure_that_a_miss_brings_stays_one(project: pytest.Pytester) -> None:
    project.makepyfile("import pytest\n\n@pytest.mark.xfail\ndef test_it(ask):\n    ask()\n")
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(xfailed=1)


ASYNC = """
    import httpx, pytest

    {mark}

    async def ask():
        async with httpx.AsyncClient() as client:
            return (await client.post({url!r}, json={{}})).json()["number"]

    @pytest.mark.cachy
    async def test_one():
        assert [await ask(), await ask()] == [1, 2]

    @pytest.mark.cachy
    async def test_two():
        assert [await ask(), await ask()] == [1, 2]

    @pytest.mark.cachy(mode="off")
    async def test_off():
        assert await ask() > 2
"""


@pytest.mark.slow
@pytest.mark.parametrize("plugin", ["asyncio", "anyio"])
def test_tests_that_share_an_event_loop_are_counted_apart(
    project: pytest.Pytester, url: str, plugin: str
) -> None:
    marks = {
        "asyncio": 'pytestmark = pytest.mark.asyncio(loop_scope="module")',
        "anyio": 'pytestmark = pytest.mark.anyio\n\n    @pytest.fixture(scope="module")\n'
        '    def anyio_backend(): return "asyncio"',
    }
    project.makepyfile(ASYNC.format(mark=marks[plugin], url=url))
    for expected in ("2 replayed*, 2 recorded, 0 missed", "4 replayed*, 0 recorded, 0 missed"):
        result = project.runpytest_subprocess("-p", plugin)
        result.assert_outcomes(passed=3)
        result.stdout.fnmatch_lines([f"cachy: {expected}"])


CHILD = """
    import multiprocessing, subprocess, sys, threading

    SCRIPT = "import cachy, httpx; cachy.enable_cachy(doms=['127.0.0.1']);"
    SCRIPT += "httpx.get('http://127.0.0.1:9/x')"

    def swallow():
        import httpx
        try:
            httpx.get("http://127.0.0.1:9/x")
        except BaseException:
            pass

    def test_a_program():
        subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True)

    def test_a_fork():
        process = multiprocessing.get_context("fork").Process(target=swallow)
        process.start()
        process.join()

    def test_a_thread():
        thread = threading.Thread(target=swallow)
        thread.start()
        thread.join()

    def test_none():
        pass
"""


@pytest.mark.slow
def test_a_miss_of_what_a_test_started_fails_it(project: pytest.Pytester) -> None:
    project.makepyfile(CHILD)
    result = project.runpytest_subprocess("-p", "xdist", "--cachy=replay", "-n2")
    result.assert_outcomes(passed=4, errors=3)
    result.stdout.fnmatch_lines(["cachy: 0 replayed, 0 recorded, 3 missed"])
    result.stdout.no_fnmatch_line("ERROR *::test_none*")


@pytest.mark.parametrize("workers", ["-n0", pytest.param("-n1", marks=pytest.mark.slow)])
def test_a_miss_outside_of_every_test_fails_the_run(project: pytest.Pytester, workers: str) -> None:
    project.makepyfile(
        """
        import cachy, httpx
        cachy.enable_cachy(mode="replay")
        try:
            httpx.get("http://127.0.0.1:9/x")
        except BaseException:
            pass

        def test_it(): pass
        """
    )
    result = project.runpytest_subprocess("-p", "xdist", workers)
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["cachy: missed outside of a test: No fixture answers GET*"])


def test_the_option_holds_while_modules_are_imported(
    origin: ScriptedServer, project: pytest.Pytester, url: str
) -> None:
    project.makepyfile(
        f"""
        import httpx
        NUMBER = httpx.post({url!r}, json={{}}).json()["number"]

        def test_it(ask):
            assert NUMBER == ask() == 1
        """
    )
    missing = project.runpytest_subprocess("--cachy=replay")
    missing.assert_outcomes(errors=1)
    missing.stdout.fnmatch_lines(["*No fixture answers POST*"])
    assert origin.count == 0
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1)
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=1)
    assert origin.count == 1


@pytest.fixture
def enabling(project: pytest.Pytester, url: str) -> pytest.Pytester:
    """A project that says in its conftest.py alone what cachy is to do."""
    project.makepyprojecttoml("")
    host = url.removeprefix("http://").partition("/")[0]
    conftest = project.path / "conftest.py"
    chosen = f"import cachy\ncachy.enable_cachy('kept', doms=[{host!r}])\n"
    conftest.write_text(chosen + conftest.read_text())
    return project


@pytest.mark.slow
def test_the_plugin_keeps_what_the_conftest_chose(
    origin: ScriptedServer, enabling: pytest.Pytester
) -> None:
    enabling.makepyfile(
        test_a="""
        import pytest

        def test_plain(ask):
            assert [ask(), ask()] == [1, 2]

        @pytest.mark.cachy(record_status=[503])
        def test_marked(ask):
            assert [ask(), ask(status=503)] == [1, 3]

        def test_asked(ask, cachy):
            assert ask() == 1

        @pytest.mark.cachy(repeats="same")
        def test_the_same(ask):
            assert [ask(), ask()] == [1, 1]
        """
    )
    for options, line in (
        ((), "4 replayed, 3 recorded, 0 missed"),
        ((), "7 replayed, 0 recorded, 0 missed"),
        (("--cachy=replay",), "7 replayed, 0 recorded, 0 missed"),
    ):
        result = enabling.runpytest_subprocess(*options)
        result.assert_outcomes(passed=4)
        result.stdout.fnmatch_lines([f"cachy: {line}"])
    assert origin.count == 3
    assert len([*(enabling.path / "kept").rglob("*.json")]) == 3


@pytest.mark.slow
def test_the_hint_of_a_miss_records_it(
    origin: ScriptedServer, enabling: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    enabling.makepyfile(test_a="def test_it(ask):\n    ask()\n")
    for options in ((), ("--cachy=replay",)):
        missing = enabling.runpytest_subprocess(*options)
        missing.assert_outcomes(failed=1)
        missing.stdout.fnmatch_lines(["*Record it: pytest --cachy=record 'test_a.py::test_it'"])
    assert origin.count == 0
    enabling.runpytest_subprocess("--cachy=record", "test_a.py::test_it").assert_outcomes(passed=1)
    enabling.runpytest_subprocess().assert_outcomes(passed=1)
    assert origin.count == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "workers", [(), pytest.param(("-p", "xdist", "-n1"), marks=pytest.mark.slow)]
)
def test_a_miss_among_others_is_counted_with_them(
    enabling: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    enabling.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(ask, number):
            ask(own=number)
        """
    )
    enabling.runpytest_subprocess("-k", "not 3").assert_outcomes(passed=3)
    monkeypatch.setenv("CI", "true")
    result = enabling.runpytest_subprocess(*workers)
    result.stdout.fnmatch_lines(["cachy: 3 replayed, 0 recorded, 1 missed"])


@pytest.mark.slow
def test_cachy_run_leaves_the_plugin_its_turns_and_pytest_its_peace(
    project: pytest.Pytester,
) -> None:
    conftest = project.path / "conftest.py"
    wanted = "import pytest\npytest.register_assert_rewrite('cachy')\n"  # as an install does
    conftest.write_text(wanted + conftest.read_text())
    project.makepyfile(
        """
        import pytest

        @pytest.mark.cachy
        def test_it(ask):
            assert [ask(), ask()] == [1, 2]
        """
    )
    result = project.run(sys.executable, "-m", "cachy", "run", "--", "python", "-m", "pytest")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["cachy: 0 replayed, 2 recorded, 0 missed"])
    result.stdout.no_fnmatch_line("*Warning*")


@pytest.mark.slow
def test_cachy_run_counts_the_misses_that_pytest_reports(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.xfail
        def test_it(ask):
            ask()
        """
    )
    command = ("run", "--mode", "replay", "--", "python", "-m", "pytest", "-p", "xdist", "-n1")
    result = project.run(sys.executable, "-m", "cachy", *command)
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["cachy: 0 replayed, 0 recorded, 1 missed"])
    assert result.errlines[-1] == "cachy: 0 replayed, 0 recorded, 0 refused, 1 missed"
    assert result.ret == 1


@pytest.mark.slow
def test_a_torn_fixture_is_a_miss_in_its_own_words(
    origin: ScriptedServer, enabling: pytest.Pytester, url: str
) -> None:
    enabling.makepyfile(
        f"""
        import openai

        def test_it():
            client = openai.OpenAI(api_key="mine", base_url={url.removesuffix("/completions")!r})
            assert client.post("/completions", body={{}}, cast_to=object) == {{"number": 1}}
        """
    )
    run_pytest(enabling, loaded=("openai",)).assert_outcomes(passed=1)
    (path,) = (enabling.path / "kept").rglob("*.json")
    path.write_text("{")
    shown = path.relative_to(enabling.path)
    for options in ((), ("--cachy=replay",)):
        result = run_pytest(enabling, *options, loaded=("openai",))
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                f"*No fixture answers POST {url}: {shown} is not valid JSON *"
                "Record it again, or restore it from git.",
                "cachy: 0 replayed, 0 recorded, 1 missed",
            ]
        )
        result.stdout.no_fnmatch_line("*Connection error*")
    assert origin.count == 1


ENABLING = """
    import cachy, pytest

    @pytest.fixture(scope={scope!r}, autouse={autouse})
    def enabled():
        cachy.enable_cachy("kept", doms=[{host!r}])
        yield
        cachy.disable_cachy()

    @pytest.mark.usefixtures("enabled")
    class TestThem:
        def test_plain(self, ask):
            assert [ask(), ask()] == [1, 2]

        @pytest.mark.cachy(record_status=[503])
        def test_marked(self, ask):
            assert [ask(), ask(status=503)] == [1, 3]

        @pytest.mark.cachy(repeats="sequence")
        def test_turns(self, ask):
            assert [ask(), ask()] == [1, 2]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scope", "autouse", "workers"),
    [("function", False, "-n0"), pytest.param("session", True, "-n2", marks=pytest.mark.slow)],
)
def test_what_a_pytest_fixture_enables_holds_in_the_tests_that_use_it(
    origin: ScriptedServer,
    project: pytest.Pytester,
    url: str,
    scope: str,
    autouse: bool,
    workers: str,
) -> None:
    """Its folder and hosts hold at once; option and marker still change what they say."""
    project.makepyprojecttoml("")
    host = url.removeprefix("http://").partition("/")[0]
    project.makepyfile(ENABLING.format(scope=scope, autouse=autouse, host=host))
    recording = project.runpytest_subprocess("--cachy=record")
    recording.assert_outcomes(passed=3)
    recording.stdout.fnmatch_lines(["cachy: 3 replayed, 3 recorded, 0 missed"])
    replaying = project.runpytest_subprocess("--cachy=replay", "-p", "xdist", workers)
    replaying.assert_outcomes(passed=3)
    replaying.stdout.fnmatch_lines(["cachy: 6 replayed, 0 recorded, 0 missed"])
    assert origin.count == 3
    assert len([*(project.path / "kept").rglob("*.json")]) == 3


def test_what_a_test_enables_holds_in_it_at_once(project: pytest.Pytester, url: str) -> None:
    project.makepyprojecttoml("")
    host = url.removeprefix("http://").partition("/")[0]
    project.makepyfile(
        f"""
        import cachy, threading

        def test_it(ask):
            seen = [ask(q=1)]
            cachy.enable_cachy(doms=[{host!r}], repeats="sequence")
            thread = threading.Thread(target=lambda: seen.append(ask(q=1)))
            thread.start()
            thread.join()
            seen += [ask(q=1)]
            cachy.enable_cachy(doms=["api.example.com"])
            seen += [ask(q=1)]
            assert seen == [1, 2, 3, 4]
        """
    )
    result = project.runpytest_subprocess("--cachy=record")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["cachy: 0 replayed, 2 recorded, 0 missed"])
