"""Whose a recorded response is: what a model generates is shared, a stateful API's is a test's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plugin_project import prepare, run_pytest
from scripted_server import ScriptedResponse, ScriptedServer, SeenRequest, json_response, serving

from cachy.config import load_config
from cachy.verify import verify

pytest_plugins = ["pytester"]


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    """An API with items and jobs, and a model."""
    items: dict[str, Any] = {}
    polled: dict[str, int] = {}

    def respond(request: SeenRequest) -> ScriptedResponse:
        path = request.path
        if path.startswith("/jobs/"):
            polled[path] = polled.get(path, 0) + 1
            return json_response({"status": "done" if polled[path] % 3 == 0 else "running"})
        if path.endswith("/completions"):
            return json_response({"number": server.count})
        if request.method == "POST":
            items[f"/items/{len(items) + 1}"] = request.json
            return json_response({"id": len(items)})
        if request.method == "DELETE":
            return json_response({"deleted": items.pop(path, None) is not None})
        return json_response({}, 200 if path in items else 404)

    with serving(otherwise=respond) as server:
        yield server


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    return prepare(pytester, monkeypatch)


STATEFUL = """
import httpx, pytest

URL = {url!r}

@pytest.mark.parametrize("turn", range(2))
def test_an_item_comes_and_goes(turn):
    with httpx.Client(base_url=URL) as client:
        item = "/items/" + str(client.post("/items", json={{"name": "x"}}).json()["id"])
        assert client.get(item).status_code == 200
        assert client.delete(item).json() == {{"deleted": True}}
        assert client.get(item).status_code == 404
"""


def names(project: pytest.Pytester) -> list[str]:
    return sorted(path.name for path in (project.path / "cachy_fixtures").rglob("*.json"))


def variants(folder: Path) -> set[str]:
    documents = [json.loads(path.read_text()) for path in folder.rglob("*.json")]
    return {document["request"].get("variant", "") for document in documents}


@pytest.fixture
def stateful(project: pytest.Pytester, origin: ScriptedServer) -> pytest.Pytester:
    (project.path / "tests").mkdir()
    for name in ("test_a.py", "test_b.py"):
        (project.path / "tests" / name).write_text(STATEFUL.format(url=origin.url))
    return project


@pytest.mark.slow
def test_tests_of_a_stateful_api_have_recordings_of_their_own(
    stateful: pytest.Pytester, origin: ScriptedServer
) -> None:
    stateful.runpytest_subprocess("--cachy=record").assert_outcomes(passed=4)
    asked = origin.count
    assert asked == 16
    assert len(names(stateful)) == 16
    assert "tests/test_a.py::test_an_item_comes_and_goes[0]" in variants(
        stateful.path / "cachy_fixtures"
    )
    for selection in (
        (),
        ("tests/test_b.py", "tests/test_a.py"),
        ("tests/test_b.py::test_an_item_comes_and_goes[1]",),
    ):
        done = stateful.runpytest_subprocess("--cachy=replay", *selection)
        assert done.ret == 0, done.stdout.str()
    done = run_pytest(stateful, "--cachy=replay", "test_a.py", folder=stateful.path / "tests")
    done.assert_outcomes(passed=2)
    assert origin.count == asked


@pytest.mark.slow
def test_workers_find_the_recordings_of_their_tests(stateful: pytest.Pytester) -> None:
    stateful.runpytest_subprocess("--cachy=record").assert_outcomes(passed=4)
    replaying = ("-p", "xdist", "-n2", "--cachy=replay")
    stateful.runpytest_subprocess(*replaying).assert_outcomes(passed=4)


def test_recordings_of_tests_pass_verify(stateful: pytest.Pytester) -> None:
    stateful.runpytest_subprocess("--cachy=record").assert_outcomes(passed=4)
    assert verify(load_config(stateful.path)) == []


@pytest.mark.slow
def test_one_more_test_is_recorded_beside_the_others(
    stateful: pytest.Pytester, origin: ScriptedServer
) -> None:
    stateful.runpytest_subprocess("--cachy=record", "tests/test_a.py").assert_outcomes(passed=2)
    stateful.runpytest_subprocess("--cachy=record", "tests/test_b.py").assert_outcomes(passed=2)
    stateful.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=4)
    assert origin.count == 16


POLLING = """
import httpx

def wait():
    for number in range(1, 9):
        if httpx.get({url!r} + "/jobs/7").json()["status"] == "done":
            return number

def test_one():
    assert wait() == 3

def test_two():
    assert wait() == 3
