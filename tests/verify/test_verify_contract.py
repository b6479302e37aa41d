"""Fixtures are held to the contract beside them, and `--fix` writes what they show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from verify_project import NOW, edit, make_config, record

from cachy.cli import program
from cachy.config import Config
from cachy.errors import Inconclusive
from cachy.fixture.store.files import list_fixtures
from cachy.verify import verify, write_contracts

CHAT = "cachy_fixtures/api.openai.com/v1/chat/completions"
BODY = {"id": "a", "usage": {"total": 1}}


@pytest.fixture
def config(project: Path) -> Config:
    return make_config(project)


def add(config: Config, name: str, **changes: Any) -> Path:
    return record(config, name, json.dumps(BODY | changes).encode())


def learn(config: Config, times: int = 3) -> Path:
    """Record so many equal answers and write their contract."""
    for number in range(times):
        add(config, f"question {number}")
    assert write_contracts(config, list_fixtures(config.fixtures)) == [
        f"wrote {CHAT}/_contract.POST.json: "
        "what is known of POST api.openai.com/v1/chat/completions"
    ]
    return config.root / CHAT / "_contract.POST.json"


def found(config: Config) -> list[tuple[str, str, str]]:
    return [(one.rule, one.fixture, one.detail) for one in verify(config, now=NOW)]


def structure(path: Path) -> dict[str, str]:
    lines: dict[str, str] = json.loads(path.read_text())["structure"]
    return lines


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, [*arguments], standalone_mode=False)


def test_an_answer_that_breaks_the_contract_is_found(config: Config) -> None:
    learn(config)
    assert found(config) == []
    path = add(config, "one more")
    edit(path, lambda document: document["response"]["json"].update(id=1, usage={"other": 1}))
    where = path.relative_to(config.root).as_posix()
    assert found(config) == [
        ("outside-contract", where, "$.id is not string; $.usage lacks 'total'")
    ]
    assert run("verify").return_value == 1
    assert run("verify", "--fix").return_value == 1  # a person decides, not --fix


def test_what_a_response_adds_is_reported_and_written_by_fix(config: Config) -> None:
    contract = learn(config)
    add(config, "more", tier="x", usage={"total": 1, "cached": 2})
    assert found(config) == [
        (
            "contract-behind",
            f"{CHAT}/_contract.POST.json",
            "$.tier is not in it; $.usage.cached is not in it",
        )
    ]
    assert run("verify").return_value == 0
    assert run("verify", "--fix").return_value == 0
    assert found(config) == []
    assert structure(contract)["$.tier"] == "string, optional, new"
    assert run("verify", "--fix").stderr == ""


def test_a_few_recordings_are_not_a_rule_yet(config: Config) -> None:
    contract = learn(config, times=1)
    assert structure(contract)["$.usage"] == "object, new"
    edit(add(config, "other"), lambda document: document["response"]["json"].pop("usage"))
    assert [rule for rule, _, _ in found(config)] == ["contract-behind"]
    run("verify", "--fix")
    assert structure(contract)["$.usage"] == "object, optional, new"


def test_what_was_known_is_not_forgotten_with_its_fixture(config: Config) -> None:
    contract = learn(config)
    add(config, "more", tier="x").unlink()
    last = add(config, "again", tier="x")
    run("verify", "--fix")
    last.unlink()
    assert run("verify", "--fix").stderr == ""
    assert "$.tier" in structure(contract)


def test_streams_and_errors_have_contracts_of_their_own(config: Config) -> None:
    learn(config)
    record(config, "a stream")
    edit(add(config, "an error"), lambda document: document["response"].update(status=404))
    assert len(write_contracts(config, list_fixtures(config.fixtures))) == 2
    names = sorted(path.name for path in (config.root / CHAT).glob("_contract.*"))
    assert names == ["_contract.POST.4xx.json", "_contract.POST.json", "_contract.POST.stream.json"]


@pytest.mark.parametrize(
    ("old", "new", "rule", "says"),
    [
        ('    "$.id"', '<<<<<<< ours\n    "$.id"', "invalid-contract", "a merge conflict"),
        ("string", "strong", "invalid-contract", "cannot read (strong)"),
        (
            "completions",
            "others",
            "invalid-contract",
            "is the contract of POST ",
        ),
        ('"$.id"', '"$.sk-proj-' + "Ab3dEf6hIj9lMn2p" * 3 + '"', "secret-left", "openai-key"),
    ],
)
def test_an_invalid_contract_is_reported_and_left_alone(
    old: str, new: str, rule: str, says: str, config: Config
) -> None:
    contract = learn(config)
    contract.write_text(contract.read_text().replace(old, new, 1))
    before = contract.read_text()
    told = [one for one in found(config) if one[0] == rule]
    assert [(where, says in detail) for _, where, detail in told] == [
        (f"{CHAT}/_contract.POST.json", True)
    ]
    if rule == "invalid-contract":
        assert write_contracts(config, list_fixtures(config.fixtures)) == []
        assert contract.read_text() == before


def test_a_link_to_elsewhere_is_not_a_contract(config: Config, tmp_path: Path) -> None:
    contract = learn(config)
    outside = tmp_path.parent / f"{tmp_path.name}-outside.json"
    outside.write_text(contract.read_text())
    contract.unlink()
    contract.symlink_to(outside)
    assert {rule for rule, _, _ in found(config)} == {"invalid-contract", "unsafe-path"}


def test_a_contract_is_not_a_fixture(config: Config) -> None:
    contract = learn(config)
    before = contract.read_text()
    assert len(json.loads(run("ls", "--format", "json").stdout)["fixtures"]) == 3
    named = run("verify", str(contract))
    assert (named.return_value, named.stdout) == (0, "3 fixtures: 0 errors, 0 warnings\n")
    for command in ("show", "drift"):
        assert "is a contract" in str(run(command, str(contract)).exception)
    assert contract.read_text() == before
    for path in [*list_fixtures(config.fixtures)]:
        path.unlink()
    with pytest.raises(Inconclusive):
        verify(config)


def test_only_what_was_named_gets_a_contract(config: Config) -> None:
    path = add(config, "hey")
    run("verify", "--fix", str(path))
    assert (path.parent / "_contract.POST.json").exists()


@pytest.mark.parametrize("has_contract", [False, True])
def test_contracts_cost_their_libraries_only_where_there_are_some(
    has_contract: bool, config: Config
) -> None:
    if has_contract:
        learn(config)
    else:
        add(config, "hey")
    code = (
        "import sys\n"
        "from cachy.config import load_config\n"
        "from cachy.verify import verify\n"
        "assert verify(load_config()) == []\n"
        "print('deepdiff' in sys.modules, 'httpx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=config.root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False False\n"


@pytest.mark.parametrize(
    "name", ["foo.json", "foo-{fingerprint}.json"], ids=["astray", "a duplicate"]
)
def test_a_copy_is_not_a_further_recording(name: str, config: Config) -> None:
    contract = learn(config, times=2)
    before = contract.read_bytes()
    path = next(iter(list_fixtures(config.fixtures)))
    copy = path.with_name(name.format(fingerprint=path.stem[-16:]))
    copy.write_text(path.read_text())
    edit(copy, lambda document: document["response"]["json"].update(tier="x"))
    assert "contract-behind" not in {rule for rule, *_ in found(config)}
    run("verify", "--fix")
    assert copy.exists()
    assert contract.read_bytes() == before
    copy.write_text(path.read_text())
    run("verify", "--fix")
    assert not copy.exists()
    assert contract.read_bytes() == before
    add(config, "one more")
    run("verify", "--fix")
    assert contract.read_bytes() != before


def test_a_breach_is_reported_as_the_contract_writes_it(
    config: Config,
) -> None:
    answers = [{"object": "chat.completion", "usage": {"total": 1}, "n": n} for n in (1, 2)]
    for answer in answers:
        record(config, f"question {answer['n']}", json.dumps(answer).encode())
    run("verify", "--fix")
    lacking = {"object": "chat.completion", "usage": {"other": 1}, "n": 1.5}
    record(config, "one more", json.dumps(lacking).encode())
    (path,) = (config.root / CHAT).glob("_contract.*")
    lines = structure(path)
    assert "$.usage.total" in lines
    ((rule, _, detail),) = [one for one in found(config) if one[0] == "contract-behind"]
    assert rule == "contract-behind"
    assert detail.split("; ") == [
        "$.n is number in fixtures",
        "$.usage.other is not in it",
        "$.usage.total is missing in a fixture",
    ]
