"""What a contract teaches drift, and what a night teaches the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drift_project import (
    ASK,
    CHAT,
    CHAT_ANSWER,
    EVENTS,
    check_here,
    drift,
    record,
    told,
    write_config,
)
from pull_request_world import TOKEN, serve_world
from scripted_server import ScriptedResponse, ScriptedServer, json_response, serving, sse_response

from cachy.config import load_config
from cachy.errors import CachyError
from cachy.fixture.store.files import FileChanges, list_fixtures
from cachy.pull_request.remote_state import BRANCH
from cachy.verify import verify, write_contracts

WITHOUT_USAGE = {key: value for key, value in CHAT_ANSWER.items() if key != "usage"}
RECORDED, WITHOUT = json_response(CHAT_ANSWER), json_response(WITHOUT_USAGE)
MORE = json_response({**CHAT_ANSWER, "tier": "default"})
ADDED = ("compatible", "field-added", "$.tier")
LEARNED = ("risky", "field-became-optional", "$.usage")  # the contract requires it


def set_up(project: Path, provider: ScriptedServer, times: int = 3) -> Path:
    """Record so many answers and write their contract."""
    write_config(project, provider)
    for number in range(times):
        path = record(project, provider, {**ASK, "n": number})
    write(project)
    (contract,) = path.parent.glob("_contract.*")
    return contract


def fixtures(project: Path) -> list[Path]:
    return [*list_fixtures(load_config(project).fixtures)]


def write(project: Path) -> list[str]:
    config = load_config(project)
    return write_contracts(config, list_fixtures(config.fixtures))


def apply(project: Path, files: FileChanges) -> None:
    for name, text in files.items():
        assert isinstance(text, str)
        (project / name).write_text(text)


def structure(text: str | bytes | None) -> dict[str, str]:
    assert isinstance(text, str)
    lines: dict[str, str] = json.loads(text)["structure"]
    return lines


@pytest.mark.parametrize("live", [[RECORDED], [WITHOUT, RECORDED]])
def test_drift_writes_no_contract_for_a_surface_without_one(
    live: list[ScriptedResponse], tmp_path: Path
) -> None:
    with serving({CHAT: [RECORDED, *live]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
    assert (told(found.report), found.files) == ([], {})


def test_what_is_silent_stays_silent(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED]}) as provider:
        contract = set_up(tmp_path, provider)
        contract.write_text(contract.read_text().replace('"integer"', '"integer, new"'))
        found = check_here(tmp_path)
    assert (told(found.report), found.files) == ([], {})


def test_what_comes_and_goes_is_reported_once_and_learned(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED] * 3 + [WITHOUT, RECORDED, WITHOUT]}) as provider:
        contract = set_up(tmp_path, provider)
        found = check_here(tmp_path)
        name = contract.relative_to(tmp_path).as_posix()
        assert told(found.report) == [LEARNED]
        assert list(found.files) == [name]
        assert structure(found.files[name])["$.usage"] == "object, optional"
        apply(tmp_path, found.files)
        again = check_here(tmp_path)
        assert provider.count == 3 + 3 + 1
    assert (told(again.report), again.files) == ([], {})
    assert verify(load_config(tmp_path)) == []


def test_what_is_new_enters_the_contract_beside_its_fixture(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED] * 3 + [MORE]}) as provider:
        contract = set_up(tmp_path, provider)
        before = contract.read_text()
        found = check_here(tmp_path)
        name = contract.relative_to(tmp_path).as_posix()
        assert told(found.report) == [ADDED]
        assert len(found.files) == 1 + 3
        assert structure(found.files[name]) == {**structure(before), "$.tier": "string, optional"}
        apply(tmp_path, found.files)
        assert (check_here(tmp_path).files, write(tmp_path)) == ({}, [])
    assert verify(load_config(tmp_path)) == []


def test_what_is_gone_from_every_fixture_leaves_the_contract(tmp_path: Path) -> None:
    other = json_response({**WITHOUT_USAGE, "created": "today"})
    with serving({CHAT: [RECORDED] * 3 + [other]}) as provider:
        contract = set_up(tmp_path, provider)
        found = check_here(tmp_path, send_all=True)
        lines = structure(found.files[contract.relative_to(tmp_path).as_posix()])
        assert [path for path in lines if path.startswith("$.usage")] == []
        assert lines["$.created"] == "string"
        apply(tmp_path, found.files)
    assert verify(load_config(tmp_path)) == []


def test_what_some_fixtures_still_have_is_optional(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED] * 3 + [WITHOUT]}) as provider:
        contract = set_up(tmp_path, provider)
        found = check_here(tmp_path, only=f"*{min(fixtures(tmp_path)).name}")
        lines = structure(found.files[contract.relative_to(tmp_path).as_posix()])
        assert lines["$.usage"] == "object, optional"
        apply(tmp_path, found.files)
    assert verify(load_config(tmp_path)) == []


def test_a_stream_that_ends_otherwise_changes_the_contracts_line(tmp_path: Path) -> None:
    last = {"type": "response.incomplete", "response": {"id": "r1"}}
    streams = [sse_response(*EVENTS)] * 3 + [sse_response(*EVENTS[:2], last)]
    with serving({CHAT: streams}) as provider:
        contract = set_up(tmp_path, provider)
        assert contract.name == "_contract.POST.stream.json"
        found = check_here(tmp_path, send_all=True)
        lines = structure(found.files[contract.relative_to(tmp_path).as_posix()])
        apply(tmp_path, found.files)
    ends = {path: text for path, text in lines.items() if text.endswith("last")}
    assert ends == {
        "event(response.incomplete)": "object, type=response.incomplete, optional, last"
    }
    assert not [path for path in lines if path.startswith("event(response.completed)")]
    assert {one.rule for one in verify(load_config(tmp_path))} == {"no-terminator"}


def test_a_contract_knows_more_than_the_fixtures(tmp_path: Path) -> None:
    null = json_response({**CHAT_ANSWER, "usage": None, "tier": 1})
    with serving({CHAT: [RECORDED] * 3 + [null]}) as provider:
        contract = set_up(tmp_path, provider)
        lines = contract.read_text().replace('"$.usage": "object"', '"$.usage": "object | null"')
        lines = lines.replace('"$.usage"', '"$.tier": "integer, optional",\n    "$.usage"')
        contract.write_text(lines)
        found = check_here(tmp_path)
        assert (told(found.report), found.files) == ([], {})


def test_a_contract_that_cannot_be_read_stops_the_run_before_it_sends(tmp_path: Path) -> None:
    with serving({CHAT: [RECORDED]}) as provider:
        contract = set_up(tmp_path, provider)
        contract.write_text(contract.read_text().replace("  {", "<<<<<<< ours\n  {", 1)[:-3])
        with pytest.raises(CachyError, match=r"_contract\.POST\.json"):
            check_here(tmp_path)
        assert provider.count == 3


@pytest.mark.slow
def test_the_pull_request_holds_the_contract_beside_its_fixture(tmp_path: Path) -> None:
    body = {**CHAT_ANSWER, "access_token": "short"}
    answers = [json_response(body), json_response({**body, "tier": 1})]
    with serve_world(tmp_path) as world, serving({CHAT: answers}) as provider:
        contract = set_up(world.checkout, provider, times=1)
        assert structure(contract.read_text())["$.access_token"] == "string, new"
        world.commit_all()
        environ = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": world.github.url, "HOME": str(tmp_path)}
        code, report, talk = drift(world.checkout, str(contract.parent), "--open-pr", **environ)
        names = [path.relative_to(world.checkout).as_posix() for path in contract.parent.iterdir()]
        assert world.changed_files() == [f"M\t{name}" for name in sorted(names)]
        committed = world.in_bare(
            "show", f"{BRANCH}:{contract.relative_to(world.checkout).as_posix()}"
        )
    assert (code, report["pull_request"]["operation"], talk.count("\n")) == (0, "created", 1)
    assert structure(committed)["$.tier"] == "integer, optional, new"