"""


@pytest.mark.slow
def test_a_polling_loop_under_a_conftest_ends(
    project: pytest.Pytester,
    origin: ScriptedServer,
) -> None:
    project.makeconftest("from cachy import enable_cachy\nenable_cachy(doms=['127.0.0.1'])\n")
    project.makepyfile(POLLING.format(url=origin.url))
    project.runpytest_subprocess().assert_outcomes(passed=2)
    project.runpytest_subprocess().assert_outcomes(passed=2)
    assert origin.count == 6
    project.makepyfile(POLLING.format(url=origin.url).replace('== "done"', '== "never"'))
    missing = project.runpytest_subprocess("--cachy=replay")
    missing.assert_outcomes(failed=2)
    missing.stdout.fnmatch_lines(["*recorded 3 times for this test, and asked for 4 times*"])


SCOPES = """
import httpx, pytest

URL = {url!r}

@pytest.fixture(scope="module")
def item():
    number = httpx.post(URL + "/items", json={{"name": "shared"}}).json()["id"]
    yield number
    assert httpx.delete(URL + f"/items/{{number}}").json() == {{"deleted": True}}

def test_one(item):
    assert httpx.get(URL + f"/items/{{item}}").status_code == 200

def test_two(item):
    assert httpx.get(URL + f"/items/{{item}}").status_code == 200
"""


@pytest.mark.slow
def test_what_a_modules_pytest_fixture_asks_belongs_to_the_module(
    project: pytest.Pytester,
    origin: ScriptedServer,
) -> None:
    project.makepyfile(test_it=SCOPES.format(url=origin.url))
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=2)
    assert variants(project.path / "cachy_fixtures") == {
        "test_it.py",
        "test_it.py::test_one",
        "test_it.py::test_two",
    }
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=2)
    project.runpytest_subprocess("--cachy=replay", "-k", "two").assert_outcomes(passed=1)
    assert origin.count == 4


SHARED = """
import httpx, pytest

@pytest.mark.parametrize("turn", range(2))
def test_it(turn):
    assert httpx.post({url!r} + {path!r}, json={{"q": 1}}).status_code == 200
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "setting", "expected"),
    [
        ("/v1/chat/completions", "", [""]),
        ("/items", "", ["test_it.py::test_it[0]", "test_it.py::test_it[1]"]),
        ("/items", 'share = "module"', ["test_it.py"]),
        ("/items", 'share = "project"', [""]),
        ("/items", 'share = { "127.0.0.1" = "project" }', [""]),
        (
            "/v1/chat/completions",
            'share = "test"',
            ["test_it.py::test_it[0]", "test_it.py::test_it[1]"],
        ),
    ],
)
def test_who_shares_is_a_setting(
    path: str,
    setting: str,
    expected: list[str],
    project: pytest.Pytester,
    origin: ScriptedServer,
) -> None:
    project.makepyprojecttoml(f'[tool.cachy]\ndoms = ["127.0.0.1"]\n{setting}\n')
    project.makepyfile(test_it=SHARED.format(url=origin.url, path=path))
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=2)
    assert sorted(variants(project.path / "cachy_fixtures")) == expected
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=2)


VARIANTS = """
import cachy, httpx, pytest

def ask():
    return httpx.post({url!r} + "/v1/chat/completions", json={{"q": 1}}).json()["number"]

def test_one():
    assert ask() == 1

@pytest.mark.cachy(variant="wrong key: Grüße/" + "x" * 40)
def test_two():
    assert ask() == 2
    with cachy.cachy(doms=["127.0.0.1"], variant="third"):
        assert ask() == 3
"""


@pytest.mark.slow
def test_a_variant_is_another_state_of_the_world(
    project: pytest.Pytester,
    origin: ScriptedServer,
) -> None:
    project.makepyfile(VARIANTS.format(url=origin.url))
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=2)
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=2)
    found = [name.rpartition("-")[0] for name in names(project)]
    assert found == [
        f"post-completions{more}" for more in ("", "-third", "-wrong-key-grusse-xxxxxxx")
    ]
    assert verify(load_config(project.path)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("former", "now"),
    [
        ("test_a.py::test_an_item_comes_and_goes", "test_a.py::test_items"),
        ("test_a.py::test_an_item_comes_and_goes", "test_z.py::test_an_item_comes_and_goes"),
    ],
    ids=["renamed", "moved"],
)
def test_a_renamed_test_finds_its_recordings(
    former: str, now: str, stateful: pytest.Pytester, origin: ScriptedServer
) -> None:
    stateful.runpytest_subprocess("--cachy=record").assert_outcomes(passed=4)
    asked = origin.count
    old, new = (stateful.path / "tests" / name.partition("::")[0] for name in (former, now))
    text = old.read_text().replace(former.partition("::")[2], now.partition("::")[2])
    old.unlink()
    new.write_text(text)
    replayed = stateful.runpytest_subprocess("--cachy=replay")
    replayed.assert_outcomes(passed=4)
    line = f"cachy: tests/{now}[[]0] was answered by the recordings of tests/{former}[[]0], which*"
    replayed.stdout.fnmatch_lines([line])
    recorded = stateful.runpytest_subprocess("--cachy=record")
    recorded.assert_outcomes(passed=4)
    recorded.stdout.fnmatch_lines([line])
    again = stateful.runpytest_subprocess("--cachy=replay")
    again.assert_outcomes(passed=4)
    again.stdout.no_fnmatch_line("*no longer exists*")
    assert origin.count == asked
    assert f"tests/{now}[0]" in variants(stateful.path / "cachy_fixtures")


