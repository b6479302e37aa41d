"""What `[tool.cachy]` and the environment say, and where they are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachy.config import load_config, override
from cachy.errors import CachyError

TABLE = "[tool.cachy]\n"


@pytest.fixture
def mono(tmp_path: Path) -> Path:
    """A repository with a project in `packages/a` and one without settings in `packages/b`."""
    (tmp_path / "pyproject.toml").write_text("[tool.cachy]\nmax_age = 1\n")  # above the repository
    mono = tmp_path / "mono"
    (mono / ".git").mkdir(parents=True)
    (mono / "packages" / "a" / "tests").mkdir(parents=True)
    (mono / "packages" / "a" / "pyproject.toml").write_text("[tool.cachy]\nmax_age = 7\n")
    (mono / "packages" / "b").mkdir()
    (mono / "packages" / "b" / "pyproject.toml").write_text("[project]\nname = 'b'\n")
    return mono


@pytest.mark.parametrize(
    ("starts", "root", "max_age"),
    [
        (["packages/a/tests"], "packages/a", 7),
        (["packages/b"], "packages/b", None),
        (["packages"], ".", None),  # .git, and nothing above it
        (["packages/b", "packages/a"], "packages/a", 7),  # settings before a mere project
        (["packages/b", "."], ".", None),
    ],
)
def test_the_nearest_settings_below_the_repository_hold(
    mono: Path, starts: list[str], root: str, max_age: int | None
) -> None:
    config = load_config(*(mono / start for start in starts))
    assert (config.root, config.max_age) == (mono / root, max_age)
    assert config.fixtures == mono / root / "cachy_fixtures"


def test_settings_of_the_repository_hold_where_a_project_below_has_none(mono: Path) -> None:
    (mono / "pyproject.toml").write_text("[tool.cachy]\nmax_age = 3\n")
    assert load_config(mono / "packages" / "b").max_age == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TABLE + "dom = []", r"unknown setting 'dom' in \[tool.cachy\]. Did you mean 'doms'\?"),
        (TABLE + "xyz = 1", "Known settings: alias, base_urls, doms, drift, extend_doms, "),
        (TABLE + "doms = ['https://a.org']", r"wrong \[tool.cachy\] doms: 'https://a.org' is not"),
        (TABLE + "extend-doms = ['a b']", "extend-doms: 'a b' is not a host name"),
        (TABLE + "mode = 'always'", "mode: 'always' is not one of record, replay, refresh, off"),
        (TABLE + "hdrs = ['x-a', 'Authorization']", "hdrs: entry 2, 'Authorization', is never st"),
        (TABLE + "hdrs = ['Transfer-Encoding']", "'Transfer-Encoding', is never stored, as it de"),
        (
            "[tool.cachy.match]\nheaders = ['x-api-key']",
            r"\[tool.cachy.match\] headers: entry 1, 'x-api-key', is never stored",
        ),
        (TABLE + "max_age = true", "max_age: expected a whole number, found True"),
        (TABLE + "base_urls = 'no'", "base_urls: expected true or false, found 'no'"),
        (TABLE + "uncovered = 'block'", "uncovered: 'block' is not one of pass, refuse"),
        (TABLE + "alias = ['a']", "alias: expected a table of strings"),
        (TABLE + "match = 1", r"wrong \[tool.cachy.match\]: expected a table, found 1"),
        (TABLE + "[tool.cachy.match]\nignored = []", "Did you mean 'ignore'?"),
        (TABLE + "[tool.cachy.drift]\nhosts = { a = 1 }", "hosts: expected a table of strings"),
        (TABLE + "doms = [", "is not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(CachyError, match=message) as caught:
        load_config(tmp_path)
    assert caught.value.path == tmp_path / "pyproject.toml"


def test_hosts_are_added_to_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        TABLE + "extend-doms = ['api.example.com']\nalias = {'gw.local:4000' = 'api.openai.com'}\n"
    )
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:4010")
    config = load_config(tmp_path)
    added = {"api.example.com", "gw.local:4000", "127.0.0.1:4010"}
    assert added < {*config.doms}
    assert "api.openai.com" in config.doms
    assert config.base_url_hosts == {"127.0.0.1:4010": "ANTHROPIC_BASE_URL"}
    assert {*override(config, doms=["other.example"]).doms} == {"other.example", *added}


def test_base_urls_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE + "base_urls = false\n")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.local:4000/v1")
    assert "gateway.local:4000" not in load_config(tmp_path).doms


@pytest.mark.parametrize("name", ["authorization", "Cookie", "X-Api-Key", "openai-organization"])
def test_a_header_that_is_never_stored_is_refused_as_an_argument_too(
    name: str, tmp_path: Path
) -> None:
    message = f"hdrs: entry 1, '{name}', is never stored, as it proves or names an account"
    with pytest.raises(CachyError, match=message):
        load_config(tmp_path, hdrs=(name,))
    with pytest.raises(CachyError, match=message):
        override(load_config(tmp_path), hdrs=[name])
