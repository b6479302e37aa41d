"""A project that used pycachy 0.0.x keeps its recordings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Scope, fixtures_in, refused
from loopback import Origin

import cachy as cachy_package
from cachy import cachy, norm_pats
from cachy import core as cachy_core
from cachy.cli import run_program

# As pycachy 0.0.22 wrote them.
RECORDED = """\
{"key": "77f23a69", "response": "data: {\\"x\\": 1}\\n\\ndata: [DONE]\\n\\n", "headers": \
{"server": "BaseHTTP/0.6", "content-type": "text/event-stream"}, "status_code": 200, \
"binary": false}
{"key": "1b171f28", "response": "{\\"answer\\": \\"from pycachy\\"}", "headers": {}, \
"status_code": 200, "binary": false}
"""
URL = "http://127.0.0.1:48123/v1/chat"
KEYS = ["AI" + "za" + letter * 9 + "Sy1b2C3d4E5f6G7h8I9j0K1l2M" for letter in "AB"]


@pytest.mark.parametrize("inside", [False, True])
def test_an_old_recording_is_adopted_as_a_fixture_on_use(tmp_path: Path, inside: bool) -> None:
    fixtures = tmp_path / "cachy_fixtures"
    fixtures.mkdir()
    (fixtures if inside else tmp_path).joinpath("cachy.jsonl").write_text(RECORDED)
    ask = {"q": "Hey!", "at": "/tmp/tmpwxyz"}
    with cachy(fixtures, doms=["127.0.0.1"], mode="replay"):
        answer = httpx.post(f"{URL}?key={KEYS[0]}&x=1", json=ask)
        with httpx.stream("POST", URL, json={"q": "Hey!", "stream": True}) as stream:
            chunks = list(stream.iter_bytes())
    assert answer.json() == {"answer": "from pycachy"}
    assert chunks == [b'data: {"x": 1}\n\n', b"data: [DONE]\n\n"]
    adopted = [json.loads(path.read_text()) for path in fixtures.rglob("*.json")]
    assert [fixture["response"]["status"] for fixture in adopted] == [200, 200]
    (fixtures if inside else tmp_path).joinpath("cachy.jsonl").unlink()
    with cachy(fixtures, doms=["127.0.0.1"], mode="replay"):
        assert httpx.post(f"{URL}?key={KEYS[1]}&x=1", json=ask).json() == answer.json()


# What each release made of this request, asked plainly and as a stream.
AGES = {
    "0.0.6": ("af81b720", "6de7c159"),
    "0.0.9": ("4d0c09e2", "c68e4cd1"),  # JSON sorted
    "0.0.13": ("fdbc5d49", "2fc3142c"),  # its noise taken out
    "0.0.20": ("19f13fe5", "59486f50"),  # that of the URL too
    "0.0.22": ("44eef15a", "a64471bf"),  # the accept header counts
}


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("age", AGES)
def test_recordings_of_every_age_are_adopted(
    age: str, is_stream: bool, project: Path, replaying: Scope
) -> None:
    entry = {"key": AGES[age][is_stream], "response": '{"from": "pycachy"}'}
    (project / "cachy.jsonl").write_text(json.dumps(entry) + "\n")
    url = "http://127.0.0.1:48123/v1/tmp/tmpabc1?b=1%2C2&a=x+y&b=3&key=any"
    with replaying():
        answer = httpx.post(url, json={"z": "Hey at /tmp/tmpwxyz1", "a": 16})
    assert answer.json() == {"from": "pycachy"}
    assert len(fixtures_in(project)) == 1


@pytest.fixture
def added() -> Iterator[list[Any]]:
    """The list that users add to."""
    before = list(norm_pats)
    yield norm_pats
    norm_pats[:] = before


def test_patterns_of_norm_pats_work_and_the_setting_that_replaces_them_is_said(
    project: Path,
    origin: Origin,
    recording: Scope,
    replaying: Scope,
    added: list[Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    added.append((re.compile(r'"took": \d+'), '"took": 0'))
    with recording():
        httpx.post(f"{origin.url}/v1", json={"q": "Hey!", "took": 17})
    with replaying():
        answer = httpx.post(f"{origin.url}/v1", json={"q": "Hey!", "took": 1234})
        with refused():
            httpx.post(f"{origin.url}/v1", json={"q": "Hey?", "took": 17})
    assert answer.json() == {"number": 1, "path": "/v1"}
    said = capsys.readouterr().err
    line = '[tool.cachy.match] normalize = ["\\"took\\": \\\\d+"]'
    assert said.count(line) == 1


def test_a_replacement_that_keeps_a_part_works_and_has_no_setting(
    project: Path,
    origin: Origin,
    recording: Scope,
    added: list[Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    added.append((r"run-(\w)\w+", lambda found: f"run-{found[1]}"))
    with recording():
        for run in ("run-a1", "run-a2", "run-b1"):
            httpx.post(f"{origin.url}/v1", json={"run": run})
    assert origin.count == 2
    assert "no setting does" in capsys.readouterr().err


def test_a_pattern_that_breaks_the_json_is_no_error(
    project: Path, origin: Origin, recording: Scope, replaying: Scope
) -> None:
    (project / "pyproject.toml").write_text(
        "[tool.cachy.match]\nnormalize = ['\"took\": *[0-9]+']\n"
    )
    with recording():
        httpx.post(f"{origin.url}/v1", json={"q": "Hey!", "took": 17})
    with replaying():
        assert httpx.post(f"{origin.url}/v1", json={"q": "Hey!", "took": 1}).json()["number"] == 1
    assert run_program(["verify"]) == 0


def test_the_names_are_where_they_were() -> None:
    assert {name: getattr(cachy_core, name) for name in cachy_core.__all__} == {
        name: getattr(cachy_package, name) for name in cachy_core.__all__
    }
