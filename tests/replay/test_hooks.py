"""Functions of the project change what is matched and what is written, and are checked."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from conftest import Scope, fixtures_in, forgotten, refused
from scripted_server import ScriptedServer, json_response

from cachy.cli import run_program
from cachy.config import load_config
from cachy.verify import verify

Write = Callable[[str], None]
_numbers = itertools.count()


@pytest.fixture
def hooks(project: Path) -> Write:
    """Write the project's hooks, in a module that no other test has imported."""

    def write(text: str) -> None:
        name = f"hooks_of_this_test_{next(_numbers)}"
        (project / f"{name}.py").write_text(text)
        (project / "pyproject.toml").write_text(f'[tool.cachy]\nhooks = "{name}"\n')

    return write


WITHOUT_ID = """
import json

def before_match(request):
    body = json.loads(request.body)
    body.pop("trace", None)
    return request._replace(body=json.dumps(body).encode())
"""


def test_what_before_match_takes_out_does_not_count(
    origin: ScriptedServer, hooks: Write, recording: Scope, replaying: Scope, project: Path
) -> None:
    hooks(WITHOUT_ID)
    url = f"{origin.url}/v1/chat"
    with recording():
        first = httpx.post(url, json={"q": 1, "trace": "a"})
    with replaying():
        again = httpx.post(url, json={"q": 1, "trace": "b"})
        with refused():
            httpx.post(url, json={"q": 2, "trace": "a"})
    assert again.json() == first.json()
    assert origin.count == 1
    (path,) = fixtures_in(project)
    assert "trace" not in path.read_text()
    assert [one.rule for one in verify(load_config())] == ["hooks-in-force"]


def test_what_before_record_returns_is_written_and_replayed(
    origin: ScriptedServer, hooks: Write, recording: Scope, replaying: Scope
) -> None:
    hooks(
        "def before_record(document):\n"
        "    document['response']['json']['name'] = 'Somebody'\n"
        "    return document\n"
    )
    origin.on("/v1/user", json_response({"name": "Ada Lovelace"}))
    with recording():
        assert httpx.get(f"{origin.url}/v1/user").json() == {"name": "Ada Lovelace"}
    with replaying():
        assert httpx.get(f"{origin.url}/v1/user").json() == {"name": "Somebody"}


def test_nothing_is_recorded_where_before_record_returns_none(
    origin: ScriptedServer, hooks: Write, recording: Scope, project: Path
) -> None:
    hooks("def before_record(document):\n    return None\n")
    with recording():
        assert httpx.get(f"{origin.url}/v1").status_code == 200
    assert fixtures_in(project) == []


KEY = "sk-" + "proj-Zx81kQm3Lw7Vt0Rb5Nc2"
WRONG = {
    "a document that is none": ("return 7", "not a valid fixture: it is of type int"),
    "a status": (
        "document['response']['status'] = 'fine'; return document",
        "not a valid fixture: at $.response.status",
    ),
    "a secret": (
        f"document['response']['text'] = '{KEY}'; del document['response']['json']; "
        "return document",
        "what looks like a secret",
    ),
    "another request": (
        "document['request']['url'] += '?a=1'; return document",
        "changed the request, so that no request finds it. Change requests in before_match.",
    ),
    "what is not JSON": ("document['x'] = {1, 2}; return document", "is not JSON serializable"),
    "an error": ("raise ValueError('oh')", "before_record raised ValueError: oh"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_a_hook_gets_wrong_is_not_written(
    kind: str,
    origin: ScriptedServer,
    hooks: Write,
    recording: Scope,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    body, said = WRONG[kind]
    hooks(f"def before_record(document):\n    {body}\n")
    with recording():
        assert httpx.get(f"{origin.url}/v1").status_code == 200
    assert fixtures_in(project) == []
    error = capsys.readouterr().err
    assert said in error
    assert KEY not in error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def before_match(request):\n    return None\n", "did not return a request"),
        ("def before_match(request):\n    return request._replace(body='x')\n", "not return a"),
        ("def before_match(request):\n    1 / 0\n", "raised ZeroDivisionError: division by zero"),
        ("def before_matches(request): ...\n", "defines neither before_match nor before_record"),
        ("import nothing_of_this_name\n", "cannot import"),
    ],
)
def test_a_hook_that_cannot_be_used_is_a_miss_that_says_so(
    text: str, said: str, origin: ScriptedServer, hooks: Write, recording: Scope
) -> None:
    hooks(text)
    with recording(), refused(said):
        httpx.get(f"{origin.url}/v1")
    assert origin.count == 0


def test_import_asks_the_hooks_too(hooks: Write, project: Path, replaying: Scope) -> None:
    hooks(WITHOUT_ID)
    kind = {"Content-Type": ["application/json"]}
    asked = {"method": "POST", "uri": "https://api.openai.com/v1/x", "headers": kind}
    entry = {
        "request": {**asked, "body": json.dumps({"q": 1, "trace": "old"})},
        "response": {"status": {"code": 200}, "headers": kind, "body": {"string": "[1]"}},
    }
    (project / "a.json").write_text(json.dumps({"interactions": [entry]}))
    assert run_program(["import", "a.json"]) == 0
    with replaying(doms=["api.openai.com"]):
        answer = httpx.post("https://api.openai.com/v1/x", json={"q": 1, "trace": "new"})
    assert answer.json() == [1]


def test_without_the_setting_nothing_of_it_is_loaded(
    origin: ScriptedServer, recording: Scope
) -> None:
    sys.modules.pop("cachy.fixture.hooks", None)
    with recording():
        httpx.get(f"{origin.url}/v1")
        httpx.get(f"{origin.url}/v1")
    assert "cachy.fixture.hooks" not in sys.modules
    assert forgotten() == []
