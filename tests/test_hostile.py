"""A pull request from a stranger: whatever its fixtures hold, the answer is one clear line."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachy.cli.ls import list_rows
from cachy.compare.compared_files import compare_files
from cachy.config import Config
from cachy.drift.check import load_fixtures
from cachy.drift.live.plan import make_plan, parse_cases
from cachy.errors import CachyError
from cachy.fixture.store.files import LARGEST, list_fixtures, read_text
from cachy.fixture.store.store import Store, load_whole
from cachy.fixture.transcript.transcript import render_transcript
from cachy.verify import verify
from cachy.verify.report import render_sarif, render_text

ROOT = Path(__file__).parent / "fixtures_v1"
CHAT = "api.openai.com/v1/chat/completions/what-is-this-0d43e8adcf7c8bb2.json"
STREAM = "api.anthropic.com/v1/messages/hello-0abde7e1b36bf396.json"
SECRET = "what lies outside"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A project with fixtures of every kind; above it lies what nobody may read or write."""
    root = tmp_path / "project"
    shutil.copytree(ROOT, root / "cachy_fixtures")
    (root / "pyproject.toml").touch()
    return Config(root=root, fixtures=root / "cachy_fixtures", max_age=10_000)


def told(work: Callable[[], Any]) -> str:
    """Do something with a hostile file: it works, or says one clear line."""
    try:
        work()
    except CachyError as error:
        return str(error)
    return ""


def do_everything(path: Path, config: Config) -> None:
    """Everything that reads a fixture; what is no CachyError ends the test."""
    findings = verify(config, [path])
    assert json.dumps(json.loads(render_sarif(findings, 1))).isprintable()
    assert all(line.isprintable() for line in render_text(findings, 1).splitlines())
    told(lambda: render_transcript(load_whole(path).document))
    told(lambda: Store(config.fixtures).read(str(path)))
    told(lambda: make_plan(parse_cases(load_fixtures(config, [path]), config), [], config))
    assert all(row["fixture"] for row in list_rows(config))


DEEP = "[" * 5000 + "]" * 5000
TEXTS = {
    "deep": f'{{"cachy": 1, "request": {DEEP}, "response": {{}}}}',
    "deeper": "[" * 1_000_000,
    "deep objects": '{"cachy": 1, "request": ' + '{"a":' * 90_000,
    "a huge number": '{"cachy": 1, "request": ' + "9" * 5000 + "}",
    "a huge version": '{"cachy": ' + "9" * 4000 + "}",
    "infinite": '{"cachy": 1e999}',
    "no number": '{"cachy": NaN}',
    "true": '{"cachy": true, "request": {}, "response": {}}',
    "empty": "",
    "blanks": " " * 100_000,
    "half a sign": '{"cachy": 1, "request": {"method": "\\ud800", "url": "\\ud800"}}',
    "no UTF-8": "\udcff",
    "only quotes": '"' * 50_000,
    "escapes": '"' + "\\" * 100_001,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_no_fixture_is_a_finding(text: str, config: Config) -> None:
    path = config.fixtures / CHAT
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    start = time.process_time()
    do_everything(path, config)
    assert {finding.rule for finding in verify(config, [path])} <= {
        *("unreadable", "newer-format", "invalid")
    }
    assert verify(config, [path])
    assert time.process_time() - start < 10


ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 200, 10**40, 1e308, "", "x", "\u202e\x1b[31m", "a\nb\nc\nd"),
    *([], {}, [[]], [None], ["a"], [["a", "b"]], {"a": 1}, [{"data": 1}], [{"data": []}]),
    *({"$lines": ["a"]}, {"$lines": 1}, {"$lines": [1, None]}, {"$lines": ["a"], "x": 1}),
    *({"$blob": "x"}, {"$blob": 5}, {"$blob": "0123456789abcdef.png"}, {"$blob": "../../x"}),
    *("http://[::1", "https://a:99999/", "https://\x00/", "HTTP://A/../..", "A1b" * 3000),
)
FIELDS = st.sampled_from(
    [
        *("cachy", "recorded", "request", "response", "method", "url", "headers", "status", "json"),
        *("sse", "ndjson", "form", "multipart", "text", "base64", "blob", "truncated", "encoding"),
        *("at", "sdk", "data", "event", "name", "bytes", "model", "messages", "role", "content"),
        *("choices", "delta", "usage", "input", "tools", "function", "tool_calls", "message"),
        *("output", "parts", "candidates", "error", "type", "id", "arguments", "index"),
    ]
)
WAYS = st.lists(st.integers(0, 9), max_size=6)