ONCE = """
import httpx

def test_one():
    for _ in range({count}):
        httpx.get({url!r} + "/items/7")
"""


@pytest.mark.slow
def test_a_request_sent_more_often_than_recorded_is_counted_first(
    project: pytest.Pytester, origin: ScriptedServer
) -> None:
    for name in ("test_a.py", "test_b.py"):
        (project.path / name).write_text(ONCE.format(url=origin.url, count=1))
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=2)
    (project.path / "test_a.py").write_text(ONCE.format(url=origin.url, count=2))
    missed = project.runpytest_subprocess("--cachy=replay")
    missed.assert_outcomes(passed=1, failed=1)
    missed.stdout.fnmatch_lines(["*recorded once for this test, and asked for twice*"])
    missed.stdout.no_fnmatch_line("*recorded for test_b.py*")


NOTE = """
import os, httpx

def test_note():
    httpx.post({url!r} + "/items", json={{"note": "k " + os.environ["MY_CORP_TOKEN"]}})
"""


@pytest.mark.slow
def test_the_summary_names_the_setting_that_a_redacted_request_needs(
    project: pytest.Pytester, origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_CORP_TOKEN", "Zq8vN2xKp4TfR7mLw9Yb3c")
    project.makepyfile(NOTE.format(url=origin.url))
    recorded = project.runpytest_subprocess("--cachy=record")
    recorded.assert_outcomes(passed=1)
    setting = '[[]tool.cachy.match] ignore = [[]"note"[]]'
    recorded.stdout.fnmatch_lines(
        [f"cachy: *.json: *stands in json.note*unless you set {setting}*"]
    )
    project.runpytest_subprocess("--cachy=replay").stdout.no_fnmatch_line("*unless you set*")


@pytest.mark.slow
def test_a_new_test_does_not_get_what_another_test_has(
    stateful: pytest.Pytester, origin: ScriptedServer
) -> None:
    stateful.runpytest_subprocess("--cachy=record", "tests/test_a.py").assert_outcomes(passed=2)
    for selection in ((), ("tests/test_b.py",)):
        missed = stateful.runpytest_subprocess("--cachy=replay", *selection)
        missed.assert_outcomes(passed=0 if selection else 2, failed=2)
        missed.stdout.fnmatch_lines(
            ["*but it is recorded for tests/test_a.py::test_an_item_comes*"]
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ("project", [""]),
        ("module", ["test_it.py"]),
        ("test", ["test_it.py::test_it[0]", "test_it.py::test_it[1]"]),
    ],
)
@pytest.mark.parametrize("path", ["/items", "/v1/chat/completions"])
def test_who_shares_is_said_by_a_marker(
    path: str, share: str, expected: list[str], project: pytest.Pytester, origin: ScriptedServer
) -> None:
    marked = SHARED.format(url=origin.url, path=path)
    marked = marked.replace("@pytest", f"@pytest.mark.cachy(share={share!r})\n@pytest", 1)
    project.makepyfile(test_it=marked)
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=2)
    assert sorted(variants(project.path / "cachy_fixtures")) == expected
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=2)
    assert verify(load_config(project.path)) == []


OF_A_CLASS = """
import httpx, pytest

URL = {url!r}

class TestItems:
    @pytest.fixture(scope="class")
    def item(self):
        number = httpx.post(URL + "/items", json={{"name": "shared"}}).json()["id"]
        yield number
        assert httpx.delete(URL + f"/items/{{number}}").json() == {{"deleted": True}}

    def test_one(self, item):
        assert httpx.get(URL + f"/items/{{item}}").status_code == 200

    def test_two(self, item):
        assert httpx.get(URL + f"/items/{{item}}").status_code == 200

@pytest.fixture(scope="session")
def other():
    return httpx.post(URL + "/items", json={{"name": "shared"}}).json()["id"]

def test_other(other):
    assert httpx.get(URL + f"/items/{{other}}").status_code == 200
"""


