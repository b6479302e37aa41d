"""The documents say what is there, and what is there is documented."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import yaml
from forking import run_module, run_script
from places import ROOT
from realtime_server import realtime_script
from scripted_aws import Aws
from scripted_server import json_response, serving
from sdks.matrix import FOUR, ROWS
from test_architecture import ROOMS, SUBROOMS
from websocket_server import serving_websockets

from cachy.cli import COMMANDS, program
from cachy.compare.catalogue.rules import RULES as CHANGES
from cachy.config import Config, load_config
from cachy.config.check import SECTIONS, SETTINGS
from cachy.fixture.compose import compose
from cachy.fixture.document import request_of
from cachy.fixture.format.render import render_fixture
from cachy.fixture.format.text import parse_fixture
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.fixture.replayed import response_of
from cachy.structure.contract_file import parse_contract
from cachy.verify import RULES as FINDINGS

README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [README, *PAGES, *sorted((ROOT / ".github").glob("*.md"))]


class Block(NamedTuple):
    """A code block, by the document and the line where it starts."""

    where: str
    language: str
    text: str


def blocks(*languages: str) -> list[Block]:
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for block in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            where = f"{path.name}:{text.count(chr(10), 0, block.start()) + 1}"
            found.append(Block(where, block[1], block[2]))
    return [block for block in found if block.language in languages]


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def named(block: Block) -> str:
    return block.where


def test_the_readme_is_short_and_has_the_two_lines() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert "python -m pip install . && cachy demo" in lines[:40]
    test_line = "python -m pip install '.[test]' && python -m pytest"
    assert any(line.startswith(test_line) for line in lines[:40])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_short_and_reached_from_the_readme(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert text.startswith("# ")
    assert f"docs/{path.name}" in README.read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    """The fragments that GitHub makes of a document's headings."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, fragment = target.partition("#")
        linked = path.parent / name if name else path
        assert linked.is_file(), target
        assert not fragment or fragment in anchors(linked), target


@pytest.mark.parametrize("path", [ROOT / "docs/extending.md", ROOT / ".github/CONTRIBUTING.md"])
def test_every_file_that_contributors_are_sent_to_is_there(path: Path) -> None:
    named = re.findall(r"`((?:cachy|tests|action)/[\w/.]+)`", path.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert named


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    text = section(page("commands"), f"cachy {name}")
    options = [option for option in command.params if isinstance(option, click.Option)]
    missing = [option.opts[-1] for option in options if f"`{option.opts[-1]}" not in text]
    assert missing == []


def test_every_setting_is_documented() -> None:
    keys = {*SETTINGS, *(f"{name}.{key}" for name, (_, rows) in SECTIONS.items() for key in rows)}
    written = {key.replace("-", "_") for key in re.findall(r"`([\w.-]+)`", page("settings"))}
    assert keys - written == set()


def test_every_rule_is_documented() -> None:
    text = page("rules")
    rows = [f"| `{rule.id}` | {rule.severity} | {rule.what} |" for rule in FINDINGS.values()]
    rows += [f"| `{rule.id}` | {rule.severity} | {rule.what} |" for rule in CHANGES.values()]
    assert [line for line in text.splitlines() if line.startswith("| `")] == rows


def test_every_rule_explains_itself() -> None:
    for rule in CHANGES.values():
        assert rule.what
        assert rule.why
        assert rule.example
        assert rule.advice
    assert not set(CHANGES) & set(FINDINGS)


def test_every_exit_code_is_documented() -> None:
    assert re.findall(r"^\| \*\*(\d)\*\* \|", section(page("ci"), "Exit codes"), re.MULTILINE) == [
        *"0123"
    ]


def test_the_sdks_are_those_of_the_tests() -> None:
    rows = [line.split("|")[1:-1] for line in page("sdks").splitlines() if line.startswith("|")]
    documented = {}
    for name, *ticks, also in ([cell.strip() for cell in row] for row in rows[2:]):
        ways = [way for way, tick in zip(FOUR, ticks, strict=True) if tick]
        documented[name] = {*ways, *also.split(", ")}
    assert documented == {row.name: set(row.ways.split(", ")) for row in ROWS}


def test_the_packages_of_npm_are_those_of_the_tests() -> None:
    rows = [line.split("|")[1:-1] for line in page("serve").splitlines() if "✓ |" in line]
    documented = {
        name.replace("`", "").strip() + way
        for name, *ticks in rows
        for way, tick in zip(("", ", streamed"), ticks, strict=True)
        if tick.strip()
    }
    code = (ROOT / "tests/node/app.mjs").read_text(encoding="utf-8")
    tested = {name for name in re.findall(r'^  "(.+)": async', code, re.MULTILINE)}
    assert documented == tested - {"openai responses"}


FIXTURE = re.compile(r"`cachy_fixtures/([^`]+)\.json`:\n\n```json\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(("name", "text"), FIXTURE.findall(page("fixtures")))
def test_the_fixtures_are_what_cachy_writes(name: str, text: str) -> None:
    document, config = parse_fixture(text), Config()
    request, response = request_of(document, no_blob), response_of(document, no_blob)
    whole = response._replace(body=response.body or b"".join(response.chunks), chunks=())
    assert identify_settled(request, config).name == name
    assert render_fixture(compose(request, whole, document["recorded"], config)[0]) == text


def no_blob(name: str) -> bytes:
    raise AssertionError(name)


def test_one_fixture_is_plain_and_one_is_streamed() -> None:
    bodies = [
        "sse" if '"sse": ' in text else "json" for _, text in FIXTURE.findall(page("fixtures"))
    ]
    assert bodies == ["json", "sse"]


def test_the_contract_is_one_that_cachy_reads() -> None:
    (contract,) = [block for block in blocks("json") if block.where.startswith("contracts")]
    assert parse_contract(contract.text)


@pytest.mark.parametrize("block", blocks("toml"), ids=named)
def test_the_settings_are_accepted(block: Block, project: Path) -> None:
    (project / "pyproject.toml").write_text(block.text, encoding="utf-8")
    assert load_config().root == project


@pytest.mark.parametrize("block", blocks("yaml"), ids=named)
def test_the_yaml_parses(block: Block) -> None:
    assert yaml.safe_load(block.text)


@pytest.mark.parametrize("block", blocks("sh"), ids=named)
def test_the_commands_are_accepted(block: Block) -> None:
    for line in block.text.splitlines():
        words = shlex.split(line.replace("&&", ";"), comments=True)
        while "cachy" in words:
            words = words[words.index("cachy") + 1 :]
            end = next((at for at, word in enumerate(words) if word in (";", ">")), len(words))
            if words[:1] and words[0] in COMMANDS:
                program.make_context("cachy", words[:end], resilient_parsing=True)
                command = program.get_command(click.Context(program), words[0])
                assert command is not None
                command.make_context(words[0], words[1:end])


def drawn_rooms() -> dict[str, list[str]]:
    """Return the rooms of the drawing, with the folders below each, from the highest down."""
    drawing = section(page("how-it-works"), "The rooms").partition("```text\n")[2]
    rooms: dict[str, list[str]] = {}
    for line in drawing.partition("```")[0].splitlines():
        name = line.split()[0]
        if line.startswith("  "):
            rooms[[*rooms][-1]].append(name)
        else:
            rooms[name] = []
    return rooms


def test_the_drawing_has_every_room_in_its_order() -> None:
    assert [*drawn_rooms()] == list(reversed(ROOMS))


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "cli"])
def test_the_drawing_has_every_folder_of_a_room_in_its_order(room: str) -> None:
    """A command may be a folder, and a folder `autostart` is for Python to find."""
    drawn = drawn_rooms()[room]
    folders = {path.parent.name for path in (ROOT / "cachy" / room).glob("*/*.py")}
    assert set(drawn) == folders - {"autostart"}
    order = [part for part in reversed(SUBROOMS.get(room, [])) if part in folders]
    assert [name for name in drawn if name in order] == order