def mutated(document: Any, way: list[int], field: str, odd: Any) -> Any:
    """Put an odd value somewhere."""
    place = document
    for step in way:
        below = list(place.values()) if isinstance(place, dict) else place
        inner = [item for item in below if isinstance(item, (dict, list))]
        place = inner[step % len(inner)] if inner else place
    if isinstance(place, dict):
        place[field] = odd
    else:
        place.insert(0, odd)
    return document


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*list_fixtures(ROOT)]),
    st.lists(st.tuples(WAYS, FIELDS, st.sampled_from(ODD)), max_size=3),
)
def test_odd_values_in_odd_places_are_told(
    tmp_path_factory: pytest.TempPathFactory,
    source: Path,
    places: list[tuple[list[int], str, Any]],
) -> None:
    document = json.loads(read_text(source))
    for way, field, odd in places:
        document = mutated(document, way, field, copy.deepcopy(odd))
    root = tmp_path_factory.getbasetemp() / "odd"
    path = root / "cachy_fixtures" / source.relative_to(ROOT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    do_everything(path, Config(root=root, fixtures=root / "cachy_fixtures"))
    path.unlink()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([CHAT, STREAM]), st.integers(0, 3000), st.binary(max_size=9), st.integers(0, 40)
)
def test_broken_bytes_are_told(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: int, put: bytes, cut: int
) -> None:
    raw = (ROOT / name).read_bytes()
    root = tmp_path_factory.getbasetemp() / "bytes"
    path = root / "cachy_fixtures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw[:at] + put + raw[at + cut :])
    do_everything(path, Config(root=root, fixtures=root / "cachy_fixtures"))


def link_file(config: Config, outside: Path) -> Path:
    path = config.fixtures / CHAT
    path.unlink()
    path.symlink_to(outside / "fixture.json")
    return path


def link_folder(config: Config, outside: Path) -> Path:
    folder = (config.fixtures / CHAT).parent
    shutil.rmtree(folder)
    folder.symlink_to(outside, target_is_directory=True)
    shutil.copy(ROOT / CHAT, outside / Path(CHAT).name)
    return config.fixtures / CHAT


@pytest.mark.parametrize("link", [link_file, link_folder])
def test_a_link_out_of_the_folder_is_neither_read_nor_written(
    link: Callable[[Config, Path], Path], config: Config, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    text = read_text(ROOT / CHAT).replace("A fox.", SECRET)
    (outside / "fixture.json").write_text(text)
    path = link(config, outside)
    before = {file: file.read_bytes() for file in outside.iterdir()}
    findings = [found for found in verify(config) if found.rule == "unsafe-path"]
    assert len(findings) == 1
    assert "by a link" in told(lambda: Store(config.fixtures).read(str(path)))
    assert SECRET not in json.dumps(list_rows(config))
    assert path not in [*list_fixtures(config.fixtures)]
    for command in (["show"], ["verify"], ["verify", "--fix"], ["diff", str(ROOT / CHAT)]):
        done = cachy(*command, str(path), folder=config.root)
        assert done.returncode in (1, 2)
        assert SECRET not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert before == {file: file.read_bytes() for file in outside.iterdir()}


def cachy(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cachy", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_links_in_a_circle_end(config: Config) -> None:
    for name in ("a", "b"):
        (config.fixtures / "api.openai.com" / name).symlink_to("..", target_is_directory=True)
    start = time.process_time()
    assert {found.rule for found in verify(config)} == {"truncated"}
    store = Store(config.fixtures)
    identity = parse_cases(load_fixtures(config, [config.fixtures / CHAT]), config)
    assert identity
    assert store.read(str(config.fixtures / CHAT))
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", ["hey\u202e-", "a\x1b[31m-", "a\nb-", "\u200b-"])
def test_a_name_that_hides_what_it_is_is_found(name: str, config: Config) -> None:
    path = config.fixtures / CHAT
    path.rename(path.with_name(name + path.name[-21:]))
    findings = [found for found in verify(config) if found.rule == "unsafe-path"]
    assert len(findings) == 1
    assert all(line.isprintable() for line in render_text(findings, 1).splitlines())


def test_names_that_differ_by_case_are_found(config: Config) -> None:
    folder = config.fixtures / "api.openai.com"
    shutil.copytree(folder / "v1" / "responses", folder / "V1" / "responses")
    details = [found.detail for found in verify(config) if found.rule == "unsafe-path"]
    assert details == ["another differs by case only"] * 4


def test_a_file_too_large_to_be_committed_is_not_read(config: Config) -> None:
    path = config.fixtures / CHAT
    with path.open("ab") as file:
        file.truncate(LARGEST + 1)  # takes no room on the disk
    start = time.process_time()
    do_everything(path, config)
    (finding,) = verify(config, [path])
    assert (finding.rule, "larger than 100 MiB" in finding.detail) == ("unreadable", True)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("odd", ODD[:9], ids=repr)
def test_a_fixture_that_is_not_whole_is_not_compared(
    odd: Any, config: Config, tmp_path: Path
) -> None:
    document = json.loads(read_text(ROOT / CHAT))
    document["response"] = odd
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(document))
    assert "no whole fixture" in told(lambda: compare_files(config.fixtures / CHAT, path))