@pytest.mark.slow
def test_what_a_classs_pytest_fixture_asks_belongs_to_the_class(
    project: pytest.Pytester, origin: ScriptedServer
) -> None:
    project.makepyfile(test_it=OF_A_CLASS.format(url=origin.url))
    project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=3)
    names = ("", "::TestItems", "::TestItems::test_one", "::TestItems::test_two", "::test_other")
    assert variants(project.path / "cachy_fixtures") == {
        f"test_it.py{name}" if name else "" for name in names
    }
    asked = origin.count
    for selection in ((), ("-k", "two"), ("-k", "other"), ("-p", "xdist", "-n", "2")):
        done = project.runpytest_subprocess("--cachy=replay", *selection)
        assert done.ret == 0, done.stdout.str()
    assert origin.count == asked


OF_TWO = """
import httpx, pytest

URL = {url!r}

@pytest.fixture(scope="module", params=["x", "y"])
def item(request):
    number = httpx.post(URL + "/items", json={{"name": "shared"}}).json()["id"]
    yield number
    assert httpx.delete(URL + f"/items/{{number}}").json() == {{"deleted": True}}

@pytest.fixture(scope="module")
def other():
    return httpx.post(URL + "/items", json={{"name": "shared"}}).json()["id"]

def test_one(item):
    assert httpx.get(URL + f"/items/{{item}}").status_code == 200

def test_two(other):
    assert httpx.get(URL + f"/items/{{other}}").status_code == 200
"""


def test_equal_requests_of_a_modules_pytest_fixtures_are_counted_through_its_tests(
    project: pytest.Pytester, origin: ScriptedServer
) -> None:
    project.makepyfile(test_it=OF_TWO.format(url=origin.url))
    for mode in ("record", "replay"):
        project.runpytest_subprocess(f"--cachy={mode}").assert_outcomes(passed=3)
    assert origin.count == 8


FLAKY = """
import httpx, pytest

tries = []

@pytest.mark.flaky(reruns=2)
def test_flaky():
    tries.append([httpx.get({url!r} + "/jobs/7").json()["status"] for _ in "12"])
    if len(tries) < 3:
        httpx.post({url!r} + "/items", json={{"password": str(len(tries))}})
    assert len(tries) == 3
    assert tries[0] == tries[1] == tries[2] == ["running", "running"]
"""


@pytest.mark.slow
def test_each_try_of_a_test_counts_from_the_first_response(
    project: pytest.Pytester, origin: ScriptedServer
) -> None:
    project.makepyfile(test_it=FLAKY.format(url=origin.url))
    for mode in ("record", "replay"):
        done = project.runpytest_subprocess("-p", "rerunfailures", f"--cachy={mode}")
        done.assert_outcomes(passed=1)
        done.stdout.fnmatch_lines(["*2 rerun*"])
    assert origin.count == 3


KEYS = """
import httpx, pytest

def ask(key):
    return httpx.post(
        {url!r} + "/v1/chat/completions", json={{"q": 1}}, headers={{"x-api-key": key}}
    )

def test_right():
    assert ask("right").status_code == 200

@pytest.mark.cachy({marked})
def test_wrong():
    assert ask("wrong").status_code == 401
"""


@pytest.fixture
def locked() -> Iterator[ScriptedServer]:
    """A model that knows one key."""

    def respond(request: SeenRequest) -> ScriptedResponse:
        is_right = request.headers["x-api-key"] == "right"
        return json_response({"is_right": is_right}, 200 if is_right else 401)

    with serving(otherwise=respond) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("conftest", ["", "from cachy import enable_cachy\nenable_cachy()\n"])
def test_a_test_with_a_wrong_key_does_not_get_the_right_ones_response(
    conftest: str, project: pytest.Pytester, locked: ScriptedServer
) -> None:
    project.makeconftest(conftest)
    option = [] if conftest else ["--cachy=record"]
    for names in (["test_right", "test_wrong"], ["test_wrong", "test_right"]):
        project.makepyfile(test_it=KEYS.format(url=locked.url, marked=""))
        chosen = [f"test_it.py::{name}" for name in names]
        project.runpytest_subprocess(*option, *chosen).assert_outcomes(passed=2)
        missed = project.runpytest_subprocess("--cachy=replay", *chosen)
        missed.assert_outcomes(failed=2)
        missed.stdout.fnmatch_lines(["*differ only in x-api-key*variant=*"])
    marked = 'variant="wrong key", record_status=[401]'
    project.makepyfile(test_it=KEYS.format(url=locked.url, marked=marked))
    project.runpytest_subprocess(*option).assert_outcomes(passed=2)
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=2)
    assert verify(load_config(project.path)) == []


