"""Every SDK of docs/sdks.md, in every way of calling it: record, replay, keyless, miss."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from foreign import aimock, free_port, llmock, make_environment, run_program, running
from places import TESTS
from scripted_server import ScriptedServer, serving
from sdks import provider
from sdks.matrix import ENVIRONMENTS, RETRIED, ROWS, Row

from cachy.replay.placeholder_keys import PLACEHOLDER

__all__ = ["aimock", "llmock"]  # pytest fixtures
KEY = "test-key-that-nobody-has"
KEYS = {
    name: KEY
    for name in (
        *{row.key for row in ROWS if row.key},
        *("AWS_SECRET_ACCESS_KEY", "MISTRAL_API_KEY", "REPLICATE_API_TOKEN"),
    )
}
# litellm would fetch its prices and huggingface_hub count its users.
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_DISABLE_TELEMETRY": "1"}
IN_PARALLEL = ("gather", "threads")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
every_sdk = pytest.mark.parametrize("row", ROWS, ids=[row.module for row in ROWS])


@dataclass(frozen=True)
class Run:
    """What one SDK's two processes reported: the recording one, and the one that followed it."""

    project: Path
    recording: dict[str, Any]
    following: dict[str, Any]

    @property
    def recorded(self) -> dict[str, Any]:
        return dict(self.recording["record"])


@dataclass(frozen=True)
class Providers:
    """Who answers while recording."""

    own: ScriptedServer
    foreign: dict[str, int]  # ports, by name

    def of(self, row: Row) -> tuple[str, str]:
        foreign = f"http://127.0.0.1:{self.foreign[row.provider]}{row.path or ''}"
        return foreign, f"{self.own.url}/{row.module}"


@pytest.fixture(scope="session")
def providers(request: pytest.FixtureRequest) -> Iterator[Providers]:
    """Start our provider, and those foreign ones that the chosen tests need."""
    with ExitStack() as stack:
        own = stack.enter_context(serving())
        provider.serve(own)
        ports = {}
        for name in sorted({row.provider for row in chosen(request)}):
            ports[name] = free_port()
            command = request.getfixturevalue(name)
            stack.enter_context(running(command(ports[name]), ports[name]))
        yield Providers(own, ports)


@pytest.fixture(scope="session")
def installing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Path]]]:
    """Install the SDKs that the chosen tests need, while their providers start."""
    folder = tmp_path_factory.mktemp("environments")
    with ThreadPoolExecutor(len(ENVIRONMENTS)) as pool:
        yield {
            name: pool.submit(make_environment, folder / name, *ENVIRONMENTS[name])
            for name in sorted({row.environment for row in chosen(request)})
        }


@pytest.fixture(scope="session")
def run_of(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    installing: dict[str, Future[Path]],
    providers: Providers,
) -> Iterator[Callable[[Row], Run]]:
    """Run every chosen SDK's programs, two at a time; return what they reported, by SDK."""
    folder = tmp_path_factory.mktemp("projects")
    with ThreadPoolExecutor(2) as pool:
        runs = {
            row: pool.submit(run_sdk, row, folder / row.module, installing, providers)
            for row in chosen(request)
        }
        yield lambda row: runs[row].result()
        pool.shutdown(cancel_futures=True)


def chosen(request: pytest.FixtureRequest) -> list[Row]:
    """List the SDKs of the tests that are going to run."""
    params = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = {id(found.params.get("row")) for found in params if found}
    return [row for row in ROWS if id(row) in wanted]


def run_sdk(
    row: Row, project: Path, installing: dict[str, Future[Path]], providers: Providers
) -> Run:
    project.mkdir()
    surfaces = json.dumps(provider.polling(providers.own))
    (project / "pyproject.toml").write_text(f"[tool.cachy]\npolling = {surfaces}\n")
    python = str(installing[row.environment].result())
    packages = ",".join(row.packages)
    program = [python, "-m", "sdks.program", row.module, *providers.of(row), packages]
    environ = {**QUIET, "HOME": str(project), "PYTHONPATH": str(TESTS)}
    recording = run_program([*program, "record"], project, **environ, **KEYS)
    following = run_program([*program, *row.phases], project, **environ)
    return Run(project, recording, following)


@every_sdk
def test_an_sdk_gives_the_same_objects_with_its_provider_gone(
    row: Row, run_of: Callable[[Row], Run], record_property: Callable[[str, object], None]
) -> None:
    run = run_of(row)
    assert {way: told for way, told in run.recorded.items() if str(told).startswith("failed")} == {}
    assert run.following["replay"] == run.recorded
    assert run.following["opened"] == []
    assert ways(run.recorded) == set(row.ways.split(", "))
    versions = " ".join(f"{name} {version}" for name, version in run.recording["versions"].items())
    slowest = max(seconds for *_, seconds in run.following["miss"].values())
    record_property("sdk", f"{versions}: {row.ways}; slowest miss {slowest:.2f} s")


@every_sdk
def test_an_sdk_replays_with_no_key_while_recording_too(
    row: Row, run_of: Callable[[Row], Run]
) -> None:
    run = run_of(row)
    assert run.following["keyless"] == run.recorded
    assert run.following["keys"] == "untouched"


@every_sdk
def test_a_key_that_is_set_is_used_as_it_is_and_written_nowhere(
    row: Row, run_of: Callable[[Row], Run], providers: Providers
) -> None:
    run = run_of(row)
    assert run.recording["keys"] == "untouched"
    asked = [one for one in providers.own.requests if one.path.startswith(f"/{row.module}/")]
    assert asked
    if row.key:
        assert any(KEY in str(one.headers) for one in asked)
    assert not any(KEY in path.read_text() for path in run.project.rglob("*.json"))


@every_sdk
def test_a_miss_comes_through_an_sdk_in_our_words_after_one_attempt(
    row: Row, run_of: Callable[[Row], Run]
) -> None:
    missed = run_of(row).following["miss"]
    assert ways(missed) == set(row.ways.split(", "))
    for way, (words, attempts, _) in missed.items():
        assert words.startswith("No fixture answers "), way
        assert attempts == 1 or way.partition(":")[0] in IN_PARALLEL, way


@every_sdk
def test_an_sdk_meets_faults_as_its_row_says(row: Row, run_of: Callable[[Row], Run]) -> None:
    """Its own retries get the recorded answer, or it raises its own exception.

    instructor sends the error of a malformed event in its next prompt, which nobody recorded.
    """
    ended = run_of(row).following["faults"]
    missed = [name for name, said in ended.items() if said == "UnrecordedRequest"]
    assert missed == (["streamed: malformed after 2 events"] if row.name == "instructor" else [])
    assert run_of(row).following["opened"] == []
    retried = [fault for fault in RETRIED if all_answered(ended, fault)]
    assert row.retries is None or retried == list(row.retries)


def all_answered(ended: dict[str, str], fault: str) -> bool:
    outcomes = [
        said for name, said in ended.items() if name in (f"plain: {fault}", f"async: {fault}")
    ]
    return bool(outcomes) and set(outcomes) == {"answered"}


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.key], ids=[row.module for row in ROWS if row.key]
)
def test_a_placeholder_is_never_sent(
    row: Row, run_of: Callable[[Row], Run], providers: Providers
) -> None:
    for way, (words, *_) in run_of(row).following["unsent"].items():
        assert words.startswith("No fixture answers "), way
        assert " isn't set" in words, way
    assert not any(PLACEHOLDER in str(one) for one in providers.own.requests)


def ways(told: dict[str, Any]) -> set[str]:
    return {name.partition(":")[0] for name in told}
