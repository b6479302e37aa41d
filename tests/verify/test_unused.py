"""What complete runs did not use, and `cachy prune`; the runs themselves are in test_prune."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from commands import run_cachy
from conftest import fixtures_in
from verify_project import edit, make_config, record

from cachy.config import Config
from cachy.fixture.store.run_log import PYTEST, Run, load_runs, save_run

LATER = 4e9  # seconds since the epoch: after all that a test writes


@pytest.fixture
def config(project: Path) -> Config:
    return make_config(project)


def recorded(config: Config, content: str, **facts: Any) -> Path:
    """Record a chat, and say when and by which test."""
    path = record(config, content)
    edit(path, lambda document: document["recorded"].update(facts))
    return path


def used(*paths: Path) -> frozenset[str]:
    """Return the names by which a run remembers what it used."""
    return frozenset(f"{path.stem[-16:]}.json" for path in paths)


def prune(config: Config, *arguments: str) -> tuple[int, list[str], list[str]]:
    done = run_cachy("prune", *arguments, folder=config.root)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def shown(config: Config, path: Path) -> str:
    return path.relative_to(config.root).as_posix()


def verified(config: Config) -> list[tuple[str, str, str]]:
    report = json.loads(run_cachy("verify", "--format", "json", folder=config.root).stdout)
    return [(row["rule"], row["fixture"], row["detail"]) for row in report["findings"]]


LONG = "Answer in one sentence and never invent a price. "
OLD = {"at": "2026-01-01T09:00:00Z", "test": "test_a.py::test_it"}
NEW = {"at": "2026-02-01T09:00:00Z", "test": "test_a.py::test_it"}


def test_an_edited_request_supersedes_its_fixture_and_prune_deletes_it(config: Config) -> None:
    old, new = recorded(config, LONG + "Pears?", **OLD), recorded(config, LONG + "Plums?", **NEW)
    save_run(config.fixtures, Run(PYTEST, LATER, used(new)))
    line = f"{shown(config, old)}: superseded by {shown(config, new)}"
    assert verified(config) == [
        ("superseded", shown(config, old), f"superseded by {shown(config, new)}")
    ]
    code, listed, told = prune(config)
    assert (code, listed) == (1, [line])
    assert told[0].startswith("cachy: compared with the run of pytest, 2096-10-02 ")
    assert told[1] == "cachy: 1 unused; `cachy prune --yes` deletes them"
    assert prune(config, "--yes")[:2] == (0, [f"pruned {line}"])
    assert fixtures_in(config.root) == [new]
    assert prune(config)[::2] == (0, [told[0], "cachy: nothing is unused"])


def test_what_no_test_uses_is_unused_and_its_folder_goes_with_it(config: Config) -> None:
    path = recorded(config, "Pears?", test="test_a.py::test_it")
    save_run(config.fixtures, Run(PYTEST, LATER, frozenset()))
    said = "the last complete run of the tests did not use it"
    assert verified(config) == [("unused", shown(config, path), said)]
    assert prune(config, "--yes")[:2] == (0, [f"pruned {shown(config, path)}: unused"])
    assert not (config.fixtures / "api.openai.com").exists()


@pytest.mark.parametrize("skipped", ["test_a.py", "test_a.py::test_it"])
def test_what_a_skipped_test_recorded_is_kept(config: Config, skipped: str) -> None:
    recorded(config, "Pears?", test="test_a.py::test_it")
    save_run(config.fixtures, Run(PYTEST, LATER, frozenset(), (skipped,)))
    assert prune(config)[:2] == (0, [])


def test_prune_waits_for_a_run_after_the_newest_fixtures(config: Config) -> None:
    for number in range(4):
        recorded(config, f"Number {number}?", test="test_a.py::test_it")
    save_run(config.fixtures, Run(PYTEST, 1.0, frozenset()))
    code, listed, (told,) = prune(config, "--yes")
    assert (code, listed) == (3, [])
    assert "newer than the last complete run" in told
    assert " and more" in told
    assert len(fixtures_in(config.root)) == 4


def add_blob(config: Config) -> Path:
    blob = config.fixtures / "blobs" / "0123456789abcdef.bin"
    blob.parent.mkdir(exist_ok=True)
    blob.write_bytes(b"x")
    return blob


def test_a_blob_that_no_fixture_names_is_deleted(config: Config) -> None:
    path, blob = recorded(config, "Pears?"), add_blob(config)
    save_run(config.fixtures, Run(PYTEST, LATER, used(path)))
    assert prune(config, "--yes")[:2] == (0, [f"pruned {shown(config, blob)}: unused"])
    assert not blob.parent.exists()


def test_beside_a_broken_fixture_no_blob_is_deleted(config: Config) -> None:
    path, blob = recorded(config, "Pears?"), add_blob(config)
    save_run(config.fixtures, Run(PYTEST, LATER, used(path)))
    path.write_text("{")
    assert prune(config, "--yes")[:2] == (0, [])
    assert blob.exists()


def test_what_is_not_named_as_a_fixture_is_kept(config: Config) -> None:
    path = recorded(config, "Pears?", test="test_a.py::test_it")
    mine = path.rename(path.with_name("mine.json"))
    save_run(config.fixtures, Run(PYTEST, LATER, frozenset()))
    assert prune(config, "--yes")[:2] == (0, [])
    assert mine.exists()


def test_a_file_that_cannot_be_deleted_is_named(config: Config) -> None:
    path, blob = recorded(config, "Pears?"), add_blob(config)
    blob.unlink()
    blob.mkdir()  # a folder is not deleted as a file is
    save_run(config.fixtures, Run(PYTEST, LATER, used(path)))
    code, listed, (told,) = prune(config, "--yes")
    assert (code, listed) == (2, [])
    assert f"{shown(config, blob)} cannot be deleted: {os.strerror(21)}" in told


@pytest.mark.parametrize("text", ["{", "[]", '{"command": 1}', "[" * 100_000])
def test_an_unreadable_record_of_a_run_is_skipped(config: Config, text: str) -> None:
    path = recorded(config, "Pears?", test="test_a.py::test_it")
    save_run(config.fixtures, Run(PYTEST, LATER, used(path)))
    (written,) = (config.fixtures / ".cachy").glob("*.run")
    written.write_text(text)
    code, _, (told,) = prune(config, "--yes")
    assert code == 3
    assert "no complete run is on record here" in told


def test_what_no_command_on_record_has_used_is_kept_and_counted(config: Config) -> None:
    path, _ = recorded(config, "Pears?"), recorded(config, "Plums?")
    save_run(config.fixtures, Run("python ask.py", LATER, used(path)))
    code, listed, (_, kept, told) = prune(config, "--yes")
    assert (code, listed, told) == (0, [], "cachy: nothing is unused")
    assert kept.startswith("cachy: 1 fixture was used by no command on record; kept")
    assert len(fixtures_in(config.root)) == 2


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("sh -c curl -u bob:BasicFAKEpw77 https://api.example", "sh …"),
        ("curl -H Authorization: Custom wordsecret", "curl …"),
        ("mysql -pwordsecret", "mysql …"),
        ("python -m app.main --password wordsecret", "python -m app.main …"),
        ("python scripts/ask.py wordsecret", "python scripts/ask.py …"),
        ("pytest --token=wordsecret", "pytest …"),  # not every test of the project
        ("DB=bob:wordsecret", "…"),
        ("python ask.py", "python ask.py"),
    ],
)
def test_a_run_is_on_record_without_its_arguments(config: Config, command: str, shown: str) -> None:
    save_run(config.fixtures, Run(command, LATER, frozenset({"a"})))
    save_run(config.fixtures, Run(command, LATER, frozenset({"b"})))
    (run,) = load_runs(config.fixtures)
    assert (run.command, set(run.used), set(run.former)) == (shown, {"b"}, {"a"})
    (written,) = (config.fixtures / ".cachy").glob("*.run")
    assert not re.search("FAKE|wordsecret|bob", written.name + written.read_text())