@pytest.mark.slow
@pytest.mark.parametrize("names", [["test_right", "test_wrong"], ["test_wrong", "test_right"]])
def test_in_replay_mode_two_tests_with_other_keys_do_not_share_a_response(
    names: list[str], project: pytest.Pytester, locked: ScriptedServer
) -> None:
    project.makepyfile(test_it=KEYS.format(url=locked.url, marked=""))
    project.runpytest_subprocess("--cachy=record", "test_it.py::test_right")
    result = project.runpytest_subprocess("--cachy=replay", *[f"test_it.py::{n}" for n in names])
    assert result.parseoutcomes()["failed"] >= 1
    result.stdout.fnmatch_lines(["*differs from it only in x-api-key*variant=*"])
    assert locked.count == 1


def test_what_is_not_recorded_for_its_credential_names_the_tests_and_the_place(
    project: pytest.Pytester, origin: ScriptedServer
) -> None:
    asking = KEYS.format(url=origin.url, marked="").replace("== 401", "== 200")
    project.makepyfile(test_it=asking)
    result = project.runpytest_subprocess("--cachy=record")
    place = "(x-api-key in test_it.py::test_wrong, after test_it.py::test_right)"
    reason = "only its credential differs from that of a recorded request"
    assert f"cachy: 1 not recorded: {reason} (1)" in result.outlines
    said = f"cachy:   POST {origin.url}/v1/chat/completions: {reason} {place}"
    assert said in result.outlines


LOGIN = """
import httpx, pytest

@pytest.fixture(scope="session")
def token():
    return httpx.post({url!r} + "/login", json={{"user": "ann"}}).json()["access_token"]

def test_one(token):
    httpx.post({url!r} + "/one", json={{"by": token}})
"""


@pytest.mark.slow
def test_a_new_test_with_a_recorded_login_says_what_refreshes_both(
    project: pytest.Pytester,
) -> None:
    def respond(request: SeenRequest) -> ScriptedResponse:
        return json_response({"access_token": "tok_Zx91kQm3Lw7Vt0Rb5Nc2"})

    with serving(otherwise=respond) as server:
        text = LOGIN.format(url=server.url)
        project.makepyfile(test_it=text)
        project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1)
        added = text.replace("test_one", "test_two").replace("/one", "/two")
        project.makepyfile(test_it=text + added.partition('["access_token"]')[2])
        result = project.runpytest_subprocess("--cachy=record")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            ["*Record it: refresh both: pytest --cachy=refresh 'test_it.py::test_two'"]
        )
        project.runpytest_subprocess("--cachy=refresh", "test_it.py::test_two").assert_outcomes(
            passed=1
        )
        project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=2)


CHANGED = """
import httpx, pytest

URL = {url!r}

@pytest.fixture(scope="{scope}")
def item():
    return httpx.post(URL + "/items", json={{"name": {name!r}}}).json()["id"]

{top}
{indent}def test_an_item_is_there({own}item):
{indent}    assert httpx.get(URL + "/items/" + str(item)).status_code == 200
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scope", "place"),
    [
        ("function", "'test_it.py::test_an_item_is_there'"),
        ("module", "'test_it.py'"),
        ("class", "'test_it.py::TestIt'"),
    ],
)
def test_the_hint_refreshes_all_that_belongs_to_the_test(
    scope: str, place: str, project: pytest.Pytester, origin: ScriptedServer
) -> None:
    in_class = {"top": "class TestIt:", "indent": "    ", "own": "self, "}
    layout = in_class if scope == "class" else {"top": "", "indent": "", "own": ""}
    for name in ("old", "new"):
        text = CHANGED.format(url=origin.url, scope=scope, name=name, **layout)
        project.makepyfile(test_it=text)
        if name == "old":
            missing = project.runpytest_subprocess("--cachy=replay")  # nothing is recorded yet
            missing.stdout.fnmatch_lines(["*Record it: pytest --cachy=record '*test_an_item_is*"])
            project.runpytest_subprocess("--cachy=record").assert_outcomes(passed=1)
    missed = project.runpytest_subprocess("--cachy=replay")
    missed.stdout.fnmatch_lines([f"*Record it: pytest --cachy=refresh {place}"])
    project.runpytest_subprocess("--cachy=refresh", place.strip("'")).assert_outcomes(passed=1)
    project.runpytest_subprocess("--cachy=replay").assert_outcomes(passed=1)
