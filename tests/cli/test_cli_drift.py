"""`cachy drift` and `cachy diff` as they are typed: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import run_cachy
from drift_project import ASK, CHAT, CHAT_ANSWER, KEY, drift, record, told, write_config
from github_server import refusal
from pull_request_world import TOKEN, serve_world
from scripted_server import ScriptedResponse, ScriptedServer, json_response, serving

RECORDED, MORE = json_response(CHAT_ANSWER), json_response({**CHAT_ANSWER, "tier": "default"})
RETYPED = json_response({**CHAT_ANSWER, "created": "today"})


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ScriptedServer]:
    """A provider that has been recorded once, and now sends one field more."""
    with serving({CHAT: [RECORDED, MORE]}) as running:
        write_config(tmp_path, running)
        record(tmp_path, running, ASK)
        yield running


def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    done = run_cachy(*arguments, folder=folder, MY_KEY=KEY, **environ)
    assert KEY not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 0), (("--fail-on", "risky"), 0), (("--fail-on", "compatible"), 1)],
)
def test_the_exit_code_follows_the_severity(
    arguments: tuple[str, ...], code: int, tmp_path: Path, provider: ScriptedServer
) -> None:
    assert drift(tmp_path, *arguments)[0] == code


@pytest.mark.parametrize(
    ("answer", "table", "code", "severity"),
    [
        (MORE, '"field-added" = "breaking"', 1, "breaking"),
        (RETYPED, '"type-changed" = "risky"', 0, "risky"),
        (RETYPED, '"type-changed" = "compatible"', 0, "compatible"),
    ],
    ids=["up", "down", "all the way down"],
)
def test_the_config_can_weigh_a_rule_otherwise(
    answer: ScriptedResponse, table: str, code: int, severity: str, tmp_path: Path
) -> None:
    with serving({CHAT: [RECORDED, answer]}) as provider:
        write_config(tmp_path, provider, f"severity = {{ {table} }}\n")
        record(tmp_path, provider, ASK)
        found, report, _ = drift(tmp_path)
    assert (found, [change[0] for change in told(report)]) == (code, [severity])
    assert report["summary"][severity] == 1


def test_only_takes_a_port_as_a_url_has_it_and_says_where_nothing_matches(
    tmp_path: Path, provider: ScriptedServer
) -> None:
    assert drift(tmp_path, "--only", f"{provider.host}/*")[1]["summary"]["checked"] == 1
    code, report, talk = drift(tmp_path, "--only", "nope/*")
    assert (code, report["surfaces"]) == (3, [])
    assert talk.startswith("cachy: --only nope/* matches no fixture. A glob is matched against ")
    assert talk.endswith(f"'{provider.host.replace(':', '_')}/*' matches 1 fixture.\n")


def test_a_terminal_shows_what_is_being_waited_for(
    tmp_path: Path, provider: ScriptedServer
) -> None:
    *_, talk = run(tmp_path, "drift", FORCE_COLOR="1")  # as on a terminal
    assert "Waiting for 127.0.0.1" in talk
    assert "Sending 1 request to 1 host" in talk


def test_a_person_reads_what_changed_and_what_to_do(
    tmp_path: Path, provider: ScriptedServer
) -> None:
    code, said, talk = run(tmp_path, "drift")
    assert (code, talk) == (0, "")
    assert said.splitlines()[0] == f"POST {provider.host}{CHAT}  (1 fixture)"
    assert "compatible field-added" in said
    assert "$.tier" in said
    assert "default" not in said


def test_what_an_api_says_does_not_drive_the_terminal(
    tmp_path: Path, provider: ScriptedServer
) -> None:
    provider.scripts[CHAT] = [json_response({**CHAT_ANSWER, "\x1b]0;hi\x07\n::error::": 1})]
    _, said, _ = run(tmp_path, "drift")
    assert "field-added" in said
    assert not {"\x1b", "\x07"}.intersection(said)
    assert not any(line.startswith("::") for line in said.splitlines())


def test_the_key_goes_to_no_other_host(tmp_path: Path, provider: ScriptedServer) -> None:
    with serving({CHAT: [RECORDED]}) as elsewhere:
        moved = json_response({}, 307, ("Location", f"{elsewhere.url}{CHAT}"))
        provider.scripts[CHAT] = [moved]
        drift(tmp_path)
        record(tmp_path, elsewhere, ASK)
        _, report, _ = drift(tmp_path)
        assert [asked.headers.get("authorization") for asked in elsewhere.requests] == [None]
    assert [entry["reason"] for entry in report["inconclusive"]] == ["provider"]
    assert [entry["reason"] for entry in report["skipped"]] == ["not-allowed"]


def test_what_is_skipped_is_sent_once_the_printed_lines_are_pasted(
    tmp_path: Path, provider: ScriptedServer
) -> None:
    settings = "[tool.cachy]\ndoms = ['127.0.0.1']\n"
    (tmp_path / "pyproject.toml").write_text(settings)
    record(tmp_path, provider, {**ASK, "n": 2})
    code, said, _ = run(tmp_path, "drift")
    assert code == 3  # nothing was checked
    (skipped,) = [line for line in said.splitlines() if line.startswith("skipped: ")]
    assert skipped.startswith(f"skipped: POST {provider.host}{CHAT} (2 fixtures): cachy does not")
    lines = said[said.index("  [tool.cachy.drift]") :].splitlines()[:3]
    (tmp_path / "pyproject.toml").write_text(settings + "\n".join(map(str.strip, lines)))
    code, said, _ = run(tmp_path, "drift", API_KEY=KEY)
    assert (code, "skipped" in said, "checked 1: " in said) == (0, False, True)


@pytest.mark.parametrize(("skips", "code"), [("POST HOST/*", 0), ("GET HOST/*", 3)])
def test_what_the_config_skips_for_good_is_green(
    skips: str, code: int, tmp_path: Path, provider: ScriptedServer
) -> None:
    line = f'[tool.cachy.drift]\nskip = ["{skips.replace("HOST", provider.host)}"]\n'
    (tmp_path / "pyproject.toml").write_text(line)
    found, report, _ = drift(tmp_path)
    assert (found, report["surfaces"][0]["outcome"], provider.count) == (code, "skipped", 1)
    said = run(tmp_path, "drift")[1]
    assert ("covers every surface" in said, said.count("Nothing was checked")) == (
        code == 0,
        code == 0,
    )


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "words"),
    [
        (["--open-pr"], {}, 2, "GITHUB_TOKEN is not set"),
        (["--open-pr"], {"GITHUB_TOKEN": TOKEN}, 2, "is not a git repository"),
        (["--allow-inconclusive", "quotas"], {}, 2, "'quotas' is not a reason. Use auth, quota"),
        (["nowhere"], {}, 2, "nowhere does not exist"),
    ],
)
def test_a_mistake_ends_in_one_line_before_anything_is_sent(
    arguments: list[str],
    environ: dict[str, str],
    code: int,
    words: str,
    tmp_path: Path,
    provider: ScriptedServer,
) -> None:
    found, said, talk = run(tmp_path, "drift", *arguments, **environ)
    assert (found, said, provider.count) == (code, "", 1)
    assert words in talk
    assert talk.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('hosts = { "HOST" = "no header" }', 'Write "header: ${ENV_NAME}"'),
        ('allow = ["HOST/v1"]', "is not a surface"),
        (
            'severity = { "feild-added" = "risky" }',
            "unknown rule 'feild-added'. Did you mean 'field-added'?",
        ),
        ('severity = { "x" = "risky" }', "unknown rule 'x'. cachy explain lists them."),
        ('severity = { "field-added" = "bad" }', "'bad' is not one of breaking"),
        (
            'ignore = [{ path = "$.x", reason = "x" }, { rule = "field-added" }]',
            'ignore, entry 2, { rule = "field-added" } has no reason. Add reason = "…"',
        ),
        ('ignore = [{ paths = "$.x", reason = "x" }]', "'paths' is not one of rule"),
        ('ignore = ["field-added"]', "'field-added' is not one of rule"),
        ('ignore = [{ until = "soon", reason = "x" }]', "'soon' is not a date. Write YYYY-MM-DD."),
        ('ignore = [{ rule = "field-*", reason = " " }]', 'Add reason = "…"'),
        (
            'ignore = [{ rule = "field-remove", reason = "x" }]',
            "entry 1: unknown rule 'field-remove'. Did you mean 'field-removed'?",
        ),
        ('ignore = { rule = "field-added" }', 'ignore: expected a list, such as [{ rule = "…"'),
    ],
)
def test_a_wrong_setting_ends_in_one_line(
    line: str, words: str, tmp_path: Path, provider: ScriptedServer
) -> None:
    config = f"[tool.cachy.drift]\nallow = ['POST {provider.host}/*']\n"
    if line.startswith("allow"):
        config = "[tool.cachy.drift]\n"
    config += line.replace("HOST", provider.host)
    (tmp_path / "pyproject.toml").write_text(config)
    code, said, talk = run(tmp_path, "drift")
    assert (code, said, talk.count("\n"), provider.count) == (2, "", 1, 1)
    assert words in talk


def test_nothing_to_check_is_not_green_and_still_a_report(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    code, report, talk = drift(tmp_path)
    assert (code, report["summary"]["checked"], report["surfaces"]) == (3, 0, [])
    assert talk == "cachy: cachy_fixtures holds no fixtures to check. Record some first.\n"


@pytest.mark.slow
def test_the_report_is_printed_where_the_pull_request_fails(tmp_path: Path) -> None:
    with serve_world(tmp_path) as world, serving({CHAT: [RECORDED, MORE]}) as provider:
        write_config(world.checkout, provider)
        path = record(world.checkout, provider, ASK)
        world.commit_all()
        said = "GitHub Actions is not permitted to create or approve pull requests."
        world.before("POST /pulls", lambda: refusal(403, said))
        environ = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": world.github.url, "HOME": str(tmp_path)}
        code, report, talk = drift(world.checkout, str(path), "--open-pr", **environ)
    assert (code, told(report)) == (2, [("compatible", "field-added", "$.tier")])
    assert "pull_request" not in report
    assert (talk.startswith("cachy: "), talk.count("\n")) == (True, 1)


@pytest.mark.slow
def test_a_project_in_a_subfolder_is_committed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_world(tmp_path) as world, serving({CHAT: [RECORDED, MORE]}) as provider:
        project = world.checkout / "packages" / "app"
        project.mkdir(parents=True)
        write_config(project, provider)
        path = record(project, provider, ASK)
        world.commit_all()
        environ = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": world.github.url, "HOME": str(tmp_path)}
        code, report, talk = drift(project, "--open-pr", **environ)
        name = path.relative_to(world.checkout).as_posix()
        assert world.changed_files("cachy/drift-packages-app") == [f"M\t{name}"]
    assert (code, report["pull_request"]["operation"]) == (0, "created")
    assert talk == f"cachy: pull request {report['pull_request']['url']}: created\n"
    assert [change["fixtures"] for change in report["surfaces"][0]["changes"]] == [
        [path.relative_to(project).as_posix()]
    ]


OLD, NEW = {"id": 1, "usage": {"total": 1}}, {"id": "1", "usage": {"total": 2}}


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def test_two_plain_answers_are_compared(tmp_path: Path) -> None:
    write(tmp_path / "old.json", OLD)
    write(tmp_path / "new.json", NEW)
    code, said, _ = run(tmp_path, "diff", "old.json", "new.json", "--format", "json")
    document = json.loads(said)
    assert code == 1
    assert document == {"cachy": 1, "changes": document["changes"]}
    assert [(c["rule"], c["severity"], c["path"]) for c in document["changes"]] == [
        ("type-changed", "breaking", "$.id")
    ]
    assert run(tmp_path, "diff", "old.json", "old.json")[:2] == (0, "No structural change.\n")


def test_a_rename_is_hinted_in_every_form(tmp_path: Path) -> None:
    write(tmp_path / "old.json", {"id": 1, "usage": {"total": 1, "n": 1}})
    write(tmp_path / "new.json", {"id": 1, "usage": {"all`|": 1, "n": 1}})
    said = {
        form: run(tmp_path, "diff", "old.json", "new.json", "--format", form)[1]
        for form in ("text", "json", "markdown")
    }
    new = '$.usage["all`|"]'
    assert f"$.usage.total: integer (renamed to {new}?)" in said["text"]
    hints = {row["path"]: row["hint"] for row in json.loads(said["json"])["changes"]}
    assert hints == {"$.usage.total": f"renamed to {new}?", new: "renamed from $.usage.total?"}
    quoted = new.replace("`", "\\u0060").replace("|", "\\|")
    assert f"| `$.usage.total` (`renamed to {quoted}?`) | `integer` |" in said["markdown"]


def test_a_header_that_the_project_keeps_is_compared(tmp_path: Path) -> None:
    for name, headers in (("old", {"x-cost": "1"}), ("new", {})):
        response = {"status": 200, "headers": headers, "json": OLD}
        request = {"method": "GET", "url": "https://api.example.com/a"}
        write(
            tmp_path / f"{name}.json",
            {
                "cachy": 1,
                "request": request,
                "response": {
                    **response,
                    "headers": {"content-type": "application/json", **headers},
                },
            },
        )
    assert "No structural change" in run(tmp_path, "diff", "old.json", "new.json")[1]
    (tmp_path / "pyproject.toml").write_text('[tool.cachy]\nhdrs = ["X-Cost"]\n')
    assert "header-removed" in run(tmp_path, "diff", "old.json", "new.json")[1]


def test_two_folders_are_compared_file_by_file(tmp_path: Path) -> None:
    for name in ("a.json", "sub/b.json"):
        write(tmp_path / "old" / name, OLD)
        write(tmp_path / "new" / name, {**OLD, name[:1]: 1})
    write(tmp_path / "old" / "only-here.json", OLD)
    code, said, _ = run(tmp_path, "diff", "old", "new", "--format", "json")
    assert code == 0
    assert [(c["path"], c["fixtures"]) for c in json.loads(said)["changes"]] == [
        ("$.a", ["a.json"]),
        ("$.s", ["sub/b.json"]),
    ]


def test_an_equal_change_of_several_files_is_said_once_with_their_names(tmp_path: Path) -> None:
    for name in "abcdefg":
        write(tmp_path / "old" / f"{name}.json", OLD)
        write(tmp_path / "new" / f"{name}.json", {**OLD, "x": 1})
    write(tmp_path / "new" / "b.json", {**OLD, "y": 1})
    _, said, _ = run(tmp_path, "diff", "old", "new")
    lines = said.splitlines()
    place = next(number for number, line in enumerate(lines) if "$.x" in line)
    assert lines[place + 1].strip() == "In a.json, c.json, d.json and 3 more"
    place = next(number for number, line in enumerate(lines) if "$.y" in line)
    assert lines[place + 1].strip() == "In b.json"
    assert said.count("field-added") == 2
    _, said, _ = run(tmp_path, "diff", "old", "new", "--format", "markdown")
    assert [line.split(" | ")[-1] for line in said.splitlines()] == [
        *("files |", "|---|---|---|---|---|---|---|"),
        *("`a.json, c.json, d.json and 3 more` |", "`b.json` |"),
    ]


def test_a_baseline_teaches_what_varies(tmp_path: Path) -> None:
    write(tmp_path / "old.json", {"id": 1, "note": "x"})
    write(tmp_path / "new.json", {"id": 2})
    write(tmp_path / "more" / "a.json", {"id": 3})
    assert "field-removed" in run(tmp_path, "diff", "old.json", "new.json")[1]
    _, said, _ = run(tmp_path, "diff", "old.json", "new.json", "--baseline", "more")
    assert said == "No structural change.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["old.json", "nowhere.json"], "nowhere.json does not exist"),
        (["old.json", "."], "Name two files, or two folders"),
        (["old.json", "text.json"], "text.json is not valid JSON"),
        (["old.json", "binary.json"], "binary.json is not UTF-8"),
        (["old.json", "newer.json"], "newer.json has format 99"),
        (["old.json", "broken.json"], "broken.json is not a valid fixture"),
        (["old.json", "old.json", "--baseline", "nowhere"], "nowhere does not exist"),
        (["old.json", "old.json", "--baseline", "old.json"], "Name a folder"),
        (["empty", "empty"], "have no file name in common"),
    ],
)
def test_bad_input_of_diff_ends_in_one_line(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    write(tmp_path / "old.json", OLD)
    write(tmp_path / "newer.json", {"cachy": 99, "response": {}})
    write(tmp_path / "broken.json", {"cachy": 1, "response": {"sse": 5}})
    (tmp_path / "text.json").write_text("{")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    (tmp_path / "empty").mkdir()
    code, said, talk = run(tmp_path, "diff", *arguments)
    assert (code, said, talk.count("\n")) == (2, "", 1)
    assert words in talk
