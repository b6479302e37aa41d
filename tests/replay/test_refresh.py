"""Refreshing: only what was named is recorded again, also where a provider refuses."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from commands import start_cachy
from conftest import CERTIFICATES, Scope, fixtures_in, refused
from scripted_server import ScriptedServer, json_response, serving

ASK = """\
import sys, httpx
for url in sys.argv[1:]:
    try:
        print(httpx.get(url).status_code)
    except httpx.HTTPError as error:
        print(type(error).__name__)
"""


@pytest.fixture
def providers(project: Path, recording: Scope) -> Iterator[tuple[ScriptedServer, ...]]:
    """Two providers, of each of which a first answer was recorded."""
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    (project / "ask.py").write_text(ASK)
    with serving() as one, serving() as two:
        with recording(), httpx.Client(verify=CERTIFICATES) as client:
            for origin in (one, two):
                client.get(f"{origin.url}/v1/items")
                client.get(origin.on("/v1/same", json_response({"a": 1})))
        yield one, two


def urls(*origins: ScriptedServer) -> list[str]:
    return [f"{origin.url}/v1/{name}" for origin in origins for name in ("items", "same")]


def contents(project: Path) -> dict[str, bytes]:
    return {
        path.parts[-4]: path.read_bytes() for path in fixtures_in(project) if "items" in str(path)
    }


def folder_of(origin: ScriptedServer) -> str:
    return f"127.0.0.1_{origin.port}"


@pytest.mark.slow
def test_only_what_matches_is_recorded_again(
    providers: tuple[ScriptedServer, ...], project: Path
) -> None:
    one, two = providers
    before = contents(project)
    only = ["--mode", "refresh", "--only", f"{folder_of(one)}/*"]
    done = start_cachy("run", *only, "--", "python", "ask.py", *urls(one, two), folder=project)
    assert done.stdout.split() == ["200"] * 4, done.stderr
    summary = "2 replayed, 0 recorded, 2 refreshed (1 changed, 1 equal), 0 refused, 0 missed"
    assert done.stderr.splitlines()[-1] == f"cachy: {summary}"
    assert (one.count, two.count) == (4, 2)
    after = contents(project)
    assert after[folder_of(one)] != before[folder_of(one)]
    assert after[folder_of(two)] == before[folder_of(two)]


@pytest.mark.slow
def test_a_pattern_may_hold_the_port_as_a_url_does(
    providers: tuple[ScriptedServer, ...], project: Path
) -> None:
    one, two = providers
    only = ["--mode", "refresh", "--only", f"127.0.0.1:{one.port}/*"]
    done = start_cachy("run", *only, "--", "python", "ask.py", *urls(one, two), folder=project)
    assert done.returncode == 0, done.stderr
    assert (one.count, two.count) == (4, 2)


@pytest.mark.slow
def test_a_pattern_that_matches_nothing_is_reported(
    providers: tuple[ScriptedServer, ...], project: Path
) -> None:
    only = ["--mode", "refresh", "--only", "nowhere/*"]
    done = start_cachy("run", *only, "--", "python", "ask.py", *urls(*providers), folder=project)
    assert done.stderr.startswith("cachy: --only nowhere/* matches no fixture so far. A glob is ")
    assert (done.returncode, done.stderr.splitlines()[-2:]) == (
        2,
        [
            "cachy: 4 replayed, 0 recorded, 0 refused, 0 missed",
            "cachy: --only nowhere/* matches no fixture. `cachy ls` lists them.",
        ],
    )


def test_what_does_not_match_never_goes_live(
    providers: tuple[ScriptedServer, ...], recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = providers
    monkeypatch.setenv("CACHY_ONLY", f"{folder_of(one)}/*")
    with recording(), httpx.Client(verify=CERTIFICATES) as client:
        client.get(f"{one.url}/v1/new")
        with refused("for --only 127.0.0.1_(.|\n)*Record it: take it into --only"):
            client.get(f"{two.url}/v1/new")
    assert (one.count, two.count) == (3, 2)


SLOW = [pytest.param(status, marks=pytest.mark.slow) for status in (401, 503)]


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, *SLOW])
def test_a_provider_that_refuses_does_not_stop_the_others(
    status: int, providers: tuple[ScriptedServer, ...], project: Path
) -> None:
    one, two = providers
    before = contents(project)
    one.on("/v1/items", json_response({"error": "no"}, status))
    done = start_cachy(
        "run", "--mode", "refresh", "--", "python", "ask.py", *urls(one, two), folder=project
    )
    assert done.stdout.split() == [str(status), "200", "200", "200"]
    assert f"not recorded: GET {one.url}/v1/items: status {status}" in done.stderr
    summary = "0 replayed, 0 recorded, 3 refreshed (1 changed, 2 equal), 1 refused, 0 missed"
    assert done.stderr.splitlines()[-1] == f"cachy: {summary}"
    after = contents(project)
    assert after[folder_of(one)] == before[folder_of(one)]
    assert after[folder_of(two)] != before[folder_of(two)]


@pytest.mark.slow
def test_a_provider_that_is_down_does_not_stop_the_others(
    providers: tuple[ScriptedServer, ...], project: Path
) -> None:
    _, two = providers
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{unused.getsockname()[1]}/v1/items"
    done = start_cachy(
        "run", "--mode", "refresh", "--", "python", "ask.py", down, *urls(two), folder=project
    )
    assert done.stdout.split() == ["ConnectError", "200", "200"]
    assert f"not recorded: GET {down}: could not be reached (ConnectError)" in done.stderr
    counts = "2 refreshed (1 changed, 1 equal), 0 refused, 1 could not be reached, 0 missed"
    assert done.stderr.endswith(f"{counts}\n")
