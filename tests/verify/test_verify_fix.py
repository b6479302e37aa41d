"""What `cachy verify --fix` fixes, and what it leaves to a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from verify_project import NOW, edit, make_config, record

from cachy.cli import program
from cachy.config import Config, Match
from cachy.errors import CachyError
from cachy.fixture.store.files import list_fixtures
from cachy.verify import RULES, fix, verify


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def apply_fixes(config: Config) -> list[str]:
    return fix(config, verify(config, now=NOW))


def left(config: Config) -> set[str]:
    return {finding.rule for finding in verify(config, now=NOW)}


def test_a_fixture_in_another_hosts_folder_goes_home(config: Config) -> None:
    path = record(config)
    stray = config.fixtures / "api.example.com" / "v1" / f"my-words-{path.stem[-16:]}.json"
    stray.parent.mkdir(parents=True)
    path.rename(stray)
    home = path.with_name(stray.name)
    assert apply_fixes(config) == [
        f"moved {stray.relative_to(config.root)} to {home.relative_to(config.root)}"
    ]
    assert [*list_fixtures(config.fixtures)] == [home]
    assert not stray.parent.exists()
    assert left(config) == set()


def test_a_fixture_from_before_a_match_setting_gets_its_new_name(config: Config) -> None:
    path = record(config)
    settled = config._replace(match=Match(ignore=("model",)))
    assert left(settled) == {"wrong-place", "match-ignored"}
    assert len(apply_fixes(settled)) == 1
    assert left(settled) == {"match-ignored"}
    assert not path.exists()


def test_a_fixture_written_by_hand_gets_its_place_and_a_mark(config: Config) -> None:
    recorded = record(config, "Hey!")
    mine = config.fixtures / "mine.json"
    mine.write_text(recorded.read_text().replace("Hey!", "Who are you?"))
    edit(mine, lambda document: document.pop("recorded"))
    assert left(config) == {"wrong-place"}
    (said,) = apply_fixes(config)
    assert said.endswith(", marked as written by hand")
    (home,) = {*list_fixtures(config.fixtures)} - {recorded}
    assert home.name.startswith("who-are-you-")
    assert '"recorded": {"from": "hand"}' in home.read_text()
    assert left(config) == set()


def test_a_fixture_written_by_hand_replaces_no_recorded_one(config: Config) -> None:
    recorded = record(config)
    mine = config.fixtures / "mine.json"
    mine.write_text(recorded.read_text())
    edit(mine, lambda document: document["response"].update(status=201))
    before = {path: path.read_bytes() for path in (recorded, mine)}
    assert apply_fixes(config) == []
    assert {path: path.read_bytes() for path in (recorded, mine)} == before


def test_an_edited_request_is_left_to_a_person(config: Config) -> None:
    path = record(config)
    edit(path, lambda document: document["request"]["json"].update(model="other"))
    before = path.read_bytes()
    assert left(config) == {"edited-request"}
    assert apply_fixes(config) == []
    assert path.read_bytes() == before


def test_a_command_never_changes_the_fixtures_of_another_project(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    path = record(config)
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("[tool.cachy]\n")
    before = path.read_bytes()
    monkeypatch.chdir(other)
    for arguments in ([str(path)], [str(path.parents[3])], ["../cachy_fixtures"]):
        done = run("--fix", *arguments)
        assert done.return_value == 0
        assert "0 errors" in done.stdout
    assert path.read_bytes() == before
    assert [*other.iterdir()] == [other / "pyproject.toml"]


def test_paths_of_two_projects_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text("[tool.cachy]\n")
    error = run(str(tmp_path / "a"), str(tmp_path / "b"), "--fix").exception
    assert isinstance(error, CachyError)
    assert str(error).startswith("the paths are in 2 projects: ")


def test_a_folder_of_fixtures_with_another_name_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    path = record(Config(root=tmp_path, fixtures=tmp_path / "answers"))
    monkeypatch.chdir(tmp_path)
    done = run("--fix", "answers")
    assert done.return_value == 0
    assert path.exists()


def test_after_fixing_nothing_says_to_fix_again(config: Config) -> None:
    path = record(config)
    path.rename(path.with_name("renamed.json"))
    finding = next(iter(verify(config, now=NOW)))
    assert "cachy verify --fix" in finding.fix
    assert "--fix" not in finding.after_fix().fix
    assert all("--fix" not in rule.left for rule in RULES.values())
    assert all(rule.left for rule in RULES.values() if "verify --fix" in rule.fix)


def test_a_move_never_replaces_another_file(config: Config) -> None:
    path = record(config)
    stray = config.fixtures / "elsewhere" / path.name
    stray.parent.mkdir()
    stray.write_text(path.read_text())
    edit(stray, lambda document: document["response"]["sse"].pop(0))
    assert apply_fixes(config) == []
    assert stray.exists()
    assert path.exists()


def test_of_two_equal_answers_the_one_that_replays_is_kept(config: Config) -> None:
    path = record(config)
    copy = path.with_name(f"another-slug-{path.stem[-16:]}.json")
    copy.write_text(path.read_text())
    assert apply_fixes(config) == [
        f"deleted {copy.relative_to(config.root)}: "
        f"{path.relative_to(config.root)} holds the same response"
    ]
    assert left(config) == set()


def test_a_copy_under_a_name_of_its_own_is_deleted(config: Config) -> None:
    path = record(config)
    copy = path.with_name("foo.json")
    copy.write_text(path.read_text())
    assert left(config) == {"wrong-place"}
    assert apply_fixes(config) == [
        f"deleted {copy.relative_to(config.root)}: "
        f"{path.relative_to(config.root)} holds the same response"
    ]
    assert [*list_fixtures(config.fixtures)] == [path]


def test_an_unnamed_file_that_no_fixture_repeats_is_left_to_a_person(config: Config) -> None:
    path = record(config)
    other = path.with_name("foo.json")
    other.write_text(path.read_text())
    edit(other, lambda document: document["response"]["sse"].pop(0))
    assert apply_fixes(config) == []
    assert other.exists()


def test_a_link_at_the_right_name_keeps_the_file_that_it_leads_to(config: Config) -> None:
    path = record(config)
    named = path.rename(path.with_name("foo.json"))
    path.symlink_to(named)
    assert apply_fixes(config) == []
    assert named.exists()


def test_two_different_answers_are_left_to_a_person(config: Config) -> None:
    path = record(config)
    copy = path.with_name(f"another-slug-{path.stem[-16:]}.json")
    copy.write_text(path.read_text())
    edit(copy, lambda document: document["response"].update(status=404))
    assert apply_fixes(config) == []
    assert left(config) == {"duplicate"}


def unused_blob(config: Config) -> Path:
    blob = config.fixtures / "blobs" / "0123456789abcdef.bin"
    blob.parent.mkdir()
    blob.write_bytes(b"x")
    return blob


def test_a_blob_that_no_fixture_names_is_deleted(config: Config) -> None:
    record(config)
    unused_blob(config)
    assert apply_fixes(config) == [
        "deleted cachy_fixtures/blobs/0123456789abcdef.bin: no fixture names it"
    ]
    assert left(config) == set()


def test_no_blob_is_deleted_while_a_fixture_cannot_be_read(config: Config) -> None:
    record(config).write_text('{"cachy": 1, "resp')
    blob = unused_blob(config)
    assert apply_fixes(config) == []
    assert blob.exists()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["verify", *arguments], standalone_mode=False)


def test_the_command_says_what_it_fixed_and_reports_the_rest(project: Path) -> None:
    config = make_config(project)
    path = record(config)
    stray = config.fixtures / "api.example.com" / path.name
    stray.parent.mkdir()
    path.rename(stray)
    unused_blob(config)
    assert "error: cachy_fixtures/api.example.com/" in run().stdout
    fixed = run("--fix")
    assert fixed.return_value == 0
    assert [line.split()[0] for line in fixed.stderr.splitlines()] == ["moved", "deleted", "wrote"]
    assert fixed.stdout == "1 fixture: 0 errors, 0 warnings\n"
    assert run("--fix").stderr == ""