SDK = ("openai",)
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1763974500,
    "model": "gpt-4.1",
    "output": [],
    "status": "completed",
}


@contextmanager
def providing(block: Block) -> Iterator[str]:
    """Serve what a block asks for: HTTP, or OpenAI's Realtime."""
    if "realtime.connect" in block.text:
        with serving_websockets(**realtime_script()) as server:
            yield server.url.replace("ws", "http", 1)
    else:
        scripts = {"/v1/responses": [json_response(RESPONSE)]}
        with serving(scripts, otherwise=Aws().respond) as origin:
            yield origin.url


# The others need a package of their own: tests/sdks/test_mcp_sdk.py runs them.
RUNNABLE = [block for block in blocks("python") if not re.search(r"^from mcp", block.text, re.M)]


@pytest.mark.slow
@pytest.mark.parametrize("block", RUNNABLE, ids=named)
def test_the_python_runs(block: Block, project: Path) -> None:
    """A block that names its test file runs under pytest, any other as a script."""
    (project / "pyproject.toml").write_text("[tool.cachy]\n", encoding="utf-8")
    title = re.match(r"# (test_\w+\.py)\n", block.text)
    name = title[1] if title else "script.py"
    (project / name).write_text(block.text, encoding="utf-8")
    with providing(block) as url:
        added = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "unused"}
        added |= dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "unused")
        added |= {f"AWS_ENDPOINT_URL_{name}": url for name in ("BEDROCK_RUNTIME", "DYNAMODB")}
        added |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p cachy.pytest_plugin"}
        given: Any = {"folder": project, "environ": {**os.environ, **added}, "loaded": SDK}
        if title:
            done = run_module("pytest", "-q", name, **given)
        else:
            done = run_script(project / name, **given)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_first_recording_by_the_readme_replays(project: Path) -> None:
    """The README's first block records, and replays with the provider stopped and no key."""
    (block, *_) = [block for block in blocks("python") if block.where.startswith("README")]
    (project / "pyproject.toml").touch()
    script = block.text + "\nprint(json.dumps(reply.model_dump(mode='json'))[:0] + reply.id)\n"
    (project / "script.py").write_text("import json\n" + script, encoding="utf-8")

    def run(**added: str) -> str:
        environ = {**os.environ, **added}
        done = run_script(project / "script.py", folder=project, environ=environ, loaded=SDK)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with serving({"/v1/responses": [json_response(RESPONSE)]}) as server:
        base = f"{server.url}/v1"
        assert run(OPENAI_BASE_URL=base, OPENAI_API_KEY="unused") == "resp_1\n"
    assert run(OPENAI_BASE_URL=base, CI="true") == "resp_1\n"
    assert json.loads(next(project.rglob("resp*/*.json")).read_text())["response"]["status"] == 200
