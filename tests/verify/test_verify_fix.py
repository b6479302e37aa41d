"""What `cachy verify --fix` mends, and what it leaves to a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from verify_project import NOW, edit, make_config, record

from cachy.cli import program
from cachy.config import Config, Match
from cachy.fixture.store.files import list_fixtures
from cachy.verify import fix, verify


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def mend(config: Config) -> list[str]:
    return fix(config, verify(config, now=NOW))


def left(config: Config) -> set[str]:
    return {finding.rule for finding in verify(config, now=NOW)}


def test_a_fixture_in_another_hosts_folder_goes_home(config: Config) -> None:
    path = record(config)
    stray = config.fixtures / "api.example.com" / "v1" / f"my-words-{path.stem[-16:]}.json"
    stray.parent.mkdir(parents=True)
    path.rename(stray)
    home = path.with_name(stray.name)
    assert mend(config) == [
        f"moved {stray.relative_to(config.root)} to {home.relative_to(config.root)}"
    ]
    assert [*list_fixtures(config.fixtures)] == [home]
    assert not stray.parent.exists()
    assert left(config) == set()


def test_a_fixture_from_before_a_match_setting_gets_its_new_name(config: Config) -> None:
    path = record(config)
    settled = config._replace(match=Match(ignore=("model",)))
    assert left(settled) == {"wrong-place", "match-ignored"}
    assert len(mend(settled)) == 1
    assert left(settled) == {"match-ignored"}
    assert not path.exists()


def test_an_edited_request_is_left_to_a_person(config: Config) -> None:
    path = record(config)
    edit(path, lambda document: document["request"]["json"].update(model="other"))
    before = path.read_bytes()
    assert mend(config) == []
    assert path.read_bytes() == before


def test_a_move_never_replaces_another_file(config: Config) -> None:
    path = record(config)
    stray = config.fixtures / "elsewhere" / path.name
    stray.parent.mkdir()
    stray.write_text(path.read_text())
    edit(stray, lambda document: document["response"]["sse"].pop(0))
    assert mend(config) == []
    assert stray.exists()
    assert path.exists()


def test_of_two_equal_answers_the_one_that_replays_is_kept(config: Config) -> None:
    path = record(config)
    copy = path.with_name(f"another-slug-{path.stem[-16:]}.json")
    copy.write_text(path.read_text())
    assert mend(config) == [
        f"deleted {copy.relative_to(config.root)}: "
        f"{path.relative_to(config.root)} holds the same answer"
    ]
    assert left(config) == set()


def test_a_copy_under_a_name_of_its_own_is_deleted(config: Config) -> None:
    path = record(config)
    copy = path.with_name("foo.json")
    copy.write_text(path.read_text())
    assert left(config) == {"wrong-place"}
    assert mend(config) == [
        f"deleted {copy.relative_to(config.root)}: "
        f"{path.relative_to(config.root)} holds the same answer"
    ]
    assert [*list_fixtures(config.fixtures)] == [path]


def test_an_unnamed_file_that_no_fixture_repeats_is_left_to_a_person(config: Config) -> None:
    path = record(config)
    other = path.with_name("foo.json")
    other.write_text(path.read_text())
    edit(other, lambda document: document["response"]["sse"].pop(0))
    assert mend(config) == []
    assert other.exists()


def test_a_link_at_the_right_name_keeps_the_file_that_it_leads_to(config: Config) -> None:
    path = record(config)
    named = path.rename(path.with_name("foo.json"))
    path.symlink_to(named)
    assert mend(config) == []
    assert named.exists()


def test_two_different_answers_are_left_to_a_person(config: Config) -> None:
    path = record(config)
    copy = path.with_name(f"another-slug-{path.stem[-16:]}.json")
    copy.write_text(path.read_text())
    edit(copy, lambda document: document["response"].update(status=404))
    assert mend(config) == []
    assert left(config) == {"duplicate"}


def unused_blob(config: Config) -> Path:
    blob = config.fixtures / "blobs" / "0123456789abcdef.bin"
    blob.parent.mkdir()
    blob.write_bytes(b"x")
    return blob


def test_a_blob_that_no_fixture_names_is_deleted(config: Config) -> None:
    record(config)
    unused_blob(config)
    assert mend(config) == [
        "deleted cachy_fixtures/blobs/0123456789abcdef.bin: no fixture names it"
    ]
    assert left(config) == set()


def test_no_blob_is_deleted_while_a_fixture_cannot_be_read(config: Config) -> None:
    record(config).write_text('{"cachy": 1, "resp')
    blob = unused_blob(config)
    assert mend(config) == []
    assert blob.exists()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["verify", *arguments], standalone_mode=False)


def test_the_command_says_what_it_mended_and_reports_the_rest(project: Path) -> None:
    config = make_config(project)
    path = record(config)
    stray = config.fixtures / "api.example.com" / path.name
    stray.parent.mkdir()
    path.rename(stray)
    unused_blob(config)
    assert "error: cachy_fixtures/api.example.com/" in run().stdout
    mended = run("--fix")
    assert mended.return_value == 0
    assert [line.split()[0] for line in mended.stderr.splitlines()] == ["moved", "deleted", "wrote"]
    assert mended.stdout == "1 fixture: 0 errors, 0 warnings\n"
    assert run("--fix").stderr == ""
